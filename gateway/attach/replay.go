package attach

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/record"
	"consoled/gateway/screen"
)

const (
	// replayDown is how many lines are shown where the target is down.
	replayDown = 200
	// replayLimit is the most that a replay reads, in bytes.
	replayLimit = 64 << 10
)

// unknownRows is the height of a window whose size is not known.
const unknownRows = 24

// greet says where the person is and shows the end of the record; the painter
// goes on live from the very byte where it ends.
func (s *session) greet() {
	st, now := s.console.Status(), time.Now()
	r := s.console.Record()
	from, end := r.End(), r.End()
	lines, fit := s.replaySize(st)
	var failed error
	if lines > 0 {
		if start, err := r.LastLines(lines, replayLimit); err == nil {
			from = start
		} else {
			failed = err
		}
	}
	text, live, err := replay(r, from, end)
	s.painter.cursor = r.Cursor(live)
	if fit > 0 {
		cols, _ := s.terminal.Size()
		text = lastRows(text, cols, fit)
	}
	if !s.o.Quiet {
		said := []string{s.greeting(st, now, len(text) > 0)}
		if s.o.MOTD != "" {
			said = append(said, words(s.o.MOTD))
		}
		s.painter.say(paint{lines: said})
	}
	if failed = errors.Join(failed, err); failed != nil {
		s.notice("the record cannot be read: " + words(failed.Error()))
	}
	s.showAgain(text, now)
}

// showAgain shows a part of the record between two marks. The unfinished line
// at its end stands behind the second, where it goes on.
func (s *session) showAgain(text []byte, now time.Time) {
	if len(text) == 0 {
		return
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if s.o.Quiet {
		s.painter.say(paint{record: text})
		return
	}
	s.painter.say(paint{lines: []string{replayMark(s.console.Record(), text, now)}})
	s.painter.say(paint{record: text[:whole]})
	s.painter.say(paint{lines: []string{"-- live --"}})
	s.painter.say(paint{record: text[whole:]})
}

// replaySize is how many lines the person sees first, and in how many rows they
// have to fit; 0 where they need not. The attach line and the two marks
// stay in the window.
func (s *session) replaySize(st console.Status) (lines, rows int) {
	_, height := s.terminal.Size()
	switch {
	case s.o.NoReplay:
		return 0, 0
	case s.o.Replay > 0:
		return s.o.Replay, 0
	case st.State != console.Up:
		return replayDown, 0
	case height <= 0:
		height = unknownRows
	}
	rows = height - 3
	if s.o.MOTD != "" && !s.o.Quiet {
		rows--
	}
	rows = max(rows, 1)
	return rows, rows
}

// replayMark is the line in front of a replay.
func replayMark(r *record.Record, text []byte, now time.Time) string {
	newest := r.LastTime()
	n := countLines(text)
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return fmt.Sprintf("-- record: last %d line%s, newest %s (%s ago) --", n, plural, clock(newest, now), Ago(now.Sub(newest)))
}

func countLines(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if last := bytes.TrimSuffix(text, []byte("\x1b[0m")); len(last) > 0 && last[len(last)-1] != '\n' {
		n++
	}
	return n
}

// replay reads the record between two offsets as text and colour. live is
// where the stream goes on: before a sequence that is not complete yet.
func replay(r *record.Record, from, to int64) (text []byte, live int64, _ error) {
	raw, err := span(r, from, to)
	if err != nil {
		return nil, to, err
	}
	var tracker screen.Tracker
	cut := tracker.SafeCut(raw)
	var filter screen.Replay
	text = filter.Append(nil, raw[:cut])
	return filter.Close(text), to - int64(len(raw)-cut), nil
}

// span reads what is kept between two offsets.
func span(r *record.Record, from, to int64) ([]byte, error) {
	c := r.Cursor(from)
	defer c.Close()
	raw := make([]byte, 0, max(0, to-from))
	for c.Offset() < to {
		n, err := c.Read(raw[len(raw):min(cap(raw), len(raw)+int(to-c.Offset()))])
		raw = raw[:len(raw)+n]
		if n == 0 && err != nil && err != io.EOF {
			return nil, err
		}
		if n == 0 {
			break
		}
	}
	return raw, nil
}

// again shows the last n lines once more.
func (s *session) again(n int) {
	r := s.console.Record()
	from, err := r.LastLines(n, replayLimit)
	var text []byte
	if err == nil {
		text, _, err = replay(r, from, r.End())
	}
	if err != nil {
		s.notice("the record cannot be read: " + words(err.Error()))
		return
	}
	s.showAgain(text, time.Now())
}
