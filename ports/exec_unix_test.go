//go:build unix

package ports_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/porttest"
)

// rawVariable makes this binary the program on the pseudo-terminal: it passes
// bytes between that and the socket that the variable names.
const rawVariable = "PORTS_TEST_RAW"

func TestMain(m *testing.M) {
	if path := os.Getenv(rawVariable); path != "" {
		os.Exit(pass(path))
	}
	os.Exit(m.Run())
}

func pass(path string) int {
	// As cfmakeraw(3).
	out, err := exec.Command("stty", "-F", "/dev/tty", "raw", "-echo").CombinedOutput()
	if err != nil {
		fmt.Printf("stty: %v %s", err, out)
		return 1
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Print(err)
		return 1
	}
	go io.Copy(conn, os.Stdin)
	io.Copy(os.Stdout, conn)
	return 3
}

func TestExec(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			return listen(t, "unix", path, func(address string) ports.Backend {
				return ports.Exec{Argv: []string{self}, Env: map[string]string{rawVariable: address}}
			})
		},
		End: ports.Exited,
		Absent: []porttest.Absent{
			{Backend: ports.Exec{Argv: []string{"no-such-program"}}, Reason: ports.Failed},
			{Backend: ports.Exec{Argv: []string{"/no/such/program"}}, Reason: ports.Failed},
			{Backend: ports.Exec{Argv: []string{"true"}, Dir: "/no/such/folder"}, Reason: ports.Failed},
			{Backend: ports.Exec{Argv: []string{"true"}, User: "no-such-user"}, Reason: ports.Failed},
			{Backend: ports.Exec{Argv: []string{"/etc/passwd"}}, Reason: ports.Denied},
		},
		Opens: 10, // each is a process
	})
}

// say is what a shell script says until it ends, and the error of its end.
func say(t *testing.T, e ports.Exec) (string, error) {
	t.Helper()
	port, err := e.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	text, err := io.ReadAll(port)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}

func shell(script string) ports.Exec { return ports.Exec{Argv: []string{"sh", "-c", script}} }

func TestExecStatus(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"exit 0", "exec sh: program exited: exit status 0"},
		{"echo last words; exit 3", "exec sh: program exited: exit status 3"},
		{"kill -KILL $$", "exec sh: program exited: killed by SIGKILL"},
		// It has no terminal any more, which is the end of the line.
		{"exec sleep 1000 </dev/null >/dev/null 2>&1", "exec sh: program exited: killed by SIGHUP"},
	} {
		_, err := say(t, shell(test.script))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v", test.script, err)
		}
		if ports.ReasonOf(err) != ports.Exited {
			t.Errorf("%s: reason %q", test.script, ports.ReasonOf(err))
		}
	}
}

// TestExecSaysAll: what a program writes just before it exits is not lost.
func TestExecSaysAll(t *testing.T) {
	text, _ := say(t, shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 1"))
	if lines := strings.Count(text, "\n"); lines != 3000 || !strings.HasSuffix(text, "line 2999\n") {
		t.Errorf("%d lines, the end is %.20q", lines, text[max(0, len(text)-20):])
	}
}

func TestExecEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_GATEWAY", "canary")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := shell("env; pwd; stty size; tty")
	e.Env = map[string]string{"ONE": "1"}
	e.Dir, e.Cols, e.Rows = dir, 132, 43
	text, _ := say(t, e)
	for _, want := range []string{"TERM=vt220\n", "ONE=1\n", "HOME=", "PATH=", "\n" + dir + "\n", "\n43 132\n", "\n/dev/"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "canary") {
		t.Error("the gateway's environment shows")
	}
}

