package attach

import (
	"strings"
	"unicode/utf8"
)

// wrap breaks a line of a listing at blanks, so that none is wider than width;
// what a person is to type must not be cut off. The rest stands below the
// column that the first part has after two blanks.
func wrap(line string, width int) []string {
	indent := 4
	if start := len(line) - len(strings.TrimLeft(line, " ")); strings.Contains(line[start:], "  ") {
		gap := start + strings.Index(line[start:], "  ")
		indent = gap + len(line[gap:]) - len(strings.TrimLeft(line[gap:], " "))
	}
	if indent > width/2 {
		indent = 0
	}
	var parts []string
	for width > 0 && len(line) > width {
		at := strings.LastIndexByte(line[:width+1], ' ')
		if at <= indent {
			at = width
		}
		parts = append(parts, strings.TrimRight(line[:at], " "))
		line = strings.Repeat(" ", indent) + strings.TrimLeft(line[at:], " ")
	}
	return append(parts, line)
}

// lastRows is the end of a replay that takes no more than so many rows of a
// terminal with so many columns; 0 columns are as many as it takes. The row in which
// the cursor comes to stand counts, though it be empty.
func lastRows(text []byte, cols, rows int) []byte {
	starts := []int{0}
	col := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == '\n':
			starts, col = append(starts, i+1), 0
		case r == '\r':
			col = 0
		case r == '\b':
			col = max(0, col-1)
		case r == '\t':
			col = min(col/8*8+8, max(cols-1, 0)) // a tab wraps nothing
		case r == '\x1b': // of a whole SGR sequence: there is no other in a replay
			for i+size < len(text) && text[i+size-1] != 'm' {
				size++
			}
		default:
			if w := cells(r); cols > 0 && col+w > cols {
				starts, col = append(starts, i), w
			} else {
				col += w
			}
		}
		i += size
	}
	return text[starts[max(0, len(starts)-rows)]:]
}

// cells is how wide terminals show a character, as far as it matters here:
// East Asian wide ones and pictures take two columns (Unicode UAX 11).
func cells(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
