package command

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/console"
	"consoled/ports/porttest"
)

// A scripted action says something, lets the target say something, takes its
// time, and ends in its way.
type scripted struct {
	says   string
	line   *porttest.Line
	target string
	takes  time.Duration
	fails  error
}

func (s scripted) String() string { return "scripted" }

func (s scripted) Do(ctx context.Context, _ action.Call, out io.Writer) error {
	io.WriteString(out, s.says)
	if s.line != nil {
		s.line.Say(s.target)
	}
	select {
	case <-time.After(s.takes):
		return s.fails
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withPower gives node1 and node2 actions, and carol the right to them alone.
func withPower(t *testing.T) (*site, *porttest.Line) {
	t.Helper()
	g := newSite(t)
	line := g.fakes["node1"].Line(t.Context())
	synctest.Wait()
	line.Say("old login: \r\n")
	synctest.Wait()
	g.rights["carol"] = map[string]auth.Rights{"node1": auth.Read | auth.Power, "node2": auth.Read | auth.Power}
	g.rights["alice"]["node1"] |= auth.Power
	g.actions = map[string]action.List{
		"node1": {
			{Name: "status", Way: scripted{says: "on\n"}},
			{Name: "cycle", Confirm: true, Way: scripted{line: line, target: "BIOS\r\nnode1 login: ", takes: time.Second}},
			{Name: "off", Confirm: true, Way: scripted{fails: action.Exit(3)}},
			{Name: "boot-pxe", Way: scripted{}},
			{Name: "forge", Way: scripted{fails: errors.New("refused: sorry\nfix: run this\n more")}},
			{Name: "blink", Description: "the light", Way: scripted{says: "\x1b]0;owned\a\n"}},
			{Name: "slow", Way: scripted{takes: time.Hour}},
		},
		"node2":  {{Name: "status", Way: scripted{says: "off\n"}}, {Name: "blink", Way: scripted{}}},
		"secret": {{Name: "status", Way: scripted{says: "on\n"}}},
	}
	return g, line
}

func TestPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := withPower(t)
		for _, tt := range []struct {
			who, line string
			code      int
			out, errs string
		}{
			{"carol", "power node1 status", ExitOK, "on\n", ""},
			{"carol", "power node[1-2] status --yes", ExitOK, "node1: on\nnode2: off\n", ""},
			{"carol", "power node[1-2] status", ExitUsage, "", "power status: 2 consoles (node1 .. node2): not done unasked\nconsoled: fix: --yes, if you mean it\n"},
			{"carol", "power node1 cycle", ExitUsage, "", "fix: --yes, if you mean it\n"},
			{"carol", "power node1 cycle --yes", ExitOK, "node1: power cycle: done\n", ""},
			{"carol", "power node1 boot pxe", ExitOK, "node1: power boot pxe: done\n", ""},
			{"carol", "power node1 off --yes", ExitInternal, "", "consoled: node1: power off: exit status 3\n"},
			{"carol", "power node1 on", ExitDown, "", "consoled: node1: no action on is configured\n"},
			{"carol", "power node1 cylce", ExitUsage, "", "did you mean cycle?"},
			{"carol", "power node1", ExitUsage, "", "which action?"},
			{"carol", "power node1 blink", ExitUsage, "", "power: blink has nothing to do with power\nconsoled: fix: 'run T blink' runs it\n"},
			{"carol", "power node1 nosuch", ExitUsage, "", `no action "nosuch"`},
			{"bob", "power node1 status", ExitDenied, "", "you lack the right power"},
			{"bob", "run node1 blink", ExitDenied, "", "you lack the right power"},
			{"bob", "run node1 --list", ExitDenied, "", "you lack the right power"},
			{"carol", "run node1 blink", ExitOK, `\x1b]0;owned\x07` + "\n", ""},
			{"carol", "run node1 forge", ExitInternal, "", `consoled: node1: forge: refused: sorry\x0afix: run this\x0a more` + "\n"},
			{"carol", "run node1 nosuch", ExitUsage, "", `no action "nosuch"`},
			{"carol", "run node[1-2] boot-pxe --yes", ExitDenied, "", "write-many"},
			{"erin", "run node[1-2] boot-pxe --yes", ExitDown, "node1: power boot pxe: done\n", "node2: no action boot-pxe is configured"},
			{"carol", "run node1 --list --json", ExitOK, `{"v":1,"name":"node1","action":"status","confirm":false}` + "\n", ""},
			{"carol", "run node1 --list", ExitOK, "node1    blink     -     the light\n", ""},
			{"carol", "power node1 status --timeout 1m", ExitUsage, "", "--timeout is for --wait-for"},
			{"carol", "power node1 status --wait-for (", ExitUsage, "", "missing closing )"},
			{"carol", "power node1 status --wait-for x --timeout soon", ExitUsage, "", "is no length of time"},
		} {
			code, out, errs := g.run(t, tt.who, "gw", tt.line)
			if code != tt.code || !strings.Contains(out, tt.out) || tt.out == "" && out != "" || !strings.Contains(errs, tt.errs) || tt.errs == "" && errs != "" {
				t.Errorf("%s: %s: exit %d\nout %q\nerr %q", tt.who, tt.line, code, out, errs)
			}
		}
	})
}

