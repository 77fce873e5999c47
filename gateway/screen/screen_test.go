package screen

import (
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile is what must neither reach a terminal through our own texts nor make
// one answer. Each asks, moves, sets or hides something in some terminal.
func hostile() []string {
	list := []string{
		"\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[?15n", "\x1b[?996n", "\x1b[0006n", "\x1b[6;1n", // DSR
		"\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[>0c", "\x1b[=c", "\x1bZ", // DA1-3, DECID
		"\x1b[4$p", "\x1b[?2026$p", "\x1b[x", "\x1b[1x", // DECRQM, DECREQTPARM
		"\x1b[1;2;3*y", "\x1b[1$w", "\x1b[1$u", "\x1b[&u", "\x1b[\"v", "\x1b['|", "\x1b[1+p", "\x1b[#R", "\x1b[1;1;2;2#|",
		"\x1b[11t", "\x1b[13t", "\x1b[14t", "\x1b[14;2t", "\x1b[15t", "\x1b[16t", "\x1b[18t", "\x1b[19t", "\x1b[20t", "\x1b[21t",
		"\x1b[>q", "\x1b[>0q", "\x1b[?u", "\x1b[?1;1;0S", "\x1b[?4m", "\x1b[?1g",
		"\x1b]4;1;?\x07", "\x1b]4;1;#fff;2;?\x1b\\", "\x1b]10;?\x07", "\x1b]11;?\x1b\\", "\x1b]12;?\x07", "\x1b]52;c;?\x07",
		"\x1b]21;foreground=?\x07", "\x1b]22;?x\x07", "\x1b]50;?\x07", "\x1b]60\x07", "\x1b]061;x\x07", "\x1b]1337;ReportCellSize\x07", "\x1b]99;i=1:p=?;\x07",
		"\x1bP$qm\x1b\\", "\x1bP0$q\"p\x1b\\", "\x1bP+q544e\x1b\\", "\x1bP@kitty-cmd{}\x1b\\", "\x1b_Gi=1,a=q;AAAA\x1b\\",
		"\x1bPtmux;\x1b\x1b[6n\x1b\\", "\x1bP\x1b[6n\x1b\\", // through tmux and screen
		"\x05", "a\x05b", "\x1b\x05[6n", // ENQ
		// Reports that come at once where a mode is set, and what acts beyond the screen.
		"\x1b[?1004h", "\x1b[?2031h", "\x1b[?2048h", "\x1b[?25;2048h", "\x1b[?4294969344h", "\x1b[?2l", "\x1b[?38h", "\x1b[?1001h", "\x1b[?3h", "\x1b[2h",
		"\x1b[i", "\x1b[5i", "\x1b[?5i", "\x1b[2t", "\x1b[8;24;80t", "\x1b[4294967310t", "\x1b[30t", "\x1b[1;1;1;1;1T", "\x1b[>6n", "\x1b[>2t", "\x1b[1;1'z", "\x1b[7q",
		"\x1b[1;1;1;1;1$x", "\x1b[61\"p", "\x1b G", "\x1bP0;1|17/41\x1b\\", "\x1bP1$t0\x1b\\", "\x1bP0pR(P)\x1b\\",
		"\x1b]52;c;cm0gLXJm\x07", "\x1b]7;file:///x\x07", "\x1b]9;x\x07", "\x1b]777;notify;x;y\x07", "\x1b]50;x\x07", "\x1b]83;x\x07", "rz\r**\x18B00000000000000\r\n",
		// UTF-8 switched off, so that a letter begins a sequence.
		"\x1b%@\u06db6n", "\x1b[11m\u06db6n", "\x1b[1;12m\u06db6n", "\x1b[4294967307m\u06db6n", "\x1b[38;2;1;11m\u06db6n", "\x1b[38;11m\u06db6n", "\x1b[58;5;11m\u06db6n",
		"\x1b]0;\u06db6n\x07", "\x1bk\u06db6n\x1b\\", "\x1bP0q\u06db6n\x1b\\",
		// C1 as one byte and as UTF-8.
		"\x9b6n", "\xc2\x9b6n", "\x9a", "\xc2\x9a", "\x90$qm\x9c", "\xc2\x90$qm\xc2\x9c", "\x9d10;?\x9c", "\xc2\x9d10;?\x07",
		"\xe0\x82\x9b6n", "\xc0\x9b6n", "\xe2\x9b6n", "\xf0\x9b\x9b6n", "\x1b]0;a\x9c\x9b6n\x07", "\x1b]0;a\xc2\x9c\xc2\x9b6n\x07",
		"\x1b]2;a\x9b6n\x1b\\", "\x1b]0;\xe2\x9b\x9b6n\x07", "\x1b[31\x9b6n", "\x1b\x9b6n", "\x1b\xc2\x9b6n",
		// Nested, aborted, with controls inside, against the grammar.
		"\x1b[\x1b[6n", "\x1b[3\x186n\x1b[6n", "\x1b]0;x\x1b[6n\x07", "\x1b]0;x\x18\x1b[6n", "\x1bPx\x1b\x1b[c", "\x1b]\x1b]10;?\x07",
		"\x1b[\n6n", "\x1b[6\x07n", "\x1b\n[6n", "\x1b[\x7f6n", "\x1b[\xe96n", "\x1b[6\xc3\xa9n", "\x1b\xc3\xa9[6n", "\x1b[!6n", "\x1b[ $p", "\x1b Z", "\x1b[6?n",
		"\x1b]1\n0;?\x07", "\x1bP\n$\nqm\x1b\\", "\x1bP$q\x07m\x1b\\", "\x1bP\x07$qm\x1b\\", "\x1b]10;?\x18", "\x1b]10;?\x1b[m",
		"\x1b[" + strings.Repeat("0", 200) + "6n", "\x1b[" + strings.Repeat("0", 200) + "18t", "\x1b[" + strings.Repeat("1;", 5000) + "6n", "\x1b[" + strings.Repeat("\n", 5000) + "6n",
		"\x1b]10;" + strings.Repeat("x;", 5000) + "?\x07", "\x1bP" + strings.Repeat("1;", 5000) + "$qm\x1b\\",
		"\x1b]4;" + strings.Repeat("1;#fff;", 900) + "2;?\x07", "\x1b]52;c;" + strings.Repeat("A", 8000) + "\x07\x1b[6n",
		"\x1b]0;" + strings.Repeat("x", 8000) + "\x05\x9b6n\xc2\x9b6n\x1b[6n",
		// Not queries, but nothing that old bytes or our own texts may do.
		"\x1b]0;title\x07", "\x1b]52;c;cm0gLXJm\x07", "\x1bktitle\x1b\\", "\x1b[2J\x1b[H", "\x1b[?1049h", "\x1b[?1000h", "\x1bc", "\x1b[5i",
		"\x1b]8;;http://x\x07x\x1b]8;;\x07", "\x1b(0", "\x0e", "\x1b7", "\x1b8", "\x1b[?2l", "\x1b[8m", "\x1b[>4;2m", "\x1b#8",
	}
	return list
}

// pieces calls use with text whole, cut in two at every place, and in single bytes.
func pieces(text string, use func(parts []string)) {
	use([]string{text})
	for i := range places(text) {
		use([]string{text[:i], text[i:]})
	}
	single := make([]string, len(text))
	for i := range len(text) {
		single[i] = text[i : i+1]
	}
	use(single)
}

// benchStreams are what the hot path meets: a kernel's log as a serial console
// brings it, text beyond ASCII, and an editor at work.
func benchStreams(b *testing.B) map[string]string {
	return map[string]string{
		"plain": strings.Repeat("[   12.345678] usb 1-1: new high-speed USB device number 2 using xhci_hcd\r\n", 400),
		"utf8":  strings.Repeat("\u250c\u2500\u2500\u2510 caf\u00e9 na\u00efve \u26d4\r\n", 800),
		"vim":   strings.Repeat(recorded(b)["vim_utf8.bin"], 15),
	}
}

// places yields where to cut text: everywhere, or here and there if it is long.
func places(text string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < len(text); i += 1 + len(text)/200*17 {
			if !yield(i) {
				return
			}
		}
	}
}

