package screen

import (
	"slices"
	"strings"
	"testing"
)

func fed(parts ...string) *Tracker {
	t := new(Tracker)
	for _, part := range parts {
		t.Feed([]byte(part))
	}
	return t
}

func TestBetween(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "a": true, "a\r\n": true, "\x1b": false, "\x1b[": false, "\x1b[31": false, "\x1b[31m": true, "\x1b(": false, "\x1b(0": true,
		"\x1b]0;x": false, "\x1b]0;x\x1b": false, "\x1b]0;x\x1b\\": true, "\x1b]0;x\x07": true, "\x1bP1": false, "\x1b[3\x18": true,
		"\xe2": false, "\xe2\x94": false, "\xe2\x94\x80": true, "\xe2a": true, "\xff": true, "\x9b": true,
	} {
		if got := fed(text).Between(); got != want {
			t.Errorf("after %q: %v", text, got)
		}
	}
}

func TestSafeCut(t *testing.T) {
	for _, c := range []struct {
		before, p string
		want      int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"", "abc\x1b[3", 3},
		{"", "abc\x1b[31mx\xe2\x94", 9},
		{"", "\x1b[3", 0},
		{"\x1b[3", "1mabc", 5},
		{"\x1b[3", "1;", 0},
		{"\xe2\x94", "\x80", 1},
		{"\xe2", "a", 1},
		{"", "a\x1b]0;x\x07b\x1b", 8},
		{"", "\x1b\x1b", 0},
		{"", "\x1b]0;x\x1b\x1b[3", 0},
	} {
		x := fed(c.before)
		if got := x.SafeCut([]byte(c.p)); got != c.want {
			t.Errorf("SafeCut(%q) after %q = %d, want %d", c.p, c.before, got, c.want)
		}
		if want := fed(c.before).Between(); x.Between() != want {
			t.Errorf("SafeCut fed %q", c.p)
		}
	}
}

func TestLine(t *testing.T) {
	long := strings.Repeat("0123456789", 100)
	for text, want := range map[string]string{
		"":                                  "",
		"login: ":                           "login: ",
		"boot\r\nlogin: al":                 "login: al",
		"a\n":                               "",
		"a\r":                               "a",
		"10%\r50%":                          "50%",
		"ls -la\b \b\b \b":                  "ls -",
		"caf\u00e9\b":                       "caf",
		"a\xffb\x07c":                       "abc",
		"$ \x1b[1mls\x1b[0m x":              "$ \x1b[1mls\x1b[0m x",
		"\x1b[31mred\nstill ":               "\x1b[31mstill ",
		"\x1b[31mred\x1b[0m\nplain ":        "plain ",
		"\x1b[31m\x1b[1mred\n":              "\x1b[31m\x1b[1m",
		"\x1b[31mred\x1b[0;1mx\ny":          "\x1b[0;1my",
		"a\x1b]0;title\x07b\x1b[Kc":         "abc",
		"menu\x1b[5;1Hat 5":                 "at 5",
		long:                                long[800:],
		"\x1b[32m" + long:                   "\x1b[32m" + long[1000-136:],
		long + "\x1b[32mgreen":              long[1000-190:] + "\x1b[32mgreen",
		strings.Repeat("\u00e9", 150):       strings.Repeat("\u00e9", 100),
		"x" + strings.Repeat("\u26d4", 100): strings.Repeat("\u26d4", 66),
		"a\x1b[1mm\b":                       "a\x1b[1m",
		"\x1b[m" + strings.Repeat("m", 600): strings.Repeat("m", 200),
		"\x1b[m" + long[:180] + "\v" + long: long[800:],
		long + "\b" + long[:50] + "\b\b":    long[849:999] + long[:48],
	} {
		pieces(text, func(parts []string) {
			if got := string(fed(parts...).Line()); got != want {
				t.Fatalf("%.60q in %d pieces leaves %q, want %q", text, len(parts), got, want)
			}
		})
	}
	for text, want := range map[string]bool{"": true, "a": false, "a\n": true, "a\r": true, "a\r\x1b[K": true, "a\rb": false, "\u00e9": false, "\t": false} {
		if got := fed(text).AtLineStart(); got != want {
			t.Errorf("after %q at line start: %v", text, got)
		}
	}
}

func TestTitles(t *testing.T) {
	text := "\x1b]0;a\x07\x1b]1;b\x1b\\\x1b]2;c\x07\x1b]7;d\x07\x1b]11;?\x07\x1bPq\x1b\\\x1bkscreen\x1b\\\x1b]2;unfinished\x18"
	pieces(text, func(parts []string) {
		if got := fed(parts...).Titles(); got != 4 {
			t.Fatalf("%d titles, want 4", got)
		}
	})
}

