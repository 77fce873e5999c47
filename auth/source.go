package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
)

// From is one address pattern of a from= option. A wildcard pattern has no
// Prefix.
type From struct {
	Prefix  netip.Prefix
	Pattern string // with * or ?, against the address as text
	Not     bool
}

// ParseFrom reads a list of address patterns as sshd has it: addresses, CIDR
// blocks and wildcards, separated by commas, "!" before those that are kept
// out. Host names are refused: looking them up would let a name server decide.
func ParseFrom(list string) ([]From, error) {
	var from []From
	letsIn := false
	for text := range strings.SplitSeq(list, ",") {
		one, err := parseSource(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		from = append(from, one)
		letsIn = letsIn || !one.Not
	}
	if !letsIn {
		return nil, errors.New(`lets nobody in: only "!" patterns (add * at the end)`)
	}
	return from, nil
}

func parseSource(text string) (From, error) {
	rest, not := strings.CutPrefix(text, "!")
	one := From{Not: not}
	if rest == "" {
		return From{}, errors.New("empty address pattern")
	}
	if strings.ContainsAny(rest, "*?") && !strings.Contains(rest, "/") {
		if !addressLike(rest) {
			return From{}, notAddress(text)
		}
		one.Pattern = strings.ToLower(rest)
		return one, nil
	}
	if !strings.Contains(rest, "/") {
		addr, err := netip.ParseAddr(rest)
		if err != nil || addr.Zone() != "" {
			return From{}, notAddress(text)
		}
		addr = addr.Unmap()
		one.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return one, nil
	}
	prefix, err := netip.ParsePrefix(rest)
	if err != nil {
		return From{}, notAddress(text)
	}
	// Sources are compared unmapped, so a block of mapped addresses has to be the IPv4 block that it means.
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if prefix != prefix.Masked() {
		// sshd refuses these too: one cannot know which of both was meant.
		return From{}, fmt.Errorf("address %s has bits set beyond its mask (%s?)", show(text), prefix.Masked())
	}
	one.Prefix = prefix
	return one, nil
}

func notAddress(text string) error {
	return fmt.Errorf("%s is not an address, a CIDR block or a pattern of one (host names are not looked up)", show(text))
}

// addressLike reports whether a wildcard pattern can be meant for an address.
func addressLike(pattern string) bool {
	for i := range len(pattern) {
		if strings.IndexByte("0123456789abcdefABCDEF.:*?", pattern[i]) < 0 {
			return false
		}
	}
	// "*.fed.de" has only hexadecimal letters, and yet is a host.
	return strings.Contains(pattern, ":") || !strings.ContainsAny(pattern, "abcdefABCDEF")
}

// lets reports whether patterns let an address in: one matches and none of the
// negated ones does. No patterns let everybody in.
func lets(patterns []From, source netip.Addr) bool {
	if len(patterns) == 0 {
		return true
	}
	if !source.IsValid() {
		return false
	}
	// A prefix contains neither mapped addresses nor ones with a zone, so that
	// either would slip through a negated pattern.
	source = source.Unmap().WithZone("")
	in := false
	for i := range patterns {
		if !patterns[i].matches(source) {
			continue
		}
		if patterns[i].Not {
			return false
		}
		in = true
	}
	return in
}

func (f *From) matches(source netip.Addr) bool {
	if f.Pattern == "" {
		return f.Prefix.Contains(source)
	}
	// A pattern holds no sign that path.Match gives a meaning but * and ?, and
	// an address no slash.
	ok, err := path.Match(f.Pattern, source.String())
	return ok && err == nil
}
