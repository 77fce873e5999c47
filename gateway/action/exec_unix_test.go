//go:build unix

package action

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A buffer is written by one goroutine and read by another.
type buffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

func sh(script string, args ...string) Exec {
	return Exec{Argv: append([]string{"/bin/sh", "-c", script, "sh"}, args...)}
}

func TestExec(t *testing.T) {
	for _, tt := range []struct {
		name string
		exec Exec
		want error
		said string
	}{
		{"output", sh("echo one; echo two >&2"), nil, "one\ntwo\n"},
		{"arguments as they are", sh(`printf '<%s>' "$@"`, "a b", "$HOME;*", ""), nil, "<a b><$HOME;*><>"},
		{"status", sh("exit 3"), Exit(3), ""},
		{"no stdin", sh("cat; pwd"), nil, "/\n"},
		{"no such program", Exec{Argv: []string{"/no/such/program"}}, os.ErrNotExist, ""},
	} {
		var out buffer
		if err := tt.exec.Do(t.Context(), Call{}, &out); !errors.Is(err, tt.want) || out.String() != tt.said {
			t.Errorf("%s: %v, %q", tt.name, err, out.String())
		}
	}
}

// The environment is what is named here, and nothing of the gateway's own.
func TestEnvironment(t *testing.T) {
	t.Setenv("CONSOLED_CANARY", "hunter2")
	t.Setenv("LANG", "C")
	var out buffer
	if err := (Exec{Argv: []string{"env"}}).Do(t.Context(), Call{"node1", "cycle", "alice", "SHA256:x", "10.1.2.3"}, &out); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "PATH=") })
	slices.Sort(got)
	want := []string{"CONSOLED_ACTION=cycle", "CONSOLED_CONSOLE=node1", "CONSOLED_FROM=10.1.2.3", "CONSOLED_KEY=SHA256:x", "CONSOLED_USER=alice", "LANG=C"}
	if !slices.Equal(got, want) {
		t.Errorf("environment %q", got)
	}
}

// await waits until ok is true.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}

// Its whole process group is gone when an action was stopped, with what it
// started and what ignores SIGTERM; and so is what a program leaves behind.
func TestGroupEnds(t *testing.T) {
	for name, script := range map[string]string{
		"obeys":      `sh -c 'echo $$ >"$1"; exec sleep 1000' sh "$1" & wait`,
		"ignores":    `trap '' TERM; sh -c 'trap "" TERM; echo $$ >"$1"; while :; do sleep 1; done' sh "$1" & wait`,
		"left alone": `sh -c 'trap "" TERM; echo $$ >"$1"; while :; do sleep 1; done' sh "$1" & while [ ! -s "$1" ]; do sleep 0.01; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pidfile := filepath.Join(t.TempDir(), "pid")
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- sh(script, pidfile).Do(ctx, Call{}, new(buffer)) }()
			pid := 0
			await(t, "the grandchild runs", func() bool {
				text, _ := os.ReadFile(pidfile)
				pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
				return pid > 0
			})
			if name != "left alone" {
				cancel()
			}
			if err := <-done; (err == nil) != (name == "left alone") {
				t.Errorf("error %v", err)
			}
			cancel()
			await(t, "the grandchild is gone", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
		})
	}
}

// A counter passes on what is written to it, until it was so much.
type counter struct {
	to   *lines
	left int
	over func()
}

func (c *counter) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.over()
	}
	return c.to.Write(p)
}

// A program that says megabytes a moment without a line end is bounded, and ends
// with its time.
func TestFlood(t *testing.T) {
	said := 0
	l := &lines{say: func(line string) { said += len(line) }, show: func(string) {}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := (Exec{Argv: []string{"cat", "/dev/zero"}}).Do(ctx, Call{}, &counter{l, 64 << 20, cancel}); err == nil {
		t.Error("it ended by itself")
	}
	if said > (mostLines+1)*2*longestLine || said == 0 {
		t.Errorf("%d bytes were shown", said)
	}
}
