package screen

import "unicode/utf8"

// maxHeld is how much of a string is held back to see its end.
const maxHeld = 4 << 10

// A Queries filter keeps from a live stream what a watcher's terminal would
// answer to, and what reaches beyond its screen: watchers' terminals must
// not answer what the writer's does. The zero value is ready.
//
// What it appends is whole characters and whole sequences, one after the other:
//
//   - printable ASCII, NUL, BEL to SI, and DEL;
//   - UTF-8 characters but the C1 controls, and single bytes from A0 on that
//     belong to none: the text of those who do not use UTF-8;
//   - escape sequences that are known to be quiet, see quiet.go, without anything
//     inside that is not part of them.
//
// No query is among the second and third. There is no ESC but at the beginning
// of a sequence and in the ST at the end of one, no CAN, SUB or ENQ, and no C1
// in either form. So terminals that read UTF-8 agree on where each begins and ends,
// and however differently they read broken, nested or unfinished sequences: none is left.
//
// Everything well-formed and quiet passes byte for byte. A control within a
// sequence comes before it, for terminals obey it first. A byte that could be a C1
// becomes U+FFFD, as which a terminal would show it. Of a sequence that sets
// several modes the quiet ones are left. A sequence longer than the
// parser keeps, or a string longer than 4 KiB, is left out.
type Queries struct {
	parser parser
	text   []byte // of the string that the parser is in, without controls
	long   bool   // there was more of it than is held
}

// Append filters src and appends to dst.
func (q *Queries) Append(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if q.parser.state == ground {
			n := quietText(src[i:])
			dst = append(dst, src[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c, before := src[i], q.parser.state
		// A string without an end, as line noise makes it, hides its own line
		// only. Pictures have lines.
		if c == lf && q.parser.inText() && q.parser.kind != 'P' {
			q.parser.reset()
		}
		e := q.parser.step(c)
		if !e.again() {
			i++
		}
		if e == nothing && q.parser.state == inString {
			q.hold(before, c)
			continue
		}
		dst = q.obey(dst, e, c)
	}
	return dst
}

// quietText returns the length of the ASCII at the start of p that passes.
func quietText(p []byte) int {
	for i, c := range p {
		if c >= 0x80 || c < ' ' && !quietControl(c) {
			return i
		}
	}
	return len(p)
}

func quietControl(c byte) bool { return c == 0 || c >= bel && c <= si || c == del }

// hold keeps a byte of a string, or begins one.
func (q *Queries) hold(before state, c byte) {
	switch {
	case before != inString:
		q.text, q.long = q.text[:0], false
	case c < ' ' || c == del:
	case len(q.text) == maxHeld:
		q.long = true
	default:
		q.text = append(q.text, c)
	}
}

func (q *Queries) obey(dst []byte, e event, c byte) []byte {
	switch e {
	case printed:
		return append(dst, c)
	case char:
		return append(dst, q.parser.raw()...)
	case stray:
		return append(dst, c)
	case c1:
		if len(q.parser.raw()) == 1 {
			return utf8.AppendRune(dst, utf8.RuneError)
		}
	case broken:
		return appendBroken(dst, q.parser.raw())
	case control:
		if quietControl(c) {
			return append(dst, c)
		}
	case escape, csi:
		return q.parser.appendQuiet(dst, e)
	case str:
		if !q.long && quietString(q.parser.kind, q.text) {
			return appendEnd(q.appendBegun(dst), c)
		}
	}
	return dst
}

// appendBroken appends the bytes of an unfinished character but those that
// could be C1. Its first is none, and a terminal shows all of them as one U+FFFD.
func appendBroken(dst, raw []byte) []byte {
	for _, c := range raw {
		if c >= 0xa0 {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendEnd ends a string as it was ended: by BEL or by the \ of an ST.
func appendEnd(dst []byte, c byte) []byte {
	if c == '\\' {
		dst = append(dst, esc)
	}
	return append(dst, c)
}

// appendBegun appends what is held of the sequence that the parser is in.
func (q *Queries) appendBegun(dst []byte) []byte {
	switch q.parser.state {
	case ground, inString, inStringEscape:
		return append(append(dst, esc, q.parser.kind), q.text...)
	case inCSI:
		dst = append(dst, esc, '[')
	default:
		dst = append(dst, esc)
	}
	return append(dst, q.parser.body()...)
}

// Between reports that nothing is held.
func (q *Queries) Between() bool { return q.parser.state == ground }

// Release appends what is held as it is and forgets it: for when the terminal
// may answer from now on and is to have the rest unfiltered. Of what is too long to pass it
// appends the beginning, so that the rest is not taken for text.
func (q *Queries) Release(dst []byte) []byte {
	switch q.parser.state {
	case ground:
	case inChar:
		dst = append(dst, q.parser.raw()...)
	default:
		dst = q.appendBegun(dst)
		if q.parser.state == inStringEscape {
			dst = append(dst, esc)
		}
	}
	q.parser.reset()
	return dst
}

// Resume begins anew where t stands, which has followed what the terminal got
// unfiltered: for when it must not answer any more. A sequence that has begun is
// ended by CAN and comes again when it is whole.
func (q *Queries) Resume(dst []byte, t *Tracker) []byte {
	q.parser = t.parser
	if q.Between() {
		return dst
	}
	q.text = append(q.text[:0], q.parser.body()...)
	q.long = q.parser.bad
	return append(dst, can)
}
