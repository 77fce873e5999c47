package screen

import "strings"

// asks reports whether the sequence that the event has completed makes a
// terminal send something. What is against the grammar counts as asking:
// terminals differ in what they make of it.
func (p *parser) asks(e event) bool {
	switch e {
	case escape:
		return p.final == 'Z' && p.size == 0 // DECID
	case csi:
		return p.bad || p.function().asks()
	case str:
		return p.stringAsks()
	}
	return false
}

// asks knows the reports of DEC STD 070, xterm's ctlseqs and kitty's protocols.
// Terminals differ in which intermediates they drop, so what is left without
// them must not ask either: a rectangle that a watcher misses is the lesser evil.
func (f function) asks() bool {
	if f.asksWithIntermediate() {
		return true
	}
	switch f.final {
	case 'c': // DA1, DA2, DA3
		return true
	case 'n': // DSR; with > it sets key options
		return f.private != '>'
	case 'x': // DECREQTPARM
		return f.private == 0
	case 't': // window reports, not window operations
		n := f.first()
		return f.private == 0 && (n == 11 || n >= 13 && n <= 16 || n >= 18 && n <= 21)
	case 'q': // XTVERSION
		return f.private == '>'
	case 'u', 'S', 'm', 'g': // kitty keyboard, XTSMGRAPHICS, XTQMODKEYS, XTQFMTKEYS
		return f.private == '?'
	}
	return false
}

// asksWithIntermediate knows the reports that have an intermediate.
func (f function) asksWithIntermediate() bool {
	switch string(f.inter) {
	case "$":
		return strings.IndexByte("puw", f.final) >= 0 // DECRQM, DECRQTSR, DECRQPSR
	case "*":
		return f.final == 'y' // DECRQCRA
	case "&":
		return f.final == 'u' // DECRQUPSS
	case "\"":
		return f.final == 'v' // DECRQDE
	case "'":
		return f.final == '|' // DECRQLP
	case "+":
		return f.final == 'p' || f.final == 'x' // DECSR, DECRQPKFM
	case "#":
		return f.final == 'R' || f.final == '|' // XTREPORTCOLORS, XTREPORTSGR
	}
	return len(f.inter) > 1 // no function has two
}

// stringAsks judges a string by its beginning, and an OSC by whether it holds a
// question mark.
func (p *parser) stringAsks() bool {
	body := p.body()
	switch p.kind {
	case ']':
		code, known := osc(body)
		if known && harmless(code) {
			return false
		}
		switch strings.TrimLeft(code, "0") {
		case "60", "61", "99", "1337", "5522": // xterm's features, kitty's and iTerm's protocols
			return true
		}
		return p.query
	case 'P':
		return dcsAsks(body)
	case '_':
		return len(body) > 0 && body[0] == 'G' // kitty's graphics: each command is answered
	}
	return false
}

// harmless lists the codes whose text may hold a question mark that asks
// nothing: titles, folder, link, notices, marks of shells.
func harmless(code string) bool {
	switch code {
	case "0", "1", "2", "7", "8", "9", "133", "633", "777", "3008":
		return true
	}
	return false
}

// dcsAsks knows DECRQSS ($q), XTGETTCAP (+q), kitty's commands (@) and tmux's way
// through to the terminal outside (t).
func dcsAsks(body []byte) bool {
	i := 0
	for i < len(body) && body[i] >= '0' && body[i] < '@' {
		i++
	}
	start := i
	for i < len(body) && body[i] < '0' {
		i++
	}
	if i == len(body) {
		// No final byte: harmless as it stands, but it could be too long to see one.
		return i > 0
	}
	switch string(body[start : i+1]) {
	case "$q", "+q", "@", "t":
		return true
	}
	return body[i] < '@' || body[i] >= 0x80 // against the grammar
}
