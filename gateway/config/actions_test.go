package config

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consoled/gateway/action"
)

func TestActions(t *testing.T) {
	c := load(t, `
templates:
  board:
    actions:
      reset: { exec: [/bin/relay, "${name}", reset] }
      cycle: { exec: [/bin/relay, "${n}", cycle] }
  quiet:
    actions: { cycle: { confirm: false, timeout: 5s } }
consoles:
  board[01-02]: { use: [board, quiet], sim: echo }
  pdu: { sim: echo, power: { on: { exec: [on] }, status: { exec: [state] } }, actions: { blink: { exec: [blink], description: find it } } }
  none: { sim: echo }
`)
	exec := func(argv ...string) action.Way { return action.Exec{Argv: argv} }
	for name, want := range map[string]action.List{
		"board02": {
			{Name: "cycle", Timeout: 5e9, Way: exec("/bin/relay", "02", "cycle")},
			{Name: "reset", Confirm: true, Way: exec("/bin/relay", "board02", "reset")},
		},
		"pdu":  {{Name: "status", Way: exec("state")}, {Name: "on", Way: exec("on")}, {Name: "blink", Description: "find it", Way: exec("blink")}},
		"none": nil,
	} {
		if diff := cmp.Diff(want, named(t, c, name).Actions); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A change of an action is one of the console, and leaves the line open.
func TestActionsChanged(t *testing.T) {
	const before = `consoles: { a: { sim: echo, actions: { cycle: { exec: [relay] } } } }`
	old := named(t, load(t, before), "a")
	for after, want := range map[string][]string{
		before: nil,
		`consoles: { a: { sim: echo, actions: { cycle: { timeout: 60s, confirm: true, exec: [relay] } } } }`: nil,
		`consoles: { a: { sim: echo, actions: { cycle: { exec: [relay, x] } } } }`:                           {"actions"},
		`consoles: { a: { sim: echo, power: { cycle: { exec: [relay] } } } }`:                                {"actions", "power"},
	} {
		keys, reopen := Changed(old, named(t, load(t, after), "a"))
		if diff := cmp.Diff(want, keys); diff != "" || reopen {
			t.Errorf("%s: reopen %v %s", after, reopen, diff)
		}
	}
}

// The line's own host or controller does what is by ssh or ipmi, and an action
// of its own takes the place of the controller's. Another host is named.
func TestActionsOfTheLine(t *testing.T) {
	t.Setenv("P", "x")
	c := load(t, `
defaults: { actions: { cycle: { exec: [relay] } } }
consoles:
  a: { ipmi: { host: bmc1, user: u, password: { env: P } }, power: ipmi }
  b: { ipmi: { host: bmc1, user: u, password: { env: P } }, actions: { power: ipmi } }
  c: { ssh: "root@bmc1", actions: { reboot: { ssh: reboot }, far: { ssh: { to: root@pdu1, key: /k, command: "off ${name}" } } } }
`)
	for _, name := range []string{"a", "b"} {
		list := named(t, c, name).Actions
		if got, want := len(list), len(action.Power()); got != want {
			t.Errorf("%s: %d actions, not %d", name, got, want)
		}
		cycle, _ := list.Find("cycle")
		off, _ := list.Find("off")
		if _, ok := cycle.Way.(action.Exec); !ok {
			t.Errorf("%s: cycle is by %v", name, cycle.Way)
		}
		if way, ok := off.Way.(action.IPMI); !ok || way.Command != "off" || way.Chassis == nil {
			t.Errorf("%s: off is by %v", name, off.Way)
		}
	}
	list := named(t, c, "c").Actions
	for name, want := range map[string]string{"reboot": "ssh root@bmc1: reboot", "far": "ssh root@pdu1: off c"} {
		a, _ := list.Find(name)
		way, _ := a.Way.(action.SSH)
		if got := fmt.Sprintf("%v: %s", way.Remote, way.Command); got != want {
			t.Errorf("%s is by %s", name, got)
		}
	}
}
