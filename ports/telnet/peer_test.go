//go:build linux

package telnet_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/telnet"
)

// program finds a program that these tests need. They are skipped without it,
// but not where the CI runs.
func program(t *testing.T, path string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if err == nil {
		return found
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

// open opens the console at address, trying while it is refused, and closes it
// with the test.
func open(t *testing.T, address string) ports.Port {
	t.Helper()
	backend := telnet.Telnet{Address: address}
	if err := backend.Check(); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 500 {
		p, err := backend.Open(t.Context())
		if err == nil {
			t.Cleanup(func() { p.Close() })
			return p
		}
		if ports.ReasonOf(err) != ports.Refused {
			t.Fatal(err)
		}
		<-again.C
	}
	t.Fatal(address + " refuses")
	return nil
}

// expect reads until text came, and closes the port when it does not come.
func expect(t *testing.T, p ports.Port, text string) string {
	t.Helper()
	stop := time.AfterFunc(20*time.Second, func() { p.Close() })
	defer stop.Stop()
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte(text)) {
		n, err := p.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			t.Fatalf("expecting %q: %v after %q", text, err, got)
		}
	}
	return string(got)
}

func send(t *testing.T, p ports.Port, text string) {
	t.Helper()
	if n, err := p.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

// telnetd serves one connection at a time as inetd would, with login in the
// place of /bin/login, and returns the address.
func telnetd(t *testing.T, login string) string {
	path := program(t, "/usr/sbin/telnetd")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			file, err := conn.(*net.TCPConn).File()
			conn.Close()
			if err != nil {
				t.Error(err)
				return
			}
			cmd := exec.Command(path, "-h", "-E", login)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, file
			if err := cmd.Start(); err != nil {
				t.Error(err)
			}
			file.Close()
			cmd.Wait() // it ends with the connection, which the test closes before this
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

func TestTelnetdReachesLogin(t *testing.T) {
	p := open(t, telnetd(t, program(t, "/bin/login")))
	expect(t, p, "login: ")
	send(t, p, "nobody\r")
	expect(t, p, "assword: ")
}

func TestTelnetdEchoes(t *testing.T) {
	p := open(t, telnetd(t, "/bin/cat /proc/sys/kernel/ostype -"))
	expect(t, p, "Linux\r\n")
	send(t, p, "hello, world\r")
	got := expect(t, p, "hello, world\r\nhello, world")
	if strings.Contains(got, "\xff") || strings.Contains(got, "\x00") {
		t.Errorf("protocol in the data: %q", got)
	}
	send(t, p, "\x04") // the end of cat's input
	stop := time.AfterFunc(20*time.Second, func() { p.Close() })
	defer stop.Stop()
	buf := make([]byte, 100)
	for {
		if _, err := p.Read(buf); err != nil {
			if ports.ReasonOf(err) != ports.Closed || !strings.HasPrefix(err.Error(), "read telnet 127.0.0.1:") {
				t.Errorf("end: %v", err)
			}
			break
		}
	}
}

// ser2net serves a new pseudo-terminal over telnet; it returns the terminal's
// other end and the address.
func ser2net(t *testing.T) (*os.File, string) { return ser2netOn(t, "telnet,tcp") }

// ser2netOn does so through the accepters that ser2net is to use.
func ser2netOn(t *testing.T, accepter string) (*os.File, string) {
	t.Helper()
	path := program(t, "ser2net")
	device, line, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close(); line.Close() })
	// Nothing is to be echoed before ser2net has set the line up.
	if err := unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, &unix.Termios{Cflag: unix.CS8 | unix.CREAD}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "ser2net.yaml")
	text := fmt.Sprintf("%%YAML 1.1\n---\nconnection: &con\n  accepter: %s,127.0.0.1,%d\n  connector: serialdev,%s,115200n81,local\n", accepter, port, line.Name())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-n", "-c", config, "-P", filepath.Join(dir, "pid"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	return device, fmt.Sprintf("127.0.0.1:%d", port)
}

// Every byte value goes both ways unchanged once BINARY is agreed.
func TestSer2netIsClean(t *testing.T) {
	device, address := ser2net(t)
	p := open(t, address)
	// ser2net sends its side of the negotiation ahead of any data.
	device.WriteString("ready")
	expect(t, p, "ready")

	var all []byte
	for b := range 256 {
		all = append(all, byte(b), '\r', 0, '\r', '\n', 0xff)
	}
	go device.Write(all)
	got := expect(t, p, string(all[len(all)-12:]))
	if got != string(all) {
		t.Errorf("from the device: %q", got)
	}

	go p.Write(all)
	stop := time.AfterFunc(20*time.Second, func() { device.Close() })
	defer stop.Stop()
	var heard []byte
	buf := make([]byte, 4096)
	for len(heard) < len(all) {
		n, err := device.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, heard)
		}
		heard = append(heard, buf[:n]...)
	}
	if !bytes.Equal(heard, all) {
		t.Errorf("to the device: %q", heard)
	}
	if err := p.(ports.Breaker).Break(250 * time.Millisecond); err != nil {
		t.Error(err)
	}
}
