package screen

import (
	"bytes"
	"unicode/utf8"
)

const (
	maxShown = 200
	maxStyle = 64
)

// A line is the end of the line that the target is printing: characters and
// whole SGR sequences. Its buffer is longer than what is shown, so that it is
// moved once in a while and not for every byte.
type line struct {
	base     [maxStyle]byte // SGR sequences in force before buf
	baseSize int
	buf      [3 * maxShown]byte
	size     int
	styled   bool // buf holds SGR
	over     bool // CR came: what is printed next begins the line anew
}

// text appends printable bytes: whole characters, or ASCII.
func (l *line) text(p []byte) {
	if l.over {
		l.end()
	}
	if len(p) > maxShown {
		l.end()
		p = p[len(p)-maxShown:] // long p is ASCII
	}
	l.room(len(p))
	l.size += copy(l.buf[l.size:], p)
}

// style appends an SGR sequence.
func (l *line) style(params []byte) {
	if l.over {
		l.end()
	}
	l.room(len(params) + 3)
	l.size = len(appendCSI(l.buf[:l.size], params, 'm'))
	l.styled = true
}

// back notes a CR.
func (l *line) back() { l.over = true }

// end begins a new line, in the colours of the old one.
func (l *line) end() {
	l.forget(l.size)
	l.over = false
}

// erase takes back the last character; colours stay.
func (l *line) erase() {
	if l.size > maxShown { // what is left may not depend on how much happens to be in buf
		l.forget(l.cutAt(maxShown))
	}
	if l.over || l.size == 0 || l.styled && l.buf[l.size-1] == 'm' && l.sequence(l.size-1) {
		return
	}
	_, n := utf8.DecodeLastRune(l.buf[:l.size])
	l.size -= n
}

// sequence reports whether an SGR sequence ends at i.
func (l *line) sequence(i int) bool {
	start := bytes.LastIndexByte(l.buf[:i], esc)
	return start >= 0 && bytes.IndexByte(l.buf[start:], 'm') == i-start
}

// room makes place for n bytes.
func (l *line) room(n int) {
	if l.size+n > len(l.buf) {
		l.forget(l.cutAt(maxShown))
	}
}

// cutAt returns where the last characters and sequences begin that are at
// most limit bytes together.
func (l *line) cutAt(limit int) int {
	i := max(0, l.size-limit)
	if l.styled {
		if start := bytes.LastIndexByte(l.buf[:i], esc); start >= 0 {
			if end := start + bytes.IndexByte(l.buf[start:l.size], 'm') + 1; end > i {
				return end
			}
		}
	}
	for i > 0 && i < l.size && !utf8.RuneStart(l.buf[i]) {
		i++
	}
	return i
}

// forget drops the first n bytes but for the colours that they leave in force.
func (l *line) forget(n int) {
	if l.styled {
		l.baseSize = len(inForce(l.base[:l.baseSize], l.buf[:n]))
	}
	l.size = copy(l.buf[:], l.buf[n:l.size])
	l.styled = l.styled && bytes.IndexByte(l.buf[:l.size], esc) >= 0
}

// inForce appends to base the SGR sequences in p that are still in force after
// it. Where they are more than maxStyle bytes the oldest go.
func inForce(base, p []byte) []byte {
	for {
		start := bytes.IndexByte(p, esc)
		if start < 0 {
			return base
		}
		end := start + bytes.IndexByte(p[start:], 'm') + 1
		sequence := p[start:end]
		p = p[end:]
		resets, on := function{params: sequence[2 : len(sequence)-1]}.colour()
		if resets {
			base = base[:0]
		}
		if !on || len(sequence) > maxStyle || bytes.HasSuffix(base, sequence) {
			continue
		}
		for len(base)+len(sequence) > maxStyle {
			first := bytes.IndexByte(base, 'm') + 1
			base = base[:copy(base, base[first:])]
		}
		base = append(base, sequence...)
	}
}

// shown is the last part of the line after the colours in force where it begins:
// as much as there is room for behind them.
func (l *line) shown() []byte {
	var style [maxStyle]byte
	base := append(style[:0], l.base[:l.baseSize]...)
	cut := l.cutAt(maxShown)
	head := inForce(base, l.buf[:cut])
	if len(head)+l.size-cut > maxShown {
		cut = l.cutAt(maxShown - maxStyle)
		head = inForce(append(base[:0], l.base[:l.baseSize]...), l.buf[:cut])
	}
	return append(head, l.buf[cut:l.size]...)
}
