package record

import "time"

// snapshot is the index as it is now.
func (r *Record) snapshot() (v *view, stored int64, err error) {
	v = &view{base: r.base}
	r.mu.Lock()
	v.count, stored = r.count, r.stored
	var held [heldMax * entrySize]byte
	n := copy(held[:], r.held[:r.heldN*entrySize])
	r.mu.Unlock()
	for k := 0; k < n; k += entrySize {
		if e, ok := parse(held[k:]); ok {
			v.held = append(v.held, e)
		}
	}
	if v.count > 0 {
		v.idx, err = r.idx.get(r.disk, indexName, false)
	}
	return v, stored, err
}

func (r *Record) locate(offset int64) (segment, error) {
	v, stored, err := r.snapshot()
	if err != nil {
		return segment{}, err
	}
	return v.locate(offset, stored)
}

// OffsetAt is the offset of the first byte that arrived at or after t; End if none did.
func (r *Record) OffsetAt(t time.Time) (int64, error) {
	r.mu.Lock()
	start, end, last := r.start(), r.end, r.lastTime
	r.mu.Unlock()
	if r.none {
		if t.After(instant(last)) {
			return end, nil
		}
		return start, nil
	}
	v, _, err := r.snapshot()
	if err != nil {
		return 0, err
	}
	return v.offsetAt(nanos(t), end)
}

// nanos is t as entries have it; times beyond what they can say are the first or the last.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, 0)):
		return 0
	case t.After(time.Unix(0, 1<<63-1)):
		return 1<<63 - 1
	}
	return t.UnixNano()
}

// TimeAt is when the byte at offset arrived, as exactly as the index knows
// (within 200 ms while the target talks).
func (r *Record) TimeAt(offset int64) (time.Time, error) {
	if r.none {
		return r.LastTime(), nil
	}
	v, _, err := r.snapshot()
	if err != nil {
		return time.Time{}, err
	}
	i, err := v.before(offset)
	if err != nil {
		return time.Time{}, err
	}
	e, err := v.at(i)
	return instant(e.time), err
}
