// Package auth knows who may do what: keys and the options of their lines,
// roles, rights, and the one decision with its reason. It knows no SSH server
// and no console, only keys, names and the time. Its data is immutable once
// built: a reload builds a new Policy.
package auth

import (
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"

	"consoled/gateway/names"
)

// Rights is a set of rights (interface.md 4.1).
type Rights uint16

// The rights.
const (
	Read Rights = 1 << iota
	Write
	Break
	Force
	Power
	WriteMany
	Freeze
	Audit
	Admin
)

// ParseRights reads a bundle (r, rw, op, admin) or a right's name.
func ParseRights(word string) (Rights, error) { panic("contract") }

// String lists the rights by name, separated by commas; "none" for no right.
func (r Rights) String() string { panic("contract") }

// Has reports whether r holds all of want.
func (r Rights) Has(want Rights) bool { return r&want == want }

// A Grant gives rights on what its selector chooses.
type Grant struct {
	Rights   Rights
	Consoles []names.Selector // union
}

// A Key is one line of an authorized_keys file.
type Key struct {
	Public      ssh.PublicKey
	User        string // user=, or the name of its file in a keys.d folder; may be empty
	Comment     string // a label, never an identity
	File        string
	Line        int
	Grants      []Grant // consoles= and environment="CONSOLES=..."
	Listed      bool    // has a consoles= option at all; if not, and no role applies, the default grant counts
	From        []From
	Expires     time.Time // zero: never
	NoPTY       bool      // no-pty, or restrict without pty
	Write       string    // write=, such as "explicit"; empty: the console's own
	MaxSessions int       // max-sessions=; 0: no limit of its own
}

// From is one address pattern of a from= option.
type From struct {
	Prefix netip.Prefix
	Not    bool
}

// A Problem is a line that was refused, or is doubtful, with its place.
type Problem struct {
	File string
	Line int
	Text string
}

// ParseKeys reads an authorized_keys file line by line. A line that is broken
// or has an unknown option is refused alone and reported. user is the identity
// that the file's name gives (keys.d/NAME.pub), or empty.
func ParseKeys(file, user string, data []byte) ([]Key, []Problem) { panic("contract") }

// A Role grants rights to its members on the consoles it lists.
type Role struct {
	Name     string
	Grant    Rights
	Consoles []names.Selector
	Members  []string // identities; globs allowed
	From     []From
	Write    string
	Place    string // file:line, for explanations
}

// A Deny takes rights away; it wins over every grant, but for the roles in Except.
type Deny struct {
	Name     string
	Rights   Rights
	Consoles []names.Selector
	Until    time.Time // zero: for ever
	Except   []string
	Place    string
}

// A Policy is all that decides about access. It is not changed once in use.
type Policy struct {
	Keys    []Key
	Roles   []Role
	Denies  []Deny
	Default Rights // for a listed key without consoles= and without a role
	Contact string // who to ask for access; shown when no key fits
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

// Identify finds the identity that a key proves, coming from an address, or
// says why it proves none ("no such key", "expired", "not from this address"): the text is for the log only.
func (p *Policy) Identify(key ssh.PublicKey, source netip.Addr, now time.Time) (Identity, error) {
	panic("contract")
}

// A Decision is the answer to whether an identity has a right, with its reason.
type Decision struct {
	Allowed bool
	Reason  string // one line, for the log and for explain
}

// Decide is the one access decision. It is pure: the same arguments always
// have the same answer.
func (p *Policy) Decide(id Identity, console names.Subject, right Rights, now time.Time) Decision {
	panic("contract")
}

// Rights is everything that Decide would allow.
func (p *Policy) Rights(id Identity, console names.Subject, now time.Time) Rights { panic("contract") }

// GatewayRights is what the identity may do to the gateway itself (reload,
// check, everyone's who): rights that it holds on all consoles without exception.
func (p *Policy) GatewayRights(id Identity, now time.Time) Rights { panic("contract") }

// WriteMode is how typing takes the lock for this identity on this console,
// as its key or role says: "on-key", "explicit", "on-attach", or "" for the console's own.
func (p *Policy) WriteMode(id Identity, console names.Subject, now time.Time) string {
	panic("contract")
}

// HostKeys loads the host keys in files, or, where files is empty, the ed25519
// key in stateDir, made with mode 0600 on first use (made reports it). A key
// file that others may read is an error that says how to mend it.
func HostKeys(files []string, stateDir string) (keys []ssh.Signer, made bool, err error) {
	panic("contract")
}
