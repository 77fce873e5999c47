package telnet

import "bytes"

// The states of the decoder: what the next byte is.
type state uint8

const (
	inData   state = iota
	afterIAC       // a command, or IAC again
	inOption       // the option of WILL, WONT, DO, DONT
	inSub          // a subnegotiation's content
	inSubIAC       // IAC within a subnegotiation
)

// maxSub is how much of a subnegotiation is kept. Those that are understood,
// TERMINAL-TYPE SEND and the peer's answers of RFC 2217, have six bytes at most; a
// longer one is dropped up to its IAC SE without ever being held.
const maxSub = 16

// A decoder takes telnet apart: data out of the stream, commands acted on, and
// answers collected. It is the whole state of the receiving direction, of fixed
// size, and depends on nothing but the bytes: how they are cut makes no difference.
type decoder struct {
	opt   options
	com   comPort
	state state
	cmd   byte // of inOption
	cr    bool // the last byte of data was a CR, outside BINARY
	nsub  int  // bytes in sub; maxSub+1 when there were more
	sub   [maxSub]byte

	credit  int    // answers that may still be made; the port refills it as time goes by
	answers []byte // to be sent to the peer, in order
	spent   int    // bytes that were no data since the port last looked: commands and subnegotiations
}

// decode moves the data within src to dst and returns its length. dst may
// overlap src when it begins as early or earlier; it needs room for one byte more than src if
// an IAC is pending (see pending), because that byte may turn out to be data.
func (d *decoder) decode(dst, src []byte) int {
	w := 0
	for r := 0; r < len(src); {
		b := src[r]
		switch d.state {
		case inData:
			text := src[r:]
			if i := bytes.IndexByte(text, cmdIAC); i >= 0 {
				text = text[:i]
			}
			r += len(text)
			w += d.text(dst[w:], text)
			if r < len(src) {
				d.state = afterIAC
				r++
			}
			continue
		case afterIAC:
			if b < cmdSE {
				// Not telnet: QEMU's serial lines send 0xFF without doubling it.
				// The byte itself is read again, as data.
				dst[w] = cmdIAC
				w++
				d.state, d.cr = inData, false
				continue
			}
			if b == cmdIAC {
				dst[w] = cmdIAC
				w++
				d.state, d.cr = inData, false
				break
			}
			d.command(b)
		case inOption:
			d.spent += 3
			d.state = inData
			d.option(b)
		case inSub:
			text := src[r:]
			if i := bytes.IndexByte(text, cmdIAC); i >= 0 {
				text = text[:i]
			}
			r += len(text)
			d.keep(text)
			if r < len(src) {
				d.state = inSubIAC
				r++
			}
			continue
		case inSubIAC:
			d.subIAC(b)
		}
		r++
	}
	return w
}

// pending reports whether an IAC was read that may yet turn out to be data.
func (d *decoder) pending() bool { return d.state == afterIAC }

// text copies data that holds no IAC. Outside BINARY it drops the NUL of CR NUL,
// which is how RFC 854 writes a bare CR; CR LF stays, and so does what RFC 854 does not
// allow after a CR.
func (d *decoder) text(dst, src []byte) int {
	if len(src) == 0 {
		return 0
	}
	if d.opt.himBinary == yes {
		return copy(dst, src)
	}
	w := 0
	for {
		i := bytes.IndexByte(src, 0)
		if i < 0 {
			break
		}
		if i > 0 {
			d.cr = src[i-1] == '\r'
		}
		if !d.cr {
			i++
		}
		w += copy(dst[w:], src[:i])
		if d.cr {
			i++
			d.cr = false
		}
		src = src[i:]
	}
	if len(src) > 0 {
		d.cr = src[len(src)-1] == '\r'
	}
	return w + copy(dst[w:], src)
}

// command acts on a command of two bytes, or begins a longer one.
func (d *decoder) command(b byte) {
	d.state = inData
	switch b {
	case cmdWILL, cmdWONT, cmdDO, cmdDONT:
		d.state, d.cmd = inOption, b
		return
	case cmdSB:
		d.state, d.nsub = inSub, 0
	case cmdAYT:
		// RFC 854 wants visible evidence. Anything visible would be typed
		// into the console, so the evidence is on the wire only.
		if d.mayAnswer() {
			d.answer(cmdIAC, cmdNOP)
		}
	}
	// The others (NOP, DM, BRK, IP, AO, EC, EL, GA, a stray SE) mean nothing
	// to a console's client.
	d.spent += 2
}

// option acts on WILL, WONT, DO or DONT.
func (d *decoder) option(opt byte) {
	switch d.cmd {
	case cmdWILL:
		was := d.opt.himBinary
		if answer, agree := offered(d.opt.him(opt), d.mayAnswer()); answer && agree {
			d.answer(cmdIAC, cmdDO, opt)
		} else if answer {
			d.answer(cmdIAC, cmdDONT, opt)
		}
		if was != d.opt.himBinary {
			d.cr = false // from here on NUL is data
		}
	case cmdDO:
		if answer, agree := offered(d.opt.us(opt), d.mayAnswer()); answer && agree {
			d.answer(cmdIAC, cmdWILL, opt)
		} else if answer {
			d.answer(cmdIAC, cmdWONT, opt)
		}
	case cmdWONT:
		if withdrawn(d.opt.him(opt), d.mayAnswer()) {
			d.answer(cmdIAC, cmdDONT, opt)
		}
	case cmdDONT:
		if withdrawn(d.opt.us(opt), d.mayAnswer()) {
			d.answer(cmdIAC, cmdWONT, opt)
		}
	}
}

// keep holds on to the beginning of a subnegotiation.
func (d *decoder) keep(b []byte) {
	d.spent += len(b)
	if d.nsub+len(b) > maxSub {
		d.nsub = maxSub + 1
		return
	}
	d.nsub += copy(d.sub[d.nsub:], b)
}

// subIAC acts on the byte after an IAC within a subnegotiation.
func (d *decoder) subIAC(b byte) {
	switch {
	case b == cmdIAC:
		d.state = inSub
		d.spent++
		d.keep([]byte{cmdIAC})
	case b == cmdSE:
		d.state = inData
		d.spent += 2
		d.subnegotiated()
	case b > cmdSE:
		// The peer forgot its SE; a command ends the subnegotiation, unheard.
		d.command(b)
	default:
		d.state, d.nsub = inSub, maxSub+1
		d.spent += 2
	}
}

// subnegotiated acts on a whole subnegotiation.
func (d *decoder) subnegotiated() {
	if d.nsub > maxSub {
		return
	}
	sub := d.sub[:d.nsub]
	if len(sub) > 0 && sub[0] == optComPort && d.opt.usComPort == yes {
		d.com.hear(sub[1:])
		return
	}
	if string(sub) == string([]byte{optTType, ttypeSend}) && d.opt.usTType == yes && d.mayAnswer() {
		d.answer(cmdIAC, cmdSB, optTType, ttypeIs)
		d.answers = append(d.answers, terminalType...)
		d.answers = append(d.answers, cmdIAC, cmdSE)
	}
}

// mayAnswer reports whether another answer is within what a peer gets.
func (d *decoder) mayAnswer() bool { return d.credit > 0 }

// answer begins an answer.
func (d *decoder) answer(b ...byte) {
	d.credit--
	d.answers = append(d.answers, b...)
}
