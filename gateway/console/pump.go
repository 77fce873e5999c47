package console

import (
	"context"
	"sync"
	"time"

	"consoled/ports"
)

// burst is how much is read at once. Buffers of this size are borrowed for the
// moment of a read only, so that a silent console holds none.
const burst = 64 << 10

var bursts = sync.Pool{New: func() any { return new([burst]byte) }}

// read appends what the line says to the record until the line ends, which ctx
// brings about.
func (c *Console) read(ctx context.Context, l *line) (err error) {
	defer c.caught("read", &err)
	if p, ok := l.port.(ports.TryReader); ok {
		return c.readReady(ctx, l, p)
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := l.port.Read(buf)
		c.said(buf[:n])
		if err != nil {
			return err
		}
	}
}

// readReady reads a port that can wait without a buffer. Recording costs by
// the wake-up and by the write, not by the byte: while nobody is attached, a line
// that does not fill a good part of the buffer is left alone for as long as
// the kernel can hold what it says.
func (c *Console) readReady(ctx context.Context, l *line, p ports.TryReader) error {
	patience := p.Patience()
	var pause *time.Timer
	for {
		if err := p.Wait(); err != nil {
			return err
		}
		n, err := c.readOnce(p)
		for err == nil && patience > 0 && n > 0 && n < burst/4 && c.eyes.Load() == 0 {
			if pause == nil {
				pause = time.NewTimer(patience)
			} else {
				pause.Reset(patience)
			}
			n, err = c.leave(ctx, l, p, pause)
		}
		if err != nil {
			return err
		}
	}
}

// leave lets an unwatched line collect for a while, then reads it. It keeps the
// line from being closed meanwhile, so that what has been collected is
// recorded even when the gateway stops.
func (c *Console) leave(ctx context.Context, l *line, p ports.TryReader, pause *time.Timer) (int, error) {
	l.collecting.Lock()
	defer l.collecting.Unlock()
	select {
	case <-pause.C:
	case <-c.wake:
	case <-ctx.Done():
	}
	pause.Stop()
	return c.readOnce(p)
}

// readOnce borrows a buffer for one read.
func (c *Console) readOnce(p ports.TryReader) (int, error) {
	buf := bursts.Get().(*[burst]byte)
	defer bursts.Put(buf)
	n, err := p.TryRead(buf[:])
	c.said(buf[:n])
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
