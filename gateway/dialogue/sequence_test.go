package dialogue

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", `a\rb`: "a\rb", `\n\t\e\\`: "\n\t\x1b\\", `\x41\xff`: "A\xff", `\cC\c[\c?`: "\x03\x1b\x7f", `\ca`: "\x01", "": "",
	} {
		if got, err := ParseText(in); err != nil || string(got) != want {
			t.Errorf("ParseText(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{`\`, `\q`, `\x4`, `\xzz`, `\c`, `\c!`, `\d`, `a\z`} {
		if got, err := ParseText(in); err == nil {
			t.Errorf("ParseText(%q) = %q", in, got)
		}
	}
}

func TestParseSequence(t *testing.T) {
	for in, want := range map[string]Sequence{
		"":       nil,
		"+++":    {{Text: []byte("+++")}},
		`\d\z`:   {{Delay: Delay}, {Break: Delay}},
		`a\rb\z`: {{Text: []byte("a\rb")}, {Break: Delay}},
		`\\d\dx`: {{Text: []byte(`\d`)}, {Delay: Delay}, {Text: []byte("x")}},
	} {
		got, err := ParseSequence(in)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", in, err, diff)
		}
		if got.Breaks() != strings.Contains(in, `\z`) {
			t.Errorf("%q: Breaks is %t", in, got.Breaks())
		}
	}
	for _, in := range []string{`\`, `\d\`, `\q`, strings.Repeat(`\d`, maxDelays+1), strings.Repeat(`\z`, maxBreaks+1)} {
		if got, err := ParseSequence(in); err == nil {
			t.Errorf("ParseSequence(%q) = %v", in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, in := range []string{`\d\z`, `+++\r`, `\x41`, `\cC\\`, `\`} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		text, err := ParseText(in)
		s, errS := ParseSequence(in)
		if errS == nil {
			again, err := ParseSequence(s.String())
			if diff := cmp.Diff(s, again); err != nil || diff != "" {
				t.Errorf("%q is written %q: %v %s", in, s, err, diff)
			}
		}
		if err != nil {
			return
		}
		if errS != nil || len(s) > 1 || len(s) == 1 && string(s[0].Text) != string(text) || len(s) == 0 && len(text) > 0 {
			t.Errorf("%q is the text %q and the sequence %v, %v", in, text, s, errS)
		}
	})
}
