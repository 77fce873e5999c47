package console

import (
	"sync"
	"time"

	"consoled/ports"
)

// outbox is the most that waits for a line that takes its input slowly; what
// is typed beyond it waits in the typist's own SSH window.
const outbox = 64 << 10

// piece is how much is written to a port at once: the most that still reaches
// the target after its writer has lost the lock.
const piece = 1 << 10

// A line is an open port with what is queued for it. The console's mutex
// guards it, but for the port, the two WaitGroups and the error.
type line struct {
	port       ports.Port
	collecting sync.Mutex // held while the reader lets the kernel collect output
	writer     sync.WaitGroup

	queue   []input
	queued  int           // bytes in queue, and in the piece being written
	more    chan struct{} // wakes the writer; made with it
	moved   chan struct{} // closed and replaced whenever the queue got shorter
	stopped bool

	errMu sync.Mutex
	err   error // of a Write
}

// An input is what one client has queued: bytes, or a break.
type input struct {
	session string
	data    []byte
	pause   time.Duration // of a break
	done    func(error)   // of a break
}

func newLine(p ports.Port) *line {
	return &line{port: p, moved: make(chan struct{})}
}

// close closes the port, after what is being collected has been read.
func (l *line) close() {
	l.collecting.Lock()
	defer l.collecting.Unlock()
	l.port.Close()
}

// end ends the writer and drops what is queued.
func (l *line) end() {
	l.stopped = true
	if l.more != nil {
		close(l.more)
	}
	l.dropLocked(func(input) bool { return true }, refuse(BecauseDown))
}

// push queues input and starts the writer with the first.
func (c *Console) pushLocked(l *line, in input) {
	l.queue = append(l.queue, in)
	l.queued += len(in.data)
	if l.more == nil {
		l.more = make(chan struct{}, 1)
		l.writer.Go(func() { c.write(l) })
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// dropLocked takes what is chosen out of the queue: it is never delivered.
func (l *line) dropLocked(chosen func(input) bool, why error) {
	kept := l.queue[:0]
	for _, in := range l.queue {
		if !chosen(in) {
			kept = append(kept, in)
			continue
		}
		l.queued -= len(in.data)
		if in.done != nil {
			in.done(why)
		}
	}
	clear(l.queue[len(kept):])
	l.queue = kept
	l.movedLocked()
}

func (l *line) movedLocked() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// write brings the queue to the port until the line ends. An error closes the
// port, which ends the reader too.
func (c *Console) write(l *line) {
	for range l.more {
		for {
			c.mu.Lock()
			in, ok := l.nextLocked()
			c.mu.Unlock()
			if !ok {
				break
			}
			err := l.deliver(in)
			c.mu.Lock()
			l.queued -= len(in.data)
			l.movedLocked()
			c.mu.Unlock()
			c.out.Add(int64(len(in.data)))
			if err != nil {
				l.fail(err)
				l.close()
				return
			}
		}
	}
}

// nextLocked takes the next piece out of the queue.
func (l *line) nextLocked() (input, bool) {
	if l.stopped || len(l.queue) == 0 {
		return input{}, false
	}
	in := l.queue[0]
	if len(in.data) > piece {
		l.queue[0].data = in.data[piece:]
		in.data = in.data[:piece]
		return in, true
	}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	return in, true
}

// deliver writes one piece, or sends a break.
func (l *line) deliver(in input) error {
	if in.done == nil {
		_, err := l.port.Write(in.data)
		return err
	}
	err := l.port.(ports.Breaker).Break(in.pause)
	in.done(err)
	return err
}

func (l *line) fail(err error) {
	l.errMu.Lock()
	defer l.errMu.Unlock()
	l.err = err
}

func (l *line) failed() error {
	l.errMu.Lock()
	defer l.errMu.Unlock()
	return l.err
}
