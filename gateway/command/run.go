package command

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
)

// Run does what the session asks for, a command or a shell, and returns the exit code.
func Run(ctx context.Context, g Gateway, s *Session) int {
	out := newOutput(s.Terminal)
	code := run(ctx, g, s, out)
	out.flush()
	return code
}

func run(ctx context.Context, g Gateway, s *Session, out *output) int {
	target, err := resolve(g, s)
	switch {
	case err != nil:
		return out.fail(err)
	case strings.TrimSpace(s.Line) == "":
		return shell(ctx, g, s, out, target)
	}
	c, err := parse(g, s, target)
	if err != nil {
		return out.fail(err)
	}
	c.out = out
	return c.verb.run(ctx, c)
}

// resolve finds what the login name means: a console or selector, or "" where
// it is somebody's local account name or a reserved word.
func resolve(g Gateway, s *Session) (string, error) {
	l := s.Login
	switch {
	case l.Text == "%n":
		return "", &usageError{
			code: ExitUsage, text: "your OpenSSH does not expand %n in User (needs 10.0)",
			fix: "name the console: ssh NAME@gateway",
		}
	case l.Modifiers.Raw:
		return "", &usageError{code: ExitUsage, text: "this version has no raw mode", fix: "leave +raw out"}
	case l.Reserved != "":
		return "", nil
	case l.Selector != "":
		return l.Selector, nil
	}
	_, found := lookup(g, s, l.Name)
	switch {
	case l.User != "" && found && l.User != s.Who.Name:
		return "", &usageError{
			code: ExitDenied, text: fmt.Sprintf("you are not %s; you are %s", quote(l.User), me(s)),
			fix: "leave the user out: ssh NAME@gateway",
		}
	case found:
		return l.Name, nil
	case l.User != "" && isConsole(g, s, l.User):
		return "", &usageError{
			code: ExitUsage, text: fmt.Sprintf("%s is neither a modifier nor a console, and %s is one", quote(l.Name), quote(l.User)),
			fix: "the modifiers are +ro +rw +quiet +noreplay",
		}
	case l.User != "" || l.Modifiers != names.Modifiers{} || len(suggest(g, s, l.Name)) > 0:
		return "", unknown(g, s, l.Name)
	}
	return "", nil
}

// isConsole reports whether a part of the login name is a console that the caller may read.
func isConsole(g Gateway, s *Session, name string) bool {
	_, ok := lookup(g, s, name)
	return ok
}

// shell is a session without a command.
func shell(ctx context.Context, g Gateway, s *Session, out *output, target string) int {
	line := "ls"
	if s.Login.Reserved == "help" {
		line = "help"
	}
	if target != "" && !names.IsSelector(target) {
		x, _ := lookup(g, s, target)
		out.flush()
		return g.Attach(ctx, s, x, attach.Options{})
	}
	if target == "" && line == "ls" && len(visible(g, s)) == 0 {
		return out.fail(&usageError{
			code: ExitUnknown, text: "there is no console that you may see; you are " + me(s),
			fix: "ask for access with this fingerprint",
		})
	}
	asked := *s
	asked.Line = line
	c, err := parse(g, &asked, target)
	if err != nil {
		return out.fail(err)
	}
	c.out = out
	return c.verb.run(ctx, c)
}

// parse takes the command line apart, finds its target and checks the rights.
func parse(g Gateway, s *Session, login string) (*call, error) {
	name, rest := cutWord(s.Line)
	v, ok := findVerb(name)
	if !ok {
		return nil, noVerb(g, s, login, name)
	}
	if login != "" && v.target == noTarget && v.needs != 0 {
		return nil, &usageError{
			code: ExitUsage, text: quote(name) + " is a command of the gateway, and you named a console",
			fix: fmt.Sprintf("'ssh gw %s' for the gateway; 'send --enter %s' types it on the console", name, name),
		}
	}
	if first, _ := cutWord(rest); first == "--help" || first == "-h" {
		v, rest, login = helpVerb(), v.name, ""
	}
	c := &call{g: g, s: s, verb: v}
	plain := -1
	if v.text {
		if plain = 1; login != "" {
			plain = 0
		}
	}
	var err error
	if c.words, err = split(rest, v.flags, plain); err != nil {
		return nil, &usageError{code: ExitUsage, text: v.name + ": " + err.Error(), fix: "'help " + v.name + "' shows its form"}
	}
	if err := c.aim(login); err != nil {
		return nil, err
	}
	return c, c.permit()
}

// aim finds the consoles that a call is about.
func (c *call) aim(login string) error {
	target := login
	if c.verb.target != noTarget && login == "" && len(c.plain) > 0 {
		target, c.plain = c.plain[0], c.plain[1:]
	}
	if c.verb.target != noTarget && len(c.plain) > 0 {
		return &usageError{
			code: ExitUsage, text: fmt.Sprintf("%s: %s is too much", c.verb.name, quote(c.plain[0])),
			fix: "'help " + c.verb.name + "' shows its form; several consoles are one selector: a,b",
		}
	}
	switch {
	case c.verb.target == noTarget:
		return nil
	case target != "":
		c.named = true
		if err := c.choose(target); err != nil {
			return err
		}
	case c.verb.target == allTarget:
		c.consoles = visible(c.g, c.s)
	case c.verb.target != optTarget:
		return &usageError{code: ExitUsage, text: c.verb.name + ": which console?", fix: "'help " + c.verb.name + "' shows its form"}
	}
	if n := len(c.consoles); n > 1 && (c.verb.target == oneTarget || c.verb.target == optTarget) {
		return &usageError{code: ExitUsage, text: fmt.Sprintf("%s takes one console; %s means %d", c.verb.name, quote(target), n)}
	}
	return nil
}

