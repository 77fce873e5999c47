package record

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// A Cursor reads the record from an offset on, old and new bytes alike. Any
// number may be open; each belongs to one goroutine.
type Cursor struct {
	r       *Record
	offset  int64
	skipped int64
	seg     segment // where it reads in the log
	closed  bool
}

// Cursor opens a cursor at offset (clamped to Start..End).
func (r *Record) Cursor(offset int64) *Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursors++
	return &Cursor{r: r, offset: r.clamp(offset)}
}

func (r *Record) clamp(offset int64) int64 { return min(max(offset, r.start()), r.end) }

// Read reads what is there at once, from the tail or the log; 0, nil at the
// end, io.EOF at the end of a closed record. A gap or bytes no longer kept are jumped over; Skipped counts them.
func (c *Cursor) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, next, err := c.r.read(p, c.offset, &c.seg)
	c.skipped += next - int64(n) - c.offset
	c.offset = next
	return n, err
}

// Wait blocks until Read would return something, ctx ends (its cause) or the
// record is closed (io.EOF).
func (c *Cursor) Wait(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wake, err := c.r.join(c.offset)
		if wake == nil {
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			c.r.quit(wake)
		}
	}
}

// Offset is the position of the next byte.
func (c *Cursor) Offset() int64 { return c.offset }

// SeekTo moves to offset, clamped to Start..End.
func (c *Cursor) SeekTo(offset int64) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.offset = c.r.clamp(offset)
}

// Skipped returns how many bytes were jumped over since the last call.
func (c *Cursor) Skipped() int64 {
	n := c.skipped
	c.skipped = 0
	return n
}

// Close lets go of the cursor.
func (c *Cursor) Close() {
	if c.closed {
		return
	}
	c.closed = true
	r := c.r
	r.mu.Lock()
	r.cursors--
	last := r.cursors == 0
	if last && r.stored == r.end {
		r.dropTail()
	}
	ended := last && r.closed
	r.mu.Unlock()
	if ended {
		// Close left them to the last reader. Nothing was written since, so
		// that an error would tell nothing.
		r.log.close()
		r.idx.close()
	}
}

// join makes the caller one who waits; the channel is nil if there is no reason to.
func (r *Record) join(offset int64) (<-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if offset < r.end {
		return nil, nil
	}
	if r.closed {
		return nil, io.EOF
	}
	r.waiting++
	switch {
	case r.tail == nil:
		r.tail = new(tail)
		r.tail.reset(r.end)
	case r.waiting == r.cursors && r.stored == r.end && !r.none:
		r.tail.reset(r.end) // everybody has seen it
	}
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return r.wake, nil
}

// quit takes back a join whose channel was wake.
func (r *Record) quit(wake <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake != wake {
		return
	}
	if r.waiting--; r.waiting == 0 {
		r.wake = nil
	}
}

// dropTail frees the tail. mu is held.
func (r *Record) dropTail() {
	if r.tail != nil && !r.none {
		r.tail.reset(r.end)
		r.tail = nil
	}
}

// read reads from offset on, jumping over what is not there, and returns the
// offset behind what it read. seg is what the reader knows of the log: one that
// is behind reads on in it without a lock.
func (r *Record) read(p []byte, offset int64, seg *segment) (n int, next int64, err error) {
	for {
		if offset < seg.from || offset >= seg.to {
			var found bool
			if n, found, err = r.look(p, offset, seg); n > 0 || err != nil || !found {
				return n, offset + int64(n), err
			}
			if offset >= seg.to {
				offset = seg.next
				continue
			}
		}
		n, err = r.readLog(p[:min(int64(len(p)), seg.to-offset)], offset-seg.shift)
		if n > 0 {
			return n, offset + int64(n), nil
		}
		if !errors.Is(err, io.EOF) {
			return 0, offset, err
		}
		offset = seg.to // somebody cut the file
	}
}

// look reads from the tail, or finds where in the log the offset lies; found
// is false where there is nothing yet.
func (r *Record) look(p []byte, offset int64, seg *segment) (n int, found bool, err error) {
	r.mu.Lock()
	if offset >= r.end {
		closed := r.closed
		r.mu.Unlock()
		if closed {
			return 0, false, io.EOF
		}
		return 0, false, nil
	}
	for r.tail != nil && n < len(p) {
		b, bytes := r.tail.hold(offset)
		if b == nil {
			break
		}
		r.mu.Unlock()
		k := copy(p[n:], bytes)
		b.release()
		n, offset = n+k, offset+int64(k)
		r.mu.Lock()
	}
	end := r.end
	kept := end // where there is something again behind a gap
	if r.tail != nil && r.tail.start > offset && r.tail.end > r.tail.start {
		kept = r.tail.start
	}
	s := segment{from: r.mapFrom, to: r.stored, next: kept, shift: r.shift}
	r.mu.Unlock()
	if n > 0 {
		return n, true, nil
	}
	if offset < s.from {
		if s, err = r.locate(offset); err != nil {
			return 0, false, err
		}
		if s.to, s.next = min(s.to, end), min(s.next, kept); offset >= max(s.to, s.next) {
			return 0, false, fmt.Errorf("read record at %d: index is damaged", offset)
		}
	}
	*seg = s
	return 0, true, nil
}
