package action

import (
	"bytes"
	"fmt"
	"sync"

	"consoled/gateway/screen"
)

// The bounds of what is shown of an action's output.
const (
	longestLine = 400  // bytes of output in one line; what is longer goes on in the next
	mostLines   = 1000 // to who runs it
	mostShown   = 20   // to the others
)

// printable is hostile text as one line of ours.
func printable(text string) string { return screen.Printable(text, 2*longestLine) }

// lines cuts output into lines, escaped. It takes everything and shows a part,
// so that no program waits for us, however much it says, and none for who runs
// it, whose terminal may be stopped.
type lines struct {
	say  func(string) // to who runs it
	show func(string) // to everybody attached

	mu   sync.Mutex
	line []byte
	n    int
	over bool

	said   chan string // on its way to who runs it; it has room for all
	saying sync.WaitGroup
}

// newLines begins to say lines to who runs the action; say may be nil.
func newLines(say, show func(string)) *lines {
	l := &lines{say: func(string) {}, show: show}
	if say == nil {
		return l
	}
	l.said = make(chan string, mostLines+1)
	l.say = func(line string) { l.said <- line }
	l.saying.Go(func() {
		for line := range l.said {
			say(line)
		}
	})
	return l
}

// Write takes a piece of output.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0 && l.n <= mostLines && !l.over; {
		part := rest[:min(len(rest), longestLine-len(l.line))]
		i := bytes.IndexAny(part, "\r\n")
		if i >= 0 {
			part = part[:i]
		}
		l.line = append(l.line, part...)
		rest = rest[len(part):]
		if i >= 0 {
			rest = rest[1:]
		}
		if i >= 0 || len(l.line) == longestLine {
			l.put()
		}
	}
	return len(p), nil
}

// end shows an unfinished last line. What comes later is of nobody's concern.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put()
	l.over = true
}

// wait returns when all that was said has reached who runs the action.
func (l *lines) wait() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	if l.said != nil {
		close(l.said)
		l.saying.Wait()
	}
}

// put shows a line that is complete; empty ones are left out.
func (l *lines) put() {
	if len(bytes.TrimSpace(l.line)) == 0 || l.n > mostLines {
		l.line = l.line[:0]
		return
	}
	text := printable(string(l.line))
	l.line = l.line[:0]
	switch l.n++; {
	case l.n <= mostShown:
		l.show(text)
	case l.n == mostShown+1:
		l.show("... and more, not shown here")
	}
	switch {
	case l.n <= mostLines:
		l.say(text)
	default:
		l.say(fmt.Sprintf("... and more; only %d lines are shown", mostLines))
	}
}
