package screen

import (
	"strings"
	"testing"
)

func queriesOf(parts []string) string {
	var q Queries
	var out []byte
	for _, part := range parts {
		out = q.Append(out, []byte(part))
	}
	return string(out)
}

// TestModelAnswers: a model that keeps silent would prove nothing.
func TestModelAnswers(t *testing.T) {
	silent := 0
	for _, text := range hostile() {
		if answered(text) == nil {
			silent++
		}
	}
	if most := len(hostile()) / 4; silent > most {
		t.Errorf("the model keeps silent at %d sequences, at most %d are no queries", silent, most)
	}
}

func TestQueriesAsksNothing(t *testing.T) {
	for _, text := range hostile() {
		whole := queriesOf([]string{text})
		pieces(text, func(parts []string) {
			got := queriesOf(parts)
			if got != whole {
				t.Fatalf("%.60q in %d pieces: %.60q, at once %.60q", text, len(parts), got, whole)
			}
		})
		if a := answered(whole); a != nil {
			t.Errorf("%.60q became %.60q: a terminal answers to %.60q", text, whole, a)
		}
	}
}

// TestQueriesFlushAsksNothing: a target can stop in the middle of a query for
// as long as it takes.
func TestQueriesFlushAsksNothing(t *testing.T) {
	for _, text := range hostile() {
		for i := range places(text) {
			var q Queries
			out := q.Append(nil, []byte(text[:i]))
			out = q.Flush(out)
			if q.Held() != 0 {
				t.Fatalf("%.60q cut at %d: %d bytes held after Flush", text, i, q.Held())
			}
			out = q.Append(out, []byte(text[i:]))
			if a := answered(string(out)); a != nil {
				t.Errorf("%.60q cut at %d became %.60q: a terminal answers to %.60q", text, i, out, a)
			}
		}
		var q Queries
		var out []byte
		for i := range len(text) {
			out = q.Flush(q.Append(out, []byte{text[i]}))
		}
		if a := answered(string(out)); a != nil {
			t.Errorf("%.60q in single flushed bytes became %.60q: a terminal answers to %.60q", text, out, a)
		}
	}
}

func TestQueriesPasses(t *testing.T) {
	for _, text := range []string{
		"plain text\r\n\tand \x07 more \x08\x00\x0e\x0f\x7f", "\u00e9\u26d4\u2500\U0001f600", "\xff\xfe latin \xe9\xa0x", "\x85",
		"\x1b[31;1mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b[?25l", "\x1b[?0;1r", "\x1b[!p", "\x1b[ q", "\x1b[2 q", "\x1b[22;0t", "\x1b[23;0t",
		"\x1b[8;24;80t", "\x1b[>4;2m", "\x1b[>1u", "\x1b[<u", "\x1b[u", "\x1b[s", "\x1b[1;5r", "\x1b[\n1m", "\x1b7\x1b8\x1bM\x1bc\x1b(0\x1b#8",
		"\x1b]0;what?\x07", "\x1b]2;\u00e9\u26d4?\x1b\\", "\x1b]8;;http://x/?q\x07x\x1b]8;;\x07", "\x1b]4;1;#fff\x07", "\x1b]52;c;QUJD\x07", "\x1b]112\x07",
		"\x1bPq#0;2;0;0;0~~\x1b\\", "\x1bP=1s\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\", "\x1bktitle\x1b\\", "\x1b\\", "\x1bP\x1b\\",
		"\x1bP0;1;0q" + strings.Repeat("~", 9000) + "\x1b\\", "\x1b]0;" + strings.Repeat("x", 9000) + "\x07",
	} {
		pieces(text, func(parts []string) {
			if got := queriesOf(parts); got != text {
				t.Fatalf("%.60q in %d pieces became %.60q", text, len(parts), got)
			}
		})
	}
	for name, text := range recorded(t) {
		got := queriesOf([]string{text})
		if a := answered(got); a != nil {
			t.Errorf("%s: a terminal answers to %q", name, a)
		}
		if answered(text) == nil && got != text {
			t.Errorf("%s was changed though it asks nothing", name)
		}
	}
}

