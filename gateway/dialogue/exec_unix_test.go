//go:build unix

package dialogue

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"consoled/ports"
)

// A program talks to the target as Conserver's initcmd does.
func TestExec(t *testing.T) {
	x := newTarget("who are you?\n", "hello\n")
	err := x.talk.Run(t.Context(), Script{Steps: []Step{
		{Send: mustSequence(t, `\r`)},
		{Exec: []string{"sh", "-c", `read -r line; printf 'got %s\r' "$line"; read -r line; printf '%s' "$line"`}, Timeout: 10 * time.Second},
	}})
	if err != nil || x.typed != "\rgot who are you?\rhello" {
		t.Errorf("%v, typed %q", err, x.typed)
	}
}

func TestExecFails(t *testing.T) {
	t.Setenv("GATEWAY_SECRET", canary)
	for _, test := range []struct {
		script, want string
		timeout      time.Duration
	}{
		{"exit 3", "program sh: exit status 3", 0},
		{"echo no such port >&2; exit 1", `program sh: exit status 1: "no such port"`, 0},
		{"sleep 100", "program sh: it took longer than 300ms", 300 * time.Millisecond},
		{"env | sort | tr '\\n' ' ' >&2; exit 1", `"HOME=/ PATH=`, 0},
	} {
		x := newTarget()
		err := x.talk.Run(t.Context(), Script{Steps: []Step{{Exec: []string{"sh", "-c", test.script}, Timeout: test.timeout}}})
		if ports.ReasonOf(err) != ports.Dialogue || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %s", test.script, err, test.want)
		}
	}
	err := newTarget().talk.Run(t.Context(), Script{Steps: []Step{{Exec: []string{"/no/such/program"}}}})
	if ports.ReasonOf(err) != ports.Dialogue {
		t.Errorf("a program that is not there: %v", err)
	}
}

// What a program started ends with it.
func TestExecEndsItsGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	err := newTarget().talk.Run(t.Context(), Script{Steps: []Step{
		{Exec: []string{"sh", "-c", "sleep 300 & echo $! > " + file}, Timeout: 10 * time.Second},
	}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if syscall.Kill(pid, 0) == syscall.ESRCH || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives on", pid)
		}
	}
}
