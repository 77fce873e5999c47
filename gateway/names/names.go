// Package names holds what is to be known about the names of consoles: which
// are valid, how ranges expand, how selectors choose, how login names are
// read, in which order names are listed and which ones resemble a misspelt
// one. It is pure: no I/O, no clock, no state.
package names

import (
	"fmt"
	"strings"
)

// MaxLength is the longest console name in bytes.
const MaxLength = 63

// Check reports why name cannot be a console's name: it must match
// [A-Za-z0-9][A-Za-z0-9._-]{0,62}, and the words of the login grammar are reserved.
func Check(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a name must not be empty")
	case len(name) > MaxLength:
		return fmt.Errorf("name %s: %d bytes, at most %d are allowed", quote(name), len(name), MaxLength)
	case !isAlphanumeric(name[0]):
		return fmt.Errorf("name %s: must begin with a letter or a digit", quote(name))
	}
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return fmt.Errorf("name %s: only letters, digits and . _ - are allowed", quote(name))
		}
	}
	if Reserved(name) {
		return fmt.Errorf("%s is a reserved name", quote(name))
	}
	return nil
}

// Reserved reports whether a word has a meaning of its own in a login name or a
// selector, in whatever case: a console called so could not be reached.
func Reserved(word string) bool {
	switch strings.ToLower(word) {
	case "menu", "gw", "help", "all":
		return true
	}
	return new(Modifiers).set(word)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isNameByte(c byte) bool {
	return isAlphanumeric(c) || c == '.' || c == '_' || c == '-'
}

// lower is for ASCII only: names hold nothing else, and Unicode's folding
// would let other letters stand for them.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equal compares without regard to the case of ASCII letters.
func equal(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// quote makes hostile text fit for an error: ASCII, short, in quotes.
func quote(text string) string {
	if len(text) > MaxLength+1 {
		return fmt.Sprintf("%+q...", text[:MaxLength+1])
	}
	return fmt.Sprintf("%+q", text)
}
