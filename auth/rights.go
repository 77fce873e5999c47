package auth

import (
	"fmt"
	"math/bits"
	"strings"

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

// The bundles. Audit is in none of them: who runs the gateway does not thereby
// read what others typed.
const (
	bundleRW    = Read | Write | Break
	bundleOp    = bundleRW | Force | Power | Freeze
	bundleAdmin = bundleOp | WriteMany | Admin
)

// rightNames are in the order of the bits.
var rightNames = [...]string{"read", "write", "break", "force", "power", "write-many", "freeze", "audit", "admin"}

// ParseRights reads a bundle (r, rw, op, admin), a right's name, or none. The
// word admin is the bundle.
func ParseRights(word string) (Rights, error) {
	switch word {
	case "none":
		return 0, nil
	case "r":
		return Read, nil
	case "rw":
		return bundleRW, nil
	case "op":
		return bundleOp, nil
	case "admin":
		return bundleAdmin, nil
	}
	for bit, name := range rightNames {
		if word == name {
			return 1 << bit, nil
		}
	}
	return 0, fmt.Errorf("unknown right %s%s", show(word), didYouMean(word, append(rightNames[:], "rw", "op")))
}

func didYouMean(word string, vocabulary []string) string {
	if near := names.Nearest(word, vocabulary); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// String lists the rights by name, separated by commas; "none" for no right.
func (r Rights) String() string {
	var list []string
	for rest := r; rest != 0; rest &= rest - 1 {
		if bit := bits.TrailingZeros16(uint16(rest)); bit < len(rightNames) {
			list = append(list, rightNames[bit])
		}
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ",")
}

// Has reports whether r holds all of want.
func (r Rights) Has(want Rights) bool { return r&want == want }

// A Grant gives rights on what its selector chooses.
type Grant struct {
	Rights   Rights
	Consoles []names.Selector // union
}

// parseGrants reads the value of consoles=: "BUNDLE=SELECTOR; ...", where a
// bundle may be several joined by + and a bare selector means r.
func parseGrants(text string) ([]Grant, error) {
	var grants []Grant
	for part := range strings.SplitSeq(text, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		grant, err := parseGrant(part)
		if err != nil {
			return nil, err
		}
		grants = append(grants, grant)
	}
	return grants, nil
}

func parseGrant(part string) (Grant, error) {
	rights := Read
	bundle, chosen, both := strings.Cut(part, "=")
	switch {
	case !both:
		chosen = part
		// Somebody who writes consoles="rw" wants more than reading a console
		// called rw; one that really has such a name is written r=rw.
		if _, err := parseBundle(part); err == nil {
			return Grant{}, fmt.Errorf("%s says rights but not where: %s=SELECTOR", show(part), part)
		}
	default:
		var err error
		if rights, err = parseBundle(bundle); err != nil {
			return Grant{}, err
		}
	}
	chosen = strings.TrimSpace(chosen)
	if chosen == "" {
		return Grant{}, fmt.Errorf("%s chooses no console", show(part))
	}
	selector, err := names.ParseSelector(chosen)
	if err != nil {
		return Grant{}, err
	}
	if selector.UsesState() {
		return Grant{}, fmt.Errorf("selector %s: @state cannot decide about access", show(chosen))
	}
	return Grant{Rights: rights, Consoles: []names.Selector{selector}}, nil
}

func parseBundle(text string) (Rights, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == '+' || r == ' ' || r == '\t' })
	if len(words) == 0 {
		return 0, fmt.Errorf("no rights before =")
	}
	var rights Rights
	for _, word := range words {
		one, err := ParseRights(word)
		if err != nil {
			return 0, err
		}
		rights |= one
	}
	return rights, nil
}

// everywhere reports whether a selector chooses all consoles whatever there
// may come to be: it has the term @all or *, and excludes nothing. One with
// brackets is not taken apart, and so never does.
func everywhere(selector names.Selector) bool {
	text := selector.String()
	if strings.ContainsAny(text, "[]") {
		return false
	}
	all := false
	for term := range strings.SplitSeq(text, ",") {
		term = strings.TrimSpace(term)
		if strings.HasPrefix(term, "-") {
			return false
		}
		all = all || term == "@all" || term == "*"
	}
	return all
}