func TestReset(t *testing.T) {
	for text, want := range map[string]string{
		"plain\r\n":                               "",
		"\x1b[31mred":                             "\x1b[0m",
		"\x1b[31mred\x1b[m":                       "",
		"\x1b[?25l":                               "\x1b[?25h",
		"\x1b[?25l\x1b[?25h":                      "",
		"\x1b[?1049h\x1b[2J":                      "\x1b[?1049l",
		"\x1b[?1000;1006h":                        "\x1b[?1000l\x1b[?1006l",
		"\x1b[?2004h\x1b[?1h\x1b=":                "\x1b>\x1b[?1l\x1b[?2004l",
		"\x1b[2;20r":                              "\x1b7\x1b[r\x1b8",
		"\x1b[2;20r\x1b[r":                        "",
		"\x1b[?1049h\x1b[2;20r":                   "\x1b[r\x1b[?1049l",
		"\x1b[?6h":                                "\x1b[?6l\x1b[r\x1b[999;1H",
		"\x1b(0\x0e":                              "\x0f\x1b(B",
		"\x1b(0x\x1b(B\x0e\x0f":                   "",
		"\x1b[4 q":                                "\x1b[0 q",
		"\x1b[>4;2m":                              "\x1b[>4m",
		"\x1b[>4;2m\x1b[>4m":                      "",
		"\x1b[>1u\x1b[>3u\x1b[<u":                 "\x1b[<1u",
		"\x1b[2h\x1b[12l":                         "\x1b[2l\x1b[12h",
		"\x1b[?2l":                                "\x1b<",
		"\x1b]0;never ended":                      "\x18",
		"\x1b(0\x0e\x1bPnever ended":              "\x18\x0f\x1b(B",
		"\x1b[?25l\x1b[31m\x1b[?1h\x1b[!p":        "",
		"\x1b[?1049h\x1b[?25l\x1b[31m\x1bc":       "",
		"\x1b[?25l\x1b[31m\x1b[?1002h\x1b[?1049h": "\x1b[?25h\x1b[?1002l\x1b[?1049l\x1b[0m",
	} {
		x := fed(text)
		got := string(x.Reset())
		if got != want {
			t.Errorf("after %q: %q, want %q", text, got, want)
		}
		// What undoes leaves nothing to undo.
		x.Feed([]byte(got))
		if again := x.Reset(); len(again) > 0 {
			t.Errorf("after %q and its reset: %q", text, again)
		}
	}
	for name, text := range recorded(t) {
		x := fed(text)
		x.Feed(x.Reset())
		if again := x.Reset(); len(again) > 0 {
			t.Errorf("%s after its reset: %q", name, again)
		}
	}
}

func TestSettings(t *testing.T) {
	list := settings()
	if x := (setting{'?', 2, true, false}); list[0] != x {
		t.Errorf("bitVT52 is %v", list[0])
	}
	if n := slices.IndexFunc(list[:], func(s setting) bool { return s.private == '?' && s.number == 6 }); 1<<n != bitOrigin {
		t.Errorf("DECOM is number %d", n)
	}
	var screens []int
	for i, s := range list {
		if bitScreens>>i&1 == 1 {
			screens = append(screens, s.number)
		}
	}
	if !slices.Equal(screens, []int{47, 1047, 1049}) {
		t.Errorf("bitScreens is %v", screens)
	}
}

// FuzzTracker: however a stream is cut the tracker knows the same after it, a
// safe cut is safe, and what is to be printed again asks nothing.
func FuzzTracker(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 200 {
			f.Add(text, uint(3))
		}
	}
	f.Add("\x1b[31mred\r\n\u00e9\b\x1b[1mx\r50%", uint(7))
	f.Fuzz(func(t *testing.T, text string, at uint) {
		if len(text) == 0 {
			return
		}
		at %= uint(len(text))
		x, y := fed(text), fed(text[:at], text[at:])
		if string(x.Line()) != string(y.Line()) || string(x.Reset()) != string(y.Reset()) || x.Between() != y.Between() ||
			x.Titles() != y.Titles() || x.AtLineStart() != y.AtLineStart() {
			t.Fatalf("%q cut at %d: %q %q, at once %q %q", text, at, y.Line(), y.Reset(), x.Line(), x.Reset())
		}
		if len(x.Line()) > maxShown {
			t.Fatalf("a line of %d bytes", len(x.Line()))
		}
		checkReplay(t, text, string(x.Line()))
		before := fed(text[:at])
		cut := before.SafeCut([]byte(text[at:]))
		if cut > 0 && !fed(text[:int(at)+cut]).Between() {
			t.Fatalf("%q cut at %d is not safe at %d", text, at, cut)
		}
		for i := cut + 1; i <= len(text)-int(at); i++ {
			if fed(text[:int(at)+i]).Between() {
				t.Fatalf("%q cut at %d: safe at %d too", text, at, i)
			}
		}
		x.Feed(x.Reset())
		if len(x.Reset()) > 0 {
			t.Fatalf("%q: its reset leaves %q", text, x.Reset())
		}
	})
}

func BenchmarkTracker(b *testing.B) {
	for name, text := range benchStreams(b) {
		b.Run(name, func(b *testing.B) {
			var x Tracker
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				x.Feed([]byte(text))
			}
		})
	}
}
