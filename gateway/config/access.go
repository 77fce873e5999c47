package config

import (
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"consoled/auth"
	"consoled/gateway/names"
)

// selectors reads the consoles: of a rule.
func (c *chooser) selectors(v *value, complain func(place, string, ...any)) []names.Selector {
	values, _ := c.reader().values("consoles", v)
	if v.kind == isList && len(values) == 0 {
		c.error(v.place, "consoles: no selector")
	}
	var list []names.Selector
	for _, x := range values {
		if s, ok := c.selector("consoles", x); ok {
			c.check("consoles", x, s, complain)
			list = append(list, s)
		}
	}
	return list
}

// roles reads access.roles.
func (c *chooser) roles() []auth.Role {
	var list []auth.Role
	for _, p := range c.once("access.roles", "access.roles") {
		list = append(list, c.role(p))
	}
	return list
}

func (c *chooser) role(p pair) auth.Role {
	where := "role " + shownName(p.key.text)
	role := auth.Role{Name: p.key.text, Place: rulePlace(p)}
	r := c.reader()
	if err := checkWord(role.Name); err != nil {
		c.error(p.key.place, "role: %v", err)
	}
	for _, q := range c.table(where, p.value, []string{"grant", "consoles", "members", "from", "write"}, []string{"principals", "lease_max", "alert"}) {
		switch q.key.text {
		case "grant":
			role.Grant = c.rights("grant", q.value)
		case "consoles":
			role.Consoles = c.selectors(q.value, c.warn)
		case "members":
			role.Members, _ = r.list("members", q.value)
			for _, m := range role.Members {
				if _, err := path.Match(m, ""); err != nil {
					c.error(q.value.place, "members: %s is not a valid pattern", quoted(m))
				}
			}
		case "from":
			role.From = c.from(q.value)
		case "write":
			role.Write, _ = r.choice("write", q.value, writeModes...)
		}
	}
	for _, key := range []string{"grant", "consoles"} {
		if _, ok := p.value.get(key); !ok && p.value.kind == isMap {
			c.error(p.key.place, "%s has no %s:", where, key)
		}
	}
	_, principals := p.value.get("principals")
	if len(role.Members) == 0 && !principals && p.value.kind == isMap {
		c.warn(p.key.place, "%s has no members", where)
	}
	return role
}

// from reads addresses and networks; ! takes one out again.
func (c *chooser) from(v *value) []auth.From {
	r := c.reader()
	values, _ := r.values("from", v)
	var list []auth.From
	for _, x := range values {
		text, ok := r.filled("from", x)
		if !ok {
			continue
		}
		rest, not := strings.CutPrefix(text, "!")
		prefix, err := netip.ParsePrefix(rest)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(rest); err == nil {
				prefix = netip.PrefixFrom(addr, addr.BitLen())
			}
		}
		if err != nil {
			c.error(x.place, "from: %s is not an address or a network such as 10.9.0.0/16", quoted(text))
			continue
		}
		if prefix != prefix.Masked() {
			c.error(x.place, "from: %s has bits outside its network; write %s", quoted(text), prefix.Masked())
			continue
		}
		list = append(list, auth.From{Prefix: prefix, Not: not})
	}
	if len(list) > 0 && !slices.ContainsFunc(list, func(f auth.From) bool { return !f.Not }) {
		c.warn(v.place, "from: only exclusions; nothing is left that they could exclude from")
	}
	return list
}

// denies reads access.deny. Here what chooses nothing is an error: somebody relies on it.
func (c *chooser) denies(roles []auth.Role) []auth.Deny {
	var list []auth.Deny
	for _, p := range c.once("access.deny", "access.deny") {
		list = append(list, c.deny(p, roles))
	}
	return list
}

func (c *chooser) deny(p pair, roles []auth.Role) auth.Deny {
	where := "deny rule " + shownName(p.key.text)
	deny := auth.Deny{Name: p.key.text, Place: rulePlace(p)}
	r := c.reader()
	if err := checkWord(deny.Name); err != nil {
		c.error(p.key.place, "deny rule: %v", err)
	}
	for _, q := range c.table(where, p.value, []string{"rights", "consoles", "until", "except"}, nil) {
		switch q.key.text {
		case "rights":
			deny.Rights = c.rights("rights", q.value)
		case "consoles":
			deny.Consoles = c.selectors(q.value, c.error)
		case "until":
			deny.Until = c.until(q.value)
		case "except":
			deny.Except, _ = r.list("except", q.value)
			for _, name := range deny.Except {
				if c.broken || slices.ContainsFunc(roles, func(x auth.Role) bool { return x.Name == name }) {
					continue
				}
				var known []string
				for _, x := range roles {
					known = append(known, x.Name)
				}
				c.error(q.value.place, "except: there is no role %s%s", quoted(name), didYouMean(name, known))
			}
		}
	}
	for _, key := range []string{"rights", "consoles"} {
		if _, ok := p.value.get(key); !ok && p.value.kind == isMap {
			c.error(p.key.place, "%s has no %s:", where, key)
		}
	}
	return deny
}

// until is a moment with its zone; a rule that ends at another time on
// another machine would be a trap.
func (c *chooser) until(v *value) time.Time {
	text, ok := c.reader().filled("until", v)
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		c.error(v.place, "until: %s is not a time such as 2026-12-01T00:00:00Z", quoted(text))
		return time.Time{}
	}
	return t
}

// rulePlace is file:line, as explanations show it.
func rulePlace(p pair) string {
	at := p.key.place.String()
	return at[:strings.LastIndexByte(at, ':')]
}

// checkWord is for names of groups, tags, roles and rules. They are made like
// those of consoles; of the reserved words only @all could mean two things.
func checkWord(word string) error {
	if names.Reserved(word) && !strings.EqualFold(word, "all") {
		return nil
	}
	return names.Check(word)
}
