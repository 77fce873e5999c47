package attach

import (
	"errors"
	"fmt"
	"time"
)

// DefaultEscape is the escape sequence where none is configured.
const DefaultEscape = "^Ec"

// escapeHold is how long the beginning of an escape sequence is kept back. It
// must not be forwarded at once: any byte can stop an autoboot countdown.
const escapeHold = time.Second

// ParseEscape reads an escape sequence of one or two keys: "^X" is a control
// key, any other printable character itself; "none" is no sequence, "" the default.
func ParseEscape(text string) ([]byte, error) {
	switch text {
	case "":
		text = DefaultEscape
	case "none":
		return nil, nil
	}
	var seq []byte
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == '^' && i+1 < len(text) {
			i++
			if text[i] < '?' || text[i] > '_' && (text[i] < 'a' || text[i] > 'z') {
				return nil, fmt.Errorf("escape %q: ^%c is no control key", text, text[i])
			}
			b = text[i] & 0x1f
			if text[i] == '?' {
				b = 0x7f
			}
		} else if b <= ' ' || b > '~' {
			return nil, fmt.Errorf("escape %q: only ^X and printable characters", text)
		}
		seq = append(seq, b)
	}
	if len(seq) > 2 {
		return nil, errors.New("escape " + text + ": one or two keys, such as ^Ec or ^]")
	}
	return seq, nil
}

// escape finds the escape sequence in what a person types. It is a state machine of
// bytes: chunks of any size give the same result.
type escape struct {
	seq     []byte // of one or two bytes; empty: none
	matched int    // bytes of seq that were typed
	command bool   // the sequence is complete; the next byte is the key
	prefix  byte   // the key l or y waits for what to send
}

// A stroke is what one byte led to.
type stroke struct {
	keys    []byte // to be typed
	command byte   // an escape key was completed
	arg     byte   // its second key, where it has one
}

// next takes one byte.
func (e *escape) next(b byte) stroke {
	switch {
	case e.prefix != 0:
		s := stroke{command: e.prefix, arg: b}
		e.prefix = 0
		return s
	case e.command:
		e.command = false
		return e.key(b)
	case len(e.seq) == 0:
		return stroke{keys: []byte{b}}
	case e.matched == 0 && b == e.seq[0]:
		e.advance()
		return stroke{}
	case e.matched == 0:
		return stroke{keys: []byte{b}}
	case b == e.seq[1]:
		e.advance()
		return stroke{}
	case b == e.seq[0]: // twice: the key itself
		e.matched = 0
		return stroke{keys: []byte{b}}
	}
	e.matched = 0
	return stroke{keys: []byte{e.seq[0], b}}
}

// advance counts a byte of the sequence.
func (e *escape) advance() {
	if e.matched++; e.matched == len(e.seq) {
		e.matched, e.command = 0, true
	}
}

// key is the byte after the whole sequence.
func (e *escape) key(b byte) stroke {
	switch {
	case len(e.seq) == 1 && b == e.seq[0]: // twice: the key itself
		return stroke{keys: []byte{b}}
	case b == 'l' || b == 'y':
		e.prefix = b
		return stroke{}
	}
	return stroke{command: b}
}

// begins reports whether a byte at a prompt belongs to an escape sequence. A
// printable one may as well belong to the answer.
func (e *escape) begins(b byte) bool {
	return e.matched > 0 || len(e.seq) > 0 && b == e.seq[0] && b < ' '
}

// held reports that the beginning of a sequence waits for its end.
func (e *escape) held() bool { return e.matched > 0 }

// flush gives back what was held for too long.
func (e *escape) flush() []byte {
	held := e.seq[:e.matched]
	e.matched = 0
	return held
}
