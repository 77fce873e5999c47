package main

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"consoled/gateway/screen"
)

const (
	// logHeld is how many bytes of the log may wait for whoever takes it.
	logHeld = 1 << 20
	// logFlush is how long the end of the program waits for the rest of it to be taken.
	logFlush = time.Second
)

// newLog makes the program's own log. flush writes what still waits, and is
// called when nothing more is to be logged.
func newLog(w io.Writer, format string) (log *slog.Logger, flush func(), _ error) {
	q := &logQueue{out: w, more: make(chan struct{}, 1), ended: make(chan struct{})}
	switch format {
	case "text":
		log = slog.New(slog.NewTextHandler(q, nil))
	case "json":
		log = slog.New(slog.NewJSONHandler(q, nil))
	default:
		return nil, nil, fmt.Errorf("--log-format %q: only text and json", format)
	}
	go q.run(func(lines int) { log.Warn("lines of the log are missing", "lines", lines) })
	return log, q.flush, nil
}

// A logQueue takes lines at once, whatever becomes of them: a journal that hangs,
// or a pager that nobody pages, holds up no console. Its goroutine ends with flush.
//
// No line has a control character that a terminal would obey: the handlers of
// both forms let some of them stand, and what peers say is in the log.
type logQueue struct {
	out io.Writer

	mu     sync.Mutex
	held   []byte
	lost   int           // lines since the queue was full
	closed bool          // nothing more is to come
	more   chan struct{} // has one when there is something to do
	ended  chan struct{} // closed when the goroutine is done
}

// Write takes a line, or counts it where too much waits already.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.held)+len(line) > logHeld {
		q.lost++
	} else {
		q.held = screen.AppendJSON(q.held, line)
		q.wake()
	}
	return len(line), nil
}

func (q *logQueue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// run writes what is held; missing tells of lines that were not.
func (q *logQueue) run(missing func(lines int)) {
	defer close(q.ended)
	for range q.more {
		for {
			q.mu.Lock()
			text, lost, closed := q.held, q.lost, q.closed
			q.held, q.lost = nil, 0
			q.mu.Unlock()
			if len(text) > 0 {
				// There is nobody to tell of an error.
				_, _ = q.out.Write(text)
			}
			if lost > 0 {
				missing(lost)
				continue
			}
			if len(text) > 0 {
				continue
			}
			if closed {
				return
			}
			break
		}
	}
}

// flush waits until all is written, but not for long.
func (q *logQueue) flush() {
	q.mu.Lock()
	q.closed = true
	q.wake()
	q.mu.Unlock()
	select {
	case <-q.ended:
	case <-time.After(logFlush):
	}
}
