//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// personLimit is how long a person tries to get in.
const personLimit = 20 * time.Second

// A call is how to reach a console: by ssh, or with a peer's own client.
type call struct {
	Addr, User, Key, HostKey string   // ssh; Key is a file, HostKey a line as in known_hosts without the host
	Argv                     []string // else a program to run on a pty
	Greeting                 string   // that the program prints when it has got in
}

// A person is attached to a console.
type person struct {
	out   io.Reader
	in    io.Writer
	close func()
}

// knock gets in and leaves.
func (c call) knock(ctx context.Context) error {
	if c.Argv == nil {
		client, err := c.login(ctx)
		if err != nil {
			return err
		}
		return client.Close()
	}
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	return p.expect(ctx, []byte(c.Greeting))
}

// login makes an ssh connection.
func (c call) login(ctx context.Context) (*ssh.Client, error) {
	text, err := os.ReadFile(c.Key)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(c.HostKey))
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: personLimit}
	conn, err := dialer.DialContext(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	nc, channels, requests, err := ssh.NewClientConn(conn, c.Addr, &ssh.ClientConfig{
		User: c.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(host),
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return ssh.NewClient(nc, channels, requests), nil
}

// open attaches.
func (c call) open(ctx context.Context) (*person, error) {
	if c.Argv != nil {
		return c.spawn()
	}
	client, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	p, err := attach(client)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return p, nil
}

// attach asks for a terminal and a shell.
func attach(client *ssh.Client) (*person, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	p := &person{close: func() { client.Close() }}
	if p.out, err = session.StdoutPipe(); err != nil {
		return nil, err
	}
	if p.in, err = session.StdinPipe(); err != nil {
		return nil, err
	}
	if err := session.RequestPty("xterm", 24, 80, ssh.TerminalModes{}); err != nil {
		return nil, err
	}
	return p, session.Shell()
}

// spawn runs a client program on a pty, which does not echo by itself.
func (c call) spawn() (*person, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	mode, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err == nil {
		mode.Lflag &^= unix.ECHO
		err = unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, mode)
	}
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	return &person{out: master, in: master, close: sync.OnceFunc(func() {
		cmd.Process.Kill() // it may have ended
		cmd.Wait()
		master.Close()
	})}, nil
}

// expect reads until some text has come.
func (p *person) expect(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, personLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	var seen []byte
	b := make([]byte, 4<<10)
	for {
		n, err := p.out.Read(b)
		seen = append(seen, b[:n]...)
		switch {
		case bytes.Contains(seen, text):
			return nil
		case err != nil:
			return fmt.Errorf("%q did not come: %w; came: %.200q", text, err, seen)
		}
		seen = seen[max(0, len(seen)-len(text)-200):]
	}
}
