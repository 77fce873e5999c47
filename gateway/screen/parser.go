package screen

// The control bytes that mean something here.
const (
	enq = 0x05
	bel = 0x07
	bs  = 0x08
	tab = 0x09
	lf  = 0x0a
	cr  = 0x0d
	so  = 0x0e
	si  = 0x0f
	can = 0x18
	sub = 0x1a
	esc = 0x1b
	del = 0x7f
)

// A state is where in the stream the parser stands.
//
//	ground ── lead byte ──► inChar ── last byte ──► ground
//	ground ── ESC ──► inEscape ── 0x20-0x2f ──► inNF ── final ──► ground
//	                  inEscape ── [ ──► inCSI ── 0x40-0x7e ──► ground
//	                  inEscape ── ] P X ^ _ k ──► inString ── BEL, ESC \ ──► ground
//	CAN, SUB and ESC end every sequence unfinished.
type state byte

const (
	ground state = iota
	inChar
	inEscape
	inNF
	inCSI
	inString
	inStringEscape // after ESC in a string: \ ends it, anything else began anew
)

// An event is what one byte has brought.
type event byte

const (
	nothing event = iota // the byte belongs to something unfinished
	printed              // printable ASCII
	char                 // the last byte of a UTF-8 character: parser.raw
	control              // C0 or DEL; inside a sequence a terminal obeys it all the same
	c1                   // a C1 control, as one byte or as UTF-8: parser.raw
	stray                // a byte that cannot begin a UTF-8 character
	escape               // an ESC sequence is complete
	csi                  // a CSI sequence is complete
	str                  // a string (OSC, DCS, SOS, PM, APC, title) is complete

	// After these two the byte is still to be stepped: it is not part of what ended.
	broken // the UTF-8 character in parser.raw is unfinished
	cut    // the sequence is unfinished
)

// A parser follows a stream of bytes to a terminal, or from one.
type parser struct {
	state state
	kind  byte // of a string: ] P X ^ _ k
	final byte // of an ESC or CSI sequence
	bad   bool // the sequence is longer than body or against the grammar

	need     byte // bytes that the UTF-8 character still lacks
	low, top byte // bounds of the next one
	rawSize  byte
	rawBytes [4]byte

	size  byte // of what stands in bytes
	bytes [127]byte
}

// body is what stood between introducer and final byte; of a string the
// beginning, without controls.
func (p *parser) body() []byte { return p.bytes[:p.size] }

// raw is the UTF-8 character or C1 control of the last event.
func (p *parser) raw() []byte { return p.rawBytes[:p.rawSize] }

// reset forgets an unfinished sequence or character.
func (p *parser) reset() { p.state = ground }

// inText reports whether the parser is inside a string.
func (p *parser) inText() bool { return p.state == inString || p.state == inStringEscape }

// again reports whether the byte of the event is to be stepped once more.
func (e event) again() bool { return e == broken || e == cut }

// step takes one byte.
func (p *parser) step(c byte) event {
	switch p.state {
	case ground:
		return p.begin(c)
	case inChar:
		return p.inChar(c)
	case inString, inStringEscape:
		return p.inString(c)
	}
	switch {
	case c == esc || c == can || c == sub:
		p.state = ground
		return cut
	case c < ' ':
		return control
	case c == del:
		return nothing
	case p.state == inCSI:
		return p.inCSI(c)
	case c >= 0x80:
		p.state = ground
		return cut
	case c < '0':
		p.state = inNF
		p.keep(c)
		return nothing
	case p.state == inEscape && p.introduce(c):
		return nothing
	}
	p.final = c
	p.state = ground
	return escape
}

// begin takes a byte outside everything.
func (p *parser) begin(c byte) event {
	switch {
	case c == esc:
		p.start()
		return nothing
	case c < ' ' || c == del:
		return control
	case c < del:
		return printed
	}
	p.rawBytes[0], p.rawSize = c, 1
	p.low, p.top = 0x80, 0xbf
	switch {
	case c < 0xa0:
		return c1
	case c < 0xc2 || c > 0xf4:
		return stray
	case c < 0xe0:
		p.need = 1
	case c < 0xf0:
		p.need = 2
	default:
		p.need = 3
	}
	// The Unicode standard, table 3-7: no overlong forms, surrogates, or
	// code points above 10FFFF.
	switch c {
	case 0xe0:
		p.low = 0xa0
	case 0xed:
		p.top = 0x9f
	case 0xf0:
		p.low = 0x90
	case 0xf4:
		p.top = 0x8f
	}
	p.state = inChar
	return nothing
}

func (p *parser) inChar(c byte) event {
	if c < p.low || c > p.top {
		p.state = ground
		return broken
	}
	p.low, p.top = 0x80, 0xbf
	p.rawBytes[p.rawSize] = c
	p.rawSize++
	if p.need--; p.need > 0 {
		return nothing
	}
	p.state = ground
	if p.rawBytes[0] == 0xc2 && c < 0xa0 {
		return c1
	}
	return char
}

// start begins a sequence.
func (p *parser) start() {
	p.state, p.size, p.bad = inEscape, 0, false
}

// introduce enters the state that ESC c begins; false if it begins none. A
// string by ESC k is the title of screen and tmux.
func (p *parser) introduce(c byte) bool {
	switch {
	case c == '[':
		p.state = inCSI
	case beginsString(c):
		p.state, p.kind = inString, c
	default:
		return false
	}
	return true
}

func beginsString(c byte) bool {
	switch c {
	case ']', 'P', 'X', '^', '_', 'k':
		return true
	}
	return false
}

func (p *parser) inCSI(c byte) event {
	switch {
	case c >= 0x80:
		p.bad = true
		return nothing
	case c >= '@':
		p.final = c
		p.state = ground
		return csi
	case c >= '<' && p.size > 0, c >= '0' && p.size > 0 && p.bytes[p.size-1] < '0':
		p.bad = true // a private mark that is not first; a parameter after an intermediate
	}
	p.keep(c)
	return nothing
}

// inString ends a string late rather than early: BEL ends only what every
// terminal ends by it. Whatever could ask a terminal something needs an ESC,
// and that ends every string.
func (p *parser) inString(c byte) event {
	if p.state == inStringEscape {
		if c == '\\' {
			p.state = ground
			return str
		}
		p.start()
		return cut
	}
	switch {
	case c == esc:
		p.state = inStringEscape
	case c == can || c == sub:
		p.state = ground
		return cut
	case c == bel && p.kind == ']':
		p.state = ground
		return str
	case c >= ' ' && c != del:
		p.keep(c)
	}
	return nothing
}

func (p *parser) keep(c byte) {
	if int(p.size) == len(p.bytes) {
		p.bad = true
		return
	}
	p.bytes[p.size] = c
	p.size++
}
