package auth

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"consoled/gateway/names"
)

// The model answers the same questions as Policy from tables that were filled
// in by hand: no parser, no selector, no address arithmetic, no index.

type modelLine struct {
	options string
	refused bool              // the line
	name    string            // the identity; empty: the fingerprint
	gives   map[string]string // console: letters of rights; "*": every console
	listed  bool              // has consoles=
	roles   []string          // role= of the line
	froms   []string          // sources let in; nil: all
	ends    int               // expired from this time on; 0: never
}

type modelRole struct {
	name     string
	rights   string
	consoles []string
	members  []string // identities, written out
	keyed    bool     // lists the fingerprint of the key under test too
	froms    []string
}

type modelDeny struct {
	name     string
	rights   string
	consoles []string
	except   []string
	ends     int
}

const modelLetters = "rwbfpmzaA" // in the order of the bits

// The parsed world. Letters: r read, w write, b break, f force, p power, m
// write-many, z freeze, a audit, A admin.
const (
	letRW    = "rwb"
	letOp    = "rwbfpz"
	letAdmin = "rwbfpmzA"
)

var (
	modelConsoles = []names.Subject{
		{Name: "node1", Aliases: []string{"n1"}, Groups: []string{"compute", "rack3"}, State: "up"},
		{Name: "Node2", Groups: []string{"compute"}, State: "down"},
		{Name: "sw1", Aliases: []string{"switch"}, Tags: []string{"network"}, State: "up"},
		{Name: "board10", Tags: []string{"boards"}},
		{Name: "lonely"},
	}
	modelSources = []string{"10.0.0.5", "10.9.0.5", "::ffff:10.0.0.5", "192.0.2.1", "fd00::5", "fe80::1%eth0"}
	modelTimes   = []time.Time{
		time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), // the very moment that the lines and rules below end
		time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC),
	}
	all   = []string{"node1", "Node2", "sw1", "board10", "lonely"}
	ten   = []string{"10.0.0.5", "10.9.0.5", "::ffff:10.0.0.5"}
	ten0  = []string{"10.0.0.5", "::ffff:10.0.0.5"}
	lines = []modelLine{
		{options: ``},
		{options: `restrict `},
		{options: `pty,no-port-forwarding `},
		{options: `user="alice" `, name: "alice"},
		{options: `user="Alice" `, name: "Alice"},
		{options: `user="bg-erin" `, name: "bg-erin"},
		{options: `user="bob",consoles="" `, name: "bob", listed: true},
		{options: `consoles="node1" `, listed: true, gives: map[string]string{"node1": "r"}},
		{options: `consoles="rw=N1; r=SWITCH" `, listed: true, gives: map[string]string{"node1": letRW, "sw1": "r"}},
		{options: `consoles="op=@compute,-node2" `, listed: true, gives: map[string]string{"node1": letOp}},
		{options: `consoles="rw+power=@network; audit=@all" `, listed: true, gives: map[string]string{"sw1": letRW + "p", "*": "a"}},
		{options: `user="carol",environment="CONSOLES=rw=board[01-10],board[1-10]" `, name: "carol", listed: true, gives: map[string]string{"board10": letRW}},
		{options: `consoles="admin=@all",from="10.0.0.0/8" `, listed: true, gives: map[string]string{"*": letAdmin}, froms: ten},
		{options: `consoles="admin=*",from="10.*,!10.9.0.0/16" `, listed: true, gives: map[string]string{"*": letAdmin}, froms: ten0},
		{options: `user="alice",from="!fe80::/10,*" `, name: "alice", froms: []string{"10.0.0.5", "10.9.0.5", "::ffff:10.0.0.5", "192.0.2.1", "fd00::5"}},
		{options: `from="fd00::/8" `, froms: []string{"fd00::5"}},
		{options: `expiry-time="20270101Z",consoles="rw=@all" `, listed: true, gives: map[string]string{"*": letRW}, ends: 1},
		{options: `expiry-time="20270102Z" `, ends: 2},
		{options: `role="oncall" `, roles: []string{"oncall"}},
		{options: `role="nosuch" `, roles: []string{"nosuch"}},
		{options: `user="dave",role="oncall",consoles="r=lonely" `, name: "dave", listed: true, roles: []string{"oncall"}, gives: map[string]string{"lonely": "r"}},
		{options: `console="rw=@all" `, refused: true},
		{options: `command="x",consoles="rw=@all" `, refused: true},
		{options: `user="alice",verify-required `, refused: true},
		{options: `consoles="rw=@state:up" `, refused: true},
	}
	modelRoles = []modelRole{
		{name: "viewer", rights: "r", consoles: all, members: []string{"alice", "dave"}},
		{name: "oncall", rights: letOp, consoles: []string{"node1", "Node2", "sw1"}, members: []string{"carol"}, froms: ten},
		{name: "breakglass", rights: letAdmin, consoles: all, members: []string{"bg-erin"}},
		{name: "keyed", rights: "ra", consoles: []string{"lonely"}, keyed: true},
	}
	modelDenies = []modelDeny{
		{name: "no-power", rights: "p", consoles: []string{"node1", "Node2"}, except: []string{"breakglass"}, ends: 1},
		{name: "no-net", rights: letRW, consoles: []string{"sw1"}, except: []string{"oncall"}},
	}
)

