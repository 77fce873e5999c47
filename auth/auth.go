// Package auth knows who may do what: keys and the options of their lines,
// roles, rights, and the one decision with its reason. It knows no SSH server
// and no console, only keys, names and the time. Its data is immutable once
// built: a reload builds a new Policy.
//
// Whatever is doubtful takes rights away: a line that is not understood is
// refused, a key listed twice has only its first line, a key that the Policy
// in force no longer lists has nothing.
package auth

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Problem is a line that was refused, or is doubtful, with its place.
type Problem struct {
	File    string
	Line    int // 0: the file as a whole
	Text    string
	Warning bool // nothing was refused for it
	Lost    bool // the whole file, or what a pattern chooses, is missing or gives no key
}

// String is the problem as people read it: FILE:LINE: TEXT.
func (p Problem) String() string {
	if p.Line == 0 {
		return oneLine(p.File + ": " + p.Text)
	}
	return oneLine(place(p.File, p.Line) + ": " + p.Text)
}

func place(file string, line int) string { return file + ":" + strconv.Itoa(line) }

// show quotes a piece of a file for a message: cut, and with nothing in it
// that a terminal would obey.
func show(text string) string {
	const most = 60
	if len(text) > most {
		return strconv.QuoteToASCII(text[:most]) + "..."
	}
	return strconv.QuoteToASCII(text)
}

// oneLine makes a text safe to print and to log: no control character, no
// line end, no bidirectional override, and an end.
func oneLine(text string) string {
	const most = 600
	if len(text) > most {
		text = text[:most] + "..."
	}
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			b.WriteByte('?')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// checkName reports why a name cannot be an identity or a role. Signs that the
// login grammar, globs and fingerprints use (+ : * ? [) cannot occur in one.
func checkName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("name %s must have 1 to 64 characters", show(name))
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		case i > 0 && strings.IndexByte("._@-", c) >= 0:
		default:
			return fmt.Errorf("name %s must consist of letters, digits and . _ @ - (and start with one of the former)", show(name))
		}
	}
	return nil
}
