package record

import "time"

// A Gap is a stretch that the target sent and the record does not hold.
type Gap struct {
	From, To  int64     // offsets
	At, Until time.Time // when its first byte arrived, and when recording went on; Until is zero while it lasts
}

// Gaps is what the files tell of gaps, for the tests alone: a cursor jumps over
// them and counts. It lists the gaps that touch the offsets from..to, each whole, also the one that
// lasts. Its newest bytes may still be readable.
func (r *Record) Gaps(from, to int64) ([]Gap, error) {
	r.mu.Lock()
	last := Gap{From: r.stored, To: r.end}
	if r.none {
		last.To = r.tail.start
	}
	r.mu.Unlock()
	var found []Gap
	if !r.none {
		v, _, err := r.snapshot()
		if err != nil {
			return nil, err
		}
		if found, err = v.gaps(from, to); err != nil {
			return nil, err
		}
		e, err := v.at(v.len() - 1)
		if err != nil {
			return nil, err
		}
		last.At = instant(e.time)
	}
	if last.From < min(last.To, to) && last.To > from {
		found = append(found, last)
	}
	return found, nil
}

// gaps lists the gaps that touch from..to.
func (v *view) gaps(from, to int64) ([]Gap, error) {
	i, err := v.before(from)
	if err != nil {
		return nil, err
	}
	e, err := v.at(i)
	if err != nil {
		return nil, err
	}
	var found []Gap
	for {
		shift := e.shift()
		j, err := v.search(i+1, v.len(), func(e entry) bool { return e.shift() > shift })
		if err != nil || j == v.len() {
			return found, err
		}
		began, err := v.at(j - 1)
		if err != nil {
			return nil, err
		}
		if e, err = v.at(j); err != nil {
			return nil, err
		}
		g := Gap{From: e.pos + shift, To: e.offset, At: instant(began.time), Until: instant(e.time)}
		if g.From >= to {
			return found, nil
		}
		if g.To > from {
			found = append(found, g)
		}
		i = j
	}
}
