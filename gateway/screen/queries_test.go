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
			t.Logf("silent at %.60q", text)
		}
	}
	if most := len(hostile()) / 6; silent > most {
		t.Errorf("the model keeps silent at %d sequences, at most %d are no queries", silent, most)
	}
	for _, text := range []string{"x\x1b", "\x1b[1", "\x1b[\n1m", "\x1b]0;x", "\x1b]0;\x1b[1m", "\x9b1m", "\u009b1m", "\x1b[1\x18", "\x1b\x1b[m"} {
		if alike(text) {
			t.Errorf("all terminals are said to take %q apart alike", text)
		}
	}
}

func checkQueries(t *testing.T, text, out string) {
	t.Helper()
	if !alike(out) {
		t.Fatalf("%.60q became %.60q: terminals differ in how they read it", text, out)
	}
	if a := answered(out); a != nil {
		t.Fatalf("%.60q became %.60q: a terminal answers to %.60q", text, out, a)
	}
	// The x ends a character that is broken at the end.
	if again := queriesOf([]string{out, "x"}); again != out+"x" {
		t.Fatalf("%.60q became %.60q, and that %.60q", text, out, again)
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
		checkQueries(t, text, whole)
	}
	all := strings.Join(hostile(), "")
	checkQueries(t, all, queriesOf([]string{all}))
}

// TestQueriesPasses: what is well-formed and quiet comes through byte for byte.
func TestQueriesPasses(t *testing.T) {
	for _, text := range []string{
		"plain text\r\n\tand \x07 more \x08\x00\x0e\x0f\x7f", "\u00e9\u26d4\u2500\U0001f600", "\xff\xfe latin \xe9\xa0x", "\xda\xc4\xc4\xbf",
		"\x1b[31;1mred\x1b[0m", "\x1b[38;5;11;48;2;11;12;0mx", "\x1b[4:3;58:2::1:2:3mx", "\x1b[2J\x1b[H\x1b[3J", "\x1b[?25l", "\x1b[?12;25h", "\x1b[?1049;1r", "\x1b[!p", "\x1b[ q", "\x1b[2 q",
		"\x1b[22;0;0t", "\x1b[23;0t", "\x1b[>4;2m", "\x1b[>1u", "\x1b[<u", "\x1b[u", "\x1b[s", "\x1b[1;5r", "\x1b[32;1;1;5;80$x",
		"\x1b7\x1b8\x1bM\x1bc\x1b(0\x1b#8\x1b=\x1b>", "\x1b[?1006;1000h", "\x1b[?1034h", "\x1b[4l", "\x1b[34h\x1b[?25h", "\x1b[?1004l", "\x1b<\x1b>\x1b[?7;8h",
		"\x1b]0;what?\x07", "\x1b]2;\u00e9\u2713?\x1b\\", "\x1b]8;;http://x/?q\x07x\x1b]8;;\x07", "\x1b]4;1;#fff\x07", "\x1b]112\x07", "\x1b]104;1;2\x1b\\",
		"\x1bPq#0;2;0;0;0~~\x1b\\", "\x1bP=1s\x1b\\", "\x1bktitle\x1b\\", "\x1b\\",
		"\x1bP0;1;0q" + strings.Repeat("~", 4000) + "\x1b\\", "\x1b]0;" + strings.Repeat("x", 4000) + "\x07",
	} {
		pieces(text, func(parts []string) {
			if got := queriesOf(parts); got != text {
				t.Fatalf("%.60q in %d pieces became %.60q", text, len(parts), got)
			}
		})
	}
}

// TestQueriesPassesPrograms: of what real programs printed their questions are
// missing and not a byte more. DCS zz and CSI 0 % m are how vim finds out and
// mends what a terminal makes of strings and of the question before it.
func TestQueriesPassesPrograms(t *testing.T) {
	vim := strings.NewReplacer("\x1b[6n", "", "\x1b[>c", "", "\x1b]10;?\x07", "", "\x1b]11;?\x07", "", "\x1b[?4m", "", "\x1b[?1004h", "", "\x1bPzz\x1b\\", "", "\x1b[0%m", "")
	for name, text := range recorded(t) {
		want := text
		if strings.HasPrefix(name, "vim") {
			want = vim.Replace(text)
		}
		got := queriesOf([]string{text})
		if got != want {
			t.Errorf("%s was changed: %d bytes became %d, want %d", name, len(text), len(got), len(want))
		}
		checkQueries(t, name, got)
	}
}

