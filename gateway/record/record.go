// Package record keeps what a console said: an append-only log of exactly the
// bytes, an index of arrival times against offsets, the console's events, and
// a small in-memory tail for live readers. It knows no console.
//
// A position in a record is an offset: the number of bytes the target had sent
// before it, since recording began. Offsets survive restarts, rotation and
// gaps (bytes that could not be written are counted, not forgotten).
package record

import (
	"context"
	"io"
	"time"
)

// Options are the settings of a Record.
type Options struct {
	Dir   string // the console's own folder, made with mode 0700
	None  bool   // keep nothing on disk: only the tail serves readers
	Group int    // gid that may read the files (mode 0640); -1: nobody (0600)
	// Warn is told once when writing begins to fail and once when it works
	// again (then err is nil and lost counts the bytes of the gap). May be nil.
	Warn func(err error, lost int64)
}

// A Record is one console's record. One goroutine appends; any number read.
type Record struct{}

// Open opens or begins a record and repairs what a crash left: the index is
// brought into agreement with the log, nothing of the log is cut.
func Open(o Options) (*Record, error) { panic("contract") }

// Append adds what the target sent and wakes the readers. It does not keep p,
// never waits for a reader and never fails: what the disk refuses stays
// readable in the tail and is counted as a gap. It returns the offset of p's first byte.
// One goroutine at a time.
func (r *Record) Append(p []byte) int64 { panic("contract") }

// Sync forces log and index to the disk.
func (r *Record) Sync() error { panic("contract") }

// Close writes what is held back, syncs and closes. Readers get io.EOF after the end.
func (r *Record) Close() error { panic("contract") }

// Start is the oldest offset still kept.
func (r *Record) Start() int64 { panic("contract") }

// End is the offset that the next byte will have.
func (r *Record) End() int64 { panic("contract") }

// Size is the bytes that the record takes on disk.
func (r *Record) Size() int64 { panic("contract") }

// LastTime is when the newest byte arrived; zero if there is none.
func (r *Record) LastTime() time.Time { panic("contract") }

// OffsetAt is the offset of the first byte that arrived at or after t; End if none did.
func (r *Record) OffsetAt(t time.Time) (int64, error) { panic("contract") }

// TimeAt is when the byte at offset arrived, as exactly as the index knows
// (within 200 ms while the target talks).
func (r *Record) TimeAt(offset int64) (time.Time, error) { panic("contract") }

// LastLines is the offset where the last n lines begin (an unfinished last
// line counts), not more than limit bytes before end; it looks at no more than limit bytes.
func (r *Record) LastLines(n int, limit int64) (int64, error) { panic("contract") }

// A Gap is a stretch that the target sent and the record does not hold.
type Gap struct {
	From, To int64 // offsets
	At       time.Time
}

// A Cursor reads the record from an offset on, old and new bytes alike. Any
// number may be open; each belongs to one goroutine.
type Cursor struct{}

// Cursor opens a cursor at offset (clamped to Start..End).
func (r *Record) Cursor(offset int64) *Cursor { panic("contract") }

// Read reads what is there at once, from the tail or the log; 0, nil at the
// end, io.EOF at the end of a closed record. A gap or bytes no longer kept are jumped over; Skipped counts them.
func (c *Cursor) Read(p []byte) (int, error) { panic("contract") }

// Wait blocks until Read would return something, ctx ends (its cause) or the
// record is closed (io.EOF).
func (c *Cursor) Wait(ctx context.Context) error { panic("contract") }

// Offset is the position of the next byte.
func (c *Cursor) Offset() int64 { panic("contract") }

// SeekTo moves to offset, clamped to Start..End.
func (c *Cursor) SeekTo(offset int64) { panic("contract") }

// Skipped returns how many bytes were jumped over since the last call.
func (c *Cursor) Skipped() int64 { panic("contract") }

// Close lets go of the cursor.
func (c *Cursor) Close() { panic("contract") }

// AddEvent appends one line of JSON (without LF) to events.jsonl and flushes
// it to the kernel. Safe for any goroutine.
func (r *Record) AddEvent(line []byte) error { panic("contract") }

// Events opens events.jsonl for reading from its beginning; an unfinished last
// line is left out.
func (r *Record) Events() (io.ReadCloser, error) { panic("contract") }
