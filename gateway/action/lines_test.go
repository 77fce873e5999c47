package action

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzLines: whatever a program says, in whatever pieces, what is shown is
// bounded and free of control bytes, and every piece is taken.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		"", "one\r\ntwo", "\x1b]0;owned\a\x1b[2J\x1b[6n", "10%\r20%\r", "\xc2\x9b31m\xff\x00\x7f",
		strings.Repeat("x", 3*longestLine), strings.Repeat("\n", 3*mostLines), strings.Repeat("y\n", 3*mostLines),
	} {
		f.Add([]byte(seed), 7)
	}
	f.Fuzz(func(t *testing.T, output []byte, size int) {
		size = max(1, size)
		said, shown, bytesSaid := 0, 0, 0
		see := func(n *int) func(string) {
			return func(line string) {
				*n++
				bytesSaid += len(line)
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("a control byte in %q", line)
				}
				if len(line) > 2*longestLine {
					t.Fatalf("a line of %d bytes", len(line))
				}
			}
		}
		l := &lines{say: see(&said), show: see(&shown)}
		for piece := range slices.Chunk(output, size) {
			if n, err := l.Write(piece); n != len(piece) || err != nil {
				t.Fatalf("took %d of %d, %v", n, len(piece), err)
			}
			if len(l.line) > longestLine {
				t.Fatalf("holds %d bytes", len(l.line))
			}
		}
		l.end()
		if said > mostLines+1 || shown > mostShown+1 {
			t.Fatalf("%d lines to who runs it, %d to the others", said, shown)
		}
	})
}

func TestLinesEndless(t *testing.T) {
	said, shown := []string{}, []string{}
	l := &lines{say: func(s string) { said = append(said, s) }, show: func(s string) { shown = append(shown, s) }}
	for range 64 {
		l.Write(bytes.Repeat([]byte{'z'}, 1<<20))
	}
	l.end()
	if len(said) != mostLines+1 || said[mostLines] != "... and more; only 1000 lines are shown" {
		t.Errorf("%d lines, the last %q", len(said), said[len(said)-1])
	}
	if len(shown) != mostShown+1 || shown[mostShown] != "... and more, not shown here" {
		t.Errorf("%d lines, the last %q", len(shown), shown[len(shown)-1])
	}
}