func TestQueriesLeavesOut(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b[6nb":                "ab",
		"a\x1b[?3;4;1048;2048;7hb": "a\x1b[?4;1048;7hb",

		"\x1b[1:2H\x1b[22:1t\x1b[?1$r\x1b[1;2*rb": "b",
		"a\x1b[?2048hb\x1b[2;4lc":                 "ab\x1b[4lc",
		"a\x1b[?h\x1b[?4:25h\x1b[hb":              "ab",
		"a\x1b[\r\n6nb":                           "a\r\nb",
		"a\x1b[\n1mb":                             "a\n\x1b[1mb",
		"a\x1b[\n3\x18b":                          "a\nb",
		"a\x1b[\n3\x1b[1mb":                       "a\n\x1b[1mb",
		"a\x1b[3\x1b[1mb":                         "a\x1b[1mb",
		"a\x1b[1\xe9mb":                           "ab",
		"a\x1b]10;\x08?\x07b":                     "ab",
		"\x1b]0;a\x05\x08b\x07":                   "\x1b]0;ab\x07",
		"\x1b]0;a\x9cb\x07c":                      "c",
		"\x1b]0;a\u009cb\x07c":                    "c",
		"\x1b]0;a\xffb\x07c":                      "c",
		"\x1b]0;never ended\nb":                   "\nb",
		"\x1bP0q#\r\n~\x1b\\b":                    "\x1bP0q#~\x1b\\b",
		"\x1b_x\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\b":   "b",
		"a\x05\x1a\x11b":                          "ab",
		"a\x9b31mb":                               "a\ufffd31mb",
		"a\u009b31mb":                             "a31mb",
		"a\xe2\x9bb\xf0\xa0b":                     "a\xe2b\xf0\xa0b",
		"\x1b]0;" + strings.Repeat("x", maxHeld+1) + "\x07b":    "b",
		"\x1b[" + strings.Repeat("1;", 100) + "mb":              "b",
		"\x1bP0q" + strings.Repeat("~", 2*maxHeld) + "\x1b[1mb": "\x1b[1mb",
	} {
		pieces(text, func(parts []string) {
			if got := queriesOf(parts); got != want {
				t.Fatalf("%.60q in %d pieces became %q, want %q", text, len(parts), got, want)
			}
		})
	}
}

func TestQueriesIsBounded(t *testing.T) {
	for _, start := range []string{"\x1b[", "\x1b]10;", "\x1b]0;", "\x1bP", "\x1b_G", "\x1b("} {
		var q Queries
		q.Append(nil, []byte(start))
		for range 100 {
			q.Append(nil, []byte(strings.Repeat("1", 1000)))
			if len(q.text) > maxHeld || cap(q.text) > 2*maxHeld {
				t.Fatalf("%q: %d bytes are held, room for %d", start, len(q.text), cap(q.text))
			}
		}
	}
}

// TestRelease: a terminal that may answer from now on gets the whole stream but
// for what it was not to see before.
func TestRelease(t *testing.T) {
	long := strings.Repeat("x", maxHeld)
	for before, want := range map[string]string{
		"a": "", "\x1b": "\x1b", "\x1b[3": "\x1b[3", "\x1b[\n6": "\x1b[6", "\x1b(": "\x1b(", "\x1b]10;?": "\x1b]10;?", "\x1bP\x1b": "\x1bP\x1b", "\xe2\x94": "\xe2\x94",
		"\x1b]0;" + long: "\x1b]0;" + long[4:],
	} {
		var q Queries
		q.Append(nil, []byte(before))
		if between := want == ""; q.Between() != between {
			t.Errorf("after %.20q between: %v", before, q.Between())
		}
		if got := string(q.Release(nil)); got != want && len(want) < 20 || !q.Between() {
			t.Errorf("Release of %.20q = %.20q, want %.20q", before, got, want)
		}
		if got := string(q.Append(nil, []byte("x"))); got != "x" {
			t.Errorf("after Release of %.20q x became %q", before, got)
		}
	}
}

// TestResume: a terminal that must not answer any more is not asked by the rest
// of what has begun, and misses nothing that is quiet.
func TestResume(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a", "b", "b"},
		{"a\x1b[", "6nb", "\x18b"},
		{"a\x1b[3", "1mb", "\x18\x1b[31mb"},
		{"a\x1b]0;x", "y\x07b", "\x18\x1b]0;xy\x07b"},
		{"a\x1b]10;", "?\x07b", "\x18b"},
		{"a\x1b]0;x\x1b", "\\b", "\x18\x1b]0;x\x1b\\b"},
		{"a\x1b]0;" + strings.Repeat("x", 200), "y\x07b", "\x18b"},
		{"a\xe2\x94", "\x80b", "\x18\u2500b"},
	} {
		q := Queries{text: []byte("old"), long: true}
		out := q.Resume(nil, fed(c.before))
		if got := string(q.Append(out, []byte(c.after))); got != c.want {
			t.Errorf("%q after %.20q became %q, want %q", c.after, c.before, got, c.want)
		}
		if a := answered(c.before + c.want); a != nil {
			t.Errorf("%q after %.20q: a terminal answers to %q", c.want, c.before, a)
		}
	}
}

func FuzzQueries(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 200 {
			f.Add(text, uint(3))
			f.Add(text, uint(len(text)/2))
		}
	}
	f.Fuzz(func(t *testing.T, text string, at uint) {
		if len(text) == 0 {
			return
		}
		at %= uint(len(text))
		whole := queriesOf([]string{text})
		if got := queriesOf([]string{text[:at], text[at:]}); got != whole {
			t.Fatalf("%q cut at %d: %q, at once %q", text, at, got, whole)
		}
		checkQueries(t, text, whole)

		var q Queries
		resumed := q.Append(q.Resume(nil, fed(text[:at])), []byte(text[at:]))
		if out := strings.TrimPrefix(string(resumed), "\x18"); !alike(out) || answered(out) != nil {
			t.Fatalf("%q resumed at %d became %q: %q", text, at, out, answered(out))
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