// --wait-for looks at what came since the action began, whatever stood there before.
func TestWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, line := withPower(t)
		at := len("old login: \r\n")
		code, out, errs := g.run(t, "carol", "node1", `power cycle --yes --json --wait-for login:\s*$ --timeout 1m`)
		var got outcome
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != ExitOK {
			t.Fatalf("exit %d, %v, %q, %s", code, err, out, errs)
		}
		if got.Offset != int64(at) || got.Result != "done" || got.Matched != "node1 login: " || got.Action != "cycle" {
			t.Errorf("%+v", got)
		}
		began := time.Now()
		code, _, errs = g.run(t, "carol", "node1", `power status --wait-for login: --timeout 90s`)
		if took := time.Since(began); code != ExitTimeout || took != 90*time.Second || !strings.Contains(errs, `node1: no line matched "login:" within 1m30s`) {
			t.Errorf("exit %d after %s, %s", code, took, errs)
		}
		time.AfterFunc(time.Minute, func() { line.Say("\x1b[1mnode1\x1b[0m lo"); line.Say("gin: ") })
		if code, _, errs = g.run(t, "carol", "node1", `power status --wait-for ^node1 login:`); code != ExitOK {
			t.Errorf("exit %d, %s", code, errs)
		}
		time.AfterFunc(time.Minute, func() { line.Say(strings.Repeat("x", 1<<20) + "END") })
		if code, _, errs = g.run(t, "carol", "node1", `power status --wait-for END$`); code != ExitOK {
			t.Errorf("a line without end: exit %d, %s", code, errs)
		}
	})
}

// Somebody who writes, and an action that runs, are in the way of another.
func TestPowerBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := withPower(t)
		x, _ := g.set.Get("node1")
		a := x.Attach(console.Client{Session: "a", Name: "alice", Kind: console.Interactive, MayWrite: true, MayPower: true})
		defer a.Leave(false)
		a.Take()
		if code, _, errs := g.run(t, "carol", "node1", "power cycle --yes"); code != ExitBusy || !strings.Contains(errs, "node1: power cycle: alice is writing") {
			t.Errorf("held: exit %d, %s", code, errs)
		}
		if code, out, _ := g.run(t, "carol", "node1", "power status"); code != ExitOK || out != "on\n" {
			t.Errorf("status: exit %d, %s", code, out)
		}
		if code, _, errs := g.run(t, "carol", "node1", "power cycle --yes --force --reason x"); code != ExitDenied {
			t.Errorf("forced without the right: exit %d, %s", code, errs)
		}
		if code, _, errs := g.run(t, "erin", "node1", "power cycle --yes --force --reason it burns"); code != ExitOK {
			t.Errorf("forced: exit %d, %s", code, errs)
		}
		if a.Writer() {
			t.Error("alice writes on")
		}
		done := make(chan error)
		go func() {
			done <- action.Run(t.Context(), a, action.Action{Name: "cycle", Way: scripted{takes: time.Minute}}, nil)
		}()
		time.Sleep(5 * time.Second)
		code, _, errs := g.run(t, "carol", "node1", "power status")
		if code != ExitBusy || !strings.Contains(errs, "node1: power status: alice runs power cycle (for 5s)") {
			t.Errorf("exit %d, %s", code, errs)
		}
		<-done
	})
}

