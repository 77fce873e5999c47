package config

import (
	"maps"
	"slices"
	"strings"

	"consoled/gateway/names"
)

// A setting is what a key of a console has after merging.
type setting struct {
	pair
	weak bool // from defaults, which concern every console, whatever its line
}

// An entry is one key below consoles: with its layers merged.
type entry struct {
	key      *value // the name or pattern
	settings map[string]setting
	line     string // the key that chooses the line
	override bool
	ranged   bool
}

// where is how messages call the entry.
func (e *entry) where() string { return "console " + shownName(e.key.text) }

// shownName is a name or a pattern as it is, where that is harmless.
func shownName(name string) string {
	odd := func(c rune) bool { return !isNameRune(c) && !strings.ContainsRune("[],/", c) }
	if name == "" || len(name) > 60 || strings.ContainsFunc(name, odd) {
		return quoted(name)
	}
	return name
}

// A layer is the settings of defaults, a template or an entry.
type layer struct {
	pairs []pair
	size  int
	// refused: it has a key for a line, which is misspelt or of a later
	// version and reported; so nobody need be told that a line is missing.
	refused bool
}

// layer checks the keys of defaults, a template or an entry, and brings the
// long forms of lines (serial: {path: X, baud: 9600}) to their short ones, and
// the short forms of those that have none (ssh: X) to their long ones (ssh: {to: X}), so
// that layers merge whatever form they are written in.
func (b *builder) layer(where string, v *value, own bool) layer {
	out := layer{size: v.size}
	if v.kind == isNull {
		return out
	}
	for _, p := range v.pairs {
		if !slices.Contains(b.known, p.key.text) && names.Nearest(p.key.text, lineKeys()) != "" {
			out.refused = true
		}
	}
	for _, p := range b.table(where, b.placed(where, v), b.known, laterKeys) {
		if slices.Contains(ownKeys, p.key.text) && !own {
			b.error(p.key.place, "%s belongs to a console, not to %s", quoted(p.key.text), where)
			continue
		}
		if inside, ok := shortForm(p.key.text); ok && p.value.kind == isText {
			p.value = p.value.below(inside)
		}
		address, ok := longForm(p.key.text)
		if !ok || p.value.kind != isMap {
			out.pairs = append(out.pairs, p)
			continue
		}
		inside := []string{address}
		for i := range fields {
			if _, ok := fields[i].belongs(p.key.text); ok && fields[i].of != "" && !fields[i].isLine() {
				inside = append(inside, fields[i].key)
			}
		}
		for _, q := range b.table(p.key.text+" of "+where, p.value, inside, laterKeys) {
			key := q.key
			if key.text == address {
				key = p.key
			}
			if before, twice := v.get(key.text); twice && key != p.key {
				b.error(q.key.place, "%s stands in %s and beside it, at %s", quoted(key.text), p.key.text, before.key.place)
			}
			out.pairs = append(out.pairs, pair{key, q.value})
		}
	}
	return out
}

// placed is a layer without the keys that belong inside the map of its line,
// which are reported: ssh: root@node1 invites to write key: beside it.
func (b *builder) placed(where string, v *value) *value {
	rest := *v
	rest.pairs = slices.DeleteFunc(slices.Clone(v.pairs), func(p pair) bool {
		for _, line := range []string{"ssh", "ipmi"} {
			inside := sshKeys
			if line == "ipmi" {
				inside = ipmiKeys
			}
			if _, ok := v.get(line); ok && slices.Contains(inside, p.key.text) && !beside(line, p.key.text) {
				tell := b.error
				if slices.Contains(passwordKeys, p.key.text) {
					tell = b.unseen
				}
				tell(p.key.place, "%s in %s belongs inside its line: %s: {%s: ..., %s: ...}", quoted(p.key.text), where, line, inside[0], p.key.text)
				return true
			}
		}
		return false
	})
	return &rest
}

// beside reports whether a key may stand beside a line.
func beside(line, key string) bool {
	return slices.ContainsFunc(fields[:], func(f field) bool {
		_, ok := f.belongs(line)
		return ok && f.key == key
	})
}

// entry merges the layers of one key below consoles:. It is nil after a
// mistake that leaves no line.
func (b *builder) entry(p pair) *entry {
	e := &entry{key: p.key, settings: make(map[string]setting)}
	own := b.layer(e.where(), p.value, true)
	if !b.charge(b.defaults.size + own.size) {
		return nil
	}
	e.merge(b.defaults.pairs, true)
	refused := b.defaults.refused || own.refused
	var rest []pair
	for _, q := range own.pairs {
		switch q.key.text {
		case "use":
			refused = b.use(e, q.value) || refused
		case "override":
			e.override, _ = b.reader().boolean("override", q.value)
		default:
			rest = append(rest, q)
		}
	}
	e.merge(rest, false)
	if !b.chooseLine(e, refused) {
		b.incomplete = true
		return nil
	}
	return e
}

