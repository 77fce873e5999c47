package screen

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func replayOf(parts []string) string {
	var r Replay
	var out []byte
	for _, part := range parts {
		out = r.Append(out, []byte(part))
	}
	return string(r.Close(out))
}

func TestReplay(t *testing.T) {
	for text, want := range map[string]string{
		"plain\r\n\tx\b":                          "plain\r\n\tx\b",
		"caf\u00e9 \u26d4":                        "caf\u00e9 \u26d4",
		"\x1b[31;1mred\x1b[0m":                    "\x1b[31;1mred\x1b[0m",
		"\x1b[31mred":                             "\x1b[31mred\x1b[0m",
		"\x1b[0;31mred":                           "\x1b[0;31mred\x1b[0m",
		"\x1b[31mred\x1b[m":                       "\x1b[31mred\x1b[m",
		"\x1b[31;0mx":                             "\x1b[31;0mx",
		"\x1b[38;5;0mx":                           "\x1b[38;5;0mx\x1b[0m",
		"\x1b[38;2;0;0;0mx":                       "\x1b[38;2;0;0;0mx\x1b[0m",
		"\x1b[38:2::0:0:0mx\x1b[0m":               "\x1b[38:2::0:0:0mx\x1b[0m",
		"\x1b[>4;2mx\x1b[?4mx\x1b[1 mx":           "xxx",
		"a\x07\x00\x05\x0e\x0f\x0b\x0c\x7fb":      "ab",
		"\x1b[2Ja\x1b[Hb\x1b[?1049hc\x1b[5Cd":     "abcd",
		"\x1b]0;t\x07a\x1b]52;c;QQ==\x1b\\b":      "ab",
		"\x1b]0;never ended\nnext":                "\nnext",
		"\x9b31mx\xc2\x9b31my\xff\xe2\x9bz":       "31mx31myz",
		"\x1b[" + strings.Repeat("1;", 99) + "mx": "x",
		"\x1b[1\nmx\x1b[0m":                       "\n\x1b[1mx\x1b[0m",
	} {
		pieces(text, func(parts []string) {
			if got := replayOf(parts); got != want {
				t.Fatalf("%.60q in %d pieces became %.60q, want %.60q", text, len(parts), got, want)
			}
		})
	}
}

// onlyFlow is everything that a replay may hold.
var onlyFlow = regexp.MustCompile(`^([ -~\r\n\t\x08\x{a0}-\x{10ffff}]|\x1b\[[0-9;:]*m)*$`)

func checkReplay(t *testing.T, text, out string) {
	t.Helper()
	if !utf8.ValidString(out) || !onlyFlow.MatchString(out) {
		t.Fatalf("%.80q became %.80q", text, out)
	}
	if a := answered(out); a != nil {
		t.Fatalf("%.80q became %.80q: a terminal answers to %q", text, out, a)
	}
}

// TestReplayMakesNoAnswer is the promise of an attach: whatever is in the
// record, the terminal that it is replayed to keeps silent.
func TestReplayMakesNoAnswer(t *testing.T) {
	for _, text := range hostile() {
		whole := replayOf([]string{text})
		checkReplay(t, text, whole)
		pieces(text, func(parts []string) {
			if got := replayOf(parts); got != whole {
				t.Fatalf("%.60q in %d pieces became %.60q, at once %.60q", text, len(parts), got, whole)
			}
		})
		checkReplay(t, text, replayOf([]string{"\x1b", text, "\x1b]0;", text, "\x1bP", text, "\xe2\x9b", text}))
	}
	for name, text := range recorded(t) {
		checkReplay(t, name, replayOf([]string{text}))
	}
	all := strings.Join(hostile(), "")
	checkReplay(t, all, replayOf([]string{all}))
}

func FuzzReplay(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 200 {
			f.Add(text, uint(2))
		}
	}
	f.Fuzz(func(t *testing.T, text string, at uint) {
		if len(text) == 0 {
			return
		}
		at %= uint(len(text))
		whole := replayOf([]string{text})
		if got := replayOf([]string{text[:at], text[at:]}); got != whole {
			t.Fatalf("%q cut at %d: %q, at once %q", text, at, got, whole)
		}
		checkReplay(t, text, whole)
	})
}

func BenchmarkReplay(b *testing.B) {
	for name, text := range benchStreams(b) {
		b.Run(name, func(b *testing.B) {
			var r Replay
			var out []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				out = r.Append(out[:0], []byte(text))
			}
		})
	}
}
