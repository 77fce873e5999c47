package screen

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A model is a terminal that answers to everything that any terminal answers
// to. It is written apart from the parser and reads what is doubtful as its
// fields say, so that a filter must hold for all of them.
type model struct {
	rawC1   bool // C1 controls as single bytes count, where they are not UTF-8
	atCut   bool // a string that ESC or CAN ends is obeyed
	skips   bool // bytes that do not belong into a sequence are skipped, they do not end it
	belEnds bool // BEL ends every string
}

// models are all readings.
func models() []model {
	var list []model
	for i := range 16 {
		list = append(list, model{i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0})
	}
	return list
}

var (
	csiQuery = regexp.MustCompile(`^([?>=]?[0-9;:]*c|\??[0-9;:]*n|[0-9;:]*x|0*(1[134568]|19|2[01])([;:].*)?t|>[0-9;:]*q|\?.*[uSmg]|.*\$[puw]|.*\*y|.*&u|.*"v|.*'\||.*\+p|.*#[R|])$`)
	oscQuery = regexp.MustCompile(`^0*(4|5|1[0-9]|21|22|50|52)(;.*)?;[^;]*\?|^0*(60|61|99|1337|5522)(;|$)`)
	dcsQuery = regexp.MustCompile(`^[0-9;:<=>?]*(\$q|\+q|@)`)
	apcQuery = regexp.MustCompile(`^G`)
)

// answers lists what in out the terminal answers to.
func (m model) answers(out string) []string {
	var got []string
	var body strings.Builder
	in := rune(0) // introducer of the sequence, '!' right after ESC
	escaped := false
	end := func() {
		text := body.String()
		switch {
		case in == '[' && csiQuery.MatchString(text), in == ']' && oscQuery.MatchString(text),
			in == 'P' && dcsQuery.MatchString(text), in == '_' && apcQuery.MatchString(text):
			got = append(got, string(in)+text)
		}
		in, escaped = 0, false
		body.Reset()
	}
	var take func(r rune)
	take = func(r rune) {
		if r >= 0x80 && r < 0xa0 {
			take(0x1b)
			take(r - 0x40)
			return
		}
		isString := in != 0 && strings.ContainsRune("]PX^_", in)
		if isString && escaped {
			if r == '\\' || m.atCut {
				end()
			}
			in, escaped = '!', false
			body.Reset()
			if r == '\\' {
				in = 0
				return
			}
			isString = false
		}
		switch {
		case r == 0x18 || r == 0x1a:
			if m.atCut && isString {
				end()
			}
			in = 0
			body.Reset()
		case r == 0x1b:
			if isString {
				escaped = true
				return
			}
			in = '!'
			body.Reset()
		case isString:
			if r == 7 && (in == ']' || m.belEnds) {
				end()
			} else if r >= ' ' && (r < 0x7f || !m.skips) {
				body.WriteRune(r)
			}
		case r == 5:
			got = append(got, "ENQ")
		case r < ' ' || r == 0x7f || in == 0:
		case r > '~':
			if !m.skips {
				in = 0
			}
		case in == '!':
			switch {
			case r == 'Z':
				got = append(got, "DECID")
				in = 0
			case strings.ContainsRune("[]PX^_", r):
				in = r
				body.Reset()
			case r >= '0':
				in = 0
			default:
				in = ' '
			}
		case in == ' ': // after an intermediate
			if r >= '0' {
				in = 0
			}
		case in == '[':
			body.WriteRune(r)
			if r >= '@' {
				end()
			}
		}
	}
	for len(out) > 0 {
		r, n := utf8.DecodeRuneInString(out)
		if r == utf8.RuneError && n == 1 && m.rawC1 && out[0] < 0xa0 {
			r = rune(out[0])
		}
		take(r)
		out = out[n:]
	}
	return got
}

// answered lists what any terminal answers to in out.
func answered(out string) []string {
	for _, m := range models() {
		if got := m.answers(out); len(got) > 0 {
			return got
		}
	}
	return nil
}