// On a PTY people type what is asked for, and nothing else does it.
func TestPowerAsks(t *testing.T) {
	for _, tt := range []struct {
		line, keys string
		code       int
		sees       string
	}{
		{"power node1 cycle", "nodee\x7f1\r", ExitOK, "power cycle: node1. Type its name to go on: nodee\b \b1\r\nnode1: power cycle: done\r\n"},
		{"power node1 cycle", "\r", ExitUsage, "not done"},
		{"power node1 cycle", "y\r", ExitUsage, "not done"},
		{"power node1 cycle", "node1\x03", ExitInterrupt, "interrupted"},
		{"power node1 cycle", "", ExitInterrupt, "interrupted"},
		{"power node[1-2] status", "2\r", ExitOK, "node2: off"},
		{"run node1 slow", "\x03", ExitInterrupt, "slow: stopped: interrupted"},
		{"sysrq node1 b", "node1\r", ExitOK, "sysrq b reboots at once, without saving anything. Type node1 to go on: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, line := withPower(t)
			g.rights["erin"]["node1"] |= auth.Power
			out, code := g.pty(t, "erin", tt.line, strings.NewReader(tt.keys), func() {})
			if got := <-code; got != tt.code || !strings.Contains(out.String(), tt.sees) {
				t.Errorf("%s, %q: exit %d, %q", tt.line, tt.keys, got, out.String())
			}
			if strings.HasPrefix(tt.line, "sysrq") && line.WaitHeard(t.Context(), 1) != "b" {
				t.Errorf("the line heard %q", line.Heard())
			}
		})
	}
}

func TestSysRqVerb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, line := withPower(t)
		for _, tt := range []struct {
			who, line string
			code      int
			errs      string
		}{
			{"alice", "sysrq node1 h", ExitOK, ""},
			{"alice", "sysrq node1 b", ExitUsage, "sysrq b reboots at once"},
			{"alice", "sysrq node1 b --confirm", ExitOK, ""},
			{"alice", "sysrq node1 help", ExitUsage, "one character"},
			{"alice", "sysrq node1", ExitUsage, "which key?"},
			{"bob", "sysrq node1 h", ExitDenied, "you lack the right write,break"},
			{"erin", "sysrq node[1-2] h", ExitUsage, "--yes, if you mean it"},
		} {
			if code, _, errs := g.run(t, tt.who, "gw", tt.line); code != tt.code || !strings.Contains(errs, tt.errs) {
				t.Errorf("%s: exit %d, %s", tt.line, code, errs)
			}
		}
		if got := line.Heard(); got != "hb" || len(line.Breaks()) != 2 {
			t.Errorf("the line heard %q, breaks %v", got, line.Breaks())
		}
	})
}

func TestCloseOpenReopen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := withPower(t)
		until := time.Now().Add(30 * time.Minute).Format(time.DateTime)
		for _, tt := range []struct {
			who, line string
			code      int
			out, errs string
		}{
			{"alice", "close node1", ExitDenied, "", "you lack the right admin"},
			{"alice", "open node1", ExitDenied, "", "you lack the right admin"},
			{"alice", "reopen node1", ExitDenied, "", "you lack the right admin"},
			{"erin", "close node1 --for soon", ExitUsage, "", "is no length of time"},
			{"erin", "close node1 node2", ExitUsage, "", "is too much"},
			{"erin", "close node[1-2]", ExitUsage, "", "--yes, if you mean it"},
			{"erin", "close node1 --for 30m --reason new \x1bkernel", ExitOK, "", ""},
			{"alice", "status node1", ExitDown, `closed        by erin until ` + until + `: new \x1bkernel`, ""},
			{"alice", "ls node1", ExitOK, "node1  closed", ""},
			{"alice", "ls --fold", ExitOK, "closed        1  node1\n", ""},
			{"alice", "ls @state:closed", ExitOK, "node1  closed", ""},
			{"alice", "status node1 --json", ExitDown, `"state":"closed"`, ""},
			{"alice", "send node1 x", ExitDown, "", "node1: not sent: erin closed the line"},
			{"erin", "open node1", ExitOK, "", ""},
			{"erin", "reopen node1", ExitOK, "", ""},
			{"alice", "status node1", ExitOK, "up for", ""},
		} {
			code, out, errs := g.run(t, tt.who, "gw", tt.line)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) {
				t.Errorf("%s: exit %d\nout %s\nerr %s", tt.line, code, out, errs)
			}
			synctest.Wait()
		}
		if n := g.fakes["node1"].Opens(); n != 3 {
			t.Errorf("%d opens", n)
		}
	})
}
