package attach

import (
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

// greet says where the person is and shows the end of the record; the painter
// goes on live from the very byte where it ends.
func (s *session) greet() {
	st, now := s.console.Status(), time.Now()
	r := s.console.Record()
	from, end := r.End(), r.End()
	if n := s.replayLines(st); n > 0 {
		if start, err := r.LastLines(n, replayLimit); err == nil {
			from = start
		}
	}
	text, live := replay(r, from, end)
	s.painter.cursor = r.Cursor(live)
	if !s.o.Quiet {
		lines := []string{s.greeting(st, now, len(text) > 0)}
		if s.o.MOTD != "" {
			lines = append(lines, words(s.o.MOTD))
		}
		s.painter.say(paint{lines: lines})
	}
	if len(text) == 0 {
		return
	}
	s.painter.say(paint{lines: []string{s.replayMark(r, text, now)}})
	s.painter.say(paint{record: text})
	s.painter.say(paint{lines: []string{"-- live --"}})
}

// replayLines is how many lines the person sees first.
func (s *session) replayLines(st console.Status) int {
	_, rows := s.terminal.Size()
	switch {
	case s.o.NoReplay:
		return 0
	case s.o.Replay > 0:
		return s.o.Replay
	case st.State != console.Up:
		return replayDown
	}
	return max(rows-3, 1)
}

// replayMark is the line in front of a replay.
func (s *session) replayMark(r *record.Record, text []byte, now time.Time) string {
	newest := r.LastTime()
	n := countLines(text)
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return fmt.Sprintf("-- record: last %d line%s, newest %s (%s ago) --", n, plural, clock(newest, now), Ago(now.Sub(newest)))
}

func countLines(text []byte) (n int) {
	for _, b := range text {
		if b == '\n' {
			n++
		}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

// replay reads the record between two offsets as text and colour. live is
// where the stream goes on: before a sequence that is not complete yet.
func replay(r *record.Record, from, to int64) (text []byte, live int64) {
	raw := span(r, from, to)
	var tracker screen.Tracker
	cut := tracker.SafeCut(raw)
	var filter screen.Replay
	text = filter.Append(nil, raw[:cut])
	return filter.Close(text), to - int64(len(raw)-cut)
}

// span reads what is kept between two offsets.
func span(r *record.Record, from, to int64) []byte {
	c := r.Cursor(from)
	defer c.Close()
	raw := make([]byte, 0, max(0, to-from))
	for c.Offset() < to {
		n, err := c.Read(raw[len(raw):min(cap(raw), len(raw)+int(to-c.Offset()))])
		raw = raw[:len(raw)+n]
		if n == 0 || err == io.EOF || err != nil {
			break
		}
	}
	return raw
}

// again shows the last n lines once more.
func (s *session) again(n int) {
	r := s.console.Record()
	from, err := r.LastLines(n, replayLimit)
	if err != nil {
		s.notice("the record cannot be read: " + words(err.Error()))
		return
	}
	text, _ := replay(r, from, r.End())
	s.painter.say(paint{lines: []string{s.replayMark(r, text, time.Now())}})
	s.painter.say(paint{record: text})
	s.painter.say(paint{lines: []string{"-- live --"}})
}
