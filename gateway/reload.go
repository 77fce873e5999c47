package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"consoled/gateway/config"
	"consoled/gateway/console"
)

// Reload loads the configuration and the keys anew and applies what differs. A
// mistake anywhere changes nothing. by says who asked; the last line of the summary is what changed, those before it are warnings.
func (g *Gateway) Reload(ctx context.Context, by string) (string, error) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if err := context.Cause(ctx); err != nil {
		return "", fmt.Errorf("reload: %w", err)
	}
	if g.listening.Load() == nil {
		return "", errors.New("reload: the gateway is starting or stopping")
	}
	old := g.site.Load()
	next, err := g.load()
	if err == nil {
		err = next.succeed(old, len(g.options.Listeners) > 0)
	}
	if err == nil && g.listening.Load() == nil {
		err = errors.New("reload: the gateway stops")
	}
	var p plan
	var affected map[string]bool
	if err == nil {
		p = compare(old, next)
		affected = g.people(p)
		err = g.apply(next, p, " by "+by)
	}
	if err != nil {
		g.log.Warn("reload refused", "by", by, "err", err)
		return "", fmt.Errorf("%w; running configuration unchanged", err)
	}
	g.site.Store(next)
	maps.Copy(affected, g.review(old, next))
	g.log.Info("reloaded", "by", by, "summary", p.String(), "affected", len(affected), "warnings", len(next.warnings))
	summary := p.String() + "; " + count(len(affected), "person", "people") + " affected"
	return strings.Join(append(warningsOf(next), summary), "\n"), nil
}

// A plan is how one site becomes another.
type plan struct {
	added, removed []string
	changed        []difference
}

// A difference is what changed about a console.
type difference struct {
	name   string
	keys   []string
	reopen bool
}

func compare(old, next *site) (p plan) {
	for _, x := range next.config.Consoles {
		name := x.Subject.Name
		before, ok := old.consoles[name]
		if !ok {
			p.added = append(p.added, name)
			continue
		}
		if keys, reopen := config.Changed(*before, x); len(keys) > 0 || reopen {
			p.changed = append(p.changed, difference{name, keys, reopen})
		}
	}
	for _, x := range old.config.Consoles {
		if _, ok := next.consoles[x.Subject.Name]; !ok {
			p.removed = append(p.removed, x.Subject.Name)
		}
	}
	return p
}

// named is how many changed consoles a summary names.
const named = 5

// String is the plan as people read it, without names where there are many.
func (p plan) String() string {
	changed := make([]string, 0, len(p.changed))
	for _, d := range p.changed {
		if len(changed) == named {
			changed = append(changed, fmt.Sprintf("%d more", len(p.changed)-named))
			break
		}
		changed = append(changed, d.name+": "+strings.Join(d.keys, " "))
	}
	text := fmt.Sprintf("added %d, changed %d", len(p.added), len(p.changed))
	if len(changed) > 0 {
		text += " (" + strings.Join(changed, ", ") + ")"
	}
	return fmt.Sprintf("%s, removed %d", text, len(p.removed))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// people are those at consoles whose line the plan ends.
func (g *Gateway) people(p plan) map[string]bool {
	names := map[string]bool{}
	gone := slices.Clone(p.removed)
	for _, d := range p.changed {
		if d.reopen {
			gone = append(gone, d.name)
		}
	}
	for _, name := range gone {
		if c, ok := g.Console(name); ok {
			for _, cl := range c.Status().Clients {
				names[cl.Name] = true
			}
		}
	}
	return names
}

// apply brings the consoles in line with a plan, all of it or none.
func (g *Gateway) apply(next *site, p plan, why string) error {
	d := console.Difference{Remove: p.removed}
	for _, name := range p.added {
		d.Add = append(d.Add, g.console(next, next.settings(name)))
	}
	for _, x := range p.changed {
		d.Change = append(d.Change, console.Change{Options: g.console(next, next.settings(x.name)), Reopen: x.reopen})
	}
	return g.set.Load().Apply(d, why)
}

// console is a console's settings as its package takes them.
func (g *Gateway) console(s *site, x config.Console) console.Options {
	o := console.Options{
		Subject: x.Subject, Description: x.Description, MOTD: x.MOTD, Backend: x.Backend,
		Reconnect: x.Reconnect, Connect: x.Connect, Manners: x.Manners, Lock: x.Lock,
		Log: g.log.With("console", x.Subject.Name), Observe: g.observe,
		Panicked: func() { g.panics.Add(1) },
	}
	o.Record.Dir = filepath.Join(s.config.Log.Dir, x.Subject.Name)
	o.Record.None = x.NoLog
	o.Record.Group = s.group
	return o
}

// observe copies to the log what people do to a console that the console does
// not log itself.
func (g *Gateway) observe(e console.Event) {
	switch e.Kind {
	case console.KindAttach, console.KindDetach, console.KindBreak, console.KindFlow, console.KindOnIdle, console.KindOnLeave:
	default:
		return
	}
	attrs := []any{"console", e.Console, "event", string(e.Kind), "session", e.Session, "who", e.Who, "from", e.From}
	if e.Why != "" {
		attrs = append(attrs, "why", e.Why)
	}
	if e.Sequence != "" {
		attrs = append(attrs, "sequence", e.Sequence)
	}
	if e.For != 0 {
		attrs = append(attrs, "for", e.For)
	}
	g.log.Info("console event", attrs...)
}
