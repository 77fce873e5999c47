package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// A value is a YAML node with its file, its aliases resolved. Names stay text
// as written: 007, 1e3 and yes are what they look like.
type value struct {
	place
	kind    kind
	text    string
	plain   bool // not quoted
	dynamic bool // holds a ${...} or a reference to a secret somewhere
	size    int  // nodes in it, counting what aliases stand for
	items   []*value
	pairs   []pair
}

// A pair is a key of a map and what it has. Keys are unique in their map.
type pair struct{ key, value *value }

type kind byte

const (
	isText kind = iota
	isNull
	isList
	isMap
)

// String is the kind in the words of messages.
func (k kind) String() string {
	switch k {
	case isNull:
		return "nothing"
	case isList:
		return "a list"
	case isMap:
		return "a map"
	default:
		return "a single value"
	}
}

// get finds a key of a map.
func (v *value) get(key string) (pair, bool) {
	for _, p := range v.pairs {
		if p.key.text == key {
			return p, true
		}
	}
	return pair{}, false
}

// below is a map that has the value at one key.
func (v *value) below(key string) *value {
	out := &value{place: v.place, kind: isMap, size: 1}
	name := &value{place: v.place, text: key, size: 1}
	out.pairs = []pair{{name, v}}
	out.adopt(name)
	out.adopt(v)
	return out
}

const (
	// maxDepth is far more than the configuration nests.
	maxDepth = 32
	// maxAliased bounds what YAML aliases stand for altogether: nine lines of
	// them could stand for a billion nodes.
	maxAliased = 100_000
)

// A converter makes values of the nodes of one file.
type converter struct {
	report  *report
	file    *file
	anchors map[*yaml.Node]*value // nil while the anchor's own node is being converted
	aliased int
}

func (c *converter) at(n *yaml.Node) place { return c.file.at(n.Line, n.Column) }

// convert is nil after a mistake that leaves nothing to work with.
func (c *converter) convert(n *yaml.Node, depth int) *value {
	if n.Kind == yaml.AliasNode {
		return c.alias(n)
	}
	if depth > maxDepth {
		c.report.error(c.at(n), "more than %d levels of nesting", maxDepth)
		return nil
	}
	if n.Style&yaml.TaggedStyle != 0 {
		c.report.error(c.at(n), "%s: YAML tags are not used here; quote a text that begins with \"!\"", quoted(n.Tag))
		return nil
	}
	if n.Anchor != "" {
		c.anchors[n] = nil
	}
	v := &value{place: c.at(n), size: 1}
	switch n.Kind {
	case yaml.ScalarNode:
		v.text = n.Value
		v.plain = n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		// What a secret is may differ from console to console, whatever its name.
		v.dynamic = strings.Contains(v.text, "${") || strings.HasPrefix(v.text, secretPrefix)
		if v.plain && n.Tag == "!!null" {
			v.kind = isNull
		}
	case yaml.SequenceNode:
		v.kind = isList
		for _, x := range n.Content {
			if item := c.convert(x, depth+1); item != nil {
				v.items = append(v.items, item)
				v.adopt(item)
			}
		}
	case yaml.MappingNode:
		v.kind = isMap
		c.pairs(v, n, depth)
	}
	if n.Anchor != "" {
		c.anchors[n] = v
	}
	return v
}

// adopt counts a child in.
func (v *value) adopt(child *value) {
	v.size += child.size
	v.dynamic = v.dynamic || child.dynamic
}

// alias shares the value that the anchor has: copying could take for ever.
func (c *converter) alias(n *yaml.Node) *value {
	v, known := c.anchors[n.Alias]
	if !known || v == nil {
		c.report.error(c.at(n), "alias *%s stands inside its own anchor, or for nothing usable", oneLine(n.Value))
		return nil
	}
	if c.aliased += v.size; c.aliased > maxAliased {
		c.report.error(c.file.at(0, 0), "YAML aliases stand for more than %d values; use templates", maxAliased)
		return nil
	}
	return v
}

func (c *converter) pairs(v *value, n *yaml.Node, depth int) {
	first := make(map[string]place, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, x := n.Content[i], n.Content[i+1]
		at := c.at(k)
		switch {
		case k.Kind != yaml.ScalarNode:
			c.report.error(at, "a key must be a plain word%s", braceHint(k))
			continue
		case k.Tag == "!!merge":
			c.report.error(at, "\"<<\" is not used here; put what is common into templates: and name it with use:")
			continue
		}
		if before, twice := first[k.Value]; twice {
			c.report.error(at, "%s stands here twice; the first is at %s", quoted(k.Value), before)
			continue
		}
		first[k.Value] = at
		key, child := c.convert(k, depth+1), c.convert(x, depth+1)
		if key == nil || child == nil {
			continue
		}
		v.pairs = append(v.pairs, pair{key, child})
		v.adopt(key)
		v.adopt(child)
	}
}

// braceHint: "a: {b}: c" and an unquoted ${n} at the start of a value both make a map a key.
func braceHint(k *yaml.Node) string {
	if k.Kind == yaml.MappingNode {
		return "; a text that begins with { must be quoted"
	}
	return ""
}