// permit checks the rights that the verb needs.
func (c *call) permit() error {
	if c.verb.target == noTarget && !c.g.GatewayRights(c.s.Who).Has(c.verb.needs) {
		return errDenied(c.s, c.verb.name, c.verb.needs)
	}
	if c.verb.needs.Has(auth.Write) {
		if err := c.mayMany(); err != nil {
			return err
		}
	}
	for _, x := range c.consoles {
		if lacks := c.verb.needs &^ c.rights(x); lacks != 0 {
			return errDenied(c.s, x.Name(), lacks)
		}
	}
	return nil
}

// NoFiles is the answer to who asks for files, by whatever program.
const NoFiles = "files are not served; 'ssh NAME@gateway log' prints a record"

// copies reports whether a first word is what a client that copies files runs
// at the other end.
func copies(name string) bool {
	switch path.Base(name) {
	case "scp", "sftp-server", "rsync":
		return true
	}
	return false
}

// noVerb answers a first word that is no command.
func noVerb(g Gateway, s *Session, login, name string) error {
	if copies(name) {
		return &usageError{code: ExitUsage, text: NoFiles}
	}
	if login != "" {
		return &usageError{
			code: ExitUsage, text: "no such command: " + quote(name),
			fix: "'help' lists them; 'send --enter TEXT' types on the console",
		}
	}
	if x, ok := lookup(g, s, name); ok {
		return &usageError{
			code: ExitUsage, text: fmt.Sprintf("%s is a console, not a command", x.Name()),
			fix: fmt.Sprintf("'ssh %s@gw' attaches to it; 'ssh gw log %s' prints its record", x.Name(), x.Name()),
		}
	}
	e := &usageError{code: ExitUsage, text: "no such command: " + quote(name), fix: "'help' lists the commands"}
	if near := names.Nearest(name, verbNames()); near != "" {
		e.text += "; did you mean " + near + "?"
	}
	return e
}

// attachVerb is the shell form as a command, for a shared connection.
func attachVerb() verb {
	return verb{
		name: "attach", args: "T", does: "attach to a console, as 'ssh T@gw' does", target: oneTarget, needs: auth.Read,
		flags: []flag{
			{name: "--ro", does: "only watch"},
			{name: "--rw", does: "take write, or leave with 75 where somebody has it"},
			{name: "--force", takes: some, does: "take write from whoever has it, for the reason behind ="},
			{name: "--reason", takes: free, does: "the reason of --force"},
			{name: "--replay", takes: word, does: "show that many lines of the record first"},
			{name: "--no-replay", does: "show none"},
			{name: "-e", takes: word, does: "the escape sequence: ^Ec, ^] or none"},
			{name: "--quiet", does: "no notices but the urgent ones"},
			{name: "--exit-on-down", does: "leave with 69 when the line is down"},
		},
		run: func(ctx context.Context, c *call) int {
			o := attach.Options{
				Escape: c.flags["-e"], Quiet: c.has("--quiet"), NoReplay: c.has("--no-replay"), Write: c.has("--rw"),
				Force: c.has("--force"), Reason: c.flags["--force"], ExitOnDown: c.has("--exit-on-down"),
			}
			if c.has("--reason") {
				o.Reason = c.flags["--reason"]
			}
			lines, err := c.number("--replay", 0)
			if err != nil {
				return c.out.fail(err)
			}
			o.NoReplay = o.NoReplay || c.has("--replay") && lines == 0
			o.Replay = int(min(lines, 1<<20)) // more than a replay reads of any record
			if _, err := attach.ParseEscape(o.Escape); err != nil {
				return c.out.fail(&usageError{code: ExitUsage, text: err.Error()})
			}
			if c.has("--ro") && (c.has("--rw") || c.has("--force")) {
				return c.out.fail(&usageError{code: ExitUsage, text: "attach: --ro watches only; it goes with neither --rw nor --force"})
			}
			if c.has("--ro") {
				c.s.Login.Modifiers.ReadOnly = true
			}
			c.out.flush()
			return c.g.Attach(ctx, c.s, c.consoles[0], o)
		},
	}
}

// notSent is why something was not sent, with the console's name in front, for stderr.
func notSent(x *console.Console, err error) string {
	text := err.Error()
	if r, ok := errors.AsType[*console.Refusal](err); ok && r.Because == console.BecauseDown {
		if reason := x.Status().Reason; reason != "" {
			text += fmt.Sprintf(" (%s)", reason)
		}
	}
	return fmt.Sprintf("%s: not sent: %s", x.Name(), text)
}
