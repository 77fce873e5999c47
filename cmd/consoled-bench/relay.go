//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
)

// relayRole is the argument that makes this program a bare SSH server: each
// session is copied to a device and back, with no rights, record or lock. No
// gateway that is written on the same SSH library can be faster than that, so
// what it takes tells the machine from the gateway.
const relayRole = "relay"

// serveRelay lets anybody in at addr and joins them to the device.
func serveRelay(addr, device, hostKey string) error {
	text, err := os.ReadFile(hostKey)
	if err != nil {
		return err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return err
	}
	anybody := func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
	config := &ssh.ServerConfig{PublicKeyCallback: anybody}
	config.AddHostKey(key)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go relay(conn, config, device) // ends with the process
	}
}

func relay(conn net.Conn, config *ssh.ServerConfig, device string) {
	defer conn.Close()
	_, sessions, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for s := range sessions {
		channel, requests, err := s.Accept()
		if err != nil {
			return
		}
		line, err := net.Dial("tcp", device)
		if err != nil {
			return
		}
		go agree(requests)
		go func() {
			// Plain reads and writes: no goroutine, no copy that a gateway could do without.
			io.Copy(struct{ io.Writer }{line}, channel)
			line.Close()
		}()
		go func() {
			io.Copy(channel, struct{ io.Reader }{line})
			channel.Close()
		}()
	}
}

// agree grants whatever a session asks for.
func agree(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.WantReply {
			r.Reply(true, nil)
		}
	}
}

// bareEcho is the echo through a relay that does nothing else.
func (r *rig) bareEcho(ctx context.Context, s *site) (err error) {
	c, ok := s.server.(*consoled)
	if !ok {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := startProcess(filepath.Join(s.dir, "relay.log"), self, relayRole, addr, fmt.Sprintf("127.0.0.1:%d", r.people.echoPort), c.hostKey)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	to := s.call(s, echoName, true)
	to.Addr = addr
	if err := until(ctx, 10*time.Second, func() bool { return to.knock(ctx) == nil || !p.running() }); err != nil {
		return err
	}
	return r.typeAt(s, to, "through a bare SSH relay")
}
