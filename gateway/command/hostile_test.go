package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

// hostile is what targets, peers and clients may put into any text.
func hostile() (all []string) {
	for b := range 0x20 {
		all = append(all, string(rune(b)))
	}
	all = append(all, "\x7f", "\u0080", "\u0085", "\u009b31m", "\u009d0;x\u009c", "\x9b31m", "\x9d0;x\x9c", "\xc2", "\xff",
		"\x1b[2J", "\x1b]0;owned\a", "\x1b]52;c;cm0gLXJm\x1b\\", "\x1b[6n", "\x1bP$qm\x1b\\", "\x1b[?1049h", "\x1bc",
		"\r\n[node1] you have write", "\x1b[8m", "\x0e", "\u2028", "\u202e")
	return all
}

// raw finds the first control byte that a terminal would obey.
func raw(out string, allowed string) string {
	for i, r := range out {
		control := r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0
		if r == utf8.RuneError && !strings.HasPrefix(out[i:], "\ufffd") {
			control = out[i] < 0xa0 // a C1 control as one byte
		}
		if control && !strings.ContainsRune(allowed, r) {
			return fmt.Sprintf("%q at %d", out[i:i+1], i)
		}
	}
	return ""
}

// Whatever stands in a description, an address, an error, a name or a command
// line: our own output has no control byte of it.
func TestOutputInjectsNothing(t *testing.T) {
	for _, evil := range hostile() {
		synctest.Test(t, func(t *testing.T) {
			g := evilSite(t, evil)
			time.Sleep(time.Second)
			for _, line := range []string{
				"ls", "ls --long", "ls --plain", "ls --json", "ls --fold", "who", "who --json", "who --plain", "status node1", "status node1 --json",
				"status", "status --json", "log node1 --events", "whoami", "whoami --json", "send node1 x", "break node1", "check", "reload",
				"status " + evil, "ls @" + evil, evil, "help " + evil, "log node1 --" + evil, "log node1 -n " + evil, "log node1 --since " + evil,
				"log node1 --time=" + evil, "send node1 \\" + evil, "attach node1 -e " + evil, "log node1 " + evil, "tail node1", "log node1",
				"run node1 --list", "run node1 --list --json", "run node1 act", "power node1 identify", "power --json node1 identify", "run node1 " + evil, "power node1 " + evil,
				"power node1 identify-off --wait-for " + evil + " --timeout 1s", "run node1 act --timeout " + evil, "sysrq node1 " + evil, "break node1 --seq " + evil,
				"close node1 --for " + evil, "close node1 --reason " + evil, "ls --long", "ls --json", "status node1", "status node1 --json", "send node1 x",
				"open node1", "reopen node1",
			} {
				for _, pty := range []bool{false, true} {
					var out, errs buffer
					s := &Session{
						ID: "x", Line: line, Who: auth.Identity{Name: "erin" + evil, Fingerprint: "SHA256:x", Comment: evil},
						Terminal: attach.Terminal{
							In: strings.NewReader(""), Out: &out, Err: &errs, PTY: pty, Interrupt: func() {}, Abort: func() {},
							Lost: func() bool { return false }, Size: func() (int, int) { return 80, 24 },
						},
					}
					Run(t.Context(), g, s)
					allowed := "\n"
					if pty {
						allowed = "\r\n"
					}
					if strings.Contains(line, "--plain") || strings.HasPrefix(line, "log node1") || line == "tail node1" {
						allowed += "\t"
					}
					text := out.String()
					if pty {
						text = strings.ReplaceAll(text, "\r\n", "\n")
					}
					if bad := raw(text, allowed); bad != "" {
						t.Errorf("%q in every field, %q: stdout has %s\n%q", evil, line, bad, text)
					}
					if bad := raw(errs.String(), "\n"); bad != "" {
						t.Errorf("%q in every field, %q: stderr has %s\n%q", evil, line, bad, errs.String())
					}
					if strings.HasSuffix(line, "--json") {
						for object := range strings.Lines(text) {
							if !json.Valid([]byte(object)) {
								t.Errorf("%q: %s is no JSON: %s", evil, line, object)
							}
						}
					}
				}
			}
		})
	}
}

// evilSite has one console with a hostile text in every field, which erin may do everything with.
func evilSite(t *testing.T, evil string) *site {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	all := auth.Read | auth.Write | auth.Break | auth.Power | auth.Admin
	g := &site{
		set: console.NewSet(ctx), rights: map[string]map[string]auth.Rights{"erin" + evil: {"node1": all}},
		gateway: map[string]auth.Rights{"erin" + evil: all}, reload: fmt.Errorf("consoled.yaml:1:1: %s", evil),
	}
	fake := porttest.NewFake("fake "+evil, porttest.Abilities{})
	err := g.set.Apply(console.Difference{Add: []console.Options{{
		Subject: names.Subject{Name: "node1", Tags: []string{evil}, Groups: []string{evil}, Aliases: []string{"a1"}},
		Backend: fake, Record: record.Options{Dir: t.TempDir(), Group: -1}, Description: evil,
	}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	g.actions = map[string]action.List{"node1": {
		{Name: "act", Description: evil, Way: action.Exec{Argv: []string{evil}}},
		{Name: "bare", Way: action.Exec{Argv: []string{evil}}},
		{Name: "identify", Way: scripted{says: evil + "\n" + evil, fails: fmt.Errorf("%s", evil)}},
		{Name: "identify-off", Way: scripted{says: evil}},
	}}
	line := fake.Line(ctx)
	line.Say("text " + evil + "\r\n")
	synctest.Wait()
	c, _ := g.set.Get("node1")
	a := c.Attach(console.Client{
		Session: evil, Name: evil, Key: evil, Source: evil, Kind: console.Interactive, MayWrite: true, MayForce: true,
	})
	a.Take()
	b := c.Attach(console.Client{Session: "b", Name: "b" + evil, Kind: console.Interactive, MayWrite: true, MayForce: true})
	b.Force(evil)
	line.End(&ports.Error{Reason: ports.Closed, Op: evil, Err: io.ErrUnexpectedEOF})
	fake.FailAlways(&ports.Error{Reason: ports.Failed, Op: evil, Err: fmt.Errorf("%s", evil)})
	t.Cleanup(func() {
		cancel(context.Canceled)
		g.set.Wait()
	})
	return g
}
