// Package record keeps what a console said: an append-only log of exactly the
// bytes, an index of arrival times against offsets, the console's events, and
// a small in-memory tail for live readers. It knows no console.
//
// A position in a record is an offset: the number of bytes the target had sent
// before it, since recording began. Offsets survive restarts, rotation and
// gaps (bytes that could not be written are counted, not forgotten).
//
// What orders the writes: bytes go to the log before the index speaks of them,
// so that a kill leaves at most bytes that belong to the last entry. Where the
// mapping of offsets to positions changes, the index goes first: bytes whose
// place nobody knows would be taken for others.
//
// Two locks: w orders Append, Sync and Close and is held over their I/O;
// readers never take it. mu is short, is never held over I/O, and makes visible
// what the writer has done. Fields that readers see are written with both held.
package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Names of the files in a console's folder.
const (
	logName    = "console.log"
	indexName  = "console.idx"
	eventsName = "events.jsonl"
)

// Options are the settings of a Record.
type Options struct {
	Dir   string // the console's own folder, made with mode 0700 (0750 with a group)
	None  bool   // keep nothing on disk: only the tail serves readers
	Group int    // gid that may read the files (mode 0640); -1: nobody (0600)
	// Warn is told once when writing begins to fail and once when it works
	// again (then err is nil and lost counts the bytes of the gap). May be nil.
	// It is called by the goroutine that appends.
	Warn func(err error, lost int64)
}

// A Record is one console's record. One goroutine appends; any number read.
type Record struct {
	disk disk
	none bool
	warn func(err error, lost int64)

	w      sync.Mutex
	writer writer // guarded by w

	mu sync.Mutex
	part
	end      int64 // offset of the next byte
	lastTime int64 // when the newest byte arrived
	closed   bool
	tail     *tail         // nil while nobody needs it
	cursors  int           // open ones
	waiting  int           // of them in Wait
	wake     chan struct{} // closed by the next append; nil while nobody waits

	ev events
}

// A part is a log, its index, and the offset of its first byte. A record has
// one for now; rotation will close a part and begin the next.
type part struct {
	log, idx handle
	base     int64
	size     int64 // bytes in the log
	stored   int64 // offset behind the last byte in the log; below end while writing fails
	mapFrom  int64 // from this offset up to stored, bytes lie at offset less shift
	shift    int64
	count    int64 // entries in the index file
	heldN    int   // entries held back, in the first slots of held
	held     [heldMax * entrySize]byte
}

// Open opens or begins a record and repairs what a crash left: the index is
// brought into agreement with the log, nothing of the log is cut.
func Open(o Options) (*Record, error) {
	if o.None {
		return open(o, nil)
	}
	d := folder{dir: o.Dir, group: o.Group}
	if err := d.prepare(); err != nil {
		return nil, err
	}
	return open(o, d)
}

func open(o Options, d disk) (*Record, error) {
	r := &Record{disk: d, none: o.None, warn: o.Warn}
	if o.None {
		r.tail = new(tail)
		return r, nil
	}
	if err := r.restore(); err != nil {
		return nil, fmt.Errorf("open record %s: %w", o.Dir, err)
	}
	info, err := d.stat(eventsName)
	switch {
	case err == nil:
		r.ev.size = info.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open record %s: %w", o.Dir, err)
	}
	return r, nil
}

// Sync forces log and index to the disk.
func (r *Record) Sync() error {
	r.w.Lock()
	defer r.w.Unlock()
	if r.none || r.closed {
		return nil
	}
	err := r.flush(nil)
	if r.writer.gap {
		err = errors.Join(err, r.writer.err)
	}
	entries := r.count
	if err = errors.Join(err, r.force()); err != nil {
		return fmt.Errorf("sync record: %w", err)
	}
	if r.count == entries {
		r.certify()
	}
	return nil
}

// force syncs both files. It lets go of w meanwhile: an append must not wait
// for the platters.
func (r *Record) force() error {
	if !r.writer.dirty {
		return nil
	}
	r.writer.dirty = false
	log, err1 := r.log.get(r.disk, logName, true)
	idx, err2 := r.idx.get(r.disk, indexName, true)
	r.w.Unlock()
	err := errors.Join(err1, err2)
	if err == nil {
		err = errors.Join(log.Sync(), idx.Sync())
	}
	r.w.Lock()
	r.writer.dirty = r.writer.dirty || err != nil
	return err
}

// certify writes the entry that spares the next Open from looking at those
// before it. It is an aid, so that an error is of no matter.
func (r *Record) certify() {
	w := &r.writer
	if r.closed || w.gap || r.count == 0 || r.heldN > 0 || w.last.kind == kindSync && w.last.offset == r.end {
		return
	}
	dirty := w.dirty
	r.hold(entry{max(r.lastTime, w.last.time), r.end, r.size, w.last.clock, kindSync}, time.Time{})
	r.flush(nil)
	w.dirty = dirty
}

// Close writes what is held back, syncs and closes. Readers get io.EOF after the end.
func (r *Record) Close() error {
	r.w.Lock()
	defer r.w.Unlock()
	if r.closed {
		return nil
	}
	var err error
	if !r.none {
		err = r.finish()
	}
	r.mu.Lock()
	r.closed = true
	wake := r.rouse()
	idle := r.cursors == 0
	r.mu.Unlock()
	if wake != nil {
		close(wake)
	}
	if idle {
		err = errors.Join(err, r.log.close(), r.idx.close())
	}
	if err != nil {
		return fmt.Errorf("close record: %w", err)
	}
	return nil
}

// finish brings all to the disk. A gap under way is closed by an entry that
// promises the offsets that readers have seen.
func (r *Record) finish() error {
	var err error
	if r.writer.gap && !r.writer.lastAppend.IsZero() {
		e := r.mark(time.Now())
		if err = r.flush(&e); err == nil {
			r.mu.Lock()
			r.count++
			r.mu.Unlock()
			r.writer.last = e
		}
	} else {
		err = r.flush(nil)
	}
	if err = errors.Join(err, r.force()); err == nil {
		r.certify()
	}
	return err
}

// Start is the oldest offset still kept.
func (r *Record) Start() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.start()
}

func (r *Record) start() int64 {
	if r.none {
		return r.tail.start
	}
	return r.base
}

// End is the offset that the next byte will have.
func (r *Record) End() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end
}

// Size is the bytes that the record takes on disk.
func (r *Record) Size() int64 {
	r.ev.mu.Lock()
	events := r.ev.size
	r.ev.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size + r.count*entrySize + events
}

// LastTime is when the newest byte arrived; zero if there is none.
func (r *Record) LastTime() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return instant(r.lastTime)
}

// instant turns an entry's time into one; nothing is known of 0.
func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// readLog reads the log at pos through the one descriptor.
func (r *Record) readLog(p []byte, pos int64) (int, error) {
	for {
		f, err := r.log.get(r.disk, logName, false)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, io.EOF // somebody took it away
		}
		if err != nil {
			return 0, fmt.Errorf("read record: %w", err)
		}
		n, err := f.ReadAt(p, pos)
		if n > 0 || err == nil {
			return n, nil
		}
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		if g, again := r.log.get(r.disk, logName, false); again == nil && g != f && errors.Is(err, os.ErrClosed) {
			continue // it was opened anew for writing meanwhile
		}
		return 0, fmt.Errorf("read record: %w", err)
	}
}
