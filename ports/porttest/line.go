package porttest

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"consoled/ports"
)

// A Line is the test's end of a port that a Fake opened.
type Line struct {
	name string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	output  []byte        // said, and not yet read
	end     error         // what reads return once output is empty
	cut     error         // what writes return
	heard   []byte        // everything written so far
	stalled bool
	room    int // bytes that a stalled line still takes
	breaks  []Break
	closed  bool
	dropped atomic.Int32
}

// Drop is output that the other end has dropped.
func (l *Line) Drop() { l.dropped.Add(1) }

// A Break is one that was sent to a Line.
type Break struct {
	For   time.Duration
	After int // bytes heard before it
}

func newLine(name string) *Line { return &Line{name: name, changed: make(chan struct{})} }

// Say makes the target say text. It does not wait for anybody to read it.
func (l *Line) Say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.output = append(l.output, text...)
	l.change()
}

// End makes reads fail with err after what was said, and writes at once. An
// *ports.Error is returned as it is.
func (l *Line) End(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = ports.Classify("read "+l.name, err)
	l.cut = ports.Classify("write "+l.name, err)
	l.change()
}

// FailWrites makes writes fail with err while reading goes on.
func (l *Line) FailWrites(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = ports.Classify("write "+l.name, err)
	l.change()
}

// Stall makes writes block after room more bytes, as a line does whose buffers
// are full or whose flow control says stop.
func (l *Line) Stall(room int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled, l.room = true, room
	l.change()
}

// Resume ends Stall.
func (l *Line) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = false
	l.change()
}

// Heard is everything that was written to the port so far.
func (l *Line) Heard() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.heard)
}

// WaitHeard waits until at least n bytes were written, or ctx ends, and returns
// everything that was.
func (l *Line) WaitHeard(ctx context.Context, n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait(ctx.Done(), func() bool { return len(l.heard) >= n })
	return string(l.heard)
}

// Unread is how many bytes were said and not yet read.
func (l *Line) Unread() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.output)
}

// Breaks is every break that was sent so far.
func (l *Line) Breaks() []Break {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.breaks)
}

// Closed reports whether the port was closed.
func (l *Line) Closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// WaitClosed waits until the port was closed, or ctx ends, and reports whether it was.
func (l *Line) WaitClosed(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait(ctx.Done(), func() bool { return l.closed })
	return l.closed
}

// change wakes those who wait; the lock is held.
func (l *Line) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// wait returns when done is closed or is says so; the lock is held, but not
// while it waits.
func (l *Line) wait(done <-chan struct{}, is func() bool) {
	for !is() {
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-done:
			l.mu.Lock()
			return
		case <-changed:
			l.mu.Lock()
		}
	}
}

// readable reports whether a read would return; the lock is held.
func (l *Line) readable() bool { return l.closed || len(l.output) > 0 || l.end != nil }

// take reads without waiting; the lock is held.
func (l *Line) take(p []byte) (int, error) {
	if l.closed {
		return 0, ports.Classify("read "+l.name, net.ErrClosed)
	}
	n := copy(p, l.output)
	l.output = l.output[n:]
	if n == 0 && len(p) > 0 {
		return 0, l.end
	}
	return n, nil
}

type plain struct {
	l      *Line
	remark string
}

func (p plain) Remark() string { return p.remark }

// Losses counts the calls of Drop.
func (p plain) Losses() int { return int(p.l.dropped.Load()) }

func (p plain) Read(b []byte) (int, error) {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	p.l.wait(nil, p.l.readable)
	return p.l.take(b)
}

func (p plain) Write(b []byte) (int, error) {
	l := p.l
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for {
		l.wait(nil, func() bool { return l.closed || l.cut != nil || !l.stalled || l.room > 0 })
		if l.closed {
			return n, ports.Classify("write "+l.name, net.ErrClosed)
		}
		if l.cut != nil {
			return n, l.cut
		}
		take := len(b) - n
		if l.stalled {
			take = min(take, l.room)
			l.room -= take
		}
		l.heard = append(l.heard, b[n:n+take]...)
		n += take
		l.change()
		if n == len(b) {
			return n, nil
		}
	}
}

func (p plain) Close() error {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	p.l.closed = true
	p.l.change()
	return nil
}

type breaker struct{ l *Line }

// Break is over after d, on the clock of the bubble if there is one.
func (b breaker) Break(d time.Duration) error {
	l := b.l
	over := time.NewTimer(d)
	defer over.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ports.Classify("break "+l.name, net.ErrClosed)
	}
	if l.cut != nil {
		return l.cut
	}
	l.breaks = append(l.breaks, Break{For: d, After: len(l.heard)})
	l.change()
	for !l.closed {
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-over.C:
			l.mu.Lock()
			return nil
		case <-changed:
			l.mu.Lock()
		}
	}
	return ports.Classify("break "+l.name, net.ErrClosed)
}

type tryReader struct {
	l        *Line
	patience time.Duration
}

func (t tryReader) Wait() error {
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	t.l.wait(nil, t.l.readable)
	if t.l.closed {
		return ports.Classify("read "+t.l.name, net.ErrClosed)
	}
	return nil
}

func (t tryReader) TryRead(b []byte) (int, error) {
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	return t.l.take(b)
}

func (t tryReader) Patience() time.Duration { return t.patience }
