package record

import (
	"errors"
	"fmt"
	"io"
)

// A view is the index as it was at one moment: entries in the file, which never
// change below count, and behind them those held back. It is searched where it lies.
type view struct {
	idx   io.ReaderAt
	base  int64 // offset of the part's first byte
	count int64 // slots in the file
	held  []entry
	buf   [entrySize]byte
}

func (v *view) len() int64 { return v.count + int64(len(v.held)) }

// at is entry i. A slot that holds none (a block that a power cut dropped)
// reads as the one before it; before the first, bytes lie from base on.
func (v *view) at(i int64) (entry, error) {
	if i >= v.count {
		return v.held[i-v.count], nil
	}
	for ; i >= 0; i-- {
		n, err := v.idx.ReadAt(v.buf[:], i*entrySize)
		if n < entrySize && !errors.Is(err, io.EOF) {
			return entry{}, fmt.Errorf("read index: %w", err)
		}
		if e, ok := parse(v.buf[:n]); ok {
			return e, nil
		}
	}
	return entry{offset: v.base}, nil
}

// search finds the first entry in lo..hi for which is is true, given that it is
// for all that follow; hi if there is none.
func (v *view) search(lo, hi int64, is func(entry) bool) (int64, error) {
	for lo < hi {
		mid := lo + (hi-lo)/2
		e, err := v.at(mid)
		if err != nil {
			return 0, err
		}
		if is(e) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, nil
}

// before is the number of the last entry at or before offset; -1 for none.
func (v *view) before(offset int64) (int64, error) {
	i, err := v.search(0, v.len(), func(e entry) bool { return e.offset > offset })
	return i - 1, err
}

// A segment is a stretch without a gap: the bytes from..to lie at offset less
// shift in the log, and next is the offset of the first byte behind the gap that follows.
type segment struct {
	from, to, next int64
	shift          int64
}

// locate finds the segment or the gap in front of which offset lies; stored is
// the end of what the log holds.
func (v *view) locate(offset, stored int64) (segment, error) {
	i, err := v.before(offset)
	if err != nil {
		return segment{}, err
	}
	e, err := v.at(i)
	if err != nil {
		return segment{}, err
	}
	s := segment{from: e.offset, to: stored, next: stored, shift: e.shift()}
	j, err := v.search(i+1, v.len(), func(e entry) bool { return e.shift() > s.shift })
	if err != nil || j == v.len() {
		return s, err
	}
	if e, err = v.at(j); err != nil {
		return segment{}, err
	}
	s.to, s.next = e.pos+s.shift, e.offset
	return s, nil
}

// offsetAt finds the first byte that arrived at or after t. Where the clock
// was set back, the newest stretch of time that had begun by t rules.
func (v *view) offsetAt(t, end int64) (int64, error) {
	hi := v.len()
	for hi > 0 {
		last, err := v.at(hi - 1)
		if err != nil {
			return 0, err
		}
		lo, err := v.search(0, hi, func(e entry) bool { return e.clock >= last.clock })
		if err != nil {
			return 0, err
		}
		first, err := v.at(lo)
		if err != nil {
			return 0, err
		}
		if first.time > t && lo > 0 {
			hi = lo
			continue
		}
		i, err := v.search(lo, hi, func(e entry) bool { return e.time >= t })
		if err != nil || i == v.len() {
			return end, err
		}
		e, err := v.at(i)
		return min(e.offset, end), err
	}
	return end, nil
}
