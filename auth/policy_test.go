package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"

	"consoled/gateway/names"
)

var (
	here   = netip.MustParseAddr("10.0.0.5")
	today  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	node42 = names.Subject{Name: "node42", Groups: []string{"compute"}}
)

func selectors(t testing.TB, list ...string) (out []names.Selector) {
	t.Helper()
	for _, text := range list {
		s, err := names.ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func from(t testing.TB, list string) []From {
	t.Helper()
	f, err := ParseFrom(list)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// policy makes a policy of key lines, and the identity that the first proves.
func policy(t testing.TB, p *Policy, lines ...string) (*Policy, Identity) {
	t.Helper()
	keys, problems := ParseKeys("authorized_keys", "", []byte(strings.Join(lines, "\n")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p.Keys = keys
	id, err := p.Identify(keys[0].Public, here, today)
	if err != nil {
		t.Fatal(err)
	}
	return p, id
}

func TestReasons(t *testing.T) {
	denies := []Deny{
		{Name: "no-break", Rights: Break, Consoles: selectors(t, "@all"), Place: "access.yaml:30"},
		{Name: "no-power-in-freeze", Rights: Power, Consoles: selectors(t, "@compute"), Until: today.AddDate(0, 0, 8), Place: "access.yaml:31"},
	}
	roles := []Role{
		{Name: "ops", Grant: bundleOp, Consoles: selectors(t, "@compute"), Members: []string{"alice"}, Place: "access.yaml:14"},
		{Name: "far", Grant: Freeze | Audit, Consoles: selectors(t, "@all"), Members: []string{"alice"}, From: from(t, "192.0.2.0/24"), Place: "access.yaml:15"},
	}
	for _, c := range []struct {
		line    string
		right   Rights
		allowed bool
		reason  string
	}{
		{`user="alice" `, Write, true, "role ops at access.yaml:14"},
		{`user="alice",consoles="r=node*" `, Read, true, "key line authorized_keys:1"},
		{`user="alice",consoles="audit=node*" `, Read | Audit, true, "key line authorized_keys:1, role ops at access.yaml:14"},
		{``, Read, true, "default grant (key line authorized_keys:1)"},
		{`user="alice" `, Power, false, "denied by rule no-power-in-freeze at access.yaml:31 until 2026-12-01T12:00:00Z"},
		{`user="alice" `, Break, false, "denied by rule no-break at access.yaml:30"},
		{`user="alice" `, Audit, false, "role far at access.yaml:15 gives audit only from other addresses"},
		{`user="alice" `, Admin, false, "nothing gives admin here"},
		{`user="alice" `, Write | Admin, false, "nothing gives admin here"},
		{`consoles="rw=other" `, Read, false, "nothing gives read here"},
		{``, 0, false, "no right was asked for"},
	} {
		p, id := policy(t, &Policy{Roles: roles, Denies: denies, Default: Read}, c.line+keyA)
		got := p.Decide(id, node42, c.right, today)
		if want := (Decision{c.allowed, c.reason}); got != want {
			t.Errorf("%s%s:\n got %+v\nwant %+v", c.line, c.right, got, want)
		}
	}
}

func TestIdentifyRefuses(t *testing.T) {
	p, _ := policy(t, &Policy{}, keyA, `from="192.0.2.0/24" `+keyB, `expiry-time="20261123Z" `+text(newKey(t, "ecdsa256")))
	for _, c := range []struct {
		key  ssh.PublicKey
		want error
		text string
	}{
		{nil, ErrUnknownKey, "no such key"},
		{newKey(t, "ed25519"), ErrUnknownKey, "no such key"},
		{certificate(t, p.Keys[0].Public), ErrUnknownKey, "no such key"},
		{p.Keys[1].Public, ErrSource, "key line authorized_keys:2: not from this address"},
		{p.Keys[2].Public, ErrExpired, "key line authorized_keys:3: expired"},
	} {
		id, err := p.Identify(c.key, here, today)
		if !errors.Is(err, c.want) || err.Error() != c.text || id != (Identity{}) {
			t.Errorf("want %q, got %v and %+v", c.text, err, id)
		}
	}
}

// TestReload holds the promise that an identity from before a reload has what
// the new files say.
func TestReload(t *testing.T) {
	_, id := policy(t, &Policy{}, `user="alice",consoles="rw=@all" `+keyA)
	for _, c := range []struct {
		line   string
		want   Rights
		reason string
	}{
		{`user="alice",consoles="r=@all" ` + keyA, Read, "key line authorized_keys:2"},
		{`user="alice",consoles="op=@all" ` + keyA, bundleOp, "key line authorized_keys:2"},
		{keyB, 0, fmt.Sprintf("key %q is no longer listed", id.Fingerprint)},
		{`user="bob",consoles="rw=@all" ` + keyA, 0, `key line authorized_keys:2 is not "alice"'s any more`},
		{`consoles="rw=@all" ` + keyA, 0, `key line authorized_keys:2 is not "alice"'s any more`},
		{`user="alice",consoles="rw=@all",from="192.0.2.1" ` + keyA, 0, "key line authorized_keys:2: not from this address"},
		{`user="alice",consoles="rw=@all",expiry-time="20261123Z" ` + keyA, 0, "key line authorized_keys:2: expired"},
	} {
		keys, _ := ParseKeys("authorized_keys", "", []byte("\n"+c.line))
		p := &Policy{Keys: keys, Default: bundleAdmin}
		if got := p.Rights(id, node42, today); got != c.want {
			t.Errorf("%s: rights %s, want %s", c.line, got, c.want)
		}
		if got := p.Decide(id, node42, Read, today); got.Reason != c.reason {
			t.Errorf("%s: reason %q", c.line, got.Reason)
		}
	}
}

// TestFirstLineCounts builds a policy by hand, without the parser's own check.
func TestFirstLineCounts(t *testing.T) {
	one, _ := ParseKeys("k", "", []byte(`consoles="r=@all" `+keyA))
	two, _ := ParseKeys("k2", "", []byte(`consoles="admin=@all" `+keyA))
	p := &Policy{Keys: append(one, two...)}
	id, err := p.Identify(one[0].Public, here, today)
	if err != nil {
		t.Fatal(err)
	}
	id2 := id
	id2.Key = &p.Keys[1] // as if somebody had kept the second line
	for _, id := range []Identity{id, id2} {
		if got := p.Rights(id, node42, today); got != Read {
			t.Errorf("rights %s", got)
		}
	}
}

func TestMembers(t *testing.T) {
	mine := ssh.FingerprintSHA256(parsedLine(t, keyA))
	for _, c := range []struct {
		member, user string
		want         bool
	}{
		{"alice", "alice", true},
		{"alice", "Alice", false},
		{"Alice", "alice", false},
		{"al*", "alice", true},
		{"a?ice", "alice", true},
		{"[a-c]*", "bob", true},
		{"*", "alice", true},
		{"*", "", false},
		{"?*", "", false},
		{"SHA256:*", "", false},
		{"[S]HA256:*", "", false},
		{mine, "", true},
		{mine, "alice", true},
		{strings.ToLower(mine), "", false},
		{"[", "alice", false},
		{"", "", false},
	} {
		line := keyA
		if c.user != "" {
			line = `user="` + c.user + `" ` + keyA
		}
		p, id := policy(t, &Policy{Roles: []Role{{Name: "r", Grant: Read, Consoles: selectors(t, "@all"), Members: []string{c.member}}}}, line)
		if got := p.Decide(id, node42, Read, today).Allowed; got != c.want {
			t.Errorf("member %q, user %q: %t", c.member, c.user, got)
		}
	}
}

func parsedLine(t testing.TB, line string) ssh.PublicKey {
	t.Helper()
	keys, _ := ParseKeys("k", "", []byte(line))
	return keys[0].Public
}

func TestGatewayRights(t *testing.T) {
	for _, c := range []struct {
		line   string
		byRole string
		deny   *Deny
		want   Rights
	}{
		{line: ``, want: Read},
		{line: `consoles="admin=@all" `, want: bundleAdmin},
		{line: `consoles="admin=*" `, want: bundleAdmin},
		{line: `consoles="admin=@compute,@all" `, want: bundleAdmin},
		{line: `consoles="admin=@all,-node42" `, want: 0},
		{line: `consoles="admin=@all,-node[1-2]" `, want: 0},
		{line: `consoles="admin=*, -node42" `, want: 0},
		{line: `consoles="admin=@all,node[1-2]" `, want: 0}, // brackets are not taken apart
		{line: `consoles="admin=n*" `, want: 0},
		{line: `consoles="admin=node[1-999]" `, want: 0},
		{line: `consoles="admin=@compute" `, want: 0},
		{line: `consoles="r=@all; admin=@compute" `, want: Read},
		{line: `user="alice" `, byRole: "@all", want: bundleOp},
		{line: `user="alice" `, byRole: "@all,-@compute", want: 0},
		{line: `user="alice" `, byRole: "@all", deny: &Deny{Rights: Power, Consoles: selectors(t, "node7")}, want: bundleOp &^ Power},
		{line: `user="alice" `, byRole: "@all", deny: &Deny{Rights: Power, Consoles: selectors(t, "node7"), Except: []string{"owner"}}, want: bundleOp},
		{line: `user="alice" `, byRole: "@all", deny: &Deny{Rights: Power, Consoles: selectors(t, "node7"), Until: today}, want: bundleOp},
	} {
		p := &Policy{Default: Read}
		if c.byRole != "" {
			p.Roles = []Role{{Name: "owner", Grant: bundleOp, Consoles: selectors(t, c.byRole), Members: []string{"alice"}}}
		}
		if c.deny != nil {
			p.Denies = []Deny{*c.deny}
		}
		p, id := policy(t, p, c.line+keyA)
		if got := p.GatewayRights(id, today); got != c.want {
			t.Errorf("%s role on %q: %s, want %s", c.line, c.byRole, got, c.want)
		}
	}
}

func TestWriteMode(t *testing.T) {
	roles := []Role{
		{Name: "fast", Grant: bundleRW, Consoles: selectors(t, "node42", "node43"), Members: []string{"*"}, Write: "on-attach"},
		{Name: "key", Grant: bundleRW, Consoles: selectors(t, "node42"), Members: []string{"alice"}, Write: "on-key"},
		{Name: "far", Grant: bundleRW, Consoles: selectors(t, "node42"), Members: []string{"alice"}, Write: "explicit", From: from(t, "192.0.2.1")},
		{Name: "looks", Grant: Read, Consoles: selectors(t, "@all"), Members: []string{"alice"}, Write: "explicit"},
	}
	for _, c := range []struct{ line, console, want string }{
		{`user="alice" `, "node42", "on-key"},
		{`user="alice" `, "node43", "on-attach"},
		{`user="alice" `, "sw1", ""},
		{`user="alice",write="explicit" `, "node42", "explicit"},
		{`user="alice",write="explicit" `, "sw1", "explicit"},
		{``, "node42", ""},
	} {
		for range 2 { // the order of roles does not matter
			slices.Reverse(roles)
			p, id := policy(t, &Policy{Roles: roles}, c.line+keyA)
			if got := p.WriteMode(id, names.Subject{Name: c.console}, today); got != c.want {
				t.Errorf("%s%s: %q, want %q", c.line, c.console, got, c.want)
			}
		}
	}
}

// TestStateDecidesNothing puts selectors into a policy that the configuration refuses.
func TestStateDecidesNothing(t *testing.T) {
	state := selectors(t, "@all,-@state:down")
	up := names.Subject{Name: "x", State: "up"}
	p, id := policy(t, &Policy{Roles: []Role{{Name: "r", Grant: Read, Consoles: state, Members: []string{"a"}}}}, `user="a" `+keyA)
	if got := p.Rights(id, up, today); got != 0 {
		t.Errorf("a role by state gives %s", got)
	}
	p, id = policy(t, &Policy{Default: Read, Denies: []Deny{{Name: "d", Rights: Read, Consoles: selectors(t, "@state:down")}}}, keyA)
	if got := p.Rights(id, names.Subject{Name: "x", State: "down"}, today); got != 0 {
		t.Errorf("a deny rule by state leaves %s", got)
	}
}

func TestUnknownRole(t *testing.T) {
	p, id := policy(t, &Policy{Default: bundleRW, Roles: []Role{{Name: "oncall"}}}, `role="oncal" `+keyA, `role="oncall" `+keyB)
	want := []Problem{{File: "authorized_keys", Line: 1, Warning: true, Text: `unknown role "oncal" (did you mean "oncall"?) - it gives nothing`}}
	if diff := cmp.Diff(want, p.Problems()); diff != "" {
		t.Error(diff)
	}
	if got := p.Rights(id, node42, today); got != 0 {
		t.Errorf("a misspelt role gives the default: %s", got)
	}
}

func TestRightsText(t *testing.T) {
	for word, want := range map[string]string{
		"none": "none", "r": "read", "rw": "read,write,break", "op": "read,write,break,force,power,freeze",
		"admin": "read,write,break,force,power,write-many,freeze,admin", "audit": "audit", "write-many": "write-many",
	} {
		got, err := ParseRights(word)
		if err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "R", "RW", "wr", "all", "read,write", "read write"} {
		if got, err := ParseRights(word); err == nil {
			t.Errorf("%q is taken as %s", word, got)
		}
	}
}

// TestNoOrder: whatever the order of keys, roles and deny rules, the answer is
// the same; a deny rule more never gives, a role more never takes, but for the
// default grant.
func TestNoOrder(t *testing.T) {
	words := []string{"@all", "@compute", "node*", "node42", "@all,-node42", "sw1"}
	rapid.Check(t, func(rt *rapid.T) {
		roles := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Role {
			return Role{
				Name:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "role"),
				Grant:    Rights(rapid.Uint16Range(0, 511).Draw(rt, "grant")),
				Consoles: selectors(t, rapid.SampledFrom(words).Draw(rt, "on")),
				Members:  []string{rapid.SampledFrom([]string{"alice", "al*", "bob"}).Draw(rt, "member")},
			}
		}), 0, 5).Draw(rt, "roles")
		denies := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Deny {
			return Deny{
				Rights:   Rights(rapid.Uint16Range(0, 511).Draw(rt, "taken")),
				Consoles: selectors(t, rapid.SampledFrom(words).Draw(rt, "on")),
				Except:   rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 2).Draw(rt, "except"),
			}
		}), 0, 4).Draw(rt, "denies")
		p, id := policy(t, &Policy{Roles: roles, Denies: denies}, `user="alice",consoles="rw=node*" `+keyA)
		want := p.Rights(id, node42, today)

		turned, id2 := policy(t, &Policy{Roles: slices.Clone(roles), Denies: slices.Clone(denies)}, `user="alice",consoles="rw=node*" `+keyA)
		slices.Reverse(turned.Roles)
		slices.Reverse(turned.Denies)
		turned = &Policy{Keys: turned.Keys, Roles: turned.Roles, Denies: turned.Denies}
		if got := turned.Rights(id2, node42, today); got != want {
			rt.Fatalf("turned round: %s, was %s", got, want)
		}
		if n := len(denies); n > 0 {
			fewer := &Policy{Keys: p.Keys, Roles: roles, Denies: denies[:n-1]}
			if got := fewer.Rights(id, node42, today); !got.Has(want) {
				rt.Fatalf("a deny rule gives: %s, without it %s", want, got)
			}
		}
		if n := len(roles); n > 0 {
			fewer := &Policy{Keys: p.Keys, Roles: roles[:n-1], Denies: denies}
			if got := fewer.Rights(id, node42, today); !want.Has(got) {
				rt.Fatalf("a role takes: %s, without it %s", want, got)
			}
		}
		if !want.Has(p.GatewayRights(id, today)) {
			rt.Fatal("more on the gateway than on one of its consoles")
		}
	})
}

