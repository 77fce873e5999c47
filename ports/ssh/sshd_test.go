//go:build unix

package ssh_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports/ssh"
)

// An sshd is the system's own, on a port and with keys of its own, for whoever
// runs the tests.
type sshd struct {
	dir, port, user string
}

// startSSHD returns when it accepts connections. extra are lines of its configuration.
func startSSHD(t testing.TB, extra ...string) *sshd {
	t.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/sshd"); err != nil {
			missing(t, "no sshd")
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		// sshd wants this folder to lock itself into, and only its service makes it.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &sshd{dir: t.TempDir(), port: freePort(t), user: me.Username}
	key := writeKey(t, s.file("key"))
	write(t, s.file("authorized_keys"), string(gossh.MarshalAuthorizedKey(key)))
	hostKey := writeKey(t, s.file("host_key"))
	write(t, s.file("known_hosts"), fmt.Sprintf("[127.0.0.1]:%s %s", s.port, gossh.MarshalAuthorizedKey(hostKey)))
	write(t, s.file("sshd_config"), fmt.Sprintf(`ListenAddress 127.0.0.1:%s
HostKey %[2]s/host_key
AuthorizedKeysFile %[2]s/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
%[3]s
`, s.port, s.dir, strings.Join(extra, "\n")))
	cmd := exec.Command(path, "-D", "-e", "-f", s.file("sshd_config"))
	log, err := os.Create(s.file("log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("sshd: %s", text)
		}
	})
	limit := time.After(10 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			conn.Close()
			tick.Stop()
			return s
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("sshd does not listen: %v", err)
		}
	}
}

func (s *sshd) file(name string) string { return filepath.Join(s.dir, name) }

// to is how it is reached.
func (s *sshd) to() string { return s.user + "@127.0.0.1:" + s.port }

// backend logs in with the key that it accepts.
func (s *sshd) backend(command string) ssh.SSH {
	return ssh.SSH{To: s.to(), Key: s.file("key"), KnownHosts: s.file("known_hosts"), Command: command}
}
