package console

import (
	"errors"
	"fmt"
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
// guards what stands between the WaitGroups and ending.
type line struct {
	port       ports.Port
	change     int            // of the line's configuration that it belongs to
	collecting sync.Mutex     // held while the kernel collects output, or what it collected is read
	loss       loss           // the reader's own
	readers    sync.WaitGroup // one at a time
	writer     sync.WaitGroup

	queue   []input
	queued  int           // bytes in queue, and in the piece being written
	more    chan struct{} // wakes the writer; made with it
	typed   time.Time     // when something was queued last
	leave   func()        // takes it out of the rounds; nil while a reader reads it
	stopped bool

	ending sync.Once
	over   chan struct{} // closed when the line has ended, or is to end
	err    error         // why; to be read once it is over

	verdict error // of the dialogue, which counts for more; to be read behind the writer
}

// An input is what one client has queued: bytes, or what is done in their
// place, such as a sequence with a break.
type input struct {
	from  *Attachment
	data  []byte
	play  func(*line) error // of what is no bytes
	event Event             // tells that it was done
	done  chan error        // where play is set; it has room for the one answer
}

// end makes the line be over: Run then closes the port. The first reason counts.
func (l *line) end(err error) {
	l.ending.Do(func() {
		l.err = err
		close(l.over)
	})
}

// ended reports whether the line is over.
func (l *line) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// hangUp closes the port, after what has been collected was read. No reader
// follows.
func (c *Console) hangUp(l *line) {
	defer c.withdraw(l)
	defer c.caught("close", new(error))
	l.collecting.Lock()
	defer l.collecting.Unlock()
	if c.resting(l) {
		// Whatever it meets, the line ends now.
		_, _ = c.collectOnce(l)
	}
	l.port.Close()
}

// endLocked ends the writer and drops what is queued.
func (c *Console) endLocked(l *line) {
	l.stopped = true
	if l.more != nil {
		close(l.more)
	}
	c.dropLocked(l, func(input) bool { return true }, refuse(BecauseDown))
	c.movedLocked()
}

// pushLocked queues input and starts the writer with the first. Bytes join
// those that the same client has queued already: keystrokes come one by one.
func (c *Console) pushLocked(l *line, in input) {
	in.from.queued += len(in.data)
	l.queued += len(in.data)
	l.typed = time.Now()
	if last := len(l.queue) - 1; last >= 0 && in.done == nil && l.queue[last].done == nil && l.queue[last].from == in.from {
		l.queue[last].data = append(l.queue[last].data, in.data...)
	} else {
		l.queue = append(l.queue, in)
	}
	if l.more == nil {
		l.more = make(chan struct{}, 1)
		l.writer.Go(func() { c.write(l) })
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// dropLocked takes what is chosen out of the queue: it is never delivered, and
// whoever typed it is told.
func (c *Console) dropLocked(l *line, chosen func(input) bool, why *Refusal) {
	var losers []*Attachment
	missed := map[*Attachment]int{}
	kept := l.queue[:0]
	for _, in := range l.queue {
		if !chosen(in) {
			kept = append(kept, in)
			continue
		}
		l.queued -= len(in.data)
		if in.done != nil {
			in.done <- why
		} else if missed[in.from] += len(in.data); missed[in.from] == len(in.data) {
			losers = append(losers, in.from)
		}
	}
	if len(kept) == len(l.queue) {
		return
	}
	clear(l.queue[len(kept):])
	l.queue = kept
	for _, a := range losers {
		a.queued -= missed[a]
		c.unsentLocked(a, missed[a], why)
	}
	c.movedLocked()
}

// unsentLocked tells a client how much of what it had queued did not reach the line.
func (c *Console) unsentLocked(a *Attachment, n int, why *Refusal) {
	a.unsent = why
	c.tellLocked(Event{Kind: KindUnsent, Lost: int64(n), Why: why.Error()}.by(a.client))
}

// movedLocked wakes those who wait for the queue to get shorter.
func (c *Console) movedLocked() {
	if c.moved != nil {
		close(c.moved)
		c.moved = nil
	}
}

// movesLocked is closed when the queue gets shorter, or the line comes or goes.
func (c *Console) movesLocked() <-chan struct{} {
	if c.moved == nil {
		c.moved = make(chan struct{})
	}
	return c.moved
}

// write brings the queue to the port until the line ends. An error ends it.
func (c *Console) write(l *line) {
	for range l.more {
		for {
			c.mu.Lock()
			in, ok := l.nextLocked()
			c.mu.Unlock()
			if !ok {
				break
			}
			n, err := c.deliver(l, in)
			c.out.Add(int64(n))
			c.mu.Lock()
			l.queued -= len(in.data)
			in.from.queued -= len(in.data)
			if n < len(in.data) {
				c.unsentLocked(in.from, len(in.data)-n, refuse(BecauseDown))
			}
			c.movedLocked()
			c.mu.Unlock()
			if err != nil {
				l.end(err)
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

// deliver writes one piece and returns how much of it the port took, or does
// what stands in its place. If that fails it is told to whoever sent it and harms the line no
// further.
func (c *Console) deliver(l *line, in input) (n int, err error) {
	defer c.caught("write", &err)
	if in.done == nil {
		return l.port.Write(in.data)
	}
	broken := fmt.Errorf("send %s: %w", in.event.Kind, errPanic)
	defer func() { in.done <- broken }()
	broken = in.play(l)
	part, cut := errors.AsType[*cutShort](broken)
	if e := in.event.by(in.from.Client()); broken == nil {
		c.tell(e)
	} else if cut {
		broken = part.error
		e.Why = "cut short: " + broken.Error()
		c.tell(e)
	}
	return 0, nil
}