// TestManyAskAtOnce lets the race detector look at the lazy index.
func TestManyAskAtOnce(t *testing.T) {
	first, _ := policy(t, &Policy{Default: Read}, keyA)
	p := &Policy{Keys: first.Keys, Default: Read}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			id, err := p.Identify(p.Keys[0].Public, here, today)
			if err != nil || !p.Decide(id, node42, Read, today).Allowed || p.Rights(id, node42, today) != Read {
				t.Error("another answer")
			}
		})
	}
	wg.Wait()
}

// site is a policy of 50 roles, 10 deny rules and 200 keys.
func site(b *testing.B) (*Policy, Identity, []names.Subject) {
	p := &Policy{Default: Read}
	for i := range 50 {
		p.Roles = append(p.Roles, Role{
			Name: fmt.Sprintf("role%d", i), Grant: bundleOp, Consoles: selectors(b, fmt.Sprintf("@group%d,node[%d-%d]", i, i*100, i*100+99)),
			Members: []string{fmt.Sprintf("user%d", i%10), "bg-*"}, From: from(b, "10.0.0.0/8"), Place: "access.yaml:1",
		})
	}
	for i := range 10 {
		p.Denies = append(p.Denies, Deny{Name: "d", Rights: Power, Consoles: selectors(b, fmt.Sprintf("@group%d", i)), Except: []string{"role3"}})
	}
	lines := []string{`user="user3",consoles="r=rack*" ` + keyA}
	for range 199 {
		lines = append(lines, text(newKey(b, "ed25519")))
	}
	p, id := policy(b, p, lines...)
	var consoles []names.Subject
	for i := range 10_000 {
		consoles = append(consoles, names.Subject{Name: fmt.Sprintf("node%d", i), Groups: []string{fmt.Sprintf("group%d", i%60)}, Tags: []string{"compute"}})
	}
	return p, id, consoles
}

func BenchmarkDecide(b *testing.B) {
	p, id, consoles := site(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Decide(id, consoles[i%len(consoles)], Read, today)
	}
}

func BenchmarkRights(b *testing.B) {
	p, id, consoles := site(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Rights(id, consoles[i%len(consoles)], today)
	}
}

func BenchmarkIdentify(b *testing.B) {
	p, id, _ := site(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Identify(id.Key.Public, here, today); err != nil {
			b.Fatal(err)
		}
	}
}