// use merges the templates in the order in which they are named. It reports
// whether one of them has a line that was refused, or is missing itself.
func (b *builder) use(e *entry, v *value) (refused bool) {
	r := b.reader()
	values, ok := r.values("use", v)
	refused = !ok
	for i, x := range values {
		name, ok := r.filled("use", x)
		if !ok {
			refused = true
			continue
		}
		t, ok := b.templates[name]
		refused = refused || !ok || t.refused
		switch {
		case !ok && b.broken:
		case !ok:
			b.error(x.place, "unknown template %s in %s%s", quoted(name), e.where(), didYouMean(name, slices.Sorted(maps.Keys(b.templates))))
		case slices.ContainsFunc(values[:i], func(y *value) bool { return y.text == name }):
			b.error(x.place, "template %s is used twice in %s", quoted(name), e.where())
		case b.charge(t.size):
			e.merge(t.pairs, false)
		}
	}
	return refused
}

// charge counts work, and reports once when it becomes absurd.
func (b *builder) charge(n int) bool {
	if b.bounds.settings < 0 {
		return false
	}
	if b.bounds.settings -= n; b.bounds.settings < 0 {
		b.error(b.main.at(0, 0), "too many settings for all consoles together")
		b.incomplete = true
	}
	return b.bounds.settings >= 0
}

// merge lays a layer over what is there: maps merge, lists replace, tags add.
func (e *entry) merge(layer []pair, weak bool) {
	for _, p := range layer {
		before, ok := e.settings[p.key.text]
		switch {
		case ok && p.key.text == "tags":
			p.value = joined(before.value, p.value)
		case ok:
			p.value = merged(before.value, p.value)
		}
		e.settings[p.key.text] = setting{p, weak}
	}
}

// merged is the upper value over the lower one.
func merged(lower, upper *value) *value {
	if lower.kind != isMap || upper.kind != isMap {
		return upper
	}
	out := *upper
	out.pairs = slices.Clone(lower.pairs)
	at := make(map[string]int, len(out.pairs))
	for i, p := range out.pairs {
		at[p.key.text] = i
	}
	for _, p := range upper.pairs {
		if i, ok := at[p.key.text]; ok {
			out.pairs[i] = pair{p.key, merged(out.pairs[i].value, p.value)}
		} else {
			out.pairs = append(out.pairs, p)
		}
	}
	out.adopt(lower)
	return &out
}

// joined is two lists one after the other; a single value is a list of one.
// What is neither stays alone, to be reported when it is read.
func joined(lower, upper *value) *value {
	out := *upper
	out.items = nil
	for _, v := range []*value{lower, upper} {
		switch v.kind {
		case isList:
			out.items = append(out.items, v.items...)
		case isText:
			out.items = append(out.items, v)
		default:
			return v
		}
	}
	out.kind, out.text = isList, ""
	out.adopt(lower)
	return &out
}

// chooseLine finds the one key that says what the console is on, and reports
// keys that belong to lines of another kind.
func (b *builder) chooseLine(e *entry, refused bool) bool {
	var first setting
	for i := range fields {
		s, ok := e.settings[fields[i].key]
		if !ok || !fields[i].isLine() {
			continue
		}
		if e.line != "" {
			b.error(s.key.place, "%s has %s (at %s) and %s; a console has exactly one line", e.where(), e.line, first.key.place, fields[i].key)
			return false
		}
		e.line, first = fields[i].key, s
	}
	if e.line == "" {
		if !refused && !b.broken {
			b.error(e.key.place, "%s has no line; give it one of %s", e.where(), strings.Join(lineKeys(), ", "))
		}
		return false
	}
	for i := range fields {
		f := &fields[i]
		s, ok := e.settings[f.key]
		if !ok || e.takes(f) {
			continue
		}
		if !s.weak {
			b.error(s.key.place, "%s is a key of %s lines, and %s is %s", quoted(f.key), f.owners(), e.where(), e.line)
		}
		delete(e.settings, f.key)
	}
	return true
}

// takes reports whether the entry's line has a place for a key.
func (e *entry) takes(f *field) bool {
	with, ok := f.belongs(e.line)
	if ok && with != "" {
		s, set := e.settings[with]
		ok = set && s.value.text == "true"
	}
	return ok
}
