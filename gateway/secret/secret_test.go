package secret_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"consoled/gateway/secret"
	"consoled/ports"
)

// canary is what may stand in no error and no rendering.
const canary = "c4nary-hunter2"

func file(t *testing.T, text string, mode os.FileMode) secret.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return secret.File(path)
}

func program(keep time.Duration, argv ...string) *secret.Program {
	return secret.NewProgram(argv, keep, secret.NewGate())
}

func needsShell(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no sh on Windows")
	}
}

func TestReveal(t *testing.T) {
	needsShell(t)
	t.Setenv("CONSOLED_TEST_SECRET", canary)
	for name, s := range map[string]ports.Secret{
		"text":              secret.Text(canary),
		"env":               secret.Env("CONSOLED_TEST_SECRET"),
		"file":              file(t, canary, 0o600),
		"file, line end":    file(t, canary+"\n", 0o640),
		"file, DOS":         file(t, canary+"\r\n", 0o400),
		"program":           program(0, "echo", canary),
		"program, no end":   program(time.Hour, "printf", "%s", canary),
		"program, verbose":  program(0, "sh", "-c", "echo warning >&2; echo "+canary),
		"program, long err": program(0, "sh", "-c", "head -c 100000 /dev/zero >&2; echo "+canary),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Reveal(t.Context())
			if err != nil || string(got) != canary {
				t.Errorf("%q, %v", got, err)
			}
			for _, shown := range []string{s.String(), fmt.Sprintf("%v %+v", s, s)} {
				if strings.Contains(shown, canary) && !strings.HasPrefix(name, "program") { // whose arguments are no secret
					t.Errorf("shown as %s", shown)
				}
			}
			if shown := fmt.Sprintf("%#v", s); name == "text" && strings.Contains(shown, canary) {
				t.Errorf("shown as %s", shown)
			}
		})
	}
}

func TestNotRevealed(t *testing.T) {
	needsShell(t)
	for _, test := range []struct {
		name   string
		secret ports.Secret
		says   string
	}{
		{"unset", secret.Env("CONSOLED_TEST_UNSET"), "secret {env: CONSOLED_TEST_UNSET}: the variable is not set"},
		{"missing", secret.File("/nonexistent/secret"), "secret {file: /nonexistent/secret}: no such file or directory"},
		{"empty", file(t, "\n", 0o600), "the file is empty"},
		{"open", file(t, canary, 0o604), "mode 0604 is open to everybody"},
		{"long", file(t, strings.Repeat("x", 65<<10), 0o600), "longer than 64 KiB"},
		{"folder", secret.File(t.TempDir()), "not a regular file"},
		{"no program", program(0, "/nonexistent/vault-read"), "no such file or directory"},
		{"fails", program(0, "sh", "-c", "echo denied >&2; exit 3"), `exit status 3: "denied"`},
		{"fails with the secret on stdout", program(0, "sh", "-c", "printf c4nary-; echo hunter2; exit 3"), "exit status 3"},
		{"silent", program(0, "true"), "it prints nothing"},
		{"long print", program(0, "sh", "-c", "yes | head -c 1000000"), "it prints more than a secret"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			got, err := test.secret.Reveal(ctx)
			if err == nil || !strings.Contains(err.Error(), test.says) || len(got) != 0 {
				t.Errorf("%q, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// TestKept counts how often the program runs: what it printed is kept, and so
// is a failure for a moment.
func TestKept(t *testing.T) {
	needsShell(t)
	for _, test := range []struct {
		name string
		exit int
		keep time.Duration
		want int
	}{
		{"kept", 0, time.Hour, 1},
		{"not kept", 0, 0, 3},
		{"failed", 1, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			runs := filepath.Join(t.TempDir(), "runs")
			p := program(test.keep, "sh", "-c", fmt.Sprintf("echo x >>%s; echo %s; exit %d", runs, canary, test.exit))
			for range 3 {
				if _, err := p.Reveal(t.Context()); (err != nil) != (test.exit != 0) {
					t.Fatal(err)
				}
			}
			if data, err := os.ReadFile(runs); err != nil || len(data)/2 != test.want {
				t.Errorf("%d runs, %v", len(data)/2, err)
			}
		})
	}
}

// TestGivenUp leaves a program that takes for ever, which says nothing about
// the next attempt.
func TestGivenUp(t *testing.T) {
	needsShell(t)
	folder := t.TempDir()
	p := program(time.Hour, "sh", "-c", fmt.Sprintf("cd %s; [ -e begun ] && echo %s && exit; touch begun; exec sleep 60", folder, canary))
	gone := errors.New("console removed")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := p.Reveal(ctx)
		ended <- err
	}()
	for begun := false; !begun; {
		_, err := os.Stat(filepath.Join(folder, "begun"))
		begun = err == nil
		runtime.Gosched()
	}
	cancel(gone)
	if err := <-ended; !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	if got, err := p.Reveal(t.Context()); err != nil || string(got) != canary {
		t.Errorf("%q, %v", got, err)
	}
}

// TestGivenUpWhole leaves nothing of a program that was given up, with what it
// started, though it ignores SIGTERM.
func TestGivenUpWhole(t *testing.T) {
	needsShell(t)
	pidfile := filepath.Join(t.TempDir(), "pid")
	p := program(0, "sh", "-c", fmt.Sprintf(`trap "" TERM; sh -c 'echo $$ >%s; while :; do sleep 1; done' & wait`, pidfile))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := p.Reveal(ctx)
		ended <- err
	}()
	pid := ""
	for !strings.HasSuffix(pid, "\n") {
		text, _ := os.ReadFile(pidfile)
		pid = string(text)
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for end := time.Now().Add(10 * time.Second); exec.Command("sh", "-c", "kill -0 "+pid).Run() == nil; { // init has to bury it
		if time.Now().After(end) {
			t.Fatal("what it started runs on")
		}
	}
}
