package screen

// A Replay lets through text, CR, LF, TAB, BS and colour (SGR) and nothing
// else, so that old bytes can neither ask the terminal anything, nor move its cursor out of
// the flow, nor set its title or clipboard. The zero value is ready.
//
// What it appends holds no ESC but that of whole SGR sequences, no C1 control in
// either form, and only whole UTF-8 characters: so it is safe however a
// terminal reads what was left out.
type Replay struct {
	parser parser
	colour bool
}

// Append filters src and appends to dst.
func (r *Replay) Append(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if r.parser.state == ground {
			n := flow(src[i:])
			dst = append(dst, src[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		// A string without an end, as line noise makes it, hides its own line only.
		if c == lf && r.parser.inText() {
			r.parser.reset()
		}
		e := r.parser.step(c)
		if !e.again() {
			i++
		}
		switch e {
		case printed:
			dst = append(dst, c)
		case char:
			dst = append(dst, r.parser.raw()...)
		case control:
			if isFlow(c) {
				dst = append(dst, c)
			}
		case csi:
			dst = r.appendColour(dst)
		}
	}
	return dst
}

// isFlow reports whether c is plain text or moves within the flow of it.
func isFlow(c byte) bool {
	return c >= ' ' && c < del || c == cr || c == lf || c == tab || c == bs
}

// flow returns the length of the plain text at the start of p.
func flow(p []byte) int {
	for i, c := range p {
		if !isFlow(c) {
			return i
		}
	}
	return len(p)
}

func (r *Replay) appendColour(dst []byte) []byte {
	f := r.parser.function()
	if r.parser.bad || !f.is(0, "", 'm') || !f.quiet() {
		return dst
	}
	resets, on := f.colour()
	r.colour = on || r.colour && !resets
	return appendCSI(dst, f.params, 'm')
}

func appendCSI(dst, params []byte, final byte) []byte {
	dst = append(dst, esc, '[')
	dst = append(dst, params...)
	return append(dst, final)
}

// Close appends what ends the replay cleanly: SGR reset if colour was left on.
func (r *Replay) Close(dst []byte) []byte {
	if r.colour {
		dst = append(dst, "\x1b[0m"...)
	}
	*r = Replay{}
	return dst
}
