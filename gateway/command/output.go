package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"

	"consoled/gateway/attach"
	"consoled/gateway/screen"
)

// An output is where a verb writes: its results, buffered, and its notices.
// It is safe for any goroutine. On a PTY a line ends in CR LF.
type output struct {
	mu     sync.Mutex
	buf    *bufio.Writer
	out    io.Writer // the terminal itself
	err    io.Writer
	failed bool // nobody reads any more
}

func newOutput(t attach.Terminal) *output {
	out, err := t.Out, t.Err
	if t.PTY {
		out = crlf{t.Out}
		err = out
	}
	return &output{buf: bufio.NewWriterSize(out, 32<<10), out: t.Out, err: err}
}

// raw makes the results go out byte for byte, on a PTY too.
func (o *output) raw() {
	o.flush()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Reset(o.out)
}

// broken reports that nobody reads any more.
func (o *output) broken() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

// crlf ends lines as a terminal in raw mode wants them.
type crlf struct{ w io.Writer }

func (c crlf) Write(p []byte) (int, error) {
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Write adds to the results.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.buf.Write(p)
	o.failed = o.failed || err != nil
	return n, err
}

func (o *output) printf(format string, args ...any) { fmt.Fprintf(o, format, args...) }

// flush sends what is buffered.
func (o *output) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.buf.Flush()
	o.failed = o.failed || err != nil
	return err
}

// object prints one line of JSON.
func (o *output) object(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		o.warn("encode JSON: %v", err)
		return
	}
	o.Write(append(screen.AppendJSON(nil, text), '\n'))
}

// warn writes a line to stderr, behind the results so far. The text of an error
// may be hostile, and may have several lines, of which excerpts are indented.
func (o *output) warn(format string, args ...any) {
	lines := strings.Split(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n")
	for i, line := range lines {
		lines[i] = screen.Printable(line, 4<<10)
		if line == "" || line[0] != ' ' {
			lines[i] = "consoled: " + lines[i]
		}
	}
	o.tell(strings.Join(lines, "\n"))
}

func (o *output) tell(line string) {
	o.flush()
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintln(o.err, line)
}

// fail tells an error and returns its exit code.
func (o *output) fail(err error) int {
	u, ok := errors.AsType[*usageError](err)
	if ok && u.bare {
		o.tell(u.text)
		return u.code
	}
	o.warn("%v", err)
	if ok && u.fix != "" {
		o.warn("fix: %s", u.fix)
	}
	return code(err)
}

// A table prints rows in columns, with tabs between them where it is plain, or
// as JSON, one object a row.
type table struct {
	w      io.Writer
	finish func() error
	json   *output // nil but where rows are objects
}

// table begins a table whose header is left out where flags say so.
func (c *call) table(header ...string) *table {
	t := &table{w: c.out, finish: c.out.flush}
	switch {
	case c.has("--json"):
		t.json = c.out
		return t
	case !c.has("--plain"):
		tw := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
		t.w, t.finish = tw, tw.Flush
	}
	if !c.has("--no-header") {
		t.line(header)
	}
	return t
}

// row prints one row, which JSON has as an object.
func (t *table) row(object any, cells ...string) {
	if t.json != nil {
		t.json.object(object)
	} else {
		t.line(cells)
	}
}

func (t *table) line(cells []string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

// listFlags are what every list has.
func listFlags(more ...flag) []flag {
	return append(more,
		flag{name: "--json", does: "one JSON object a line"},
		flag{name: "--plain", does: "tabs between the columns, for scripts"},
		flag{name: "--no-header", does: "no line of titles"},
	)
}
