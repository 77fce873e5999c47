package auth

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"consoled/gateway/names"
)

// A Role grants rights to its members on the consoles it lists.
type Role struct {
	Name     string
	Grant    Rights
	Consoles []names.Selector
	Members  []string // identities, globs of them, and fingerprints of keys (SHA256:...)
	From     []From
	Write    string
	Place    string // file:line, for explanations
}

// A Deny takes rights away; it wins over every grant, but for those of the
// roles in Except.
type Deny struct {
	Name     string
	Rights   Rights
	Consoles []names.Selector
	Until    time.Time // zero: for ever
	Except   []string
	Place    string
}

// A Policy is all that decides about access. It is not changed once in use,
// and not copied; any number of goroutines may ask it.
type Policy struct {
	Keys    []Key
	Roles   []Role
	Denies  []Deny
	Default Rights // for a listed key without consoles= and without a role
	Contact string // who to ask for access; shown when no key fits

	once  sync.Once
	index index // made at the first question
}

// An Identity is who completed authentication, and with what. It is bound to
// the request that did so.
type Identity struct {
	Name        string // user= and the like; the fingerprint where the key names nobody
	Fingerprint string // SHA256:...
	Comment     string
	Source      netip.Addr
	Key         *Key
}

// Why a key proves no identity; for the log, the client is told nothing.
var (
	ErrUnknownKey = errors.New("no such key")
	ErrExpired    = errors.New("expired")
	ErrSource     = errors.New("not from this address")
)

// Identify finds the identity that a key proves, coming from an address, or
// says why it proves none ("no such key", "expired", "not from this address"): the text is for the log only.
func (p *Policy) Identify(key ssh.PublicKey, source netip.Addr, now time.Time) (Identity, error) {
	if key == nil {
		return Identity{}, ErrUnknownKey
	}
	// One lookup by the whole key, and nothing before it, so that the time
	// tells nobody which keys resemble a listed one. A certificate is another
	// blob than the key within it, and so is unknown.
	e := p.ready().keys[string(key.Marshal())]
	if e == nil {
		return Identity{}, ErrUnknownKey
	}
	if err := e.valid(source, now); err != nil {
		return Identity{}, fmt.Errorf("%s: %w", e.text, err)
	}
	return Identity{
		Name:        cmp.Or(e.key.User, e.fingerprint),
		Fingerprint: e.fingerprint,
		Comment:     e.key.Comment,
		Source:      source,
		Key:         e.key,
	}, nil
}

// Problems lists what is wrong with the parts of the policy together: key
// lines that name a role that does not exist.
func (p *Policy) Problems() []Problem {
	known := make([]string, len(p.Roles))
	for i := range p.Roles {
		known[i] = p.Roles[i].Name
	}
	var list []Problem
	for i := range p.Keys {
		k := &p.Keys[i]
		for _, role := range k.Roles {
			if !slices.Contains(known, role) {
				list = append(list, Problem{
					File: k.File, Line: k.Line, Warning: true,
					Text: fmt.Sprintf("unknown role %s%s - it gives nothing", show(role), didYouMean(role, known)),
				})
			}
		}
	}
	return list
}

// An index is what questions are answered from: the parts of the policy, with
// everything worked out that does not depend on the question.
type index struct {
	keys    map[string]*keyEntry // by marshalled key: its first line
	own     map[*Key]*keyEntry   // the same by its place, which saves marshalling
	roles   []rule
	members map[string][]int // of roles, by name or fingerprint
	named   map[string][]int // of roles, by the role's name (role= of a key line)
	globs   []globMember
	denies  []rule
	except  [][]string // of denies
	until   []time.Time
}

type keyEntry struct {
	key         *Key
	fingerprint string
	text        string // key line FILE:LINE
	byDefault   string // default grant (...)
	everywhere  Rights // on all consoles without exception
}

func (e *keyEntry) valid(source netip.Addr, now time.Time) error {
	if !e.key.Expires.IsZero() && !now.Before(e.key.Expires) {
		return ErrExpired
	}
	if !lets(e.key.From, source) {
		return ErrSource
	}
	return nil
}

