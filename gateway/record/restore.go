package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const scanBlock = 128 * entrySize

// restore brings the record back as its files have it. It writes nothing, so
// that a full or read-only disk does not keep the gateway from starting: what has to
// change in the index goes there with the next append.
func (r *Record) restore() error {
	var modified time.Time
	log, err := r.disk.stat(logName)
	switch {
	case err == nil:
		r.size, modified = log.Size(), log.ModTime()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	idx, err := r.disk.stat(indexName)
	var found scan
	switch {
	case err == nil && idx.Size() > 0:
		if found, err = r.scanIndex(idx.Size()); err != nil {
			return err
		}
		r.writer.stale = idx.Size() != found.count*entrySize
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if found.count == 0 && r.size > 0 {
		// The index is lost. All that is known is when the last byte came.
		found.last = entry{modified.UnixNano(), r.base, 0, 0, kindData}
		r.hold(found.last, time.Time{})
	}
	last := found.last
	r.writer.last = last
	r.lastTime = last.time
	r.count = found.count
	r.mapFrom, r.shift = last.offset, last.shift()
	r.stored = r.size + r.shift
	r.end = max(r.stored, found.promised)
	r.writer.gap = r.end > r.stored
	return nil
}

// A scan is what an index file was found to hold.
type scan struct {
	count    int64 // slots that count
	last     entry // the last of them
	promised int64 // the highest offset that was given out
}

func (r *Record) scanIndex(size int64) (scan, error) {
	f, err := r.disk.open(indexName, os.O_RDONLY)
	if err != nil {
		return scan{}, err
	}
	defer f.Close()
	s, err := scanEntries(f, size/entrySize, r.base, r.size)
	if err != nil {
		return scan{}, fmt.Errorf("read %s: %w", indexName, err)
	}
	return s, nil
}

// scanEntries checks the slots of an index, from the last that says that all
// before it had been forced to the disk. It ends before an entry that goes
// back, and before those that speak of more than the log has.
func scanEntries(f io.ReaderAt, slots, base, logSize int64) (scan, error) {
	from, err := lastSync(f, slots)
	if err != nil {
		return scan{}, err
	}
	s := scan{last: entry{offset: base}, promised: base}
	buf := make([]byte, 0, scanBlock)
walk:
	for i := from; i < slots; i += scanBlock / entrySize {
		if buf, err = readSlots(f, buf, i, slots); err != nil {
			return scan{}, err
		}
		for k := 0; k < len(buf); k += entrySize {
			e, ok := parse(buf[k:])
			if !ok {
				continue
			}
			if !e.follows(s.last) && s.count > 0 || e.shift() < base {
				break walk
			}
			s.last, s.count = e, i+int64(k/entrySize)+1
		}
	}
	s.promised = max(base, s.last.offset)
	if s.last.pos <= logSize {
		return s, nil
	}
	v := &view{idx: f, base: base, count: s.count}
	if s.count, err = v.search(0, s.count, func(e entry) bool { return e.pos > logSize }); err != nil {
		return scan{}, err
	}
	s.last, err = v.at(s.count - 1)
	return s, err
}

// lastSync is the slot of the last such entry; 0 if there is none.
func lastSync(f io.ReaderAt, slots int64) (int64, error) {
	buf := make([]byte, 0, scanBlock)
	const per = scanBlock / entrySize
	for end := slots; end > 0; {
		from := (end - 1) / per * per
		var err error
		if buf, err = readSlots(f, buf, from, end); err != nil {
			return 0, err
		}
		for k := len(buf) - entrySize; k >= 0; k -= entrySize {
			if e, ok := parse(buf[k:]); ok && e.kind == kindSync {
				return from + int64(k/entrySize), nil
			}
		}
		end = from
	}
	return 0, nil
}

// readSlots reads the slots from..to, at most a block of them.
func readSlots(f io.ReaderAt, buf []byte, from, to int64) ([]byte, error) {
	buf = buf[:min((to-from)*entrySize, scanBlock)]
	n, err := f.ReadAt(buf, from*entrySize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buf[:n-n%entrySize], nil
}
