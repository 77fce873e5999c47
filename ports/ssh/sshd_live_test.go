//go:build unix

package ssh_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"consoled/ports"
	"consoled/ports/ssh"
)

// TestJump goes through two sshds to a third one. Each has a host key of its
// own, and is judged by it.
func TestJump(t *testing.T) {
	first, second, target := startSSHD(t), startSSHD(t), startSSHD(t)
	key, err := os.ReadFile(first.file("key"))
	if err != nil {
		t.Fatal(err)
	}
	var known string
	for _, s := range []*sshd{first, second, target} {
		text, err := os.ReadFile(s.file("known_hosts"))
		if err != nil {
			t.Fatal(err)
		}
		known += string(text)
		keys, err := os.ReadFile(first.file("authorized_keys"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.file("authorized_keys"), string(keys))
	}
	dir := t.TempDir()
	write(t, dir+"/key", string(key))
	write(t, dir+"/known_hosts", known)
	b := ssh.SSH{To: target.to(), Jump: []string{first.to(), second.to()}, Key: dir + "/key", KnownHosts: dir + "/known_hosts", Command: "echo $SSH_CONNECTION; cat"}
	p, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	readUntil(t, p, " 127.0.0.1 "+target.port+"\r\n")
	if _, err := io.WriteString(p, "hop\n"); err != nil {
		t.Fatal(err)
	}
	readUntil(t, p, "hop\r\nhop\r\n") // the terminal's echo, and cat's

	down := b
	down.To = "x@127.0.0.1:" + freePort(t)
	_, err = down.Open(t.Context())
	if ports.ReasonOf(err) != ports.Refused {
		t.Errorf("nobody there: %v", err)
	}
	for name, jump := range map[string][]string{"first": {target.user + "@127.0.0.1:1"}, "second": {first.to(), second.user + "@127.0.0.1:1"}} {
		bad := b
		bad.Jump = jump
		_, err := bad.Open(t.Context())
		if ports.ReasonOf(err) != ports.Refused || !strings.Contains(err.Error(), "jump "+jump[len(jump)-1]) {
			t.Errorf("the %s host on the way is down: %v", name, err)
		}
	}
	// A host on the way that is not who it should be learns nothing.
	write(t, dir+"/known_hosts", strings.Replace(known, "]:"+second.port, "]:1", 1))
	_, err = b.Open(t.Context())
	if ports.ReasonOf(err) != ports.WrongHostKey || !strings.Contains(err.Error(), "jump "+second.to()) {
		t.Errorf("the second host is unknown: %v", err)
	}
}

// readUntil closes the line when the words do not come.
func readUntil(t *testing.T, r io.ReadCloser, last string) {
	t.Helper()
	limit := time.AfterFunc(20*time.Second, func() { r.Close() })
	defer limit.Stop()
	var text []byte
	buf := make([]byte, 1000)
	for !strings.HasSuffix(string(text), last) {
		n, err := r.Read(buf)
		if text = append(text, buf[:n]...); err != nil {
			t.Fatalf("after %q: %v", text, err)
		}
	}
}

func TestRun(t *testing.T) {
	server := startSSHD(t)
	b := server.backend("this plays no part")
	for _, test := range []struct {
		command string
		output  string
		status  int
	}{
		{"echo out; exit 3", "out\n", 3},
		{"echo err >&2; exit 4", "err\n", 4},
		{"true", "", 0},
		{"kill -TERM $$", "", 143},
		{"test -t 0", "", 1},
	} {
		output, status, err := b.Run(t.Context(), test.command)
		if string(output) != test.output || status != test.status || err != nil {
			t.Errorf("%s: %q, %d, %v", test.command, output, status, err)
		}
	}
	output, status, err := b.Run(t.Context(), "head -c 1000000 /dev/zero; exit 2")
	if len(output) != 64<<10 || status != 2 || err != nil {
		t.Errorf("much output: %d bytes, %d, %v", len(output), status, err)
	}
	goodbye := errors.New("the goodbye")
	ctx, cancel := context.WithCancelCause(t.Context())
	start := time.Now()
	time.AfterFunc(300*time.Millisecond, func() { cancel(goodbye) })
	if _, _, err := b.Run(ctx, "sleep 1000"); !errors.Is(err, goodbye) || time.Since(start) > 5*time.Second {
		t.Errorf("stopped: %v after %v", err, time.Since(start))
	}
	b.KnownHosts = server.file("none")
	if _, _, err := b.Run(t.Context(), "true"); ports.ReasonOf(err) != ports.WrongHostKey {
		t.Errorf("unknown host: %v", err)
	}
}

// TestTerminal: the session has a terminal of the size that the settings say.
func TestTerminal(t *testing.T) {
	server := startSSHD(t)
	b := server.backend("echo $TERM; stty size")
	b.Cols, b.Rows = 132, 43
	p, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if text, end := ending(t, p); text != "vt220\r\n43 132\r\n" || end.Reason != ports.Exited {
		t.Errorf("%q, %v", text, end)
	}
}

// TestShell is a session without a command.
func TestShell(t *testing.T) {
	server := startSSHD(t)
	p, err := server.backend("").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := io.WriteString(p, "echo sh''ell; exit 5\r"); err != nil {
		t.Fatal(err)
	}
	if text, end := ending(t, p); !strings.Contains(text, "shell\r\n") || !strings.Contains(end.Error(), "exit status 5") {
		t.Errorf("%q, %v", text, end)
	}
}
