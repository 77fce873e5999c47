//go:build unix

package ssh_test

import (
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"consoled/ports"
	"consoled/ports/porttest"
	"consoled/ports/ssh"
)

// TestContract holds the backend to its contract over the system's sshd, which
// attaches each session to a socket of the test, as a terminal server attaches
// it to a line.
func TestContract(t *testing.T) {
	if _, err := exec.LookPath("socat"); err != nil {
		missing(t, "no socat")
	}
	server := startSSHD(t)
	unknown := server.backend("")
	unknown.KnownHosts = server.file("none")
	stranger := server.backend("")
	stranger.Key = server.file("host_key")
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, mode := range []struct {
		name  string
		noPty bool
	}{{"with a terminal", false}, {"without", true}} {
		t.Run(mode.name, func(t *testing.T) {
			sockets, n := t.TempDir(), 0
			porttest.Run(t, porttest.Options{
				Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
					n++
					path := filepath.Join(sockets, string(rune('a'+n%26)))
					listener, err := net.Listen("unix", path)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { listener.Close() })
					b := server.backend("exec socat STDIO,rawer UNIX-CONNECT:" + path)
					if b.NoPty = mode.noPty; b.NoPty {
						b.Command = "exec socat STDIO UNIX-CONNECT:" + path
					}
					return b, func() io.ReadWriteCloser {
						defer listener.Close()
						conn, err := listener.Accept()
						if err != nil {
							t.Fatal(err)
						}
						return conn
					}
				},
				End:    ports.Exited,
				Silent: ssh.SSH{To: "x@" + silent.Addr().String(), KnownHosts: server.file("known_hosts")},
				Absent: []porttest.Absent{
					{Backend: ssh.SSH{To: "x@127.0.0.1:" + freePort(t), KnownHosts: server.file("known_hosts")}, Reason: ports.Refused},
					{Backend: ssh.SSH{To: "x@no..such.host", KnownHosts: server.file("known_hosts")}, Reason: ports.NameNotFound},
					{Backend: unknown, Reason: ports.WrongHostKey},
					{Backend: stranger, Reason: ports.Authentication},
				},
				// sshd sends the break to the pseudo-terminal, where nobody can see it; the
				// fake in server_test.go, and a second consoled end to end, do see it.
				HearBreak: func(*testing.T, io.ReadWriteCloser) {},
				Opens:     5,
			})
		})
	}
}
