package attach

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/action"
	"consoled/gateway/console"
	"consoled/ports"
)

// hostileTexts are what a target, a peer, a BMC or a key file may put into any text.
func hostileTexts() (all []string) {
	for b := range 0x20 {
		all = append(all, string(rune(b)))
	}
	return append(all, "\x7f", "\u0080", "\u0085", "\u009b31m", "\u009d0;x\u009c", "\x9b31m", "\x9d0;x\x9c", "\xc2", "\xff",
		"\x1b[2J", "\x1b]0;owned\a", "\x1b]52;c;cm0gLXJm\x1b\\", "\x1b[6n", "\x1bP$qm\x1b\\", "\x1b[?1049h", "\x1bc",
		"\r\n[node1] you have write", "\x1b[8m", "\x0e", "\x1b]2;title\x9c", "\x1b")
}

// own are the sequences that we send ourselves: titles, and ends of lines. A
// bell and a return to the left may stand alone.
var own = regexp.MustCompile("\x1b\\]0;[ -~]*\a|\x1b\\[2[23];0t|\r\n|\r|\a")

// foreign finds the first control byte that is in no sequence of ours.
func foreign(out string) string {
	rest := own.ReplaceAllString(out, "")
	for i, b := range []byte(rest) {
		if b < ' ' || b >= 0x7f {
			return fmt.Sprintf("%q in %q", b, rest[max(0, i-40):min(len(rest), i+40)])
		}
	}
	return ""
}

// TestNoticesInjectNothing has a hostile text in every field that notices,
// titles and menus show: nothing of it reaches the terminal as it is, and no
// control byte but in sequences of ours.
func TestNoticesInjectNothing(t *testing.T) {
	harmless := evening(t, "<harmless>")
	for _, mark := range []string{
		"up again", "took write", "\x1b]0;[ro bob<harmless>] ", "DOWN (<harmless>)", "act: <harmless>", "closed the line", "kept for", "alice<harmless> from",
	} {
		if !strings.Contains(harmless, mark) {
			t.Errorf("%q is not among what was shown:\n%q", mark, harmless)
		}
	}
	evils := hostileTexts()
	if len(evils) < 48 {
		t.Fatalf("only %d texts", len(evils))
	}
	for _, evil := range evils {
		seen := evening(t, "<"+evil+">")
		if strings.Contains(seen, "<"+evil+">") {
			t.Errorf("%q is shown as it is", evil)
		}
		if bad := foreign(seen); bad != "" {
			t.Errorf("%q in every field: %s", evil, bad)
		}
	}
}

// evening is what dave sees while much happens at a console whose every text is the given one.
func evening(t *testing.T, text string) (seen string) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{Description: text})
		r.size = func() (int, int) { return 1000, 100 } // nothing is wrapped
		line := r.line()
		list := action.List{{Name: "act", Description: text, Way: scripted{says: strings.NewReplacer("\n", "", "\r", "").Replace(text), fails: errors.New(text)}}}
		watcher := r.enter("dave"+text, Options{Actions: func() action.List { return list }})
		alice, bob := r.enter("alice"+text, Options{Actions: func() action.List { return list }}), r.console.Attach(console.Client{
			Session: text, Name: "bob" + text, Key: text, Source: text, Kind: console.Interactive, MayWrite: true, MayForce: true, MayPower: true, MayBreak: true, MayAdmin: true,
		})
		alice.types("a")
		if err := bob.Force(text); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := bob.Break(t.Context(), 0); err != nil {
			t.Error(err)
		}
		if err := action.Run(t.Context(), bob, list[0], func(string) {}); err == nil {
			t.Error("the action did not fail")
		}
		watcher.types("\x05ci", "\x05cw", "\x05c!", "\x05cl?", "x", "\x05c?")
		r.fake.FailAlways(&ports.Error{Reason: ports.Reason(text), Op: text, Err: errors.New(text), Fix: text})
		line.End(&ports.Error{Reason: ports.Closed, Op: text, Err: errors.New(text)})
		time.Sleep(time.Minute)
		watcher.types("\x05ci", "y")
		late := r.enter("late"+text, Options{})
		r.fake.FailAlways(nil)
		r.line()
		time.Sleep(time.Minute)
		if err := bob.CloseLine(text, time.Minute); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		bob.Leave(true)
		time.Sleep(2 * time.Minute)
		seen = watcher.screen() + alice.screen() + late.screen()
	})
	return seen
}
