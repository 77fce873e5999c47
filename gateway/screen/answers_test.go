package screen

import (
	"strings"
	"testing"
)

func split(parts []string) (keys, answers string) {
	var a Answers
	var k, ans []byte
	for _, part := range parts {
		k, ans = a.Split(k, ans, []byte(part))
	}
	return string(a.Flush(k)), string(ans)
}

func TestAnswers(t *testing.T) {
	for _, answer := range []string{
		"\x1b[24;80R", "\x1b[?24;80R", "\x1b[?24;80;1R", "\x1b[0n", "\x1b[?13n", "\x1b[?997;1n", "\x1b[?62;1;4c", "\x1b[>41;370;0c", "\x1b[=0c",
		"\x1b[8;24;80t", "\x1b[4;600;800t", "\x1b[48;24;80;600;800t", "\x1b[?2026;2$y", "\x1b[4;2$y", "\x1b[2;1;1;128;128;1;0x",
		"\x1b[?1u", "\x1b[?1;0;256S", "\x1b[>4;2m", "\x1b[I", "\x1b[O",
		"\x1b]10;rgb:ffff/ffff/ffff\x07", "\x1b]11;rgb:0/0/0\x1b\\", "\x1b]52;c;QUJD\x07", "\x1b]lTitle\x1b\\", "\x1b]LIcon\x1b\\",
		"\x1bP1$r0m\x1b\\", "\x1bP1+r544e=787465726d\x1b\\", "\x1bP>|XTerm(370)\x1b\\", "\x1bP!|00000000\x1b\\", "\x1b_Gi=1;OK\x1b\\",
		"\x9b24;80R", "\xc2\x9b24;80R", "\x901$r0m\x9c", "\x9d10;rgb:0/0/0\x9c",
		"\x1b]52;c;" + strings.Repeat("QUJD", 2000) + "\x07",
	} {
		pieces(answer, func(parts []string) {
			keys, answers := split(parts)
			if len(parts[0]) == 1 && parts[0] == "\x1b" && len(parts) > 1 {
				// The ESC came alone and was a key; the rest is none.
				answers = "\x1b" + answers
				if keys != "\x1b" {
					t.Fatalf("%.40q after its ESC: keys %q", answer, keys)
				}
				keys = ""
			}
			if len(parts) > 3 && parts[len(parts)-2] == "\x1b" || len(parts) == 2 && strings.HasSuffix(parts[0], "\x1b") {
				// An ESC that ends a string is held, being no key.
				if keys != "" {
					t.Fatalf("%.40q: keys %q", answer, keys)
				}
			}
			if keys != "" || answers != answer {
				t.Fatalf("%.40q in %d pieces: keys %.40q, answers %.40q", answer, len(parts), keys, answers)
			}
		})
		if keys, answers := split([]string{"a" + answer + "b\x1b[A"}); keys != "ab\x1b[A" || answers != answer {
			t.Errorf("among keys %.40q: keys %.40q, answers %.40q", answer, keys, answers)
		}
	}
}

func TestKeystrokes(t *testing.T) {
	for _, typed := range []string{
		"ls -la\r", "\x03\x04\x1a", "\x1b", "\x1b\x1b", "\x1bx", "\x1b\r", "\x1bk", "\x1bX", "\x1b^", "\x1b ", "\x1b(x", "\x1b\x7f",
		"\x1b[A", "\x1bOP", "\x1b[15~", "\x1b[1;5C", "\x1b[3~", "\x1b[Z", "\x1b[R", "\x1b[[A", "\x1b[3$x", "\x1b[97;5u", "\x1b[27;5;9~",
		"\x1b[<0;10;20M", "\x1b[<0;10;20m", "\x1b[M !!", "\x1b[200~pasted\x1b[201~", "\u00e9\u26d4", "\xe9", "\xff\x80", "\xc2", "\x85",
		"\x1b]typed\r", "\x1bP\r", "\x1b[\r", "\x1b]x\x03", "\x1b]", "\x1bP", "\x1b[", "\x1b[" + strings.Repeat("1", 200) + "R",
		"\x1b]\x1b[A", "\x1b[1\x1b[A", "\x1b]x\x18",
	} {
		pieces(typed, func(parts []string) {
			if keys, answers := split(parts); keys != typed || answers != "" {
				t.Fatalf("%.40q in %d pieces: keys %.40q, answers %.40q", typed, len(parts), keys, answers)
			}
		})
	}
}

func TestAnswersHeld(t *testing.T) {
	for _, c := range []struct {
		in, keys string
		held     int
	}{
		{"a", "a", 0},
		{"\x1b", "\x1b", 0},
		{"a\x1b", "a\x1b", 0},
		{"\x1b[", "", 2},
		{"\x1b[24;8", "", 6},
		{"\x1bO", "\x1bO", 0},
		{"\x1b]1", "", 3},
		{"\xc3", "", 1},
	} {
		var a Answers
		keys, answers := a.Split(nil, nil, []byte(c.in))
		if string(keys) != c.keys || len(answers) > 0 || a.Held() != c.held {
			t.Errorf("%q: keys %q, answers %q, %d held", c.in, keys, answers, a.Held())
		}
		if keys = a.Flush(keys); string(keys) != c.in || a.Held() != 0 {
			t.Errorf("%q: flushed %q, %d held", c.in, keys, a.Held())
		}
		if keys, _ = a.Split(nil, nil, []byte("x")); string(keys) != "x" {
			t.Errorf("%q: after Flush a key became %q", c.in, keys)
		}
	}
	var a Answers
	a.Split(nil, nil, []byte("\x1b]52;c;"))
	for range 100 {
		a.Split(nil, nil, []byte(strings.Repeat("A", 1000)))
		if a.Held() > maxHeld {
			t.Fatalf("%d bytes held", a.Held())
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"\x1b[24;80Rls\r", "\x1b]10;rgb:0/0/0\x1b\\x", "\x1b[I\x1b[A\x1b[O", "\x1bP1$r0m\x1b\\", "\x9b1;1R\xc2\x9b?1c", "\x1b]x\x1b]y\x07", "\x1b[3$x\xe2\x9b",
	} {
		f.Add(seed, uint(3))
	}
	f.Fuzz(func(t *testing.T, text string, at uint) {
		if len(text) == 0 {
			return
		}
		at %= uint(len(text))
		keys, answers := split([]string{text})
		if len(keys)+len(answers) != len(text) {
			t.Fatalf("%q became %q and %q", text, keys, answers)
		}
		if at > 0 && text[at-1] == esc {
			return // a lone ESC at the end of a piece is a key
		}
		if k, a := split([]string{text[:at], text[at:]}); k != keys || a != answers {
			t.Fatalf("%q cut at %d: %q and %q, at once %q and %q", text, at, k, a, keys, answers)
		}
	})
}
