package screen

import "bytes"

// XTWINOPS (CSI Ps t) that keep a title for later and bring it back.
const (
	pushTitle = 22
	popTitle  = 23
)

// A Tracker follows a live stream and knows, at any byte, whether a notice may
// be put there and what to print after it. The zero value is ready.
type Tracker struct {
	parser  parser
	line    line
	modes   modes
	printed bool // something since the last CR or LF
	titles  int
	popped  int
}

// Feed follows p.
func (t *Tracker) Feed(p []byte) {
	for i := 0; i < len(p); {
		if t.parser.state == ground {
			n := plain(p[i:])
			t.feedPlain(p[i : i+n])
			if i += n; i == len(p) {
				return
			}
		}
		c := p[i]
		e := t.parser.step(c)
		if !e.again() {
			i++
		}
		t.obey(e, c)
	}
}

// plain returns the length of the printable ASCII, tabs and line ends at the
// start of p: nearly all of what consoles say, and the way through it is short.
func plain(p []byte) int {
	for i, c := range p {
		if (c < ' ' || c >= del) && c != lf && c != cr && c != tab {
			return i
		}
	}
	return len(p)
}

// feedPlain looks at the last line only.
func (t *Tracker) feedPlain(p []byte) {
	if len(p) == 0 {
		return
	}
	if i := bytes.LastIndexByte(p, lf); i >= 0 {
		t.line.end()
		t.printed = false
		p = p[i+1:]
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, cr)
		if i < 0 {
			t.line.text(p)
			t.printed = true
			return
		}
		if i > 0 {
			t.line.text(p[:i])
		}
		t.line.back()
		t.printed = false
		p = p[i+1:]
	}
}

func (t *Tracker) obey(e event, c byte) {
	switch e {
	case printed:
		t.line.text([]byte{c})
		t.printed = true
	case stray, c1, broken: // may show as something, but is not to be shown again
		t.printed = true
	case char:
		t.line.text(t.parser.raw())
		t.printed = true
	case control:
		t.control(c)
	case escape:
		t.modes.escape(string(t.parser.body()), t.parser.final)
	case csi:
		if !t.parser.bad {
			t.function(t.parser.function())
		}
	case str:
		if t.setsTitle() {
			t.titles++
		}
	}
}

func (t *Tracker) control(c byte) {
	switch c {
	case lf:
		t.line.end()
		t.printed = false
	case cr:
		t.line.back()
		t.printed = false
	case bs:
		t.line.erase()
	case tab:
		t.line.text([]byte{c})
		t.printed = true
	case so, si:
		t.modes.shift(c == so)
	}
}

func (t *Tracker) function(f function) {
	switch {
	case f.is(0, "", 'm'):
		resets, on := f.colour()
		t.modes.colour(resets, on)
		if f.quiet() {
			t.line.style(f.params)
		}
		return
	case f.private == 0 && len(f.inter) == 0:
		switch f.final {
		case 'H', 'f', 'd', 'A', 'B', 'E', 'F': // the cursor is on another line now
			t.line.end()
		case 't':
			if f.first() == popTitle {
				t.popped++
			}
		}
	}
	t.modes.function(f)
}

// setsTitle reports whether the string just completed is a title: OSC 0, 1, 2,
// or the ESC k of screen and tmux.
func (t *Tracker) setsTitle() bool {
	if t.parser.kind == 'k' {
		return true
	}
	code, known := osc(t.parser.body())
	return known && t.parser.kind == ']' && (code == "0" || code == "1" || code == "2")
}

// Between reports that the stream is not inside an escape sequence or a UTF-8 character.
func (t *Tracker) Between() bool { return t.parser.state == ground }

// SafeCut returns the length of the longest prefix of p after which the stream
// would be between sequences, or 0; it does not feed p.
func (t *Tracker) SafeCut(p []byte) int {
	ahead := t.parser
	safe := 0
	for i := 0; i < len(p); {
		if ahead.state == ground {
			if n := plain(p[i:]); n > 0 {
				i += n
				safe = i
			}
			if i == len(p) {
				break
			}
		}
		if ahead.step(p[i]).again() {
			continue // the byte is still to come: no place between
		}
		i++
		if ahead.state == ground {
			safe = i
		}
	}
	return safe
}

// AtLineStart reports that nothing was printed since the last CR or LF.
func (t *Tracker) AtLineStart() bool { return !t.printed }

// Line is the unfinished line: printable bytes and SGR since the last LF, at
// most 200; what a notice prints again below itself. Colour that is in force
// from an earlier line stands before it. The slice is the caller's.
func (t *Tracker) Line() []byte { return t.line.shown() }

// Titles counts the titles (OSC 0, 1, 2) that the target has set.
func (t *Tracker) Titles() int { return t.titles }

// Popped counts how often the target took a title from the terminal's stack of
// them: what was the title since is gone then.
func (t *Tracker) Popped() int { return t.popped }

// Reset is what ends an unfinished sequence and undoes the modes that the target
// switched on and left on: SGR, scroll region, hidden cursor, alternate screen,
// mouse, bracketed paste, application keys and the like; empty if it left none.
func (t *Tracker) Reset() []byte {
	reset := t.modes.reset()
	if !t.Between() {
		reset = append([]byte{can}, reset...)
	}
	return reset
}
