package auth

import (
	"net/netip"
	"testing"
)

func TestSources(t *testing.T) {
	for _, c := range []struct {
		list    string
		in, out []string
	}{
		{"10.0.0.0/8", []string{"10.1.2.3", "::ffff:10.1.2.3", "::ffff:10.1.2.3%eth0"}, []string{"11.0.0.1", "fd00::1", "::10.1.2.3"}},
		{"10.0.0.0/8,!10.9.0.0/16", []string{"10.8.0.1"}, []string{"10.9.0.1", "::ffff:10.9.0.1"}},
		{"!10.9.0.0/16,10.0.0.0/8", []string{"10.8.0.1"}, []string{"10.9.0.1"}},
		{"192.0.2.7", []string{"192.0.2.7"}, []string{"192.0.2.70", "192.0.2.8"}},
		{"192.0.2.*", []string{"192.0.2.7", "192.0.2.255"}, []string{"192.0.3.7", "192.0.20.1"}},
		{"192.0.2.?", []string{"192.0.2.7"}, []string{"192.0.2.70"}},
		{"*", []string{"1.2.3.4", "fe80::1%eth0"}, nil},
		{"!fe80::/10,*", []string{"1.2.3.4", "fd00::1"}, []string{"fe80::1", "fe80::1%eth0"}},
		{"*, !192.0.2.*", []string{"1.2.3.4"}, []string{"192.0.2.1", "::ffff:192.0.2.1"}},
		{"2001:DB8::/32", []string{"2001:db8::1"}, []string{"2001:db9::1"}},
		{"2001:DB8:*", []string{"2001:db8:1::1"}, []string{"2001:db80::1"}},
		{"::ffff:10.0.0.0/104", []string{"10.2.3.4", "::ffff:10.2.3.4"}, []string{"11.0.0.1"}},
		{"::ffff:10.0.0.1", []string{"10.0.0.1"}, []string{"10.0.0.2"}},
		{"0.0.0.0/0", []string{"1.2.3.4"}, []string{"::1"}},
	} {
		from, err := ParseFrom(c.list)
		if err != nil {
			t.Errorf("%s: %v", c.list, err)
			continue
		}
		for _, addr := range c.in {
			if !lets(from, netip.MustParseAddr(addr)) {
				t.Errorf("%s keeps %s out", c.list, addr)
			}
		}
		for _, addr := range c.out {
			if lets(from, netip.MustParseAddr(addr)) {
				t.Errorf("%s lets %s in", c.list, addr)
			}
		}
		if lets(from, netip.Addr{}) {
			t.Errorf("%s lets no address in", c.list)
		}
	}
	for _, bad := range []string{
		"", "!", "a", "*.example.org", "*.fed.de", "10.0.0.0/33", "10.0.0.0/8x", "10.0.0.1/8", "10.*/8", "!*", "10.0.0.0/8,", "10.0.0.0/8,,*",
		"fe80::1%eth0", "[a-z]*", `1\*`, "1.2.3", "010.0.0.1", "2001:db8::1/32", "localhost",
	} {
		if from, err := ParseFrom(bad); err == nil {
			t.Errorf("%q is taken as %+v", bad, from)
		}
	}
}

func FuzzParseFrom(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8,!10.9.*", "*", "!fe80::/10,*", "::ffff:0:0/96", "?.?.?.?"} {
		f.Add(seed, "10.9.0.1")
	}
	f.Fuzz(func(t *testing.T, list, addr string) {
		source, err := netip.ParseAddr(addr)
		if err != nil {
			return
		}
		from, err := ParseFrom(list)
		if err != nil {
			return
		}
		if len(from) == 0 {
			t.Fatalf("%q: nothing, and so everybody", list)
		}
		in := lets(from, source)
		if in != lets(from, source.Unmap().WithZone("")) {
			t.Fatalf("%q: another answer for another spelling of %s", list, source)
		}
		// What is kept out stays out wherever it stands.
		if in && lets(append(from, From{Prefix: netip.PrefixFrom(source.Unmap().WithZone(""), source.Unmap().BitLen()), Not: true}), source) {
			t.Fatalf("%q: negation of %s does not win", list, source)
		}
	})
}
