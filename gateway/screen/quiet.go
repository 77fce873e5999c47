package screen

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// appendQuiet appends the ESC or CSI sequence that the event has completed, if it
// is known to do no more in any common terminal than to draw, or to say how keys are to
// be sent (DEC STD 070, xterm's ctlseqs, the Linux console and its likes). This
// is a list of what may pass, since nobody knows all that terminals answer to.
func (p *parser) appendQuiet(dst []byte, e event) []byte {
	f := p.function()
	switch {
	case p.bad:
	case e == escape:
		if quietEscape(string(p.body()), p.final) {
			dst = append(append(append(dst, esc), p.body()...), p.final)
		}
	case f.setsModes():
		return f.appendModes(dst)
	case f.quiet():
		return appendCSI(dst, p.body(), p.final)
	}
	return dst
}

// quietEscape leaves out what changes how bytes are read (DOCS, ESC %) or keys
// are sent (S8C1T), and what answers (DECID).
func quietEscape(inter string, final byte) bool {
	switch inter {
	case "":
		return strings.IndexByte(`6789<=>DEHMc\`, final) >= 0
	case "#":
		return strings.IndexByte("34568", final) >= 0
	case "(", ")", "*", "+":
		return strings.IndexByte("0AB12", final) >= 0
	case " ":
		return final == 'F'
	}
	return false
}

// quiet judges a CSI sequence. What a terminal that ignores the private mark or
// the intermediates takes it for must be quiet too: hence no XTDISABLEMODKEYS,
// which ends in an n as DSR does.
func (f function) quiet() bool {
	if f.final != 'm' && bytes.IndexByte(f.params, ':') >= 0 {
		return false // nothing but SGR is known to have it
	}
	switch string(f.inter) {
	case "":
		if f.private == 0 {
			return f.quietPlain()
		}
		return f.quietPrivate()
	case "$": // rectangles: DECCARA, DECCRA, DECERA, DECSERA; DECFRA, which is no DECREQTPARM if it fills with a character
		return f.private == 0 && (strings.IndexByte("rvz{", f.final) >= 0 || f.final == 'x' && f.first() >= ' ' && f.first() <= 0xff)
	}
	for _, known := range []string{" @", " A", " q", "!p", `"q`, "'}", "'~"} { // SL, SR, DECSCUSR, DECSTR, DECSCA, DECIC, DECDC
		if f.is(0, known[:1], known[1]) {
			return true
		}
	}
	return false
}

func (f function) quietPlain() bool {
	switch f.final {
	case 'm':
		return f.quietColour()
	case 't':
		return f.first() == pushTitle || f.first() == popTitle
	case 'T':
		return bytes.IndexByte(f.params, ';') < 0 // with more it tracks the mouse
	}
	return strings.IndexByte("@ABCDEFGHIJKLMPSXZ`abdefgrsu", f.final) >= 0
}

func (f function) quietPrivate() bool {
	switch {
	case f.private == '?' && (f.final == 'J' || f.final == 'K'):
		return true
	case f.final == 'u': // kitty's keys
		return f.private != '?'
	}
	return f.is('>', "", 'm') // xterm's keys
}

// setsModes reports whether the sequence is SM, RM, or one of their DEC private
// forms with XTSAVE and XTRESTORE.
func (f function) setsModes() bool {
	return len(f.inter) == 0 && (f.final == 'h' || f.final == 'l') && (f.private == 0 || f.private == '?') ||
		f.is('?', "", 'r') || f.is('?', "", 's')
}

// appendModes appends the sequence with those of its modes that are quiet.
func (f function) appendModes(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, esc, '[')
	if f.private != 0 {
		dst = append(dst, f.private)
	}
	head := len(dst)
	for word := range bytes.SplitSeq(f.params, []byte{';'}) {
		if !f.quietMode(word) {
			continue
		}
		if len(dst) > head {
			dst = append(dst, ';')
		}
		dst = append(dst, word...)
	}
	if len(dst) == head {
		return dst[:start]
	}
	return append(dst, f.final)
}

// quietMode knows the modes that programs set. Some terminals report focus (1004),
// colour scheme (2031) and size (2048) at once where they are set; 1001 stops a terminal
// until it is answered. Not here is what resizes the window (3), locks the keyboard
// (ANSI 2) or has bytes read differently (2, 38).
func (f function) quietMode(word []byte) bool {
	n := number(word)
	switch {
	case bytes.IndexByte(word, ':') >= 0:
		return false
	case f.private == 0:
		return n == 4 || n == 12 || n == 20 || n == 34 // IRM, SRM, LNM, the cursor of screen
	}
	switch n {
	case 1, 4, 5, 6, 7, 8, 9, 12, 25, 45, 47, 66, 69,
		1000, 1002, 1003, 1005, 1006, 1007, 1015, 1016, 1034, 1047, 1048, 1049,
		2004, 2026, 2027:
		return true
	case 1001, 1004, 2031, 2048:
		return f.final == 'l'
	}
	return false
}

// quietColour leaves out SGR 11 and 12, after which the Linux console no longer
// reads UTF-8, so that a letter begins a sequence; and whatever that console could
// take for one of them: a number that is too big, the rest of a broken colour,
// and the colour of underlines, which it does not know. It drops a sequence with a colon.
func (f function) quietColour() bool {
	if bytes.IndexByte(f.params, ':') >= 0 {
		return true
	}
	for n := range f.attributes() {
		switch n {
		case 11, 12, 58, tooBig, -1:
			return false
		}
	}
	return true
}

// quietString judges a string by its text, which is all of it.
func quietString(kind byte, text []byte) bool {
	return plainString(text) && (kind == 'k' || kind == ']' && quietOSC(text) || kind == 'P' && quietDCS(text))
}

// quietOSC knows titles, links, and colours that are set, not asked for. What
// reaches beyond the screen (clipboard, notices, folder, files) is not for those who watch.
func quietOSC(text []byte) bool {
	code, value, _ := bytes.Cut(text, []byte{';'})
	switch string(code) {
	case "0", "1", "2", "8":
		return true
	case "4", "5", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19",
		"104", "105", "110", "111", "112", "113", "114", "115", "116", "117", "118", "119":
		return bytes.IndexByte(value, '?') < 0
	}
	return false
}

// quietDCS knows sixel pictures and the older form of synchronised output.
func quietDCS(text []byte) bool {
	if s := string(text); s == "=1s" || s == "=2s" {
		return true
	}
	rest := bytes.TrimLeft(text, "0123456789;")
	return len(rest) > 0 && rest[0] == 'q'
}

// plainString reports whether a string is UTF-8 without controls and without the
// bytes that begin a sequence where they are read as C1: some terminals read
// UTF-8 outside strings only.
func plainString(text []byte) bool {
	return utf8.Valid(text) && bytes.IndexFunc(text, func(r rune) bool { return r < ' ' || r >= del && r < 0xa0 }) < 0 &&
		!slices.ContainsFunc(text, introduces)
}

// introduces reports whether a C1 control begins a sequence or asks (DECID).
func introduces(c byte) bool {
	switch c {
	case 0x90, 0x98, 0x9a, 0x9b, 0x9d, 0x9e, 0x9f:
		return true
	}
	return false
}
