package screen

// Answers parts what a person's terminal sends into keystrokes and the
// terminal's own answers (CSI..R, CSI..c, CSI 8;..t, OSC and DCS replies, focus in/out,
// mouse is a keystroke), which never take the lock. The zero value is ready.
type Answers struct {
	parser parser
	held   []byte // the sequence so far, without an ESC that was a keystroke already
	long   bool   // it is an answer too long to hold; its beginning is out
}

// Split appends keystrokes to keys and answers to answers. A lone ESC at the
// end of src is a keystroke at once; only a sequence that could still become
// an answer is held, see Held and Flush.
func (a *Answers) Split(keys, answers, src []byte) (k, ans []byte) {
	for i := 0; i < len(src); {
		c := src[i]
		if c == 0x9c && a.parser.state == inString { // ST as one byte, for those who set S8C1T
			a.parser.reset()
			answers = append(append(answers, a.held...), c)
			a.clear()
			i++
			continue
		}
		e := a.parser.step(c)
		if !e.again() {
			i++
		}
		keys, answers = a.sort(keys, answers, e, c)
	}
	if a.parser.state == inEscape && len(a.held) == 1 {
		keys = append(keys, a.held...)
		a.clear()
	}
	return keys, answers
}

func (a *Answers) sort(keys, answers []byte, e event, c byte) (k, ans []byte) {
	switch e {
	case printed, stray:
		return append(keys, c), answers
	case char, broken:
		return append(keys, a.parser.raw()...), answers
	case c1:
		return a.begin(keys), answers
	case nothing:
		return a.inside(keys, answers, c)
	case cut:
		if a.parser.state == inEscape { // the ESC that ended a string begins the next sequence
			a.parser.reset()
			keys = a.Flush(keys)
			a.parser.start()
			return keys, answers
		}
		return a.Flush(keys), answers
	case control: // no answer holds one: after a held ESC it was typed
		return append(a.Flush(keys), c), answers
	}
	if !a.answered(e) {
		keys = append(append(keys, a.held...), c)
	} else {
		answers = append(append(answers, a.held...), c)
	}
	a.clear()
	return keys, answers
}

// begin takes a C1 control, with which terminals begin answers once the
// target has asked for 8-bit controls.
func (a *Answers) begin(keys []byte) []byte {
	raw := a.parser.raw()
	switch c := raw[len(raw)-1]; c {
	case 0x90, 0x9b, 0x9d, 0x9f:
		a.parser.start()
		a.parser.introduce(c - 0x40)
		a.held = append(a.held[:0], raw...)
		return keys
	}
	return append(keys, raw...)
}

// inside takes a byte of an unfinished sequence.
func (a *Answers) inside(keys, answers []byte, c byte) (k, ans []byte) {
	if a.parser.state == inChar {
		return keys, answers
	}
	if a.long {
		answers = append(answers, c)
	} else {
		a.held = append(a.held, c)
	}
	p := &a.parser
	switch {
	case p.state == inEscape, p.state == inStringEscape, p.state == inCSI && !p.bad:
	case p.state == inString && c >= ' ' && c != del && p.kind != 'k' && p.kind != 'X' && p.kind != '^':
		if len(a.held) > maxHeld {
			answers = append(answers, a.held...)
			a.held, a.long = a.held[:0], true
		}
	default: // Alt with a letter that begins a string, or something typed after one
		keys = a.Flush(keys)
	}
	return keys, answers
}

// answered reports whether the sequence that the event has completed is one
// that terminals send by themselves or because they were asked.
func (a *Answers) answered(e event) bool {
	switch e {
	case str:
		return true
	case csi:
		return !a.parser.bad && a.parser.function().answers()
	}
	return false
}

// answers knows the reports. Keys have no private mark but <, with which the
// mouse reports; some end in a $, and then an intermediate is none.
func (f function) answers() bool {
	switch {
	case f.private == '<':
		return false
	case f.private != 0:
		return true
	case len(f.inter) > 0:
		return f.is(0, "$", 'y') || f.is(0, "\"", 'w') || f.is(0, "*", 'q') // DECRPM, DECRPDE, DECSRC
	}
	switch f.final {
	case 'c', 'n', 't', 'x':
		return true
	case 'I', 'O': // focus
		return len(f.params) == 0
	case 'R': // with parameters the cursor's place, without the key F3
		return len(f.params) > 0
	}
	return false
}

// Held reports how many bytes wait for the end of what may be an answer.
func (a *Answers) Held() int {
	n := len(a.held)
	if a.parser.state == inChar {
		n += len(a.parser.raw())
	}
	return n
}

// Flush appends what is held to keys: for when the rest does not come.
func (a *Answers) Flush(keys []byte) []byte {
	keys = append(keys, a.held...)
	if a.parser.state == inChar {
		keys = append(keys, a.parser.raw()...)
	}
	a.parser.reset()
	a.clear()
	return keys
}

func (a *Answers) clear() { a.held, a.long = a.held[:0], false }
