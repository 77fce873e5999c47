package sim

import (
	"fmt"
	"strings"
	"time"
)

// An actor plays a script on a line: it says, pauses and reads keys. Once the
// port is closed or the script is stopped every method returns at once, says
// nothing and reads none, so that scripts need no errors: they run to their end.
type actor struct {
	*line
	speed float64
	last  byte // the last byte taken from the input
}

// Keys that are no bytes.
const (
	none     = -1
	keyBreak = 256 + iota
	keyUp
	keyDown
	keyOther // another key that sends an escape sequence
)

// over reports whether the script is to end.
func (a *actor) over() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed || a.stopped
}

// stop makes the script run to where it goes on from.
func (a *actor) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
}

// next begins another part of a script: with or without ears, and with a break
// as a key or as what stops it. It reports whether there is a next part: not once the port is closed.
func (a *actor) next(deaf, stopping bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf, a.stopping, a.stopped = deaf, stopping, false
	a.in, a.brk = nil, -1
	wake(a.writable)
	return !a.closed
}

// say puts text on the line, waiting while it is full.
func (a *actor) say(text string) {
	for {
		a.mu.Lock()
		if a.closed || a.stopped {
			a.mu.Unlock()
			return
		}
		n := min(len(text), a.size-len(a.out))
		a.out = append(a.out, text[:n]...)
		a.mu.Unlock()
		wake(a.readable)
		if text = text[n:]; text == "" {
			return
		}
		select {
		case <-a.room:
		case <-a.done:
		}
	}
}

func (a *actor) sayf(format string, args ...any) { a.say(fmt.Sprintf(format, args...)) }

// lines says text with LF as CR LF.
func (a *actor) lines(text string) { a.say(strings.ReplaceAll(text, "\n", "\r\n")) }

// after is a timer for d of the machine's time.
func (a *actor) after(d time.Duration) *time.Timer {
	return time.NewTimer(time.Duration(float64(d) / a.speed))
}

// pause lets d pass.
func (a *actor) pause(d time.Duration) {
	timer := a.after(d)
	defer timer.Stop()
	for !a.over() {
		select {
		case <-timer.C:
			return
		case <-a.typed:
		case <-a.done:
		}
	}
}

// input waits for something typed and takes all of it; nil at the end.
func (a *actor) input() []byte {
	for {
		a.mu.Lock()
		p := a.in
		a.in, a.brk = nil, -1
		over := a.closed || a.stopped
		a.mu.Unlock()
		if over {
			return nil
		}
		if len(p) > 0 {
			wake(a.writable)
			return p
		}
		select {
		case <-a.typed:
		case <-a.done:
		}
	}
}

// raw takes a byte or a break, waiting up to d of the machine's time, or for ever if d is 0.
func (a *actor) raw(d time.Duration) int {
	var late <-chan time.Time
	if d > 0 {
		timer := a.after(d)
		defer timer.Stop()
		late = timer.C
	}
	for {
		if k, ok := a.taken(); ok {
			return k
		}
		select {
		case <-a.typed:
		case <-a.done:
		case <-late:
			return none
		}
	}
}

// taken takes a byte or a break if there is one; at the end that is none.
func (a *actor) taken() (k int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed || a.stopped:
		return none, true
	case a.brk == 0:
		a.brk = -1
		return keyBreak, true
	case len(a.in) == 0:
		return none, false
	}
	b := a.in[0]
	if a.in = a.in[1:]; len(a.in) == 0 {
		a.in = nil
	}
	if a.brk > 0 {
		a.brk--
	}
	wake(a.writable)
	return int(b), true
}

// key takes a key, waiting as raw does: a byte, a break, or what an escape
// sequence stands for. LF after CR is one key with it.
func (a *actor) key(d time.Duration) int {
	k := a.raw(d)
	if k == '\n' && a.last == '\r' {
		a.last = 0
		return a.key(d)
	}
	a.last = byte(max(k, 0) & 0xff)
	if k != 0x1b {
		return k
	}
	// A lone Esc is told from a sequence by time, in everybody's.
	wait := time.Duration(float64(50*time.Millisecond) * a.speed)
	switch a.raw(wait) {
	case '[', 'O':
	case none:
		return k
	default:
		return keyOther
	}
	for {
		switch k := a.raw(wait); {
		case k == 'A':
			return keyUp
		case k == 'B':
			return keyDown
		case k == none, k >= 0x40:
			return keyOther
		}
	}
}
