package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/screen"
)

func actionFlags(more ...flag) []flag {
	return append([]flag{
		{name: "--yes", does: "do not ask: needed without a PTY for what interrupts the target, and for several consoles"},
		{name: "--wait-for", takes: free, does: "then wait for a line that matches, in what the console said since it began"},
		{name: "--timeout", takes: word, does: "how long; 10m where it is not given"},
		{name: "--force", does: "take write from whoever has it (needs --reason)"},
		{name: "--reason", takes: free, does: "why, for the record"},
		{name: "--json", does: "print what came of it, with the record's offset before it, as JSON"},
	}, more...)
}

func powerVerb() verb {
	return verb{
		name: "power", args: "T on|off|cycle|reset|status", does: "switch a target's power, or ask for its state",
		target: anyTarget, needs: auth.Read | auth.Power, text: true, flags: actionFlags(),
		more: "Also soft (asks the system to shut down), diag (an NMI), identify and identify-off (its light), boot-pxe, boot-disk,\n" +
			"boot-bios and boot-none (the next boot's device). 'run T --list' lists what is configured. ^C stops an action and ends its program.\n" +
			"Exit code 70: it failed; 75: somebody is writing, or another action runs.",
		run: func(ctx context.Context, c *call) int {
			name := strings.ReplaceAll(c.text, " ", "-")
			if !action.IsPower(name) {
				return c.out.fail(noAction(c, "power", name, action.Power()))
			}
			return c.perform(ctx, name)
		},
	}
}

func runVerb() verb {
	return verb{
		name: "run", args: "T ACTION", does: "run an action that is configured for a console",
		target: anyTarget, needs: auth.Read | auth.Power, text: true,
		flags: actionFlags(flag{name: "--list", does: "list the actions"}),
		run: func(ctx context.Context, c *call) int {
			if c.has("--list") {
				return c.listActions()
			}
			var all []string
			for _, x := range c.consoles {
				all = append(all, c.g.Actions(x).Names()...)
			}
			if _, ok := action.List(c.known()).Find(c.text); !ok {
				return c.out.fail(noAction(c, "run", c.text, all))
			}
			return c.perform(ctx, c.text)
		},
	}
}

// known is the actions of all the consoles.
func (c *call) known() (all []action.Action) {
	for _, x := range c.consoles {
		all = append(all, c.g.Actions(x)...)
	}
	return all
}

// noAction is a name that stands for none.
func noAction(c *call, verb, name string, known []string) error {
	e := &usageError{code: ExitUsage, text: verb + ": no action " + quote(name), fix: "'run T --list' lists those of a console"}
	if name == "" {
		e.text = verb + ": which action?"
	} else if near := names.Nearest(name, known); near != "" {
		e.text += "; did you mean " + near + "?"
	} else if _, other := action.List(c.known()).Find(name); other {
		e.text, e.fix = verb+": "+name+" has nothing to do with power", "'run T "+name+"' runs it"
	}
	return e
}

func (c *call) listActions() int {
	type actionJSON struct {
		V           int    `json:"v"`
		Name        string `json:"name"`
		Action      string `json:"action"`
		Confirm     bool   `json:"confirm"`
		Description string `json:"description,omitempty"`
	}
	t := c.table("CONSOLE", "ACTION", "ASKS", "DESCRIPTION")
	defer t.finish()
	for _, x := range c.consoles {
		for _, a := range c.g.Actions(x) {
			asks := "-"
			if a.Confirm {
				asks = "yes"
			}
			t.row(actionJSON{1, x.Name(), a.Name, a.Confirm, a.Description}, x.Name(), a.Name, asks, dash(cmp.Or(a.Description, a.Way.String())))
		}
	}
	return ExitOK
}

// An outcome is what came of an action on one console, as JSON has it.
type outcome struct {
	V       int      `json:"v"`
	Name    string   `json:"name"`
	Action  string   `json:"action"`
	Offset  int64    `json:"offset"` // of the record, before it
	Result  string   `json:"result"`
	Output  []string `json:"output,omitempty"`
	Matched string   `json:"matched,omitempty"` // by --wait-for

	console *console.Console
	place   *console.Attachment // nil but where its lines are waited for
	err     error
}

