package screen

import (
	"bytes"
	"strconv"
)

// A setting is a terminal mode that has a usual value (ECMA-48 SM and RM, DEC
// private modes with a question mark).
type setting struct {
	private byte
	number  int
	usual   bool // on by default
	soft    bool // DECSTR, the soft reset, brings it back
}

// settings are the modes that a left-over program breaks a person's terminal
// with, in the order in which they are put back. The alternate screen comes
// last, so that the others are not put back on it alone.
func settings() [numSettings]setting {
	return [...]setting{
		{'?', 2, true, false},     // DECANM: VT52 when off
		{0, 2, false, true},       // KAM: keyboard locked
		{0, 4, false, true},       // IRM: insert
		{0, 12, true, false},      // SRM: local echo when off
		{0, 20, false, false},     // LNM
		{'?', 1, false, true},     // DECCKM: application cursor keys
		{'?', 5, false, false},    // DECSCNM: reverse video
		{'?', 6, false, true},     // DECOM: origin
		{'?', 7, true, false},     // DECAWM: wrap
		{'?', 9, false, false},    // mouse, X10
		{'?', 25, true, true},     // DECTCEM: cursor
		{'?', 66, false, true},    // DECNKM: application keypad
		{'?', 69, false, true},    // DECLRMM: left and right margins
		{'?', 1000, false, false}, // mouse, and so up to 1016
		{'?', 1001, false, false},
		{'?', 1002, false, false},
		{'?', 1003, false, false},
		{'?', 1004, false, false}, // focus
		{'?', 1005, false, false},
		{'?', 1006, false, false},
		{'?', 1015, false, false},
		{'?', 1016, false, false},
		{'?', 2004, false, false}, // bracketed paste
		{'?', 2026, false, false}, // synchronised output
		{'?', 2031, false, false}, // reports of the colour scheme
		{'?', 2048, false, false}, // reports of the size
		{'?', 47, false, false},   // alternate screen, three times
		{'?', 1047, false, false},
		{'?', 1049, false, false},
	}
}

// Bits of modes.unusual by place in settings.
const (
	numSettings = 29
	bitVT52     = 1 << 0
	bitOrigin   = 1 << 7
	bitScreens  = 7 << (numSettings - 3)
)

// modes are what the target has switched from the usual.
type modes struct {
	unusual  uint32 // one bit a setting
	coloured bool
	region   bool // scroll region
	keypad   bool // application keypad
	charset  bool // G0 is not ASCII
	shifted  bool // SO
	cursor   bool // shape
	keys     bool // xterm's modifyOtherKeys
	kitty    int  // pushed keyboard modes
}

// maxKitty bounds the stack of keyboard modes; terminals keep fewer.
const maxKitty = 99

func (m *modes) colour(resets, on bool) { m.coloured = on || m.coloured && !resets }

func (m *modes) shift(out bool) { m.shifted = out }

func (m *modes) escape(inter string, final byte) {
	switch {
	case inter == "" && final == 'c': // RIS
		*m = modes{}
	case inter == "" && (final == '=' || final == '>'):
		m.keypad = final == '='
	case inter == "" && final == '<':
		m.unusual &^= bitVT52
	case inter == "(":
		m.charset = final != 'B'
	}
}

func (m *modes) function(f function) {
	switch {
	case f.is(0, "", 'h'), f.is(0, "", 'l'), f.is('?', "", 'h'), f.is('?', "", 'l'):
		m.set(f)
	case f.is(0, "", 'r'):
		m.region = len(bytes.Trim(f.params, "0;")) > 0
	case f.is(0, " ", 'q'):
		m.cursor = f.first() > 0
	case f.is('>', "", 'm'):
		level := f.params[bytes.IndexByte(f.params, ';')+1:]
		m.keys = len(level) < len(f.params) && number(level) > 0
	case f.is('>', "", 'u'):
		m.kitty = min(m.kitty+1, maxKitty)
	case f.is('<', "", 'u'):
		m.kitty = max(m.kitty-max(f.first(), 1), 0)
	case f.is(0, "!", 'p'): // DECSTR
		m.soften()
	}
}

func (m *modes) set(f function) {
	for word := range bytes.SplitSeq(f.params, []byte{';'}) {
		n := number(word)
		for i, s := range settings() {
			if s.number != n || s.private != f.private {
				continue
			}
			m.unusual &^= 1 << i
			if (f.final == 'h') != s.usual {
				m.unusual |= 1 << i
			}
		}
	}
}

func (m *modes) soften() {
	for i, s := range settings() {
		if s.soft {
			m.unusual &^= 1 << i
		}
	}
	m.coloured, m.region, m.keypad, m.charset, m.shifted, m.cursor = false, false, false, false, false, false
}

// reset is what brings everything back to the usual.
func (m *modes) reset() []byte {
	var out []byte
	add := func(is bool, text string) {
		if is {
			out = append(out, text...)
		}
	}
	add(m.unusual&bitVT52 != 0, "\x1b<") // VT52 knows no other way back
	add(m.shifted, "\x0f")
	add(m.charset, "\x1b(B")
	add(m.keypad, "\x1b>")
	add(m.kitty > 0, "\x1b[<"+strconv.Itoa(m.kitty)+"u")
	add(m.keys, "\x1b[>4m")
	add(m.cursor, "\x1b[0 q")
	// Both move the cursor to the top: on a screen that stays it is put back,
	// or to the bottom where origin mode makes that impossible.
	switch {
	case m.unusual&bitOrigin != 0:
		add(true, "\x1b[?6l\x1b[r\x1b[999;1H")
	case m.region && m.unusual&bitScreens == 0:
		add(true, "\x1b7\x1b[r\x1b8")
	default:
		add(m.region, "\x1b[r")
	}
	for i, s := range settings() {
		if m.unusual>>i&1 == 0 || 1<<i == bitOrigin || 1<<i == bitVT52 {
			continue
		}
		out = append(out, "\x1b["...)
		if s.private != 0 {
			out = append(out, s.private)
		}
		out = strconv.AppendInt(out, int64(s.number), 10)
		if s.usual {
			out = append(out, 'h')
		} else {
			out = append(out, 'l')
		}
	}
	add(m.coloured, "\x1b[0m")
	return out
}
