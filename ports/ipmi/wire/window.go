package wire

// windowSize is how many sequence numbers back a late packet may be (6.12.13).
const windowSize = 16

// A Window lets each packet of a session through once. It is asked only about
// packets whose code was right, so that a leap ahead, after an outage say, is
// the sender's own word. The zero value is a session's beginning.
type Window struct {
	highest uint32
	seen    uint16 // bit n: highest-n was
}

// Fresh reports whether a packet of this number may pass, and notes it.
func (w *Window) Fresh(sequence uint32) bool {
	if sequence == 0 {
		return false // outside a session
	}
	ahead := int32(sequence - w.highest) // the numbers wrap
	switch {
	case ahead >= windowSize:
		w.highest, w.seen = sequence, 1
	case ahead > 0:
		w.highest, w.seen = sequence, w.seen<<ahead|1
	case ahead <= -windowSize:
		return false
	default:
		bit := uint16(1) << -ahead
		if w.seen&bit != 0 {
			return false
		}
		w.seen |= bit
	}
	return true
}
