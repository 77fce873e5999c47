package names

import (
	"fmt"
	"math/bits"
	"strconv"
)

// A glob matches names: a plain one, or one with * ? and ranges.
type glob struct {
	plain string // set if there is nothing else
	steps []step
}

// A step is a literal byte, a wildcard ('*', '?'), or a range where spans is set.
type step struct {
	char  byte
	spans []span
}

func parseGlob(text string) (glob, error) {
	pieces, err := parsePieces(text)
	if err != nil {
		return glob{}, err
	}
	var g glob
	plain := true
	for _, p := range pieces {
		if p.spans != nil {
			g.steps = append(g.steps, step{spans: p.spans})
			plain = false
			continue
		}
		for i := range len(p.text) {
			c := p.text[i]
			switch {
			case c == '*' || c == '?':
				plain = false
			case !isNameByte(c):
				return glob{}, fmt.Errorf("%s: names hold only letters, digits and . _ -", quote(text))
			}
			g.steps = append(g.steps, step{char: lower(c)})
		}
	}
	if plain {
		return glob{plain: text}, nil
	}
	return g, nil
}

// match follows all ways through the pattern at once: bit i of at says that
// the steps so far match the first i bytes. So no pattern takes more than
// len(steps) x len(name), and a name of 63 bytes just fits.
func (g glob) match(name string) bool {
	if g.steps == nil {
		return equal(g.plain, name)
	}
	if len(name) > MaxLength {
		return false
	}
	at := uint64(1)
	for _, s := range g.steps {
		if at == 0 {
			return false
		}
		at = s.advance(at, name)
	}
	return at>>len(name)&1 == 1
}

func (s step) advance(at uint64, name string) uint64 {
	inside := uint64(1)<<len(name) - 1 // positions before which a byte stands
	switch {
	case s.spans != nil:
		return s.advanceNumber(at&inside, name)
	case s.char == '*':
		return (inside<<1 | 1) &^ (at&-at - 1) // the first position and all after it
	case s.char == '?':
		return (at & inside) << 1
	}
	var next uint64
	for at &= inside; at != 0; at &= at - 1 {
		if i := bits.TrailingZeros64(at); lower(name[i]) == s.char {
			next |= 2 << i
		}
	}
	return next
}

func (s step) advanceNumber(at uint64, name string) uint64 {
	var next uint64
	for ; at != 0; at &= at - 1 {
		i := bits.TrailingZeros64(at)
		for n := range min(digits(name[i:]), maxDigits) {
			text := name[i : i+n+1]
			value, _ := strconv.Atoi(text) // digits only, few enough
			for _, span := range s.spans {
				if span.has(text, value) {
					next |= 2 << (i + n)
					break
				}
			}
		}
	}
	return next
}