// perform runs an action on each console, in the order of names, then waits for
// all that did it, and returns the worst exit code.
func (c *call) perform(ctx context.Context, name string) int {
	wait, err := c.waiting()
	if err == nil {
		err = c.mayAll(name)
	}
	if err == nil {
		err = c.agreed(ctx, action.Action{Name: name}.Title(), c.confirms(name))
	}
	if err != nil {
		return c.out.fail(err)
	}
	ctx, stop := c.interruptible(ctx, interrupt)
	defer stop()
	var all []*outcome
	for _, x := range c.consoles {
		o := &outcome{V: 1, Name: x.Name(), Offset: x.Record().End(), console: x}
		if o.err = c.one(ctx, o, name, wait.re != nil); o.err != nil {
			c.out.warn("%s: %s", o.Name, screen.Printable(o.err.Error(), 800)) // a host's words are one line, and none of ours
		}
		if all = append(all, o); ctx.Err() != nil {
			break // the others are left alone
		}
	}
	wait.all(ctx, c, all)
	worst := ExitOK
	for _, o := range all {
		if c.has("--json") {
			c.out.object(o)
		}
		worst = max(worst, codeOf(o.err))
	}
	return worst
}

// codeOf is the exit code of what came of an action.
func codeOf(err error) int {
	if errors.Is(err, errInterrupted) {
		return ExitInterrupt
	}
	return code(err)
}

// one runs the action on one console and shows what it says as it comes. Who
// stays for a line of it goes on being one who may read the console, and needs its line.
func (c *call) one(ctx context.Context, o *outcome, name string, stays bool) error {
	a, ok := c.g.Actions(o.console).Find(name)
	if !ok {
		o.Action, o.Result = name, "not configured"
		return &usageError{code: ExitDown, text: "no action " + name + " is configured"}
	}
	o.Action = a.Name
	place := c.g.Join(c.s, o.console, console.Commanding)
	defer func() {
		if o.place == nil {
			place.Leave(false)
		}
	}()
	said := false
	say := func(line string) {
		said = true
		switch {
		case c.has("--json"):
			o.Output = append(o.Output, line)
			return
		case len(c.consoles) > 1:
			line = o.Name + ": " + line
		}
		c.out.printf("%s\n", line)
		c.out.flush()
	}
	var err error
	if stays {
		err = place.Ready(ctx)
	}
	if err == nil && c.has("--force") {
		err = place.Force(c.flags["--reason"])
	}
	if err == nil {
		err = action.Run(ctx, place, a, say)
	}
	if err != nil {
		o.Result = screen.Printable(err.Error(), 400)
		return fmt.Errorf("%s: %w", a.Title(), err)
	}
	if o.Result = "done"; !said && !c.has("--json") {
		c.out.printf("%s: %s: done\n", o.Name, a.Title())
		c.out.flush()
	}
	if stays {
		o.place = place
		place.Release() // an error is that it was not forced
	}
	return nil
}

// mayAll checks that the caller may act on many at once.
func (c *call) mayAll(name string) error {
	if len(c.consoles) < 2 || (action.Action{Name: name}).Asks() {
		return nil
	}
	return c.mayMany()
}

// confirms reports whether the action is one that people are asked about.
func (c *call) confirms(name string) bool {
	for _, a := range c.known() {
		if a.Name == name && a.Confirm {
			return true
		}
	}
	return false
}

// longestWait bounds --timeout.
const longestWait = 365 * 24 * time.Hour

// waiting reads --wait-for and --timeout.
func (c *call) waiting() (w waiting, err error) {
	if !c.has("--wait-for") {
		if c.has("--timeout") {
			return w, &usageError{code: ExitUsage, text: "--timeout is for --wait-for"}
		}
		return w, nil
	}
	if w.re, err = pattern("--wait-for", c.flags["--wait-for"]); err != nil {
		return w, err
	}
	w.limit, err = c.span("--timeout", 10*time.Minute, longestWait)
	return w, err
}
