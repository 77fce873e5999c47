package config

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consoled/gateway/action"
	"consoled/ports"
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

// A bmc is a line whose controller does power, and whose host runs commands.
type bmc struct{ ports.Unix }

func (bmc) Chassis(context.Context, string) (string, error)          { return "", nil }
func (bmc) Run(context.Context, string) (_ []byte, _ int, err error) { return }

// The line's own host or controller does what is by ssh or ipmi; an action of
// its own takes the place of the controller's.
func TestActionsOfTheLine(t *testing.T) {
	for _, text := range []string{
		`{ power: ipmi, actions: { cycle: { exec: [relay] }, reboot: { ssh: reboot } } }`,
		`{ actions: { power: ipmi, cycle: { exec: [relay] }, reboot: { ssh: reboot } } }`,
	} {
		l, err := newLoader(write(t, t.TempDir(), "consoled.yaml", "groups: { x: "+text+" }"))
		if err != nil {
			t.Fatal(err)
		}
		l.readAll()
		b := &builder{loader: l}
		e := &entry{key: &value{}, line: "ipmi", settings: map[string]setting{}}
		e.merge(l.parts["groups"][0].value.pairs, false)
		d, left := newDraft("tcp", ""), 1<<20
		d.Backend = bmc{}
		if !e.read(&reader{report: &l.report, left: &left}, &d, false) {
			t.Fatal(l.problems())
		}
		if b.act(e, &d); l.errors > 0 {
			t.Fatal(l.problems())
		}
		if got, want := len(d.Actions), len(action.Power())+1; got != want {
			t.Errorf("%d actions, not %d", got, want)
		}
		cycle, _ := d.Actions.Find("cycle")
		off, _ := d.Actions.Find("off")
		reboot, _ := d.Actions.Find("reboot")
		if diff := cmp.Diff([]action.Way{action.Exec{Argv: []string{"relay"}}, action.IPMI{Chassis: bmc{}, Command: "off"}, action.SSH{Remote: bmc{}, Command: "reboot"}},
			[]action.Way{cycle.Way, off.Way, reboot.Way}, cmp.Comparer(func(bmc, bmc) bool { return true })); diff != "" {
			t.Error(diff)
		}
	}
}