// recorded are streams that real programs printed.
func recorded(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams in testdata: %v", err)
	}
	out := make(map[string]string)
	for _, file := range files {
		p, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(file)] = string(p)
	}
	return out
}

func TestPrintable(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"node42", 6, "node42"},
		{"node42x", 6, "nod..."},
		{"a\\b", 9, `a\b`},
		{"\x1b[2J", 80, `\x1b[2J`},
		{"\u00e9\n\x7f\x80", 80, `\xc3\xa9\x0a\x7f\x80`},
		{"ab\x1b", 6, `ab\x1b`},
		{"ab\x1b!", 6, `ab...`},
		{"\x1b\x1b\x1b", 8, `\x1b...`},
		{"\x1b\x1b", 8, `\x1b\x1b`},
		{"abcdef", 3, "..."},
		{"abcdef", 2, ".."},
		{"abcdef", 0, ""},
		{"abcdef", -1, ""},
	} {
		if got := Printable(c.text, c.limit); got != c.want {
			t.Errorf("Printable(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
	for _, text := range hostile() {
		for _, limit := range []int{5, 80, 100000} {
			got := Printable(text, limit)
			if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) || len(got) > limit {
				t.Errorf("Printable(%.20q, %d) = %.80q", text, limit, got)
			}
		}
	}
}
