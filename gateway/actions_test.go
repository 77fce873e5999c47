//go:build unix

package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/action"
	"consoled/gateway/config"
)

// withActions gives every console an action that ends at once and one that
// does not, and says in a file that it began.
func withActions(began string) func(*config.Config) {
	return func(c *config.Config) {
		for i := range c.Consoles {
			c.Consoles[i].Actions = action.List{
				{Name: "status", Way: action.Exec{Argv: []string{"echo", "on"}}},
				{Name: "slow", Way: action.Exec{Argv: []string{"sh", "-c", `echo >"$0"; sleep 1000`, began}}},
			}
		}
	}
}

// exitOf runs a command and returns its exit code and what it said.
func exitOf(t *testing.T, s *gossh.Session, line string) (code int, said string) {
	t.Helper()
	out, err := s.CombinedOutput(line)
	exit, ok := errors.AsType[*gossh.ExitError](err)
	switch {
	case ok:
		return exit.ExitStatus(), string(out)
	case err != nil:
		t.Errorf("%s: %v", line, err)
	}
	return 0, string(out)
}

// Each verb takes its own right, and a console that may not be read is none.
func TestActionRights(t *testing.T) {
	grants := []string{"", "r", "read+power", "rw", "op", "admin"}
	verbs := map[string][]int{ // exit codes by grant
		"power node1 status":     {66, 77, 0, 77, 0, 0},
		"run node1 status":       {66, 77, 0, 77, 0, 0},
		"run node1 --list":       {66, 77, 0, 77, 0, 0},
		"run node1 nosuch":       {66, 77, 64, 77, 64, 64},
		"sysrq node1 h":          {66, 77, 77, 0, 0, 0},
		"sysrq node1 b":          {66, 77, 77, 64, 64, 64},
		"close node2 --for 100d": {66, 77, 77, 77, 77, 0},
		"open node2":             {66, 77, 77, 77, 77, 0},
		"reopen node2":           {66, 77, 77, 77, 77, 0},
	}
	var keys strings.Builder
	for _, g := range grants {
		consoles := g + "=node*"
		if g == "" {
			consoles = "r=other*"
		}
		keys.WriteString(line(`consoles="`+consoles+`"`, signer(t, "key "+g)))
	}
	f := start(t, keys.String(), withActions(filepath.Join(t.TempDir(), "began")), nil)
	await(t, "the consoles are up", func() bool { return f.Health().Up == 2 })
	watching := f.login("gw+ro", signer(t, "key admin"))
	for verb := range verbs {
		if code, said := exitOf(t, newSession(t, watching), verb); code != 77 {
			t.Errorf("+ro: %s: exit %d: %s", verb, code, said)
		}
	}
	for i, g := range grants {
		c := f.login("gw", signer(t, "key "+g))
		for verb, want := range verbs {
			if code, said := exitOf(t, newSession(t, c), verb); code != want[i] {
				t.Errorf("%q: %s: exit %d, not %d: %s", g, verb, code, want[i], said)
			}
		}
	}
}

// A reload that takes a console from who waits for a line of it ends the wait
// there, and no other.
func TestWaitRevoked(t *testing.T) {
	alice := signer(t, "alice")
	keys := func(consoles string) string { return line(`user="alice",consoles="admin=`+consoles+`"`, alice) }
	f := start(t, keys("node*"), withActions(filepath.Join(t.TempDir(), "began")), nil)
	await(t, "the consoles are up", func() bool { return f.Health().Up == 2 })
	one, _ := f.Console("node1")
	two, _ := f.Console("node2")
	s := newSession(t, f.login("gw", alice))
	code, said := make(chan int, 1), ""
	go func() {
		n, text := exitOf(t, s, "power node[1-2] status --yes --wait-for MARK --timeout 1h")
		said = text
		code <- n
	}()
	await(t, "it waits", func() bool {
		st := two.Status()
		return len(one.Status().Clients) == 1 && len(st.Clients) == 1 && st.Act == nil
	})
	for _, left := range []string{"node2", "other"} {
		f.write(keys(left))
		if _, err := f.Reload(t.Context(), "erin"); err != nil {
			t.Fatal(err)
		}
		await(t, "alice is out", func() bool { return len(one.Status().Clients) == 0 })
		if left == "node2" && (len(code) > 0 || len(two.Status().Clients) != 1) {
			t.Error("she does not wait at node2")
		}
	}
	n := <-code
	for _, name := range []string{"node1", "node2"} {
		if want := name + ": the wait: you lack the right read"; n != 77 || !strings.Contains(said, want) {
			t.Errorf("exit %d, %s", n, said)
		}
	}
}

// A reload that takes the right away ends the action, and its program.
func TestActionRevoked(t *testing.T) {
	alice, began := signer(t, "alice"), filepath.Join(t.TempDir(), "began")
	f := start(t, line(`user="alice",consoles="op=@all"`, alice), withActions(began), nil)
	s := newSession(t, f.login("node1", alice))
	code, said := make(chan int, 1), ""
	go func() {
		n, text := exitOf(t, s, "run slow")
		said = text
		code <- n
	}()
	await(t, "the program runs", func() bool { _, err := os.Stat(began); return err == nil })
	f.write(line(`user="alice",consoles="rw=@all"`, alice))
	if _, err := f.Reload(t.Context(), "erin"); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 77 || !strings.Contains(said, "slow: stopped: you lack the right power") {
		t.Errorf("exit %d, %s", got, said)
	}
}
