package gateway

import (
	"errors"
	"time"

	"consoled/auth"
	"consoled/gateway/command"
)

// errNarrowed ends a command that may show what its caller may no longer read.
var errNarrowed = errors.New("you may no longer read all that you could when this began; run it again")

// review decides anew what everybody who is connected may do. A connection
// whose key is gone, or is somebody else's now, ends. It returns who lost something
// that they were doing.
func (g *Gateway) review(old, next *site) map[string]bool {
	losers := map[string]bool{}
	dismissed := map[*connection]bool{}
	for _, c := range g.door.connections() {
		id, ok := c.who()
		if !ok {
			continue
		}
		now, err := next.policy.Identify(id.Key.Public, id.Source, time.Now())
		if err != nil || now.Name != id.Name {
			c.log.Info("connection revoked", "who", id.Name, "key", id.Fingerprint, "err", err)
			c.dismiss(errRevoked)
			dismissed[c], losers[id.Name] = true, true
			continue
		}
		c.become(now)
	}
	narrowed := map[string]bool{} // by key and address
	for _, open := range g.sessions.all() {
		if dismissed[open.c] { // which is its goodbye; it may do nothing meanwhile
			for _, p := range open.joined() {
				p.attachment.Disarm()
			}
			continue
		}
		asked := open.asked.Load()
		if asked == nil {
			continue // it has read nothing yet
		}
		if g.revise(open, asked) {
			losers[asked.Who.Name] = true
		}
		if len(open.joined()) > 0 {
			continue // what it joined was decided above
		}
		// A verb checks the rights when it begins. One that goes on (log -f) reads
		// records that we do not know of, so that any loss ends it.
		key := asked.Who.Fingerprint + " " + asked.Who.Source.String()
		lost, known := narrowed[key]
		if !known {
			lost = narrows(old, next, asked.Who)
			narrowed[key] = lost
		}
		if lost {
			losers[asked.Who.Name] = true
			open.cancel(errNarrowed)
		}
	}
	return losers
}

// narrows reports whether an identity may no longer read a console that it
// could read.
func narrows(old, next *site, who auth.Identity) bool {
	now := time.Now()
	for name, before := range old.consoles {
		after, ok := next.consoles[name]
		if ok && old.policy.Rights(who, before.Subject, now).Has(auth.Read) && !next.policy.Rights(who, after.Subject, now).Has(auth.Read) {
			return true
		}
	}
	return false
}

// revise decides anew what a session may do on the consoles that it joined, and
// reports whether it has to leave one. What was asked is the session's.
func (g *Gateway) revise(s *session, asked *command.Session) (leaves bool) {
	for _, p := range s.joined() {
		cl := g.Client(asked, p.console, p.kind)
		if !g.Rights(asked.Who, p.console).Has(auth.Read) {
			p.attachment.Detach("you may no longer read this console")
			leaves = true
			continue
		}
		p.attachment.Update(cl)
	}
	return leaves
}
