package names

import (
	"fmt"
	"strings"
)

// MaxLogin is the longest login name in bytes.
const MaxLogin = 255

// Modifiers are what stands after + in a login name; each lowers what the
// session may do or see, none raises it but RW, which asks for the lock.
type Modifiers struct{ ReadOnly, ReadWrite, Raw, Quiet, NoReplay bool }

// set switches on what a word after + means; false if it means nothing.
func (m *Modifiers) set(word string) bool {
	switch strings.ToLower(word) {
	case "ro":
		m.ReadOnly = true
	case "rw":
		m.ReadWrite = true
	case "raw":
		m.Raw = true
	case "quiet":
		m.Quiet = true
	case "noreplay":
		m.NoReplay = true
	default:
		return false
	}
	return true
}

// A Login is a login name taken apart (interface.md 2.1), before anybody has
// looked whether such a console exists.
type Login struct {
	Text      string // as sent
	Reserved  string // "menu", "gw" or "help", else ""
	Selector  string // set if it is one
	User      string // the part before + or : where it is no modifier; must equal the identity
	Name      string // the console name, suffixes not yet cut
	Modifiers Modifiers
}

// ParseLogin takes a login name apart. Text that fits nothing is a Name; a name
// that is too long or has bytes outside printable ASCII is an error.
//
//	node42            a name
//	node42+ro+quiet   a name with modifiers
//	alice+node42+ro   a user, a name and a modifier
//	alice:@tag:board  a user and a selector
func ParseLogin(text string) (Login, error) {
	if len(text) > MaxLogin {
		return Login{}, fmt.Errorf("login name: %d bytes, at most %d are allowed", len(text), MaxLogin)
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return Login{}, fmt.Errorf("login name %s: only printable ASCII is allowed", quote(text))
		}
	}
	l := Login{Text: text}
	rest := l.Modifiers.cut(text)
	if i := separator(rest); i > 0 && i < len(rest)-1 {
		l.User, rest = rest[:i], rest[i+1:]
	}
	switch word := strings.ToLower(rest); {
	case word == "menu" || word == "gw" || word == "help":
		l.Reserved = word
	case IsSelector(rest):
		l.Selector = rest
	default:
		l.Name = rest
	}
	return l, nil
}

// cut takes the modifiers off the end of a login name. Read-only beats
// read-write in whatever order they stand: modifiers lower.
func (m *Modifiers) cut(text string) string {
	for {
		i := strings.LastIndexByte(text, '+')
		if i <= 0 || !m.set(text[i+1:]) {
			break
		}
		text = text[:i]
	}
	if m.ReadOnly {
		m.ReadWrite = false
	}
	return text
}

// separator finds what parts a user from a name or selector, or returns -1. It
// is the last + or else the last colon before the first byte that only a
// selector has: a user may be a fingerprint (SHA256:ab+c), a selector
// may hold colons (@tag:board), a name holds neither.
func separator(text string) int {
	end := len(text)
	for i := range len(text) {
		if strings.IndexByte("*?[,", text[i]) >= 0 || text[i] == '@' && (i == 0 || text[i-1] == '+' || text[i-1] == ':') {
			end = i
			break
		}
	}
	if i := strings.LastIndexByte(text[:end], '+'); i >= 0 {
		return i
	}
	return strings.LastIndexByte(text[:end], ':')
}
