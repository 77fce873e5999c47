package config

import (
	"maps"
	"slices"
	"strings"

	"consoled/gateway/names"
)

// A chooser knows what selectors can choose: it finds those that choose nothing.
type chooser struct {
	*loader
	consoles []Console
	words    []string // every group and tag
}

// selector reads one; where is what messages call the thing that holds it.
func (c *chooser) selector(key string, v *value) (names.Selector, bool) {
	text, ok := c.reader().filled(key, v)
	if !ok {
		return names.Selector{}, false
	}
	s, err := names.ParseSelector(text)
	if err != nil {
		c.error(v.place, "%s: %v", key, err)
		return names.Selector{}, false
	}
	if s.UsesState() {
		c.error(v.place, "%s: %s: @state changes from moment to moment and has no place in the configuration", key, quoted(text))
		return names.Selector{}, false
	}
	return s, true
}

// unknown is the first group or tag that the selector mentions and nobody has.
func (c *chooser) unknown(s names.Selector) (word string, found bool) {
	if c.broken || c.incomplete {
		return "", false
	}
	for _, word := range s.Mentions() {
		if _, ok := slices.BinarySearch(c.words, word); !ok {
			return word, true
		}
	}
	return "", false
}

// choosesNothing reports a selector without a single console. It is sure only
// where every console is known.
func (c *chooser) choosesNothing(s names.Selector) bool {
	if c.broken || c.incomplete || !c.afford(len(c.consoles)) {
		return false
	}
	return !slices.ContainsFunc(c.consoles, func(x Console) bool { return s.Match(x.Subject) })
}

func (c *chooser) afford(n int) bool {
	if c.bounds.matches < 0 {
		return false
	}
	if c.bounds.matches -= n; c.bounds.matches < 0 {
		c.error(c.main.at(0, 0), "too many groups and rules for so many consoles")
		c.incomplete = true
	}
	return c.bounds.matches >= 0
}

// check reports a selector that chooses nothing: by complain, since that is a
// mistake in some places and a doubt in others.
func (c *chooser) check(key string, v *value, s names.Selector, complain func(place, string, ...any)) {
	if word, found := c.unknown(s); found {
		complain(v.place, "%s: %s: there is no group or tag %s%s", key, quoted(s.String()), quoted(word), didYouMean(word, c.words))
		return
	}
	if c.choosesNothing(s) {
		complain(v.place, "%s: %s chooses no console", key, quoted(s.String()))
	}
}

// A group is one whose selector may mention other groups.
type group struct {
	name     string
	pair     pair
	selector names.Selector
	state    fileState
}

// groups puts consoles into their groups and makes the chooser for the rules.
func (l *loader) groups(c *Config, b *built) *chooser {
	c.Consoles = b.consoles
	ch := &chooser{loader: l, consoles: b.consoles}
	tags := make(map[string]string) // to one console that has it
	for _, x := range b.consoles {
		for _, tag := range x.Subject.Tags {
			tags[tag] = x.Subject.Name
		}
	}
	groups := make(map[string]*group)
	var order []*group
	for _, p := range l.once("groups", "groups") {
		name := p.key.text
		if err := checkWord(name); err != nil {
			l.error(p.key.place, "group: %v", err)
			continue
		}
		if console, ok := tags[name]; ok {
			l.error(p.key.place, "%s is a group here and a tag of console %s; @%s could mean either", quoted(name), console, name)
		}
		s, ok := ch.selector("group "+name, oneText(p.value))
		if !ok {
			l.incomplete = true
			continue
		}
		g := &group{name: name, pair: p, selector: s}
		groups[name] = g
		order = append(order, g)
	}
	ch.words = slices.Sorted(maps.Keys(tags))
	for name := range groups {
		ch.words = append(ch.words, name)
	}
	slices.Sort(ch.words)
	c.Groups = make(map[string]string, len(groups))
	for _, g := range order {
		c.Groups[g.name] = g.selector.String()
		ch.fill(g, groups)
	}
	for i := range c.Consoles {
		slices.Sort(c.Consoles[i].Subject.Groups)
	}
	return ch
}

// oneText is a list of selectors as one: their union.
func oneText(v *value) *value {
	if v.kind != isList {
		return v
	}
	out := *v
	var texts []string
	for _, x := range v.items {
		if x.kind != isText {
			return x
		}
		texts = append(texts, x.text)
	}
	out.kind, out.text, out.items = isText, strings.Join(texts, ","), nil
	return &out
}

// fill adds the group to its consoles, after the groups that it mentions.
func (c *chooser) fill(g *group, all map[string]*group) {
	if g.state != 0 {
		return
	}
	g.state = reading
	for _, word := range g.selector.Mentions() {
		other := all[word]
		if other == nil {
			continue
		}
		if other.state == reading {
			c.error(g.pair.value.place, "group %s mentions %s, which depends on it; groups must not go round in a circle", g.name, other.name)
			continue
		}
		c.fill(other, all)
	}
	g.state = done
	if word, found := c.unknown(g.selector); found {
		c.error(g.pair.value.place, "group %s: there is no group or tag %s%s", g.name, quoted(word), didYouMean(word, c.words))
		return
	}
	if !c.afford(len(c.consoles)) {
		return
	}
	empty := true
	for i := range c.consoles {
		if s := &c.consoles[i].Subject; g.selector.Match(*s) {
			s.Groups = append(s.Groups, g.name)
			empty = false
		}
	}
	if empty && !c.broken && !c.incomplete {
		c.warn(g.pair.value.place, "group %s: %s chooses no console", g.name, quoted(g.selector.String()))
	}
}
