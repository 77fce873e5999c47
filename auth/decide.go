package auth

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"consoled/gateway/names"
)

// A Decision is the answer to whether an identity has a right, with its reason.
type Decision struct {
	Allowed bool
	Reason  string // one line, for the log and for explain
}

// Decide is the one access decision. It is pure: the same arguments always
// have the same answer.
//
// Nothing is allowed but what a grant gives: those of the key's line, those of
// the roles whose member the identity is, and the default grant for a key
// whose line has no consoles= and that is in no role. A deny rule takes its
// rights out of every grant but those of the roles that it excepts. There is
// no order among rules.
//
// The key is looked up again, so that an identity from before a reload has
// what the new files say, and nothing once its key is gone, expired or another
// person's. A right made of several needs all of them.
func (p *Policy) Decide(id Identity, console names.Subject, right Rights, now time.Time) Decision {
	var buf [12]given
	list, err := p.weigh(buf[:0], id, question{console: console, now: now})
	if err != nil {
		return Decision{Reason: err.Error()}
	}
	if right == 0 {
		return Decision{Reason: "no right was asked for"}
	}
	var have Rights
	for i := range list {
		g := &list[i]
		if g.effective().Has(right) {
			return Decision{Allowed: true, Reason: g.text}
		}
		have |= g.effective()
	}
	if have.Has(right) {
		return Decision{Allowed: true, Reason: joined(list, right)}
	}
	return Decision{Reason: p.ready().whyNot(list, right&^have, question{console: console, now: now})}
}

// Rights is everything that Decide would allow.
func (p *Policy) Rights(id Identity, console names.Subject, now time.Time) Rights {
	return p.union(id, question{console: console, now: now})
}

// GatewayRights is what the identity may do to the gateway itself (reload,
// check, everyone's who): rights that it holds on all consoles without
// exception. So a deny rule on one console takes them too.
func (p *Policy) GatewayRights(id Identity, now time.Time) Rights {
	return p.union(id, question{everywhere: true, now: now})
}

func (p *Policy) union(id Identity, q question) Rights {
	var buf [12]given
	list, err := p.weigh(buf[:0], id, q)
	if err != nil {
		return 0
	}
	var have Rights
	for i := range list {
		have |= list[i].effective()
	}
	return have
}

// WriteMode is how typing takes the lock for this identity on this console,
// as its key or role says: "on-key", "explicit", "on-attach", or "" for the console's own.
// The key's line is the most particular and counts first; of several roles
// that let the identity write there, the most careful one.
func (p *Policy) WriteMode(id Identity, console names.Subject, now time.Time) string {
	var buf [12]given
	list, err := p.weigh(buf[:0], id, question{console: console, now: now})
	if err != nil {
		return ""
	}
	if e := p.ready().find(id.Key); e != nil && e.key.Write != "" {
		return e.key.Write
	}
	for _, mode := range [...]string{"explicit", "on-key", "on-attach"} {
		for i := range list {
			if list[i].write == mode && list[i].effective().Has(Write) {
				return mode
			}
		}
	}
	return ""
}

// A question is about one console, or about all of them without exception.
type question struct {
	console    names.Subject
	everywhere bool
	now        time.Time
}

// A given is what one grant gives for a question, and what is taken from it.
type given struct {
	rights Rights
	taken  Rights // by deny rules, or all of them, if away
	away   bool   // the role is not for the address that the identity comes from
	text   string
	role   string // name of the role it comes from, if from one
	write  string
}

func (g *given) effective() Rights { return g.rights &^ g.taken }

