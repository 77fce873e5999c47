package record

import (
	"fmt"
	"io"
	"time"
)

const (
	markEvery  = 200 * time.Millisecond // how exactly the index knows times
	holdFor    = time.Second            // how long an entry may be held back while the target talks
	retryEvery = 900 * time.Millisecond // recording goes on within a second after the disk works
	backStep   = 2 * time.Second        // a clock set back by less is taken as standing still

	heldMax   = 8 // entries held back
	heldTimes = 6 // of them by passing time; the others are for where a gap begins
)

// A writer is what only the appending side knows.
type writer struct {
	last       entry // the newest entry, held or written
	lastAppend time.Time
	firstHeld  time.Time // when the oldest entry held back was made
	started    bool      // the entry of this start was made
	dirty      bool      // written since the last sync
	stale      bool      // the index file is longer than its entries

	gap     bool      // log and offsets have parted; an entry must be written before bytes are
	lastTry time.Time // of writing in a gap
	err     error     // why the log is not written
	idxTry  time.Time // of writing the index
	idxErr  error     // why the index is not written
	warned  bool
	lost    int64 // since warned
}

// Append adds what the target sent and wakes the readers. It does not keep p,
// never waits for a reader and never fails: what the disk refuses stays
// readable in the tail and is counted as a gap. It returns the offset of p's first byte.
// One goroutine at a time.
func (r *Record) Append(p []byte) int64 {
	r.w.Lock()
	offset := r.end
	if len(p) == 0 || r.closed {
		r.w.Unlock()
		return offset
	}
	now := time.Now()
	var tell bool
	var err error
	var lost int64
	if r.none {
		r.publish(p, 0, 0, now)
	} else {
		r.store(p, now)
		r.settle(now)
		tell, lost, err = r.trouble()
	}
	r.writer.lastAppend = now
	r.w.Unlock()
	if tell && r.warn != nil {
		r.warn(err, lost)
	}
	return offset
}

// store writes p to the log as far as the disk takes it, and publishes it.
func (r *Record) store(p []byte, now time.Time) {
	w := &r.writer
	e := r.mark(now)
	shift, n := r.shift, 0
	switch {
	case !w.gap:
		if n, w.err = r.write(p); n > 0 && r.due(e) && r.heldN < heldTimes {
			r.hold(e, now)
			w.started = true
		}
	case w.lastTry.IsZero() || now.Sub(w.lastTry) >= retryEvery:
		if n = r.resume(e, p, now); n > 0 {
			w.last, w.gap, w.started = e, false, true
			shift = e.shift()
		}
	}
	if n < len(p) {
		w.lost += int64(len(p) - n)
		if !w.gap {
			w.gap, w.lastTry = true, now
			r.hold(entry{e.time, e.offset + int64(n), e.pos + int64(n), e.clock, kindLost}, now)
		}
	}
	r.publish(p, n, shift, now)
}

// resume tries to write in a gap. The entry that maps the bytes behind the gap
// goes first. It lies behind the entries that count until the log has taken
// a byte, and is written over by the next try; after a kill it stands for the
// offsets that were given out.
func (r *Record) resume(e entry, p []byte, now time.Time) (n int) {
	w := &r.writer
	w.lastTry, w.idxTry = now, now
	if w.idxErr = r.flush(&e); w.idxErr != nil {
		return 0
	}
	if n, w.err = r.write(p); n > 0 {
		r.mu.Lock()
		r.count++
		r.mu.Unlock()
	}
	return n
}

// write writes to the end of the log; n counts what was written of p also
// where an error ended it.
func (r *Record) write(p []byte) (n int, err error) {
	f, err := r.log.get(r.disk, logName, true)
	if err == nil {
		n, err = f.WriteAt(p, r.size)
	}
	if n > 0 {
		r.writer.dirty = true
	}
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, fmt.Errorf("write record: %w", err)
	}
	return n, nil
}

