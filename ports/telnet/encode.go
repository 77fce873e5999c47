package telnet

import "bytes"

// plain reports whether p travels as it is.
func plain(p []byte, binary bool) bool {
	return bytes.IndexByte(p, cmdIAC) < 0 && (binary || bytes.IndexByte(p, '\r') < 0)
}

// appendData appends p as it travels: IAC doubled, and outside BINARY CR as
// CR NUL, the way RFC 854 writes the key that is meant and not an end of line.
func appendData(dst, p []byte, binary bool) []byte {
	for _, b := range p {
		dst = append(dst, b)
		if w := width(b, binary); w == 2 && b == cmdIAC {
			dst = append(dst, cmdIAC)
		} else if w == 2 {
			dst = append(dst, 0)
		}
	}
	return dst
}

// width is how many bytes b travels as.
func width(b byte, binary bool) int {
	if b == cmdIAC || b == '\r' && !binary {
		return 2
	}
	return 1
}

// delivered is how many bytes of p were sent whole when n bytes of what
// appendData made of it were.
func delivered(p []byte, n int, binary bool) int {
	for i, b := range p {
		if n -= width(b, binary); n < 0 {
			return i
		}
	}
	return len(p)
}