// The same roles and deny rules as the configuration would hand them over.
func realRoles(t testing.TB, keyed string) ([]Role, []Deny) {
	selector := func(text string) []names.Selector {
		s, err := names.ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		return []names.Selector{s}
	}
	from, err := ParseFrom("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	roles := []Role{
		{Name: "viewer", Grant: Read, Consoles: selector("@all"), Members: []string{"alice", "dave"}, Place: "a.yaml:1"},
		{Name: "oncall", Grant: bundleOp, Consoles: append(selector("@compute"), selector("@network")...), Members: []string{"carol"}, From: from, Place: "a.yaml:2"},
		{Name: "breakglass", Grant: bundleAdmin, Consoles: selector("@all"), Members: []string{"bg-*"}, Place: "a.yaml:3"},
		{Name: "keyed", Grant: Read | Audit, Consoles: selector("lonely"), Members: []string{keyed}, Place: "a.yaml:4"},
	}
	denies := []Deny{
		{Name: "no-power", Rights: Power, Consoles: selector("@compute"), Until: modelTimes[1], Except: []string{"breakglass"}, Place: "a.yaml:5"},
		{Name: "no-net", Rights: bundleRW, Consoles: selector("@tag:network"), Except: []string{"oncall"}, Place: "a.yaml:6"},
	}
	return roles, denies
}

// modelRights is what the model lets a line do on a console; ok is false if
// the key proves nothing at all.
func modelRights(l modelLine, keyed bool, byDefault, console, source string, when int) (letters string, ok bool) {
	if l.refused || l.ends != 0 && when >= l.ends || l.froms != nil && !slices.Contains(l.froms, source) {
		return "", false
	}
	have := func(role, rights string) {
		for _, right := range rights {
			denied := false
			for _, d := range modelDenies {
				if strings.ContainsRune(d.rights, right) && slices.Contains(d.consoles, console) &&
					(d.ends == 0 || when < d.ends) && !slices.Contains(d.except, role) {
					denied = true
				}
			}
			if !denied {
				letters += string(right)
			}
		}
	}
	have("", l.gives[console]+l.gives["*"])
	member := len(l.roles) > 0
	for _, r := range modelRoles {
		if !slices.Contains(l.roles, r.name) && !(l.name != "" && slices.Contains(r.members, l.name)) && !(r.keyed && keyed) {
			continue
		}
		member = true
		if slices.Contains(r.consoles, console) && (r.froms == nil || slices.Contains(r.froms, source)) {
			have(r.name, r.rights)
		}
	}
	if !member && !l.listed {
		have("", byDefault)
	}
	return letters, true
}

func TestDecideAgainstModel(t *testing.T) {
	kinds := []string{"ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048", "rsa4096", "sk-ed25519", "sk-ecdsa", "rsa1024"}
	rows, wrong := 0, 0
	for k, kind := range kinds {
		public := newKey(t, kind)
		weak := kind == "rsa1024"
		for i, line := range lines {
			line.refused = line.refused || weak
			keyed, byDefault := (k+i)%3 == 0, []string{"", "r", letRW}[(k+i)%3]
			p := modelPolicy(t, public, line, keyed, byDefault)
			for when, now := range modelTimes {
				for _, source := range modelSources {
					id, err := p.Identify(public, netip.MustParseAddr(source), now)
					for _, console := range modelConsoles {
						letters, ok := modelRights(line, keyed, byDefault, console.Name, source, when)
						row := fmt.Sprintf("%s %q keyed=%t default=%q on %s from %s at %d", kind, line.options, keyed, byDefault, console.Name, source, when)
						rows += len(modelLetters) + 2
						wrong += compare(t, row, p, id, err, console, now, line, letters, ok)
						if wrong > 20 {
							t.Fatal("and more")
						}
					}
				}
			}
		}
	}
	if t.Logf("%d rows", rows); rows < 9000 {
		t.Errorf("only %d rows", rows)
	}
}

func modelPolicy(t *testing.T, public ssh.PublicKey, line modelLine, keyed bool, byDefault string) *Policy {
	keys, problems := ParseKeys("keys", "", []byte("\n"+line.options+text(public)+"\n"))
	if (len(keys) == 0) != line.refused || (len(problems) > 0) != line.refused {
		t.Fatalf("%q: %d keys, problems %v", line.options, len(keys), problems)
	}
	p := &Policy{Keys: keys}
	fingerprint := "SHA256:nobody"
	if keyed {
		fingerprint = ssh.FingerprintSHA256(public)
	}
	p.Roles, p.Denies = realRoles(t, fingerprint)
	for _, letter := range byDefault {
		p.Default |= 1 << strings.IndexRune(modelLetters, letter)
	}
	return p
}

// compare returns the number of differences in one row of questions.
func compare(t *testing.T, row string, p *Policy, id Identity, err error, console names.Subject, now time.Time, line modelLine, letters string, ok bool) (wrong int) {
	if ok != (err == nil) {
		t.Errorf("%s: identified %v, the model says %t", row, err, ok)
		return 1
	}
	if ok && id.Name != line.name && !(line.name == "" && id.Name == id.Fingerprint) {
		t.Errorf("%s: identity %q", row, id.Name)
		wrong++
	}
	var want Rights
	for bit, letter := range modelLetters {
		right := Rights(1) << bit
		allowed := ok && strings.ContainsRune(letters, letter)
		if allowed {
			want |= right
		}
		d := p.Decide(id, console, right, now)
		if d.Allowed != allowed || d.Reason == "" {
			t.Errorf("%s: %s: %+v, the model says %t", row, right, d, allowed)
			wrong++
		}
	}
	if got := p.Rights(id, console, now); got != want {
		t.Errorf("%s: rights %s, the model says %s", row, got, want)
		wrong++
	}
	return wrong
}
