package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Problem is a mistake with its place.
type Problem struct {
	File         string // relative to the main file's folder where it lies below it
	Line, Column int    // from 1; 0 where the whole file is meant
	Text         string // one line, with the suggestion
	Excerpt      string // the line of the file and a caret below it; may be empty
	Warning      bool
}

// String is the place, the text and the excerpt.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Text)
	if p.Excerpt != "" {
		b.WriteByte('\n')
		b.WriteString(p.Excerpt)
	}
	return b.String()
}

// Problems is every mistake of a configuration, in the order of files and lines.
type Problems []Problem

// Error is all of them, one a line, with excerpts and a count at the end.
func (p Problems) Error() string {
	var b strings.Builder
	errors, warnings := 0, 0
	for _, x := range p {
		b.WriteString(x.String())
		b.WriteByte('\n')
		if x.Warning {
			warnings++
		} else {
			errors++
		}
	}
	switch {
	case warnings == 0:
		b.WriteString(count(errors, "error"))
	case errors == 0:
		b.WriteString(count(warnings, "warning"))
	default:
		b.WriteString(count(errors, "error") + ", " + count(warnings, "warning"))
	}
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// A report collects problems. The same complaint about the same place comes
// once, although a range of 500 consoles meets it 500 times.
type report struct {
	list     []located
	seen     map[complaint]struct{}
	hidden   map[place]bool // lines that are not shown, at column 0
	errors   int
	warnings int
}

type located struct {
	Problem
	at place
}

type complaint struct {
	place
	format string
}

// maxProblems is how many mistakes are told; nobody reads more of them.
const maxProblems = 200

// error reports a mistake.
func (r *report) error(at place, format string, args ...any) {
	if r.errors++; r.errors <= maxProblems {
		r.add(at, false, format, args)
	}
}

// unseen reports a mistake whose line is not shown, as it may hold a password;
// nor is it for the other mistakes in it.
func (r *report) unseen(at place, format string, args ...any) {
	r.error(at, format, args...)
	if r.hidden == nil {
		r.hidden = make(map[place]bool)
	}
	r.hidden[place{at.file, at.line, 0}] = true
}

// warn reports what works, but hardly as it was meant.
func (r *report) warn(at place, format string, args ...any) {
	if r.warnings++; r.warnings <= maxProblems {
		r.add(at, true, format, args)
	}
}

func (r *report) add(at place, warning bool, format string, args []any) {
	key := complaint{at, format}
	if _, twice := r.seen[key]; twice {
		if warning {
			r.warnings--
		} else {
			r.errors--
		}
		return
	}
	if r.seen == nil {
		r.seen = make(map[complaint]struct{})
	}
	r.seen[key] = struct{}{}
	r.list = append(r.list, located{
		Problem: Problem{
			File: at.file.name, Line: at.line, Column: at.column,
			Text: oneLine(fmt.Sprintf(format, args...)), Excerpt: at.excerpt(), Warning: warning,
		},
		at: at,
	})
}

// problems is what was collected, in the order of files and lines.
func (r *report) problems() Problems {
	slices.SortStableFunc(r.list, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.at.file.order, b.at.file.order), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var out Problems
	for _, x := range r.list {
		if r.hidden[place{x.at.file, x.at.line, 0}] {
			x.Excerpt = ""
		}
		out = append(out, x.Problem)
	}
	if more := r.errors - maxProblems; more > 0 {
		last := out[len(out)-1]
		out = append(out, Problem{File: last.File, Text: fmt.Sprintf("%s more, not shown", count(more, "mistake"))})
	}
	return out
}

// A place is where something stands.
type place struct {
	file         *file
	line, column int
}

// String is file:line:column, with the file as it is shown to people.
func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file.name, p.line, p.column) }

// excerptWidth is how much of a line is shown.
const excerptWidth = 100

// passwordKey is a key that a password may stand behind, or what people write
// in place of it; reference is what stands there where it is none.
var (
	passwordKey = regexp.MustCompile(`(?i)(?:pas+wo?r?d?\w*|\bkg)["']?[ \t]*:[ \t]*`)
	reference   = regexp.MustCompile(`^(?:["']?secret:|\{[ \t]*(?:file|env|exec|cache)[ \t]*:|#|$)`)
)

// secret reports whether a password may stand in the line: behind its key, or
// below secrets:. The file may be no YAML.
func (p place) secret(text string) bool {
	for _, at := range passwordKey.FindAllStringIndex(text, -1) {
		if !reference.MatchString(text[at[1]:]) {
			return true
		}
	}
	return p.below(text)
}

// below reports whether the line belongs to what began further up: to secrets:,
// or to the value of a password's key that does not end on the key's own line.
func (p place) below(text string) bool {
	indent, closing := indentation(text), ""
	for n := p.line; n > 0; n-- {
		text, ok := p.file.lineText(n)
		if !ok || strings.TrimLeft(text, " \t") == "" {
			continue
		}
		if n < p.line {
			if quote := unclosed(text); quote != "" && !strings.Contains(closing, quote) {
				return true
			}
			closing += text
			if own := indentation(text); own < indent && text[own] != '#' {
				if indent = own; passwordKey.MatchString(text) {
					return true
				}
			}
		}
		if !strings.ContainsAny(text[:1], " \t#") {
			return strings.HasPrefix(text, "secrets")
		}
	}
	return false
}

func indentation(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }

// unclosed is the quote that opens a password which goes on in the next line.
func unclosed(text string) string {
	for _, at := range passwordKey.FindAllStringIndex(text, -1) {
		value := strings.ReplaceAll(text[at[1]:], `\"`, "")
		if value != "" && strings.ContainsAny(value[:1], `"'`) && strings.Count(value, value[:1])%2 == 1 {
			return value[:1]
		}
	}
	return ""
}

// excerpt is the line of the file with a caret below the column; nothing where
// that may hold a password. Control characters are hostile to terminals, so each is shown as
// one question mark.
func (p place) excerpt() string {
	text, ok := p.file.lineText(p.line)
	if !ok || p.secret(text) {
		return ""
	}
	runes := []rune(text)
	caret := min(max(p.column-1, 0), len(runes))
	start := 0
	if caret > excerptWidth*3/4 {
		start = caret - excerptWidth/2
	}
	runes = runes[start:min(len(runes), start+excerptWidth)]
	for i, c := range runes {
		switch {
		case c == '\t':
			runes[i] = ' '
		case !unicode.IsPrint(c):
			runes[i] = '?'
		}
	}
	shown := strings.TrimRight(string(runes), " ")
	return fmt.Sprintf("%5d | %s\n      | %s^", p.line, shown, strings.Repeat(" ", caret-start))
}

// oneLine bounds a message, and keeps it on one line whatever was quoted in it.
func oneLine(text string) string {
	const most = 500
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}

// quoted is text from a file, bounded and harmless, in quotes.
func quoted(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text[:min(len(text), 4*most)])[:most]) + "..."
	}
	return fmt.Sprintf("%q", text)
}

// displayName is how a file is called in messages: relative to the folder of
// the main file if it lies below it.
func displayName(folder, path string) string {
	if rel, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}
