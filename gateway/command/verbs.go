package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/screen"
)

// A target is what a verb does with the consoles it is given.
type target int

const (
	noTarget  target = iota // a verb of the gateway
	oneTarget               // exactly one console
	anyTarget               // one or many; must be named
	allTarget               // one or many; all that the caller may see where none is named
	optTarget               // one, or none for the gateway itself
)

// A verb is a command as people type it.
type verb struct {
	name   string
	args   string // as help shows them
	does   string // one line
	more   string // further lines of its help
	target target
	flags  []flag
	text   bool        // free text follows the target
	needs  auth.Rights // on each console, or on the gateway
	run    func(context.Context, *call) int
}

// verbs lists every verb in the order of help. It is a function, as help itself lists it.
func verbs() []verb {
	return []verb{
		attachVerb(), lsVerb(), whoVerb(), statusVerb(), logVerb(), tailVerb(),
		sendVerb(), breakVerb(), sysrqVerb(), powerVerb(), runVerb(), closeVerb(), openVerb(), reopenVerb(),
		whoamiVerb(), reloadVerb(), checkVerb(), versionVerb(), helpVerb(),
	}
}

func findVerb(name string) (verb, bool) {
	for _, v := range verbs() {
		if v.name == name {
			return v, true
		}
	}
	return verb{}, false
}

func verbNames() (all []string) {
	for _, v := range verbs() {
		all = append(all, v.name)
	}
	return all
}

// A call is one verb being run.
type call struct {
	g    Gateway
	s    *Session
	verb verb
	words
	consoles []*console.Console // what the target means, in natural order
	named    bool               // there was a target
	out      *output
}

// A usageError is a mistake in the command line.
type usageError struct {
	code int
	text string
	fix  string
	bare bool // a whole sentence, told without our name in front
}

func (e *usageError) Error() string { return e.text }

// quote makes what the caller typed fit for our own line.
func quote(s string) string { return `"` + screen.Printable(s, 80) + `"` }

// has reports whether a flag was given.
func (c *call) has(name string) bool {
	_, ok := c.flags[name]
	return ok
}

// rights is what the caller may do on a console, as far as the session goes.
func (c *call) rights(x *console.Console) auth.Rights { return rightsOf(c.g, c.s, x) }

func rightsOf(g Gateway, s *Session, x *console.Console) auth.Rights {
	r := g.Rights(s.Who, x)
	if s.Login.Modifiers.ReadOnly {
		r &= auth.Read
	}
	return r
}

// visible lists the consoles that the caller may read.
func visible(g Gateway, s *Session) (all []*console.Console) {
	for _, c := range g.Consoles() {
		if g.Rights(s.Who, c).Has(auth.Read) {
			all = append(all, c)
		}
	}
	return all
}

// lookup finds a console that the caller may read. One that they may not is
// the same as none.
func lookup(g Gateway, s *Session, name string) (*console.Console, bool) {
	c, ok := g.Console(name)
	if !ok {
		for _, suffix := range g.Suffixes() {
			if cut, found := cutSuffixFold(name, suffix); found {
				if c, ok = g.Console(cut); ok {
					break
				}
			}
		}
	}
	if !ok || !g.Rights(s.Who, c).Has(auth.Read) {
		return nil, false
	}
	return c, true
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n > 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n], true
	}
	return s, false
}

// suggest lists names like the one that was meant, of those the caller may read.
func suggest(g Gateway, s *Session, name string) []string {
	var all []string
	for _, c := range visible(g, s) {
		subject := c.Subject()
		all = append(append(all, subject.Name), subject.Aliases...)
	}
	return names.Suggest(name, all)
}

// unknown is the answer to a console that does not exist or is not to be seen:
// the same for both.
func unknown(g Gateway, s *Session, name string) *usageError {
	e := &usageError{
		code: ExitUnknown,
		text: fmt.Sprintf("no console called %s that you may see; you are %s", quote(name), me(s)),
		fix:  "'ls' lists the consoles that you may see",
	}
	if like := suggest(g, s, name); len(like) > 0 {
		e.text = fmt.Sprintf("No console called %s.  Did you mean:  %s ?", quote(name), strings.Join(like, "  "))
		e.fix, e.bare = "", true
	}
	return e
}

// me says who the caller is.
func me(s *Session) string {
	if s.Who.Name == s.Who.Fingerprint {
		return s.Who.Fingerprint
	}
	return screen.Printable(s.Who.Name, 80) + ", " + s.Who.Fingerprint
}

// choose resolves a target to consoles.
func (c *call) choose(text string) error {
	if !names.IsSelector(text) {
		x, ok := lookup(c.g, c.s, text)
		if !ok {
			return unknown(c.g, c.s, text)
		}
		c.consoles = []*console.Console{x}
		return nil
	}
	sel, err := names.ParseSelector(text)
	if err != nil {
		return &usageError{code: ExitUsage, text: err.Error(), fix: "node[1-9], a,b, node*, @tag or @all"}
	}
	seen := visible(c.g, c.s)
	for _, name := range sel.Names() {
		if !slices.ContainsFunc(seen, func(x *console.Console) bool { return x.Subject().Called(name) }) {
			return unknown(c.g, c.s, name) // before a part of the list is done
		}
	}
	for _, x := range seen {
		if sel.Match(x.Subject()) {
			c.consoles = append(c.consoles, x)
		}
	}
	if len(c.consoles) == 0 {
		return &usageError{code: ExitUnknown, text: "no console that you may see matches " + quote(text)}
	}
	return nil
}

// errDenied is a right that the caller lacks.
func errDenied(s *Session, what string, right auth.Rights) *usageError {
	return &usageError{
		code: ExitDenied,
		text: fmt.Sprintf("%s: you lack the right %s; you are %s", what, right, me(s)),
		fix:  "'whoami' says what you may do",
	}
}

// code is the exit code of an error.
func code(err error) int {
	if err == nil {
		return ExitOK
	}
	if u, ok := errors.AsType[*usageError](err); ok {
		return u.code
	}
	return attach.ExitCode(err)
}
