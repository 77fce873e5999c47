package config

import (
	"maps"
	"slices"
	"strings"

	"consoled/gateway/names"
)

// A builder makes the consoles.
type builder struct {
	*loader
	secrets   *secrets
	known     []string // keys of a layer
	defaults  layer
	templates map[string]layer
	suffixes  []string
	consoles  []Console
	places    []place
	ranged    []bool
	index     map[string]int // lower-case name to console
}

// built is the consoles in natural order, with where each is defined.
type built struct {
	consoles []Console
	places   []place
}

// consoles expands every entry.
func (l *loader) consoles(suffixes []string) *built {
	b := &builder{loader: l, secrets: l.secrets(), suffixes: suffixes, templates: make(map[string]layer), index: make(map[string]int)}
	b.known = slices.Clone(ownKeys)
	for i := range fields {
		b.known = append(b.known, fields[i].key)
	}
	defaults := &value{kind: isMap, pairs: l.once("defaults", "defaults")}
	for _, p := range defaults.pairs {
		defaults.adopt(p.value)
	}
	b.defaults = b.layer("defaults", defaults, false)
	for _, p := range l.once("templates", "templates") {
		b.templates[p.key.text] = b.layer("template "+shownName(p.key.text), p.value, false)
	}
	for _, p := range l.parts["consoles"] {
		if e := b.entry(p); e != nil {
			b.expand(e)
		}
	}
	b.checkAliases()
	return b.sorted()
}

// expand makes the consoles of an entry. What is the same for all of them is
// read once.
func (b *builder) expand(e *entry) {
	limit := b.bounds.consoles - len(b.consoles)
	if limit <= 0 {
		b.error(b.main.at(0, 0), "more than %d consoles", b.bounds.consoles)
		return
	}
	instances, err := names.Expand(e.key.text, limit)
	if err != nil {
		b.error(e.key.place, "console: %v", err)
		return
	}
	e.ranged = strings.ContainsRune(e.key.text, '[')
	dynamic := 1
	for _, s := range e.settings {
		if s.value.dynamic {
			dynamic += s.value.size
		}
	}
	if !b.charge(dynamic * len(instances)) {
		return
	}
	base := newDraft(e.line, b.folder)
	base.Place = e.key.place.String()
	r := &reader{report: &b.report, left: &b.bounds.text, scope: &scope{host: b.host}, secrets: b.secrets, folder: b.folder}
	good := e.read(r, &base, false)
	for i := range fields {
		f := &fields[i]
		if _, set := e.settings[f.key]; set || f.standard == "" {
			continue
		}
		if with, ok := f.belongs(e.line); ok && with == "" {
			base.Settings.common[f.key] = f.standard
		}
	}
	for _, x := range instances {
		d := base
		r.scope = &scope{name: x.Name, numbers: x.Numbers, host: b.host}
		ok := e.read(r, &d, true) && good
		d.Subject.Name = x.Name
		if ok {
			d.Backend = d.backend(e.line)
			if err := d.Backend.Check(); err != nil {
				b.error(e.settings[e.line].value.place, "%s%v", forName(x.Name, e), err)
			}
			b.act(e, &d)
		}
		b.add(e, d.Console)
	}
}

// forName says which console of a range a message is about.
func forName(name string, e *entry) string {
	if e.ranged {
		return name + ": "
	}
	return ""
}

// read reads the settings that do, or do not, differ from console to console.
func (e *entry) read(r *reader, d *draft, dynamic bool) bool {
	good := true
	for i := range fields {
		s, set := e.settings[fields[i].key]
		if !set || s.value.dynamic != dynamic {
			continue
		}
		r.bound = binding{}
		shown, ok := fields[i].read(r, d, s.value)
		if dynamic {
			d.Settings.own = append(d.Settings.own, keyText{fields[i].key, shown})
		} else {
			d.Settings.common[fields[i].key] = shown
		}
		if r.bound != (binding{}) {
			if d.Bindings = maps.Clone(d.Bindings); d.Bindings == nil { // the range's is shared
				d.Bindings = make(map[string]binding, 1)
			}
			d.Bindings[fields[i].key] = r.bound
		}
		good = good && ok
	}
	return good
}

// add takes a console in, unless its name is taken.
func (b *builder) add(e *entry, c Console) {
	name := c.Subject.Name
	at := e.key.place
	if err := names.Check(name); err != nil {
		if names.Reserved(name) {
			b.error(at, "console %s is a reserved name", quoted(name))
		} else {
			b.error(at, "console: %v", err)
		}
		return
	}
	for _, suffix := range b.suffixes {
		if len(name) > len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix) {
			b.error(at, "console %s ends in %s, which is cut off login names (suffixes:)", name, suffix)
			return
		}
	}
	lower := strings.ToLower(name)
	before, taken := b.index[lower]
	switch {
	case !taken:
		if e.override {
			b.warn(at, "override: no earlier range has a console %s", name)
		}
		b.index[lower] = len(b.consoles)
		b.consoles, b.places, b.ranged = append(b.consoles, c), append(b.places, at), append(b.ranged, e.ranged)
	case e.override && !e.ranged && b.ranged[before]:
		b.consoles[before], b.places[before], b.ranged[before] = c, at, false
	case !e.ranged && b.ranged[before]:
		b.error(at, "console %s is in a range already, at %s; write \"override: true\" if this is meant to replace it", name, b.places[before])
	default:
		b.error(at, "console %s is defined twice; the first is at %s", name, b.places[before])
	}
}

// checkAliases reports aliases that are not the only thing so called.
func (b *builder) checkAliases() {
	aliases := make(map[string]int)
	for i, c := range b.consoles {
		for _, alias := range c.Subject.Aliases {
			lower := strings.ToLower(alias)
			if j, taken := b.index[lower]; taken {
				b.error(b.places[i], "alias %s of console %s is the name of the console at %s", quoted(alias), c.Subject.Name, b.places[j])
				continue
			}
			if j, taken := aliases[lower]; taken {
				b.error(b.places[i], "alias %s of console %s is an alias of %s too, at %s", quoted(alias), c.Subject.Name, b.consoles[j].Subject.Name, b.places[j])
				continue
			}
			aliases[lower] = i
		}
	}
}

// sorted is the consoles in natural order.
func (b *builder) sorted() *built {
	order := make([]int, len(b.consoles))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return names.Compare(b.consoles[i].Subject.Name, b.consoles[j].Subject.Name)
	})
	out := &built{consoles: make([]Console, 0, len(order)), places: make([]place, 0, len(order))}
	for _, i := range order {
		out.consoles = append(out.consoles, b.consoles[i])
		out.places = append(out.places, b.places[i])
	}
	return out
}
