package console

import (
	"sync"
	"time"

	"consoled/ports"
)

// burst is how much is read at once. Buffers of this size are borrowed for the
// moment of a read only, so that a silent console holds none.
const burst = 64 << 10

// full is how much of a buffer a line that speaks without a pause fills.
const full = burst / 4

var bursts = sync.Pool{New: func() any { return new([burst]byte) }}

// read appends what the line says to the record until the line ends, or goes
// to rest among many. last is how much the read before brought.
func (c *Console) read(l *line, last int) {
	if err := c.readOn(l, last); err != nil {
		l.end(err)
	}
}

func (c *Console) readOn(l *line, last int) (err error) {
	defer c.caught("read", &err)
	if p, ok := l.port.(ports.TryReader); ok {
		return c.readReady(l, p, last)
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := l.port.Read(buf)
		c.said(buf[:n])
		c.miss(l)
		if err != nil {
			return err
		}
	}
}

// readReady reads a port that can wait without a buffer. Recording costs by
// the wake-up and by the write, not by the byte: while nobody is attached, a line
// that does not speak without a pause goes to rest, and where it cannot, it is left
// alone for as long as the kernel can hold what it says. One that has just
// filled a buffer has not paused because the next is not there yet. It returns nil
// when the line rests.
func (c *Console) readReady(l *line, p ports.TryReader, last int) error {
	patience := p.Patience()
	var pause *time.Timer
	n, err := c.readOnce(l, p) // a port may have bytes that its descriptor knows nothing of
	for err == nil {
		before := last
		last = n
		switch {
		case n < full && before < full && c.rest(l):
			return nil
		case 0 < n && n < full && c.calm(patience) > 0:
			if pause == nil {
				pause = time.NewTimer(c.calm(patience))
			} else {
				pause.Reset(c.calm(patience))
			}
			n, err = c.leave(l, p, pause)
		default:
			if err = p.Wait(); err == nil {
				n, err = c.readOnce(l, p)
			}
		}
	}
	return err
}

const (
	// glance is how long a line that is only watched is left alone. Nobody sees
	// it, and reading it costs everybody who watches.
	glance = 10 * time.Millisecond
	// attentive is how long a typist is taken to wait for the echo.
	attentive = 200 * time.Millisecond
)

// calm is how long the line may be left alone now, when it can be for so long.
func (c *Console) calm(patience time.Duration) time.Duration {
	switch {
	case c.eyes.Load() == 0:
		return patience
	case time.Now().UnixNano()-c.keyed.Load() < int64(attentive):
		return 0
	}
	return min(patience, glance)
}

// leave lets a line collect for a while, then reads it. It keeps the
// line from being closed meanwhile, so that what has been collected is
// recorded even when the gateway stops.
func (c *Console) leave(l *line, p ports.TryReader, pause *time.Timer) (int, error) {
	l.collecting.Lock()
	defer l.collecting.Unlock()
	select {
	case <-pause.C:
	case <-c.wake:
	case <-l.over:
	}
	pause.Stop()
	return c.readOnce(l, p)
}

// rouse ends the pause of a line that was left alone.
func (c *Console) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// readOnce borrows a buffer for one read.
func (c *Console) readOnce(l *line, p ports.TryReader) (int, error) {
	buf := bursts.Get().(*[burst]byte)
	defer bursts.Put(buf)
	n, err := p.TryRead(buf[:])
	c.said(buf[:n])
	c.miss(l)
	return n, err
}

// said is where every byte of the target passes.
func (c *Console) said(p []byte) {
	if t := c.talk.Load(); t != nil {
		t.Hear(p, c.keepSaid)
		return
	}
	c.keepSaid(p)
}

func (c *Console) keepSaid(p []byte) {
	if len(p) > 0 {
		c.record.Append(p)
		c.in.Add(int64(len(p)))
		c.grown(len(p))
	}
}
