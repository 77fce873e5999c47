//go:build linux

package ports_test

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

// socatTLS is OpenSSL as socat uses it, in front of a listener of the test's.
// It takes one caller, at the address that it returns.
func socatTLS(t *testing.T, host string, pair porttest.Pair) (address string, accept func() io.ReadWriteCloser) {
	t.Helper()
	path, err := exec.LookPath("socat")
	if err != nil {
		missing(t, "%v", err)
	}
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { behind.Close() })
	listen := "OPENSSL-LISTEN:0,pf=ip4"
	if host[0] == '[' {
		listen = "OPENSSL-LISTEN:0,pf=ip6"
	}
	cmd := exec.Command(path, "-d", "-d",
		listen+",bind="+host+",cert="+pair.Cert+",key="+pair.Key+",verify=0,nodelay", "TCP:"+behind.Addr().String()+",nodelay")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	lines := bufio.NewScanner(said)
	at := regexp.MustCompile(`listening on AF=\d+ (.*:\d+)$`)
	for lines.Scan() {
		if found := at.FindStringSubmatch(lines.Text()); found != nil {
			address = found[1]
			break
		}
	}
	if address == "" {
		t.Fatal("socat does not listen")
	}
	go io.Copy(io.Discard, said) // ends with socat
	return address, func() io.ReadWriteCloser {
		behind.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
		conn, err := behind.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

func TestTLSContract(t *testing.T) {
	ca := porttest.NewAuthority(t)
	pair := ca.Local(t)
	network := ports.Network{TLS: ports.TLS{On: true, CA: ca.File}}
	// It accepts and then says nothing: the handshake waits.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		t.Run(strings.Trim(host, "[]"), func(t *testing.T) {
			porttest.Run(t, porttest.Options{
				Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
					address, accept := socatTLS(t, host, pair)
					return ports.TCP{Address: address, Network: network}, accept
				},
				End:    ports.Closed,
				Silent: ports.TCP{Address: mute.Addr().String(), Network: network},
				Absent: []porttest.Absent{{Backend: ports.TCP{Address: refusing(t), Network: network}, Reason: ports.Refused}},
				Opens:  20,
			})
		})
	}
}
