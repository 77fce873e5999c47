package screen

import "unicode/utf8"

// maxHeld is how much of a sequence is held back to see its end.
const maxHeld = 4 << 10

// A Queries filter passes a live stream byte for byte but for the terminal
// queries in it (DSR, DA, DECRQM, CSI 18 t and its like, OSC 4/10/11/12 ?, DECRQSS, ENQ,
// XTVERSION, XTGETTCAP): for watchers, whose terminals must not answer.
// An incomplete sequence is held until it is complete or longer than 4 KiB.
// The zero value is ready.
//
// Sequences against the grammar and unfinished ones are left out too, since
// terminals differ in what they make of them; so are the C1 controls that
// begin a sequence, in either form, which makes plain text of what follows.
type Queries struct {
	parser parser
	held   []byte // the sequence so far; unless mode is hold, only the ESC that may end a string
	mode   mode   // what to do with the sequence that the parser is in
}

type mode byte

const (
	hold mode = iota
	pass      // its beginning is out already
	drop
)

// Append filters src and appends to dst.
func (q *Queries) Append(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if q.parser.state == ground {
			n := unasking(src[i:])
			dst = append(dst, src[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		e := q.parser.step(c)
		if !e.again() {
			i++
		}
		dst = q.obey(dst, e, c)
	}
	return dst
}

// unasking returns the length of the ASCII at the start of p that asks nothing
// and begins nothing.
func unasking(p []byte) int {
	for i, c := range p {
		if c >= 0x80 || c == esc || c == enq {
			return i
		}
	}
	return len(p)
}

func (q *Queries) obey(dst []byte, e event, c byte) []byte {
	switch e {
	case printed, stray:
		return append(dst, c)
	case char:
		return append(dst, q.parser.raw()...)
	case c1:
		if !introduces(q.parser.raw()) {
			dst = append(dst, q.parser.raw()...)
		}
		return dst
	case broken:
		return appendWithoutC1(dst, q.parser.raw())
	case control:
		if c == enq {
			return dst
		}
		if q.parser.state == ground {
			return append(dst, c)
		}
		return q.inside(dst, c)
	case nothing:
		if q.parser.state == inChar {
			return dst
		}
		return q.inside(dst, c)
	case cut:
		return q.abandon(dst)
	}
	return q.finish(dst, e, c)
}

// inside takes a byte of an unfinished sequence.
func (q *Queries) inside(dst []byte, c byte) []byte {
	switch {
	case q.parser.state == inStringEscape:
		q.held = append(q.held, c)
		return dst
	case c == enq:
		return dst
	case q.mode == drop:
		if q.parser.inText() {
			return dst
		}
		return appendControls(dst, []byte{c})
	case q.mode == pass && q.parser.state == inString && q.parser.size == 0 && c == q.parser.kind:
		// Its ESC is out, and a string is not to be ended by CAN where it asks:
		// some terminals obey it then. So take the ESC back and hold the string.
		q.mode = hold
		q.held = append(q.held[:0], esc, c)
		return append(dst, can)
	case q.mode == pass:
		return appendWithoutC1(dst, []byte{c})
	}
	q.held = append(q.held, c)
	if len(q.held) > maxHeld {
		return q.overflow(dst)
	}
	return dst
}

// overflow decides on a sequence by what is known of it.
func (q *Queries) overflow(dst []byte) []byte {
	if q.parser.inText() && !q.unknown() {
		q.mode = pass
		dst = appendWithoutC1(dst, q.held)
	} else {
		q.mode = drop
		dst = appendControls(dst, q.held)
	}
	q.held = q.held[:0]
	return dst
}

// unknown reports whether the string could still turn out to ask.
func (q *Queries) unknown() bool {
	if q.parser.kind == ']' {
		code, known := osc(q.parser.body())
		return !known || !harmless(code)
	}
	return q.parser.size == 0 || q.parser.stringAsks() || !cleanString(q.held)
}

// finish takes the last byte of a sequence.
func (q *Queries) finish(dst []byte, e event, c byte) []byte {
	asks := q.parser.asks(e)
	if e == str && q.mode == hold && !cleanString(q.held) {
		asks = true
	}
	switch {
	case q.mode == pass && asks:
		dst = append(dst, can) // the terminal has its beginning: CAN ends it unanswered
	case q.mode == drop:
	case asks:
		dst = appendControls(dst, q.held)
	default:
		dst = append(append(dst, q.held...), c)
	}
	q.held, q.mode = q.held[:0], hold
	return dst
}

// abandon ends a sequence that the stream left unfinished.
func (q *Queries) abandon(dst []byte) []byte {
	if q.mode == pass {
		dst = append(dst, can)
	}
	if q.mode == hold && q.parser.state == ground {
		dst = appendControls(dst, q.held)
	}
	q.held, q.mode = q.held[:0], hold
	if q.parser.state == inEscape { // the ESC that ended a string begins the next sequence
		q.held = append(q.held, esc)
	}
	return dst
}

// Held reports how many bytes wait for the end of their sequence.
func (q *Queries) Held() int {
	n := len(q.held)
	if q.parser.state == inChar {
		n += len(q.parser.raw())
	}
	return n
}

// Flush appends what is held: for when the rest does not come. A string that
// could still ask is not let out but dropped; another sequence is ended by CAN
// should the rest come and make a query of it.
func (q *Queries) Flush(dst []byte) []byte {
	switch {
	case q.parser.state == inChar:
		dst = appendWithoutC1(dst, q.parser.raw())
		q.parser.reset()
	case len(q.held) == 0:
	case q.parser.inText() && (q.mode == drop || q.mode == hold && q.unknown()):
		q.mode = drop
		q.held = q.held[:0]
	default:
		q.mode = pass
		dst = appendWithoutC1(dst, q.held)
		q.held = q.held[:0]
	}
	return dst
}

// introduces reports whether a C1 control begins a sequence or asks (DECID).
func introduces(raw []byte) bool {
	switch raw[len(raw)-1] {
	case 0x90, 0x98, 0x9a, 0x9b, 0x9d, 0x9e, 0x9f:
		return true
	}
	return false
}

// cleanString reports whether a string is UTF-8 without C1 controls.
func cleanString(p []byte) bool {
	if !utf8.Valid(p) {
		return false
	}
	for i := 1; i < len(p); i++ {
		if p[i-1] == 0xc2 && p[i] < 0xa0 {
			return false
		}
	}
	return true
}

// appendWithoutC1 appends p without the bytes that could be C1 controls. It is
// for broken characters and for strings that cannot be looked at whole.
func appendWithoutC1(dst, p []byte) []byte {
	for _, c := range p {
		if c < 0x80 || c >= 0xa0 {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendControls appends the controls in a sequence that is left out: a
// terminal would have obeyed them, but in a string.
func appendControls(dst, p []byte) []byte {
	if len(p) > 1 && beginsString(p[1]) {
		return dst
	}
	for _, c := range p {
		if c < ' ' && c != esc {
			dst = append(dst, c)
		}
	}
	return dst
}
