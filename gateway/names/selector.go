package names

import (
	"fmt"
	"slices"
	"strings"
)

// A Subject is what selectors choose by.
type Subject struct {
	Name    string
	Aliases []string
	Groups  []string // every group that the configuration puts it in
	Tags    []string
	State   string // one of states; empty where state does not matter
}

// Called reports whether x has a name, or has it as an alias, without regard to case.
func (x Subject) Called(name string) bool {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	return same(x.Name) || slices.ContainsFunc(x.Aliases, same)
}

// A Selector chooses consoles: names, globs, ranges, unions by comma, "-NAME"
// excludes, @group, @tag:T, @group:G, @state:S, @all; "@X" is the group X,
// else the tag X. Exclusion wins wherever it stands. The zero Selector chooses nothing.
type Selector struct {
	text  string
	terms []term
}

// A term is one part of a selector between commas.
type term struct {
	exclude bool
	kind    kind
	word    string // of a group, tag or state
	pattern glob
}

type kind byte

const (
	kindName kind = iota
	kindAll
	kindEither // @X: a group or a tag
	kindGroup
	kindTag
	kindState
)

// ParseSelector reads a selector; its error names the wrong part.
func ParseSelector(text string) (Selector, error) {
	if len(text) > maxText {
		return Selector{}, fmt.Errorf("selector %s: longer than %d bytes", quote(text), maxText)
	}
	s := Selector{text: text}
	includes := false
	for part := range splitTerms(text) {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return Selector{}, fmt.Errorf("selector %s: %w", quote(text), err)
		}
		includes = includes || !t.exclude
		s.terms = append(s.terms, t)
	}
	if !includes {
		return Selector{}, fmt.Errorf("selector %s: only excludes; begin with @all", quote(text))
	}
	return s, nil
}

// splitTerms yields the parts between the commas that stand outside brackets.
func splitTerms(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, inside := 0, false
		for i := range len(text) {
			switch text[i] {
			case '[':
				inside = true
			case ']':
				inside = false
			case ',':
				if inside {
					continue
				}
				if !yield(text[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(text[start:])
	}
}

func parseTerm(text string) (term, error) {
	var t term
	rest, exclude := strings.CutPrefix(text, "-")
	t.exclude = exclude
	if rest == "" {
		return term{}, fmt.Errorf("a name is missing")
	}
	word, at := strings.CutPrefix(rest, "@")
	if !at {
		var err error
		t.pattern, err = parseGlob(rest)
		return t, err
	}
	t.kind, t.word = kindEither, word
	if word == "all" {
		t.kind = kindAll
		return t, nil
	}
	if prefix, value, ok := strings.Cut(word, ":"); ok {
		t.word = value
		switch prefix {
		case "group":
			t.kind = kindGroup
		case "tag":
			t.kind = kindTag
		case "state":
			t.kind = kindState
		default:
			return term{}, fmt.Errorf("%s: only @group: @tag: and @state: take a word", quote(rest))
		}
	}
	if t.kind == kindState && !slices.Contains(states, t.word) {
		return term{}, fmt.Errorf("%s: a state is one of %s", quote(rest), strings.Join(states, ", "))
	}
	return t, checkWord(rest, t.word)
}

// states are the words that a Subject's State may be.
var states = []string{"up", "down", "connecting", "idle", "closed"}

// checkWord bounds what may be a group or a tag to what may be a name.
func checkWord(text, word string) error {
	if word == "" {
		return fmt.Errorf("%s: a word is missing", quote(text))
	}
	for i := range len(word) {
		if !isNameByte(word[i]) {
			return fmt.Errorf("%s: a group or tag is a plain word of letters, digits and . _ -", quote(text))
		}
	}
	return nil
}

// Match reports whether the selector chooses x. Names match without regard to
// case; an alias counts as a name. Groups and tags match exactly.
func (s Selector) Match(x Subject) bool {
	chosen := false
	for i := range s.terms {
		t := &s.terms[i]
		// A term that could only choose again what is chosen need not be looked at.
		if chosen && !t.exclude || !t.match(x) {
			continue
		}
		if t.exclude {
			return false
		}
		chosen = true
	}
	return chosen
}

func (t *term) match(x Subject) bool {
	switch t.kind {
	case kindAll:
		return true
	case kindEither:
		return slices.Contains(x.Groups, t.word) || slices.Contains(x.Tags, t.word)
	case kindGroup:
		return slices.Contains(x.Groups, t.word)
	case kindTag:
		return slices.Contains(x.Tags, t.word)
	case kindState:
		return x.State == t.word
	default:
		return t.pattern.match(x.Name) || slices.ContainsFunc(x.Aliases, t.pattern.match)
	}
}

// String is the selector as it was written.
func (s Selector) String() string { return s.text }

// UsesState reports whether the selector looks at state, which access rules must not.
func (s Selector) UsesState() bool {
	return slices.ContainsFunc(s.terms, func(t term) bool { return t.kind == kindState })
}

// Mentions lists the group or tag names that the selector refers to (the X of
// @X, @group:X and @tag:X, each once), so that the configuration can report
// unknown ones.
func (s Selector) Mentions() []string {
	var out []string
	for _, t := range s.terms {
		switch t.kind {
		case kindEither, kindGroup, kindTag:
			if !slices.Contains(out, t.word) {
				out = append(out, t.word)
			}
		}
	}
	return out
}

// Names lists the plain names that the selector includes: those that are
// neither a pattern nor a group, so that a slip in one can be told.
func (s Selector) Names() []string {
	var out []string
	for text := range splitTerms(s.text) {
		if text = strings.TrimSpace(text); !strings.HasPrefix(text, "-") && !IsSelector(text) {
			out = append(out, text)
		}
	}
	return out
}

// IsSelector reports whether a login name or argument is meant as a selector
// rather than a name: it starts with @ or holds * ? [ or a comma.
func IsSelector(text string) bool {
	return strings.HasPrefix(text, "@") || strings.ContainsAny(text, "*?[,")
}
