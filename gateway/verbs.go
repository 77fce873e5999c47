package gateway

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/attach"
	"consoled/gateway/command"
	"consoled/gateway/console"
)

var _ command.Gateway = (*Gateway)(nil)

// Consoles lists every console in natural order, whatever anybody may see.
func (g *Gateway) Consoles() []*console.Console { return g.set.Load().All() }

// Console finds one by name or alias, without regard to case.
func (g *Gateway) Console(name string) (*console.Console, bool) { return g.set.Load().Get(name) }

// Actions are what can be done to a console's target.
func (g *Gateway) Actions(c *console.Console) action.List {
	return g.site.Load().settings(c.Name()).Actions
}

// Suffixes are cut off console names.
func (g *Gateway) Suffixes() []string { return g.site.Load().config.Suffixes }

// Rights is what an identity may do on a console by the keys and roles of now.
func (g *Gateway) Rights(id auth.Identity, c *console.Console) auth.Rights {
	return g.site.Load().policy.Rights(id, c.Subject(), time.Now())
}

// GatewayRights is what an identity may do to the gateway.
func (g *Gateway) GatewayRights(id auth.Identity) auth.Rights {
	return g.site.Load().policy.GatewayRights(id, time.Now())
}

// Client is the facts with which a session attaches. The modifiers of the
// login name can only lower them.
func (g *Gateway) Client(s *command.Session, c *console.Console, kind string) console.Client {
	site, subject, now := g.site.Load(), c.Subject(), time.Now()
	if open, ok := g.sessions.get(s.ID); ok {
		open.decided.Store(site)
	}
	rights := site.policy.Rights(s.Who, subject, now)
	if s.Login.Modifiers.ReadOnly || !rights.Has(auth.Read) {
		rights = 0
	}
	return console.Client{
		Session: s.ID, Name: s.Who.Name, Key: s.Who.Fingerprint, Source: s.Who.Source.String(), Kind: kind,
		Mode:     console.WriteMode(site.policy.WriteMode(s.Who, subject, now)),
		MayWrite: rights.Has(auth.Write), MayBreak: rights.Has(auth.Break),
		MayForce: rights.Has(auth.Force), MayPower: rights.Has(auth.Power), MayAdmin: rights.Has(auth.Admin),
	}
}

// Join makes a session's client part of a console until it leaves. A reload
// decides its rights anew meanwhile.
func (g *Gateway) Join(s *command.Session, c *console.Console, kind string) *console.Attachment {
	p := place{console: c, attachment: c.Attach(g.Client(s, c, kind)), kind: kind}
	open, ok := g.sessions.get(s.ID)
	if !ok {
		return p.attachment
	}
	open.join(p)
	if open.decided.Load() != g.site.Load() {
		g.revise(open, s) // a reload came in between
	}
	return p.attachment
}

// Attach runs an attach session to its end: a person's where there is a PTY,
// a stream that only reads where there is none.
func (g *Gateway) Attach(ctx context.Context, s *command.Session, c *console.Console, o attach.Options) int {
	o.Quiet = o.Quiet || s.Quiet
	if !s.Terminal.PTY {
		return attach.Watch(ctx, c, g.Join(s, c, console.Watching), s.Terminal, o.Quiet)
	}
	settings := g.site.Load().settings(c.Name())
	o.Escape = cmp.Or(o.Escape, settings.Escape)
	o.NoTitle = o.NoTitle || settings.NoTitle
	o.NoReplay = o.NoReplay || s.Login.Modifiers.NoReplay
	o.Write = o.Write || s.Login.Modifiers.ReadWrite
	o.MOTD = settings.MOTD
	o.Version = g.options.Version
	o.Actions = func() action.List { return g.Actions(c) }
	o.Rights = func() string { return s.Who.Name + ": " + g.Rights(s.Who, c).String() }
	o.Status = func() string { return command.Describe(c, g.Rights(s.Who, c)) }
	return attach.Run(ctx, c, g.Join(s, c, console.Interactive), s.Terminal, o)
}

// Version is the program's version.
func (g *Gateway) Version() string { return g.options.Version }

// Health is the gateway's own state.
func (g *Gateway) Health() command.Health {
	s, set := g.site.Load(), g.Consoles()
	h := command.Health{
		Version: g.options.Version, Started: g.started, Reloaded: s.loaded, Consoles: len(set),
		Sessions: g.sessions.count(), Connections: len(g.door.connections()),
		Panics: g.panics.Load(), Warnings: s.warnings, HostKeys: fingerprints(s.hostKeys),
	}
	if addrs := g.listening.Load(); addrs != nil {
		for _, a := range *addrs {
			h.Listen = append(h.Listen, a.String())
		}
	}
	for _, c := range set {
		if c.Status().State == console.Up {
			h.Up++
		}
	}
	return h
}

// Check reads the configuration and the keys without applying them.
func (g *Gateway) Check() (string, error) {
	s, err := g.load()
	if err == nil {
		err = s.keepsKeys(g.site.Load())
	}
	if err != nil {
		return "", err
	}
	summary := fmt.Sprintf("%s, %s, %s; no mistake", count(len(s.config.Consoles), "console", "consoles"),
		count(len(s.policy.Keys), "key", "keys"), count(len(s.policy.Roles), "role", "roles"))
	return strings.Join(append(warningsOf(s), summary), "\n"), nil
}

func warningsOf(s *site) (texts []string) {
	for _, w := range s.warnings {
		texts = append(texts, "warning: "+w)
	}
	return texts
}
