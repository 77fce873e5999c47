package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parse reads the one YAML document of a file. It is nil for an empty file,
// and after a mistake that is reported (ok is false then).
func parse(r *report, f *file) (root *value, ok bool) {
	if offset, what, bad := badByte(f.data); bad {
		r.error(f.atOffset(offset), "%s", what)
		return nil, false
	}
	doc, second, err := documents(f.data)
	if err != nil {
		diagnose(r, f, err)
		return nil, false
	}
	before := r.errors
	if second != nil {
		r.error(f.at(second.Line, second.Column), "a second document; a configuration file is one document, without ---")
	}
	if doc == nil || len(doc.Content) != 1 {
		return nil, r.errors == before
	}
	c := converter{report: r, file: f, anchors: make(map[*yaml.Node]*value)}
	root = c.convert(doc.Content[0], 0)
	if root != nil && root.kind == isNull {
		root = nil
	}
	if root != nil && root.kind != isMap {
		r.error(root.place, "the file holds %s; keys such as \"consoles:\" are expected", root.kind)
		root = nil
	}
	return root, r.errors == before
}

// documents decodes the first document, and the second one if there is any.
// Decoding only as far as nodes expands no alias. The parser has met hostile
// input before; should it still panic, that is a mistake in the file.
func documents(data []byte) (doc, second *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, next yaml.Node
	switch err := d.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	switch err := d.Decode(&next); {
	case errors.Is(err, io.EOF):
		return &first, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return &first, &next, nil
}

// diagnose reports why a file is no YAML. The parser names a line near the
// mistake and what it expected; the mistakes that people really make are
// looked for in the text.
func diagnose(r *report, f *file, err error) {
	line, text := parserError(err)
	before := r.errors
	for n := 1; ; n++ {
		s, ok := f.lineText(n)
		if !ok {
			break
		}
		diagnoseLine(r, f, n, s)
	}
	if r.errors > before {
		return
	}
	for line > 1 {
		if s, ok := f.lineText(line); ok && strings.TrimSpace(s) != "" {
			break
		}
		line--
	}
	column := 1
	if s, ok := f.lineText(line); ok {
		column += len(s) - len(strings.TrimLeft(s, " "))
	}
	r.error(f.at(max(line, 1), column), "not valid YAML here or close by: %s", text)
}

// parserError takes "yaml: line 3: did not find expected key" apart. The line of
// this message, which its parser makes, counts from 0; those of its scanner count from 1.
func parserError(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				if strings.HasPrefix(rest, "did not find expected ") && !strings.Contains(rest, "character") {
					n++
				}
				return n, rest
			}
		}
	}
	return 1, text
}

// diagnoseLine looks for what no value may begin with.
func diagnoseLine(r *report, f *file, line int, text string) {
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if i := strings.IndexByte(indent, '\t'); i >= 0 && len(indent) < len(text) {
		r.error(f.at(line, i+1), "a tab in the indentation; YAML takes blanks only")
		return
	}
	column, counted := 1, 0
	for start, inFlow := range valueStarts(text) {
		column += utf8.RuneCountInString(text[counted:start])
		counted = start
		word := text[start:]
		if i := strings.IndexAny(word, " ,]}#"); i >= 0 {
			word = word[:i]
		}
		word = strings.TrimSuffix(word, ":") // of a key
		at := f.at(line, column)
		switch {
		case word == "":
		case word[0] == '@' || word[0] == '`' || word[0] == '%' || word == "*" || strings.HasPrefix(word, "*.") || strings.HasPrefix(word, "*-"):
			what := quoted(word) + " must be quoted: " + quoted(word) + "  "
			if r.errors < maxProblems && at.secret(text) {
				what = "this must be quoted"
			}
			r.error(at, "%s (YAML reserves a leading %c)", what, word[0])
		case inFlow && strings.Contains(word, "${"):
			r.error(at, "a text with ${...} must be quoted between { } or [ ]")
		}
	}
}

// valueStarts yields where on a line a value without quotes begins, and whether that is
// inside brackets or braces. It knows as much YAML as telling mistakes needs.
func valueStarts(text string) func(yield func(start int, inFlow bool) bool) {
	return func(yield func(int, bool) bool) {
		fresh, depth := true, 0
		for i := 0; i < len(text); i++ {
			c := text[i]
			switch {
			case c == ' ':
			case c == '#' && (i == 0 || text[i-1] == ' '):
				return
			case fresh && (c == '"' || c == '\''):
				end := strings.IndexByte(text[i+1:], c)
				if end < 0 {
					return
				}
				i += 1 + end
				fresh = false
			case fresh && (c == '[' || c == '{'):
				depth++
			case depth > 0 && c == ',':
				fresh = true
			case depth > 0 && (c == ']' || c == '}'):
				depth--
				fresh = false
			case (c == ':' || fresh && c == '-') && (i+1 == len(text) || text[i+1] == ' '):
				fresh = true
			case fresh:
				if !yield(i, depth > 0) {
					return
				}
				fresh = false
			}
		}
	}
}
