package screen

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func textOf(parts []string) string {
	var t Text
	var out []byte
	for _, part := range parts {
		out = t.Append(out, []byte(part))
	}
	return string(t.Flush(out))
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"plain\n":                             "plain\n",
		"a\r\nb\r\r\nc":                       "a\nb\nc",
		"\n\n":                                "\n\n",
		"a\tb":                                "a\tb",
		"10%\r 50%\r100%\n":                   "100%\n",
		"Downloading\rdone\n":                 "doneloading\n",
		"Downloading\r\x1b[Kdone\n":           "done\n",
		"passwd\b\bX\n":                       "passXd\n",
		"ab\b \bc\n":                          "ac\n",
		"\b\b\ba":                             "a",
		"\x1b[31;1mred\x1b[0m\n":              "red\n",
		"\x1b]0;title\x07x":                   "x",
		"\x1b]0;title\x1b\\x":                 "x",
		"\x1bPq~~~\x1b\\x":                    "x",
		"\x1bktitle\x1b\\x":                   "x",
		"\x1b(0\x1b)Bx\x1b7\x1b8\x1bM":        "x",
		"\x1b]0;never ended\nnext\n":          "\nnext\n",
		"\x1bPnoise\r\nnext\n":                "\nnext\n",
		"\x1b[\nxy":                           "\ny",
		"\x1b[3\x181x":                        "1x",
		"a\x00\x07\x0e\x7f\x05\x0b\x0cb":      "ab",
		"caf\u00e9 \u26d4\n":                  "caf\u00e9 \u26d4\n",
		"\u00e9\re\n":                         "e\n",
		"\xff\xe9x":                           "\ufffd\ufffdx",
		"\xe2\x9bx":                           "\ufffdx",
		"\xe2\x9b":                            "\ufffd",
		"\x9b31mx":                            "\ufffd31mx",
		"\u009b31mx":                          "31mx",
		"Starting\x1b[20G[ OK ]\n":            "Starting           [ OK ]\n",
		"abc\x1b[2D\x1b[CX\n":                 "abX\n",
		"a\x1b[60000Cb\n":                     "a" + strings.Repeat(" ", maxJump-1) + "b\n",
		"abc\x1b[2K\rx\n":                     "x\n",
		"\x1b[2J\x1b[1;1Hone\x1b[2;1Htwo\n":   "one two\n",
		strings.Repeat("x", maxLine+5) + "\n": strings.Repeat("x", maxLine+5) + "\n",
	} {
		pieces(text, func(parts []string) {
			if got := textOf(parts); got != want {
				t.Fatalf("%.60q in %d pieces became %.60q, want %.60q", text, len(parts), got, want)
			}
		})
	}
}

func TestTextIsSafe(t *testing.T) {
	for _, text := range hostile() {
		checkText(t, textOf([]string{text}))
	}
	for _, text := range recorded(t) {
		checkText(t, textOf([]string{text}))
	}
}

func checkText(t *testing.T, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("broken UTF-8 in %.80q", out)
	}
	if strings.ContainsFunc(out, func(r rune) bool { return r < ' ' && r != lf && r != tab || r >= del && r < 0xa0 }) {
		t.Fatalf("a control in %.80q", out)
	}
}

func TestTextIsBounded(t *testing.T) {
	for _, piece := range []string{"x", "\x1b[132Gx\x1b[2K\r", "\u00e9", "\x1b]0;x", "\x1b[1", "\x1b[H"} {
		var x Text
		for range 200 {
			x.Append(nil, []byte(strings.Repeat(piece, 1000)))
			if cap(x.line) > 2*maxLine {
				t.Fatalf("%q: room for %d characters", piece, cap(x.line))
			}
		}
	}
}

func FuzzText(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 200 {
			f.Add(text, uint(2))
		}
	}
	f.Add("a\rb\x1b[Kc\bd\n\x1b[5Ge", uint(6))
	f.Fuzz(func(t *testing.T, text string, at uint) {
		if len(text) == 0 {
			return
		}
		at %= uint(len(text))
		whole := textOf([]string{text})
		if got := textOf([]string{text[:at], text[at:]}); got != whole {
			t.Fatalf("%q cut at %d: %q, at once %q", text, at, got, whole)
		}
		checkText(t, whole)
		if len(whole) > 50*len(text) {
			t.Fatalf("%d bytes became %d", len(text), len(whole))
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, text := range benchStreams(b) {
		b.Run(name, func(b *testing.B) {
			var x Text
			var out []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				out = x.Append(out[:0], []byte(text))
			}
		})
	}
}
