package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"consoled/auth"
	"consoled/gateway/console"
	"consoled/gateway/record"
	"consoled/gateway/screen"
)

// A waiting is for a line that matches, on each of several consoles.
type waiting struct {
	re    *regexp.Regexp // nil: for nothing
	limit time.Duration
}

// pattern reads a regular expression, whose matching takes time in proportion
// to the text, whatever it is.
func pattern(flag, text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, &usageError{code: ExitUsage, text: flag + " needs a pattern"}
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, &usageError{code: ExitUsage, text: flag + ": " + err.Error()}
	}
	return re, nil
}

// all waits for a match on each console where the action was done. The time is
// for all of them together, as each record keeps what the others had to wait for.
func (w waiting) all(ctx context.Context, c *call, outcomes []*outcome) {
	if w.re == nil {
		return
	}
	late := &usageError{code: ExitTimeout, text: fmt.Sprintf("no line matched %s within %s", quote(w.re.String()), w.limit)}
	ctx, cancel := context.WithTimeoutCause(ctx, w.limit, late)
	defer cancel()
	for _, o := range outcomes {
		if o.place != nil {
			defer o.place.Leave(false)
		}
	}
	for _, o := range outcomes {
		if o.err != nil {
			continue
		}
		if o.Matched, o.err = c.await(ctx, o, w.re); o.err != nil {
			o.Result = o.err.Error()
			c.out.warn("%s: %v", o.Name, o.err)
		}
	}
}

// await waits for a line on the console of an outcome, for as long as the caller
// may be there.
func (c *call) await(ctx context.Context, o *outcome, re *regexp.Regexp) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel(nil)
	watch.Go(func() {
		select {
		case <-o.place.Left():
			cancel(c.gone(o.console))
		case <-ctx.Done():
		}
	})
	return await(ctx, o.console.Record(), o.Offset, re)
}

// gone is why somebody is no longer on a console.
func (c *call) gone(x *console.Console) error {
	if !c.rights(x).Has(auth.Read) {
		return errDenied(c.s, "the wait", auth.Read)
	}
	return consoleEnded()
}

// longestLine bounds what is held of a line that has no end, in bytes: its
// end is what is looked at.
const longestLine = 8 << 10

// await looks for a line that matches in what a record holds from an offset
// on, the unfinished one at its end included: a prompt has no line end. It
// returns the line.
func await(ctx context.Context, r *record.Record, from int64, re *regexp.Regexp) (string, error) {
	m := matcher{cursor: r.Cursor(from), re: re}
	defer m.cursor.Close()
	for {
		n, err := m.some()
		switch {
		case m.found:
			return m.match, nil
		case err == io.EOF:
			return "", consoleEnded()
		case err != nil:
			return "", err
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case n > 0:
			continue
		}
		if err := m.cursor.Wait(ctx); err != nil && err != io.EOF {
			return "", err
		}
	}
}

// A matcher looks for a line in a record.
type matcher struct {
	cursor *record.Cursor
	re     *regexp.Regexp
	line   []byte // that is not complete yet
	found  bool
	match  string // the line, escaped
}

// some reads some of the record and looks at its lines.
func (m *matcher) some() (int, error) {
	buf := rooms.Get().(*[64 << 10]byte)
	defer rooms.Put(buf)
	n, err := m.cursor.Read(buf[:])
	for rest := buf[:n]; len(rest) > 0 && !m.found; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		m.look(rest[:end])
		rest = rest[end:]
	}
	return n, err
}

// look adds to the line and looks at it.
func (m *matcher) look(p []byte) {
	m.line = append(m.line, p...)
	if over := len(m.line) - longestLine; over > 0 {
		m.line = m.line[:copy(m.line, m.line[over:])]
	}
	var filter screen.Text
	text := bytes.TrimRight(filter.Flush(filter.Append(nil, m.line)), "\n")
	if m.re.Match(text) {
		m.found, m.match = true, screen.Printable(string(text), 400)
	}
	if p[len(p)-1] == '\n' {
		m.line = m.line[:0]
	}
}
