// Package screen knows terminals: it makes text from targets safe to print,
// finds the places between escape sequences where a notice may stand, and
// filters queries and answers. It is pure: bytes in, bytes out.
//
// One parser (ECMA-48 and what terminals made of it) serves all of it. It
// takes a byte at a time, so a stream gives the same result however it is cut
// into pieces, and it holds some hundred bytes, however long a sequence is.
package screen

import (
	"fmt"
	"strings"
)

// Printable returns hostile text for our own output (listings, notices, titles,
// logs): printable ASCII as it is, every other byte escaped as \xHH, at most
// limit bytes (then it ends in "...").
func Printable(text string, limit int) string {
	const hex = "0123456789abcdef"
	const dots = "..."
	var b strings.Builder
	cut := 0 // the longest that b may be and still take the dots
	for i := range len(text) {
		c, size := text[i], 1
		if c < ' ' || c > '~' {
			size = 4
		}
		if b.Len()+len(dots) <= limit {
			cut = b.Len()
		}
		if b.Len()+size > limit {
			return b.String()[:cut] + dots[:max(0, min(limit, len(dots)))]
		}
		if size == 1 {
			b.WriteByte(c)
			continue
		}
		b.WriteString(`\x`)
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// AppendJSON appends a JSON text with DEL and the C1 controls escaped, which
// JSON lets stand and terminals obey; and with the controls but LF, which stand
// in no file of ours. Files of JSON lines are read by tail and cat.
func AppendJSON(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == 0x7f, b < ' ' && b != '\n':
			dst = fmt.Appendf(dst, `\u%04x`, b)
		case b == 0xc2 && i+1 < len(text) && text[i+1] >= 0x80 && text[i+1] < 0xa0:
			i++
			dst = fmt.Appendf(dst, `\u%04x`, text[i])
		default:
			dst = append(dst, b)
		}
	}
	return dst
}
