// Package dialogue is what the gateway says to a target by itself: the login
// and the steps on connect, break sequences, what is sent when nobody types. It
// reads their notation, waits for what a target is expected to say, and
// hides the secrets that it types from what the target says back. It knows no
// console; a line is something to write to.
//
// Goroutines: Run is the caller's own. Hear is called by the goroutine that
// reads the line. A program of a step has three more, which Run waits for.
package dialogue

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Delay is how long a \d in a sequence waits, and how long its BREAK is;
// Conserver has the same.
const Delay = 250 * time.Millisecond

// The bounds of a sequence: what it sends holds the line of whoever writes.
const (
	maxDelays = 40 // ten seconds
	maxBreaks = 8
)

// A Sequence is bytes, delays and BREAKs, sent in order.
type Sequence []Piece

// A Piece of a Sequence is one of three.
type Piece struct {
	Text  []byte
	Delay time.Duration
	Break time.Duration
}

// ParseSequence reads the notation of a sequence: that of ParseText, and \d for
// a delay and \z for a BREAK of 250 ms.
func ParseSequence(text string) (Sequence, error) {
	var s Sequence
	var delays, breaks int
	for i := 0; i < len(text); {
		b, n, err := next(text[i:])
		if err != nil && n == 0 {
			return nil, err
		}
		i += max(n, 1)
		switch {
		case err == nil && len(s) > 0 && s[len(s)-1].Text != nil:
			s[len(s)-1].Text = append(s[len(s)-1].Text, b)
		case err == nil:
			s = append(s, Piece{Text: []byte{b}})
		case b == 'd':
			delays++
			s = append(s, Piece{Delay: Delay})
		default:
			breaks++
			s = append(s, Piece{Break: Delay})
		}
	}
	if delays > maxDelays || breaks > maxBreaks {
		return nil, fmt.Errorf("more than %d delays or %d BREAKs", maxDelays, maxBreaks)
	}
	return s, nil
}

// ParseText reads the escapes of a text to send: \r \n \t \e \\ \xHH and \cX,
// a control key.
func ParseText(text string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		b, n, err := next(text[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, b)
		i += n
	}
	return out, nil
}

// String is the sequence in its notation.
func (s Sequence) String() string {
	var out strings.Builder
	for _, p := range s {
		switch {
		case p.Delay > 0:
			out.WriteString(`\d`)
		case p.Break > 0:
			out.WriteString(`\z`)
		}
		for _, b := range p.Text {
			switch i := strings.IndexByte("\r\n\t\x1b\\", b); {
			case i >= 0:
				out.WriteString(`\` + `rnte\`[i:i+1])
			case b < ' ' || b > '~':
				fmt.Fprintf(&out, `\x%02x`, b)
			default:
				out.WriteByte(b)
			}
		}
	}
	return out.String()
}

// Play sends the sequence to a line: brk sends a BREAK, rest waits; the first
// error ends it.
func (s Sequence) Play(line io.Writer, brk, rest func(time.Duration) error) error {
	for _, p := range s {
		var err error
		switch {
		case p.Delay > 0:
			err = rest(p.Delay)
		case p.Break > 0:
			err = brk(p.Break)
		default:
			_, err = line.Write(p.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Breaks reports whether there is a BREAK in it.
func (s Sequence) Breaks() bool {
	for _, p := range s {
		if p.Break > 0 {
			return true
		}
	}
	return false
}

// An escapeError is an escape that stands for nothing, or, with its n above 0,
// not for a byte.
type escapeError string

func (e escapeError) Error() string {
	return `"` + string(e) + `" stands for nothing; there are \r \n \t \e \\ \xHH \cX`
}

// next reads one byte of a text: what it stands for, and how long it was
// written. \d and \z are an error with their length and letter.
func next(text string) (b byte, n int, _ error) {
	if text[0] != '\\' {
		return text[0], 1, nil
	}
	bad := escapeError(text[:min(len(text), 4)])
	if len(text) == 1 {
		return 0, 0, bad
	}
	switch c := text[1]; c {
	case 'r':
		return '\r', 2, nil
	case 'n':
		return '\n', 2, nil
	case 't':
		return '\t', 2, nil
	case 'e':
		return 0x1b, 2, nil
	case '\\':
		return '\\', 2, nil
	case 'd', 'z':
		return c, 2, bad
	case 'x':
		if len(text) >= 4 {
			if v, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
				return byte(v), 4, nil
			}
		}
	case 'c':
		if len(text) >= 3 && text[2] >= '?' && text[2] <= 'z' {
			if text[2] == '?' {
				return 0x7f, 3, nil
			}
			return text[2] & 0x1f, 3, nil
		}
	}
	return 0, 0, bad
}
