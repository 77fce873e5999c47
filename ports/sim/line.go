package sim

import (
	"net"
	"sync"
	"time"

	"consoled/ports"
)

// How much waits on a line, either way.
const (
	maxOut = 16 << 10
	maxIn  = 4 << 10
)

// A line is the port of a simulated console, and the script's end of it. A
// buffer exists only while something is in it. Each channel that wakes has one
// goroutine that waits for it, which looks at the state again each time.
type line struct {
	what     string
	size     int // of out
	patience time.Duration
	done     chan struct{} // closed by Close
	ended    chan struct{} // closed when the script's goroutine has ended

	readable chan struct{} // wakes the reader
	writable chan struct{} // wakes the writer
	room     chan struct{} // wakes the script: out has room, or it is stopped
	typed    chan struct{} // wakes the script: input or a break

	mu       sync.Mutex
	out      []byte
	in       []byte
	brk      int   // a break came after so many bytes of in; -1: none
	deaf     bool  // what is typed is lost
	stopping bool  // a break stops the script
	stopped  bool  // the script is to come to its end, or to where it goes on from
	end      error // what reads return once out is empty
	closed   bool
}

func newLine(what string) *line {
	wake := func() chan struct{} { return make(chan struct{}, 1) }
	return &line{
		what: what, size: maxOut, patience: 100 * time.Millisecond, brk: -1,
		done: make(chan struct{}), ended: make(chan struct{}),
		readable: wake(), writable: wake(), room: wake(), typed: wake(),
	}
}

// wake makes the one who waits for c look again.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is about to look anyway
	}
}

func (l *line) failed(op string) error { return ports.Classify(op+" "+l.what, net.ErrClosed) }

// Read waits for output and takes it.
func (l *line) Read(p []byte) (int, error) {
	for {
		if len(p) == 0 {
			return 0, nil
		}
		if err := l.Wait(); err != nil {
			return 0, err
		}
		if n, err := l.TryRead(p); n > 0 || err != nil {
			return n, err
		}
	}
}

// Wait waits for output or the end.
func (l *line) Wait() error {
	for {
		l.mu.Lock()
		ready, closed := len(l.out) > 0 || l.end != nil, l.closed
		if !ready {
			l.out = nil
		}
		l.mu.Unlock()
		if closed {
			return l.failed("read")
		}
		if ready {
			return nil
		}
		select {
		case <-l.readable:
		case <-l.done:
		}
	}
}

// TryRead takes output that is there.
func (l *line) TryRead(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, l.failed("read")
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := copy(p, l.out)
	if n == len(l.out) {
		l.out = l.out[:0] // Wait lets go of it if nothing follows
	} else {
		l.out = append(l.out[:0], l.out[n:]...)
	}
	if n == 0 {
		l.out = nil
		return 0, l.end
	}
	wake(l.room)
	return n, nil
}

// Patience is what the line's buffer allows.
func (l *line) Patience() time.Duration { return l.patience }

// Write types p, and waits while the machine does not read.
func (l *line) Write(p []byte) (int, error) {
	n := 0
	for {
		l.mu.Lock()
		switch {
		case l.closed:
			l.mu.Unlock()
			return n, l.failed("write")
		case l.end != nil:
			l.mu.Unlock()
			return n, &ports.Error{Reason: ports.Closed, Op: "write " + l.what}
		case l.deaf:
			n = len(p)
		default:
			part := p[n:min(len(p), n+maxIn-len(l.in))]
			l.in = append(l.in, part...)
			n += len(part)
		}
		l.mu.Unlock()
		wake(l.typed)
		if n == len(p) {
			return n, nil
		}
		select {
		case <-l.writable:
		case <-l.done:
		}
	}
}

// Break sends a break and returns when it is over.
func (l *line) Break(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.done:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return l.failed("break")
	case l.end != nil:
		return &ports.Error{Reason: ports.Closed, Op: "break " + l.what}
	case l.stopping:
		l.stopped, l.in = true, nil
		wake(l.room)
		wake(l.writable)
	case !l.deaf:
		l.brk = len(l.in)
	}
	wake(l.typed)
	return nil
}

// Close switches the machine off and waits for its goroutine.
func (l *line) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed, l.out, l.in = true, nil, nil
		close(l.done)
	}
	l.mu.Unlock()
	<-l.ended
	return nil
}

// finish ends the line from the script's side.
func (l *line) finish(err error) {
	l.mu.Lock()
	l.end, l.in = err, nil
	l.mu.Unlock()
	wake(l.readable)
	wake(l.writable)
}