// weigh appends all grants that have something to say about a question. Its
// error says why the identity has nothing at all.
func (p *Policy) weigh(list []given, id Identity, q question) ([]given, error) {
	ix := p.ready()
	q.console.State = "" // access does not depend on it
	e, err := ix.standing(id, q.now)
	if err != nil {
		return nil, err
	}
	var roleBuf [16]int
	roles := ix.rolesOf(roleBuf[:0], id.Name, e)
	var denyBuf [16]int
	denies := ix.deniesFor(denyBuf[:0], &q)

	if e != nil {
		if g := e.grant(&q); g != 0 {
			list = append(list, given{rights: g, text: e.text})
			ix.take(&list[len(list)-1], denies)
		}
		// A role named on the line counts as one even where there is none of that name: a slip must not widen.
		if !e.key.Listed && len(roles) == 0 && len(e.key.Roles) == 0 && p.Default != 0 {
			list = append(list, given{rights: p.Default, text: e.byDefault})
			ix.take(&list[len(list)-1], denies)
		}
	}
	for _, i := range roles {
		role := &ix.roles[i]
		if q.everywhere && !role.everywhere || !q.everywhere && !role.chooses(q.console) {
			continue
		}
		g := given{rights: role.rights, text: role.text, role: role.name, write: role.write}
		if lets(role.from, id.Source) {
			ix.take(&g, denies)
		} else {
			g.taken, g.away = role.rights, true
		}
		list = append(list, g)
	}
	return list, nil
}

// standing finds the line that the identity's key has now. An identity without
// a key (explaining what somebody might do) has none, and only roles count.
func (ix *index) standing(id Identity, now time.Time) (*keyEntry, error) {
	if id.Key == nil {
		return nil, nil
	}
	e := ix.find(id.Key)
	if e == nil {
		return nil, fmt.Errorf("key %s is no longer listed", show(id.Fingerprint))
	}
	if err := e.valid(id.Source, now); err != nil {
		return nil, fmt.Errorf("%s: %w", e.text, err)
	}
	if id.Name != e.key.User && (e.key.User != "" || id.Name != e.fingerprint) {
		return nil, fmt.Errorf("%s is not %s's any more", e.text, show(id.Name))
	}
	return e, nil
}

func (ix *index) find(k *Key) *keyEntry {
	if k == nil || k.Public == nil {
		return nil
	}
	if e := ix.own[k]; e != nil {
		return e
	}
	return ix.keys[string(k.Public.Marshal())]
}

func (e *keyEntry) grant(q *question) Rights {
	if q.everywhere {
		return e.everywhere
	}
	var rights Rights
	for i := range e.key.Grants {
		if g := &e.key.Grants[i]; choose(g.Consoles, q.console) {
			rights |= g.Rights
		}
	}
	return rights
}

// deniesFor appends the deny rules in force that a question touches.
func (ix *index) deniesFor(list []int, q *question) []int {
	for i := range ix.denies {
		if until := ix.until[i]; !until.IsZero() && !q.now.Before(until) {
			continue
		}
		if q.everywhere || ix.denies[i].chooses(q.console) {
			list = append(list, i)
		}
	}
	return list
}

// take takes out of a grant what deny rules take.
func (ix *index) take(g *given, denies []int) {
	for _, i := range denies {
		if !ix.excepts(i, g.role) {
			g.taken |= ix.denies[i].rights
		}
	}
}

func (ix *index) excepts(deny int, role string) bool {
	return role != "" && slices.Contains(ix.except[deny], role)
}

// joined is the reason where no grant gives all of it alone.
func joined(list []given, right Rights) string {
	var from []string
	for i := range list {
		if list[i].effective()&right != 0 {
			from = append(from, list[i].text)
		}
	}
	return strings.Join(from, ", ")
}

// whyNot is the reason for rights that nothing gives: the deny rule if one
// took them, else the role that would give them from elsewhere.
func (ix *index) whyNot(list []given, lacking Rights, q question) string {
	denies := ix.deniesFor(nil, &q)
	away := ""
	for i := range list {
		g := &list[i]
		if g.rights&lacking == 0 {
			continue
		}
		if g.away {
			away = g.text
			continue
		}
		for _, d := range denies {
			if ix.denies[d].rights&g.rights&lacking != 0 && !ix.excepts(d, g.role) {
				return ix.denies[d].text
			}
		}
	}
	if away != "" {
		return away + " gives " + lacking.String() + " only from other addresses"
	}
	return "nothing gives " + lacking.String() + " here"
}
