package screen

import "unicode/utf8"

const (
	// maxLine is the longest line that Text holds, in characters: 64 KiB.
	maxLine = 64 << 10 / 4
	// maxJump is how far right of its text a line's cursor may be set. It
	// bounds what blanks a few bytes can ask for.
	maxJump = 132
)

// A Text strips every escape sequence and control but LF and TAB from a
// stream; CR LF becomes LF, overprinting by CR and backspace leaves the last
// state of the line. UTF-8 is kept, broken UTF-8 replaced. The zero value is
// ready. It holds at most one line of 64 KiB.
//
// Of the sequences it obeys those that edit the line: erasing, and moving the
// cursor within it. A jump to elsewhere on the screen parts words by a blank.
type Text struct {
	parser parser
	line   []rune
	col    int // where the next character goes
}

// Append filters src and appends complete output to dst.
func (t *Text) Append(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if t.parser.state == ground && len(t.line) == 0 && t.col == 0 {
			var n int
			dst, n = appendLines(dst, src[i:])
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		// A string without an end, as line noise makes it, hides its own line only.
		if c == lf && t.parser.inText() {
			t.parser.reset()
		}
		e := t.parser.step(c)
		if !e.again() {
			i++
		}
		dst = t.obey(dst, e, c)
	}
	return dst
}

// appendLines appends the whole plain lines at the start of p and returns how
// many bytes of p they are.
func appendLines(dst, p []byte) ([]byte, int) {
	n := 0
	for {
		end := n
		for end < len(p) && (p[end] >= ' ' && p[end] < del || p[end] == tab) {
			end++
		}
		text := p[n:end]
		if end < len(p) && p[end] == cr {
			end++
		}
		if end == len(p) || p[end] != lf {
			return dst, n
		}
		dst = append(append(dst, text...), lf)
		n = end + 1
	}
}

func (t *Text) obey(dst []byte, e event, c byte) []byte {
	switch e {
	case printed:
		return t.put(dst, rune(c))
	case char:
		r, _ := utf8.DecodeRune(t.parser.raw())
		return t.put(dst, r)
	case broken, stray:
		return t.put(dst, utf8.RuneError)
	case c1:
		if len(t.parser.raw()) == 1 {
			return t.put(dst, utf8.RuneError)
		}
	case csi:
		if !t.parser.bad {
			return t.edit(dst, t.parser.function())
		}
	case control:
		switch c {
		case tab:
			return t.put(dst, tab)
		case cr:
			t.col = 0
		case bs:
			t.col = max(0, t.col-1)
		case lf:
			return append(t.release(dst), lf)
		}
	}
	return dst
}

// put writes a character at the cursor.
func (t *Text) put(dst []byte, r rune) []byte {
	if t.col >= maxLine {
		dst = t.release(dst)
	}
	for len(t.line) < t.col {
		t.line = append(t.line, ' ')
	}
	if t.col == len(t.line) {
		t.line = append(t.line, r)
	} else {
		t.line[t.col] = r
	}
	t.col++
	return dst
}

// edit obeys what moves or erases within the line.
func (t *Text) edit(dst []byte, f function) []byte {
	if f.private != 0 || len(f.inter) > 0 {
		return dst
	}
	right := max(len(t.line), maxJump)
	switch n := f.first(); f.final {
	case 'C':
		t.col = min(t.col+max(n, 1), right)
	case 'D':
		t.col = max(t.col-max(n, 1), 0)
	case 'G':
		t.col = min(max(n, 1)-1, right)
	case 'K':
		switch n {
		case 0:
			t.line = t.line[:min(t.col, len(t.line))]
		case 2:
			t.line = t.line[:0]
		}
	case 'H', 'f', 'd', 'A', 'B', 'E', 'F':
		if t.col = len(t.line); t.col > 0 && t.line[t.col-1] != ' ' {
			return t.put(dst, ' ')
		}
	}
	return dst
}

// release appends the line and begins a new one.
func (t *Text) release(dst []byte) []byte {
	for _, r := range t.line {
		dst = utf8.AppendRune(dst, r)
	}
	t.line, t.col = t.line[:0], 0
	return dst
}

// Flush appends what is held of an unfinished line.
func (t *Text) Flush(dst []byte) []byte {
	if t.parser.state == inChar {
		dst = t.put(dst, utf8.RuneError)
	}
	t.parser.reset()
	return t.release(dst)
}