func TestExecUser(t *testing.T) {
	if os.Geteuid() != 0 {
		self, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := say(t, ports.Exec{Argv: []string{"id", "-u"}, User: self.Username}); text != self.Uid+"\n" {
			t.Errorf("as myself: %q", text)
		}
		_, err = ports.Exec{Argv: []string{"id"}, User: "root"}.Open(t.Context())
		var e *ports.Error
		if !errors.As(err, &e) || e.Reason != ports.Denied || e.Fix == "" {
			t.Errorf("as root: %#v", err)
		}
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		missing(t, "no user nobody: %v", err)
	}
	for _, name := range []string{"nobody", nobody.Uid} {
		text, _ := say(t, ports.Exec{Argv: []string{"sh", "-c", "id -u; id -G; echo $USER; : </dev/tty && echo has $(stat -c %u $(tty))"}, User: name})
		want := fmt.Sprintf("%s\n%s\nnobody\nhas %s\n", nobody.Uid, nobody.Gid, nobody.Uid)
		if text != want {
			t.Errorf("%s: %q, not %q", name, text, want)
		}
	}
}

// TestExecEndsGroup: whatever the program's group and the job that has its
// terminal do about SIGHUP, they are gone after Close, which does not take long.
func TestExecEndsGroup(t *testing.T) {
	for name, script := range map[string]string{
		"obedient":            `sleep 1000 & echo $! $$; wait`,
		"ignores SIGHUP":      `trap "" HUP; sleep 1000 & echo $! $$; wait`,
		"job of its own":      `set -m; sh -c 'trap "" HUP TERM; echo $$ $PPID; while :; do sleep 1; done'`,
		"stopped":             `sleep 1000 & kill -STOP $!; echo $! $$; kill -STOP $$`,
		"leader goes, it not": `trap "" HUP; sleep 1000 & echo $! $$; exit 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for the SIGKILL
			port, err := shell(script).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			pids := firstLine(t, port)
			start := time.Now()
			port.Close()
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("Close took %v", took)
			}
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			limit := time.After(10 * time.Second)
			for _, field := range pids {
				pid, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				for lives(pid) {
					select {
					case <-tick.C:
					case <-limit:
						t.Fatalf("process %d of %v is still there", pid, pids)
					}
				}
			}
		})
	}
}

// lives reports whether pid runs; a zombie of another parent's does not.
func lives(pid int) bool {
	if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ") || strings.Contains(string(stat), fmt.Sprintf(") Z %d ", os.Getpid()))
}

// firstLine is the words of the first line that a program says.
func firstLine(t *testing.T, port ports.Port) []string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := port.Read(b); err != nil {
			t.Fatal(err)
		}
		if b[0] == '\n' {
			return strings.Fields(string(line))
		}
		line = append(line, b[0])
	}
}

func TestExecCheck(t *testing.T) {
	for _, test := range []struct {
		exec ports.Exec
		want string
	}{
		{ports.Exec{Argv: []string{"true"}, Dir: "/", Env: map[string]string{"A": "b"}, Cols: 132, Rows: 50}, ""},
		{ports.Exec{}, "exec: no program"},
		{ports.Exec{Argv: []string{""}}, "exec: no program"},
		{ports.Exec{Argv: []string{"a", "b\x00"}}, `exec "a": NUL in argument 1`},
		{ports.Exec{Argv: make([]string, 1001)}, "exec: no program"},
		{ports.Exec{Argv: append([]string{"a"}, make([]string, 1000)...)}, `exec "a": more than 1000 arguments or 1000 variables`},
		{ports.Exec{Argv: []string{"a", strings.Repeat("b", 70000)}}, `exec "a": arguments and environment have 70001 bytes, more than 65536`},
		{ports.Exec{Argv: []string{"a"}, Env: map[string]string{"A=B": ""}}, `exec "a": "A=B" is no name for a variable`},
		{ports.Exec{Argv: []string{"a"}, Env: map[string]string{"A": "\x00"}}, `exec "a": NUL in the variable "A"`},
		{ports.Exec{Argv: []string{"a"}, Dir: "tmp"}, `exec "a": folder "tmp" is not absolute`},
		{ports.Exec{Argv: []string{"a"}, Cols: 1001}, `exec "a": 1001 columns by 0 rows is not from 1 to 1000 (0 means 80 by 24)`},
	} {
		got := ""
		if err := test.exec.Check(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%.60v: %s", test.exec, got)
		}
	}
	if got := (ports.Exec{Argv: []string{"ipmitool", "-P", "secret"}}).String(); got != "exec ipmitool" {
		t.Errorf("String: %q", got)
	}
}
