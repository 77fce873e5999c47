package screen

import (
	"bytes"
	"iter"
)

// A function is a CSI sequence taken apart (ECMA-48, 5.4).
type function struct {
	private byte   // < = > ? or 0
	params  []byte // digits ; :
	inter   []byte // 0x20-0x2f
	final   byte
}

// function takes apart the sequence that a csi event has completed; of a bad
// one it is meaningless.
func (p *parser) function() function {
	f := function{params: p.body(), final: p.final}
	if len(f.params) > 0 && f.params[0] >= '<' {
		f.private, f.params = f.params[0], f.params[1:]
	}
	if i := bytes.IndexFunc(f.params, func(r rune) bool { return r < '0' }); i >= 0 {
		f.params, f.inter = f.params[:i], f.params[i:]
	}
	return f
}

// is reports whether the function has this private mark, intermediates and final byte.
func (f function) is(private byte, inter string, final byte) bool {
	return f.final == final && f.private == private && string(f.inter) == inter
}

// first is the first parameter, or 0.
func (f function) first() int {
	word, _, _ := bytes.Cut(f.params, []byte{';'})
	return number(word)
}

// tooBig is as what a parameter is read that is too big for any use.
const tooBig = 65535

// number reads a parameter.
func number(word []byte) int {
	n := 0
	for _, c := range word {
		if c < '0' || c > '9' {
			break
		}
		n = min(10*n+int(c-'0'), tooBig)
	}
	return n
}

// attributes yields what an SGR sequence sets: its parameters but for those that
// only say which colour (38;5;N and 38;2;R;G;B). Where such a colour is broken off
// or of another kind it yields -1.
func (f function) attributes() iter.Seq[int] {
	return func(yield func(int) bool) {
		skip, extended := 0, false
		for word := range bytes.SplitSeq(f.params, []byte{';'}) {
			n := number(word)
			switch {
			case skip > 0:
				skip--
				continue
			case extended:
				extended = false
				switch n {
				case 5:
					skip = 1
				case 2:
					skip = 3
				default:
					if !yield(-1) {
						return
					}
				}
				continue
			}
			extended = (n == 38 || n == 48 || n == 58) && !bytes.ContainsRune(word, ':')
			if !yield(n) {
				return
			}
		}
		if skip > 0 || extended {
			yield(-1)
		}
	}
}

// colour reports what an SGR sequence does: whether it resets, and whether it
// switches anything on that a later reset in it does not undo.
func (f function) colour() (resets, on bool) {
	for n := range f.attributes() {
		if n == 0 {
			resets = true
		}
		on = n != 0
	}
	return resets, on
}

// osc returns the code of an OSC string; known says that it is whole.
func osc(body []byte) (code string, known bool) {
	head, _, known := bytes.Cut(body, []byte{';'})
	return string(head), known
}
