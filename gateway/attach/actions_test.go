package attach

import (
	"context"
	"io"
	"testing"
	"time"

	"consoled/gateway/action"
	"consoled/ports"
)

// A scripted action says something, takes its time and ends in its way.
type scripted struct {
	says  string
	takes time.Duration
	fails error
}

func (s scripted) String() string { return "scripted" }

func (s scripted) Do(ctx context.Context, _ action.Call, out io.Writer) error {
	io.WriteString(out, s.says)
	select {
	case <-time.After(s.takes):
		return s.fails
	case <-ctx.Done():
		return ctx.Err()
	}
}

func withActions() Options {
	list := action.List{
		{Name: "status", Way: scripted{says: "on\n"}},
		{Name: "cycle", Confirm: true, Way: scripted{says: "off\r\non\r\n\x1b]0;owned\a\x1b[2J\n", takes: 3 * time.Second}},
		{Name: "blink", Description: "the \x1blight", Way: scripted{takes: 30 * time.Second, fails: action.Exit(3)}},
	}
	return Options{Actions: func() action.List { return list }}
}

func TestActionsMenu(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		a, b, d := r.enter("alice", withActions()), r.enter("bob", withActions()), r.enter("dave", withActions())
		d.types("\x05c!")
		d.sees("you may not run actions here.")
		a.types("\x05c!")
		a.sees("actions on node1:", " 1  power status", " 2  power cycle", ` 3  blink: the \x1blight`, "Number (Enter cancels): ")
		a.types("\r")
		a.sees("cancelled.")
		a.types("\x05c!", "9\r")
		a.sees("there is no such number.")
		a.types("\x05c!", "2\r")
		a.sees("power cycle. Type node1 to go on: ")
		a.types("yes\r")
		a.sees("not done: that is not node1.")
		b.seesNot("power cycle")
		a.types("\x05c!", "2\r", "node1\r")
		a.sees("power cycle begins. ^Ec ! stops it.", "power cycle: off")
		b.sees("\a", "alice runs power cycle.", "power cycle: off", "power cycle: on", `power cycle: \x1b]0;owned\x07\x1b[2J`)
		b.seesNot("\x1b]0;owned", "\x1b[2J", "ended")
		b.types("\x05c!", "1\r")
		b.sees("power status: not done: alice runs power cycle (for ")
		time.Sleep(3 * time.Second)
		a.sees("power cycle ended after 3s: done.")
		b.sees("power cycle ended after 3s: done.")
		b.types("\x05c!", "3\r")
		time.Sleep(time.Minute)
		a.sees("bob runs blink.", "blink ended after 30s: exit status 3.")
	})
}

// The one who runs an action stops it, by the key or by leaving.
func TestActionStops(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", withActions()), r.enter("bob", withActions())
		a.types("\x05c!", "3\r")
		time.Sleep(5 * time.Second)
		a.types("\x05c!")
		a.sees("blink runs. Stop it? (y/n): ")
		a.types("n\r")
		b.seesNot("ended")
		a.types("\x05c!", "y\r")
		b.sees("blink ended after", ": stopped.")
		a.types("\x05c!", "3\r", "\x05c!")
		time.Sleep(time.Minute)
		a.sees("Stop it? (y/n): ", "blink ended after 30s", "blink is over. Enter goes on: ")
		a.types("y\r")
		a.types("\x05c!", "3\r", "y\b")
		a.types("\x05c!", "y\r")
		if got := line.Heard(); got != "y\b" {
			t.Errorf("the line heard %q", got)
		}
		b.clear()
		a.types("\x05c!", "3\r")
		a.types("\x05c.")
		b.sees("blink ended after", ": stopped.")
		if act := r.console.Status().Act; act != nil {
			t.Errorf("it runs on: %v", act)
		}
	})
}

// An escape sequence at a question cancels it and does what its key does: who
// types one has forgotten the question, and nothing of it is for the target.
func TestEscapeAtAQuestion(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", withActions()), r.enter("bob", withActions())
		b.types("\x05c!", "9\x05")
		time.Sleep(2 * escapeHold)
		b.types("\x05c!")
		b.sees("cancelled.", "actions on node1:", "Number (Enter cancels): ")
		b.types("\x05c.")
		if code := <-b.code; code != ExitLeft {
			t.Errorf("exit %d", code)
		}
		if got := line.Heard(); got != "" {
			t.Errorf("the line heard %q", got)
		}
		a.types("x")
		b = r.enter("bob", withActions())
		b.types("\x05c!", "2\r", "node1\r")
		b.sees("power cycle: not done: alice is writing (idle 0s). Force: ^Ec f")
	})
}

func TestSysRqKey(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, d := r.enter("alice", Options{}), r.enter("dave", Options{})
		a.types("\x05cyh")
		a.sees("BREAK and sysrq h sent (250ms).")
		d.sees("alice sent BREAK and sysrq h (250ms).")
		a.types("\x05cyb")
		a.sees("SysRq b reboots node1 at once, without saving anything. Type node1 to go on: ")
		a.types("\r")
		a.types("\x05cyb", "node1\r")
		d.sees("alice sent BREAK and sysrq b (250ms).")
		d.types("\x05cyh")
		d.sees("you may not send BREAK here.")
		a.types("\x05cy\x03")
		a.sees("cancelled.")
		if got := line.Heard(); got != "hb" || len(line.Breaks()) != 2 {
			t.Errorf("the line heard %q, breaks %v", got, line.Breaks())
		}
	})
}

// A line that is let go of: everybody is told, who types too, and the admin opens it again.
func TestCloseKey(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, e := r.enter("alice", Options{}), r.enter("erin", Options{})
		a.types("\x05cd")
		a.sees("you may not close this line.")
		a.types("\x05co")
		a.sees("not reopened: you lack the right admin.")
		e.types("\x05cd", "n\r")
		e.sees("Let go of the line, so that another program can have it? (y/n): ", "not closed.")
		e.types("\x05cd", "y\r")
		e.sees("you closed the line. Open it: ^Ec o", "[closed] node1 +1")
		a.sees("\a", "erin closed the line.")
		if !line.WaitClosed(t.Context()) {
			t.Error("the port is open")
		}
		a.types("x")
		a.sees("not sent: erin closed the line. Leave: ^Ec .")
		b := r.enter("bob", Options{})
		b.sees("closed by erin. Leave: ^Ec .")
		if code := <-r.enter("ivan", Options{ExitOnDown: true}).code; code != ExitDown {
			t.Errorf("exit %d", code)
		}
		e.types("\x05co")
		a.sees("erin opened the line anew.", "up.")
		a.types("y")
		if got := r.line().WaitHeard(t.Context(), 1); got != "y" {
			t.Errorf("the line heard %q", got)
		}
	})
}

func TestSettingsKey(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		a.types("\x05cx")
		a.sees("line of node1:", "fake node1", "it has no modem lines")
		a.types("\x05cc")
		a.sees("not switched: you are not the writer.")
		a.types("q", "\x05cc")
		a.sees("not switched: this line cannot switch software flow control.")
		r.fake.FailAlways(&ports.Error{Reason: ports.Refused})
		line.End(&ports.Error{Reason: ports.Closed})
		a.sees("DOWN: ")
		a.types("\x05cx")
		a.sees("it is DOWN")
	})
}