// A rule is what role and deny rule have in common.
type rule struct {
	name       string
	text       string
	rights     Rights
	consoles   []names.Selector
	all        bool // chooses every console, whatever the selectors say
	everywhere bool // the selectors choose all consoles without exception
	from       []From
	write      string
}

func (r *rule) chooses(x names.Subject) bool { return r.all || choose(r.consoles, x) }

func choose(union []names.Selector, x names.Subject) bool {
	for i := range union {
		if union[i].Match(x) {
			return true
		}
	}
	return false
}

type globMember struct {
	pattern string
	role    int
}

func (p *Policy) ready() *index {
	p.once.Do(p.build)
	return &p.index
}

func (p *Policy) build() {
	ix := &p.index
	ix.keys = make(map[string]*keyEntry, len(p.Keys))
	ix.own = make(map[*Key]*keyEntry, len(p.Keys))
	for i := range p.Keys {
		ix.addKey(&p.Keys[i])
	}
	ix.members = make(map[string][]int)
	ix.named = make(map[string][]int)
	for i := range p.Roles {
		ix.addRole(i, &p.Roles[i])
	}
	for i := range p.Denies {
		ix.addDeny(&p.Denies[i])
	}
}

func (ix *index) addKey(k *Key) {
	if k.Public == nil {
		return
	}
	blob := string(k.Public.Marshal())
	if ix.keys[blob] != nil {
		return // the first line counts, see ParseKeys
	}
	e := &keyEntry{key: k, fingerprint: ssh.FingerprintSHA256(k.Public)}
	e.text = oneLine("key line " + place(k.File, k.Line))
	e.byDefault = "default grant (" + e.text + ")"
	for _, g := range k.Grants {
		if slices.ContainsFunc(g.Consoles, everywhere) {
			e.everywhere |= g.Rights
		}
	}
	ix.keys[blob], ix.own[k] = e, e
}

func (ix *index) addRole(i int, role *Role) {
	// The configuration refuses @state in access rules. Where one comes
	// through all the same it must not give anything: the state would decide.
	consoles := slices.DeleteFunc(slices.Clone(role.Consoles), names.Selector.UsesState)
	ix.roles = append(ix.roles, rule{
		name:       role.Name,
		text:       oneLine("role " + role.Name + at(role.Place)),
		rights:     role.Grant,
		consoles:   consoles,
		everywhere: slices.ContainsFunc(consoles, everywhere),
		from:       role.From,
		write:      role.Write,
	})
	ix.named[role.Name] = append(ix.named[role.Name], i)
	for _, member := range role.Members {
		if strings.ContainsAny(member, `*?[\`) && !strings.HasPrefix(member, fingerprintPrefix) {
			ix.globs = append(ix.globs, globMember{member, i})
		} else {
			ix.members[member] = append(ix.members[member], i)
		}
	}
}

func (ix *index) addDeny(d *Deny) {
	ix.denies = append(ix.denies, rule{
		text:     oneLine("denied by rule " + d.Name + at(d.Place) + until(d.Until)),
		rights:   d.Rights,
		consoles: d.Consoles,
		// As with roles: what should not be there may only take away.
		all: slices.ContainsFunc(d.Consoles, names.Selector.UsesState),
	})
	ix.except = append(ix.except, d.Except)
	ix.until = append(ix.until, d.Until)
}

func at(place string) string {
	if place == "" {
		return ""
	}
	return " at " + place
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + t.UTC().Format(time.RFC3339)
}

const fingerprintPrefix = "SHA256:"

// rolesOf appends the roles that an identity is a member of, in their order:
// those that list its name, a glob of it or its key's fingerprint, and those
// of its key line. Names are compared as they are; "Alice" is not "alice". A
// key that names nobody is matched by no glob, not even by *.
func (ix *index) rolesOf(list []int, name string, e *keyEntry) []int {
	if name != "" && !strings.HasPrefix(name, fingerprintPrefix) {
		list = append(list, ix.members[name]...)
		for _, g := range ix.globs {
			if ok, err := path.Match(g.pattern, name); ok && err == nil {
				list = append(list, g.role)
			}
		}
	}
	if e != nil {
		list = append(list, ix.members[e.fingerprint]...)
		for _, role := range e.key.Roles {
			list = append(list, ix.named[role]...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