// TestQueriesLeavesOut: of what is left out the controls stay that a terminal
// would have obeyed on the way.
func TestQueriesLeavesOut(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b[6nb":         "ab",
		"a\x1b[\r\n6nb":     "a\r\nb",
		"a\x1b[\n3\x18b":    "a\n\x18b",
		"a\x1b[\n3\x1b[1mb": "a\n\x1b[1mb",
		"a\x1b]10;\n?\x07b": "ab",
		"\x1b]0;a\x05b\x07": "\x1b]0;ab\x07",
		"a\x05b":            "ab",
		"a\x9b31mb":         "a31mb",
		"a\u009b31mb":       "a31mb",
	} {
		pieces(text, func(parts []string) {
			if got := queriesOf(parts); got != want {
				t.Fatalf("%q in %d pieces became %q, want %q", text, len(parts), got, want)
			}
		})
	}
}

func TestQueriesHeld(t *testing.T) {
	var q Queries
	for _, c := range []struct {
		in   string
		held int
	}{{"a", 0}, {"\x1b", 1}, {"[", 2}, {"3", 3}, {"1m", 0}, {"\xe2", 1}, {"\x9b", 2}, {"\x94", 0}, {"\x1b]0;", 4}, {"\x07", 0}} {
		q.Append(nil, []byte(c.in))
		if q.Held() != c.held {
			t.Errorf("after %q %d bytes are held, want %d", c.in, q.Held(), c.held)
		}
	}
	for _, start := range []string{"\x1b[", "\x1b]10;", "\x1b]0;", "\x1bP", "\x1b_G", "\x1b("} {
		var q Queries
		q.Append(nil, []byte(start))
		for range 100 {
			q.Append(nil, []byte(strings.Repeat("1", 1000)))
			if q.Held() > maxHeld || cap(q.held) > 2*maxHeld {
				t.Fatalf("%q: %d bytes are held, room for %d", start, q.Held(), cap(q.held))
			}
		}
	}
	for _, c := range []struct{ before, flushed, after, then string }{
		{"\x1b", "\x1b", "[31m", "[31m"},
		{"\x1b[3", "\x1b[3", "1mx", "1mx"},
		{"\x1b[6", "\x1b[6", "nx", "\x18x"},
		{"\x1b", "\x1b", "]0;x\x07y", "\x18\x1b]0;x\x07y"},
		{"\x1b]0;x", "\x1b]0;x", "y\x07z", "y\x07z"},
		{"\x1b]10;", "", "?\x07z", "z"},
		{"\xe2\x94", "\xe2", "\x80x", "\x80x"},
	} {
		var q Queries
		q.Append(nil, []byte(c.before))
		if got := string(q.Flush(nil)); got != c.flushed {
			t.Errorf("Flush of %q = %q, want %q", c.before, got, c.flushed)
		}
		if got := string(q.Append(nil, []byte(c.after))); got != c.then {
			t.Errorf("%q after it = %q, want %q", c.after, got, c.then)
		}
	}
}

func FuzzQueries(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 200 {
			f.Add(text, uint(3), false)
			f.Add(text, uint(len(text)/2), true)
		}
	}
	f.Fuzz(func(t *testing.T, text string, at uint, flush bool) {
		if len(text) == 0 {
			return
		}
		at %= uint(len(text))
		whole := queriesOf([]string{text})
		if got := queriesOf([]string{text[:at], text[at:]}); got != whole {
			t.Fatalf("%q cut at %d: %q, at once %q", text, at, got, whole)
		}
		if flush {
			var q Queries
			out := q.Flush(q.Append(nil, []byte(text[:at])))
			whole = string(q.Append(out, []byte(text[at:])))
		}
		if a := answered(whole); a != nil {
			t.Fatalf("%q became %q: a terminal answers to %q", text, whole, a)
		}
	})
}

func BenchmarkQueries(b *testing.B) {
	for name, text := range benchStreams(b) {
		b.Run(name, func(b *testing.B) {
			var q Queries
			var out []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				out = q.Append(out[:0], []byte(text))
			}
		})
	}
}