// publish lets readers see p, of which the first n bytes are in the log.
func (r *Record) publish(p []byte, n int, shift int64, now time.Time) {
	r.mu.Lock()
	if n > 0 {
		if shift != r.shift {
			r.mapFrom, r.shift = r.end, shift
		}
		r.size += int64(n)
		r.stored = r.end + int64(n)
	}
	inTail := p
	switch {
	case r.tail == nil && n < len(p):
		r.tail = new(tail)
		r.tail.reset(r.end + int64(n))
		inTail = p[n:]
	case r.tail != nil && n == len(p) && r.cursors == 0:
		r.dropTail()
	}
	if r.tail != nil {
		r.tail.write(inTail)
	}
	r.end += int64(len(p))
	r.lastTime, _ = r.stamp(now)
	wake := r.rouse()
	r.mu.Unlock()
	if wake != nil {
		close(wake) // takes its time with many waiters: not under the lock
	}
}

// rouse takes what the caller closes to end every Wait; nil if nobody waits. mu is held.
func (r *Record) rouse() chan struct{} {
	wake := r.wake
	r.wake, r.waiting = nil, 0
	return wake
}

// mark is the entry for what is appended next.
func (r *Record) mark(now time.Time) entry {
	e := entry{offset: r.end, pos: r.size, kind: kindData}
	if !r.writer.started {
		e.kind = kindStart
	}
	e.time, e.clock = r.stamp(now)
	return e
}

// stamp is now as the index counts it: never going back but where the clock
// was plainly set back, and then counting that.
func (r *Record) stamp(now time.Time) (ns int64, clock uint32) {
	last := &r.writer.last
	ns, clock = now.UnixNano(), last.clock
	if ns >= last.time {
		return ns, clock
	}
	if last.time-ns < int64(backStep) || clock == maxClock {
		return last.time, clock
	}
	return ns, clock + 1
}

func (r *Record) due(e entry) bool {
	w := &r.writer
	return !w.started || e.clock != w.last.clock || e.time-w.last.time >= int64(markEvery)
}

// hold keeps an entry until the next flush. Readers look at it already.
func (r *Record) hold(e entry, now time.Time) {
	if r.heldN == 0 {
		r.writer.firstHeld = now
	}
	e.put(r.held[r.heldN*entrySize:])
	r.mu.Lock()
	r.heldN++
	r.mu.Unlock()
	r.writer.last = e
}

// settle writes the entries held back when it is time. There is no timer: what
// comes after a silence is written at once, since nothing may follow it; what
// comes in a stream waits for the bytes that do.
func (r *Record) settle(now time.Time) {
	w := &r.writer
	ripe := w.gap || r.heldN >= heldTimes ||
		now.Sub(w.lastAppend) >= holdFor || now.Sub(w.firstHeld) >= holdFor
	if r.heldN == 0 || !ripe || w.idxErr != nil && now.Sub(w.idxTry) < retryEvery {
		return
	}
	w.idxTry = now
	w.idxErr = r.flush(nil)
}

// flush writes the entries held back, and behind them next, which does not
// count until the caller says so.
func (r *Record) flush(next *entry) error {
	n := r.heldN
	if next != nil {
		next.put(r.held[n*entrySize:])
		n++
	}
	if n == 0 {
		return nil
	}
	f, err := r.idx.get(r.disk, indexName, true)
	if err == nil {
		_, err = f.WriteAt(r.held[:n*entrySize], r.count*entrySize)
	}
	if err == nil && r.writer.stale {
		// Not before: what is cut may hold the promise that these entries renew.
		err = f.Truncate((r.count + int64(n)) * entrySize)
		r.writer.stale = err != nil
	}
	if err != nil {
		return fmt.Errorf("write record's index: %w", err)
	}
	r.writer.dirty = true
	r.mu.Lock()
	r.count += int64(r.heldN)
	r.heldN = 0
	r.mu.Unlock()
	return nil
}

// trouble reports whether the owner is to be told that writing has begun to
// fail, or that it works again.
func (r *Record) trouble() (tell bool, lost int64, err error) {
	w := &r.writer
	if err = w.idxErr; w.gap && w.err != nil {
		err = w.err
	}
	if (err != nil) == w.warned {
		return false, 0, nil
	}
	w.warned = err != nil
	if err == nil {
		lost, w.lost = w.lost, 0
	}
	return true, lost, err
}
