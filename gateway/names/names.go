// Package names holds what is to be known about the names of consoles: which
// are valid, how ranges expand, how selectors choose, how login names are
// read, in which order names are listed and which ones resemble a misspelt
// one. It is pure: no I/O, no clock, no state.
package names

// MaxLength is the longest console name in bytes.
const MaxLength = 63

// Check reports why name cannot be a console's name: it must match
// [A-Za-z0-9][A-Za-z0-9._-]{0,62}, and the words of the login grammar are reserved.
func Check(name string) error { panic("contract") }

// Compare orders names naturally: runs of digits by value ("node2" before "node10").
func Compare(a, b string) int { panic("contract") }

// An Instance is one name that a pattern with ranges stands for.
type Instance struct {
	Name    string
	Numbers []Number // one for each range, in the pattern's order
}

// A Number is the value that a range has in an Instance.
type Number struct {
	Text  string // as written, with its zero padding
	Value int
}

// Expand lists what a pattern such as "node[001-016,020]" or "r[1-2]n[1-9/2]"
// stands for, in order. A pattern without a range is itself. More than limit
// instances is an error.
func Expand(pattern string, limit int) ([]Instance, error) { panic("contract") }

// Fold writes names as few patterns with ranges as possible, the reverse of Expand.
func Fold(names []string) []string { panic("contract") }

// A Subject is what selectors choose by.
type Subject struct {
	Name    string
	Aliases []string
	Groups  []string // every group that the configuration puts it in
	Tags    []string
	State   string // "up", "down"; empty where state does not matter
}

// A Selector chooses consoles; see interface.md 2.6 for the language:
// names, globs, ranges, unions by comma, "-NAME" excludes, @group, @tag:T,
// @group:G, @state:S, @all; "@X" is the group X, else the tag X.
type Selector struct{ terms []term }

type term struct{}

// ParseSelector reads a selector; its error names the wrong part.
func ParseSelector(text string) (Selector, error) { panic("contract") }

// Match reports whether the selector chooses x. Names match without regard to case.
func (s Selector) Match(x Subject) bool { panic("contract") }

// String is the selector as it was written.
func (s Selector) String() string { panic("contract") }

// UsesState reports whether the selector looks at state, which access rules must not.
func (s Selector) UsesState() bool { panic("contract") }

// Mentions lists the group or tag names ("@X" without its @) that the selector
// refers to, so that the configuration can report unknown ones.
func (s Selector) Mentions() []string { panic("contract") }

// IsSelector reports whether a login name or argument is meant as a selector
// rather than a name: it starts with @ or holds * ? [ or a comma.
func IsSelector(text string) bool { panic("contract") }

// Suggest returns at most five candidates that resemble name (Damerau-Levenshtein
// distance of at most 2, or the same digits after dropping zeros), best first.
func Suggest(name string, candidates []string) []string { panic("contract") }

// Nearest returns the word of a vocabulary that a misspelt one most likely
// means, or "" where none is near; for unknown keys, options and verbs.
func Nearest(word string, vocabulary []string) string { panic("contract") }

// Modifiers are what stands after + in a login name; each lowers what the
// session may do or see, none raises it but RW, which asks for the lock.
type Modifiers struct{ ReadOnly, ReadWrite, Raw, Quiet, NoReplay bool }

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
func ParseLogin(text string) (Login, error) { panic("contract") }
