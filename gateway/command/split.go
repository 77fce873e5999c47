package command

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"consoled/gateway/names"
)

// An arity says what follows a flag.
type arity int

const (
	none arity = iota // nothing
	word              // one word, behind a blank or =
	free              // free text, to the next flag or the end
	some              // one word behind =, or nothing
)

// A flag of a verb.
type flag struct {
	name  string // with its dashes: "--since", "-n"
	takes arity
	does  string // for help
}

// words is a command line taken apart: flags by name, the words that are none,
// and free text.
type words struct {
	flags   map[string]string
	plain   []string
	text    string
	hasText bool
}

// split takes the part of a line behind the verb apart. It is our own rule,
// not a shell's, as ssh joins its arguments with blanks and drops the shell's
// quotes: blanks separate, a backslash is literal, and free text runs to the
// next flag of the verb or the end, quotes around it optional. plain is how
// many words come before the free text; -1 where the verb takes no text.
func split(line string, flags []flag, plain int) (words, error) {
	w := words{flags: map[string]string{}}
	rest := strings.TrimSpace(line)
	ended := false // "--" has ended the flags
	for rest != "" {
		first, after := cutWord(rest)
		if first == "--" && !ended {
			ended, rest = true, after
			continue
		}
		if plain >= 0 && len(w.plain) == plain && (ended || findFlag(rest, flags) == nil) {
			var text string
			if text, rest = takeText(rest, flags, ended); w.hasText {
				text = w.text + " " + text
			}
			w.text, w.hasText = text, true
			continue
		}
		if ended || len(first) < 2 || first[0] != '-' || plain < 0 && isTime(first) {
			w.plain, rest = append(w.plain, first), after
			continue
		}
		f := findFlag(rest, flags)
		if f == nil {
			return words{}, unknownFlag(first, flags)
		}
		var err error
		if rest, err = w.take(f, rest, flags); err != nil {
			return words{}, err
		}
	}
	return w, nil
}

// isTime reports whether a word that begins with a dash is a time such as -1h.
func isTime(s string) bool {
	_, err := time.ParseDuration(s)
	return err == nil
}

// take reads a flag and its value off the front of rest.
func (w *words) take(f *flag, rest string, flags []flag) (string, error) {
	first, after := cutWord(rest)
	_, value, given := strings.Cut(first, "=")
	switch {
	case f.takes == none && given:
		return "", fmt.Errorf("%s takes no value", f.name)
	case f.takes == none || f.takes == some:
		w.flags[f.name] = value
		return after, nil
	case f.takes == word && !given && f.short() && len(first) > 2: // -n20
		value = first[2:]
	case f.takes == word && !given:
		if value, after = cutWord(after); value == "" {
			return "", fmt.Errorf("%s needs a value", f.name)
		}
	case f.takes == free:
		if given {
			after = rest[len(f.name)+1:]
		}
		value, after = takeText(after, flags, false)
	}
	w.flags[f.name] = value
	return after, nil
}

func (f *flag) short() bool { return len(f.name) == 2 }

// findFlag is the flag that text begins with, or nil.
func findFlag(text string, flags []flag) *flag {
	first, _ := cutWord(text)
	name, _, _ := strings.Cut(first, "=")
	for i := range flags {
		f := &flags[i]
		if name == f.name || f.short() && f.takes == word && strings.HasPrefix(first, f.name) && isNumber(first[2:]) {
			return f
		}
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// takeText reads free text off the front: to the next flag of the verb or the end.
func takeText(s string, flags []flag, ended bool) (text, rest string) {
	s = strings.TrimLeft(s, " ")
	if q := s; q != "" && (q[0] == '"' || q[0] == '\'') {
		if end := strings.IndexByte(q[1:], q[0]); end >= 0 && (len(q) == end+2 || q[end+2] == ' ') {
			return q[1 : end+1], strings.TrimLeft(q[end+2:], " ")
		}
	}
	for i := 0; i < len(s) && !ended; i++ {
		if s[i] == ' ' && (findFlag(s[i+1:], flags) != nil || strings.HasPrefix(s[i+1:], "-- ")) {
			return strings.TrimRight(s[:i], " "), s[i+1:]
		}
	}
	return s, ""
}

// cutWord reads a word off the front.
func cutWord(s string) (first, rest string) {
	s = strings.TrimLeft(s, " ")
	first, rest, _ = strings.Cut(s, " ")
	return first, strings.TrimLeft(rest, " ")
}

func unknownFlag(got string, flags []flag) error {
	var all []string
	for _, f := range flags {
		all = append(all, f.name)
	}
	name, _, _ := strings.Cut(got, "=")
	if near := names.Nearest(name, all); near != "" {
		return fmt.Errorf("no flag %s here; did you mean %s?", quote(name), near)
	}
	if len(all) == 0 {
		return fmt.Errorf("no flag %s here; this command has none", quote(name))
	}
	return fmt.Errorf("no flag %s here; there are: %s", quote(name), strings.Join(all, " "))
}
