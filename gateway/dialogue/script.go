package dialogue

import (
	"regexp"
	"time"

	"consoled/ports"
)

// Limit is how long a step waits where its configuration says nothing, Longest
// the most that one may be told to.
const (
	Limit   = 10 * time.Second
	Longest = 10 * time.Minute
)

// A Script is what is said to a target on connect, before people are let through.
type Script struct {
	Login *Login // first; nil for none
	Steps []Step
}

// Empty reports that there is nothing to say.
func (s Script) Empty() bool { return s.Login == nil && len(s.Steps) == 0 }

// A Step is one of a script. Exactly one of its first five fields is set.
type Step struct {
	Send    Sequence
	Expect  *regexp.Regexp // in what was said since the last match
	Break   time.Duration
	Secret  ports.Secret // is typed with a CR behind it, and hidden
	Exec    []string     // a program whose stdin and stdout are the line
	Timeout time.Duration
}

// A Login is the ready-made beginning of a script, for terminal servers that ask
// who is there. What they do not ask for is not sent; one that asks nothing
// has nothing against us.
type Login struct {
	User     string
	Password ports.Secret
	// AsksUser and AsksPassword are the prompts; nil for the usual ones. They
	// are looked for where the target falls silent.
	AsksUser, AsksPassword *regexp.Regexp
	Timeout                time.Duration
}

// The usual prompts, at the end of what was said.
var (
	usualUser     = regexp.MustCompile(`(?i)(?:log[ -]?in|user ?name|user ?id|user|account)(?: name)?[ \t]*[:>?][ \t]*$`)
	usualPassword = regexp.MustCompile(`(?i)(?:pass ?word|pass ?code|pass ?phrase)[^\r\n:]{0,80}[:>?][ \t]*$`)
	// usualShell is where somebody is logged in already.
	usualShell = regexp.MustCompile(`[^\s][#$>%][ \t]*$|(?:^|[\r\n])[#$>%][ \t]*$`)
	// kernelLine is what the kernel of a Linux target says on its console meanwhile,
	// behind a prompt or in the middle of it: none of the login's words.
	kernelLine = regexp.MustCompile(`\[ *[0-9]+\.[0-9]{6}\](?:\[ *[TC][0-9]+\])? [^\r\n]*[\r\n]+`)
	// refusal is the first line of an answer to a wrong password. It is not
	// looked for further down, where it may be of a message of the day.
	refusal = regexp.MustCompile(`(?i)^[^\r\n]*(?:(?:log[ -]?in|log[ -]?on|password|authentication|authorization|access|permission)s?[ \t]+(?:is[ \t]+|was[ \t]+|has[ \t]+)?(?:incorrect|invalid|wrong|fail(?:ed|ure)|denied|rejected|refused)|(?:incorrect|invalid|bad|wrong)[ \t]+(?:log[ -]?in|passwords?|user|username|account|credentials?|secrets?))`)
)
