package dialogue

import (
	"bytes"
	"strings"
	"testing"
)

// masked is what is shown of chunks that the target says after the secret was sent.
func masked(secret string, chunks ...string) string {
	m := newMask([]byte(secret))
	var out []byte
	for _, c := range chunks {
		out = m.append(out, []byte(c))
	}
	return string(m.flush(out))
}

func TestMask(t *testing.T) {
	for _, test := range []struct {
		name, secret string
		said         []string
		want         string
	}{
		{"no echo", "hunter2", []string{"\r\nWelcome\r\n"}, "\r\nWelcome\r\n"},
		{"an echo", "hunter2", []string{"hunter2\r\n$ "}, "*******\r\n$ "},
		{"cut", "hunter2", []string{"hun", "ter", "2\r\n"}, "*******\r\n"},
		{"byte by byte", "hunter2", strings.Split("hunter2", ""), "*******"},
		{"wrapped", "hunter2", []string{"hunt\r\ner2\r\n"}, "****\r\n***\r\n"},
		{"a beginning only", "hunter2", []string{"hu\r\nLogin incorrect"}, "**\r\nLogin incorrect"},
		{"one byte, and the end", "hunter2", []string{"h"}, "*"},
		{"behind the rest of the prompt", "hunter2", []string{" ", "hunter2\r\n"}, " *******\r\n"},
		{"later", "hunter2", []string{"ok\r\nyou said hunter2!"}, "ok\r\nyou said *******!"},
		{"later, and only a beginning", "hunter2", []string{"ok: hunt, hun"}, "ok: ****, hun"},
		{"later, cut", "hunter2", []string{"ok: h", "u", "nter2"}, "ok: *******"},
		{"twice", "hunter2", []string{"hunter2hunter2"}, "**************"},
		{"overlapping itself", "abcabcd", []string{"x abcabcabcd"}, "x **********"},
		{"short", "ab", []string{"x ab a"}, "x ** a"},
		{"of one byte", "a", []string{"banana"}, "b*n*n*"},
		{"controls without end", "hunter2", []string{"x h" + strings.Repeat("\x00", 200) + "unter2"}, "x h" + strings.Repeat("\x00", 200) + "unter2"},
	} {
		if got := masked(test.secret, test.said...); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// However a stream is cut, it is shown the same, as long as before, and without
// the secret.
func FuzzMask(f *testing.F) {
	f.Add("hunter2", "login: hunter2\r\n", 3)
	f.Add("abcabcd", "abcabcabcd", 1)
	f.Add("aa", "aaaaa\r\na", 2)
	f.Fuzz(func(t *testing.T, secret, said string, cut int) {
		if secret == "" || len(secret) > maxSecret || cut <= 0 || strings.ContainsAny(secret, "*") ||
			strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Skip()
		}
		whole := masked(secret, said)
		var chunks []string
		for rest := said; rest != ""; rest = rest[min(cut, len(rest)):] {
			chunks = append(chunks, rest[:min(cut, len(rest))])
		}
		if got := masked(secret, chunks...); got != whole {
			t.Errorf("%q in one go, %q cut by %d", whole, got, cut)
		}
		if len(whole) != len(said) {
			t.Errorf("%q has another length than %q", whole, said)
		}
		if strings.Contains(whole, secret) {
			t.Errorf("%q shows %q", whole, secret)
		}
		for i := range len(said) {
			if whole[i] != said[i] && (whole[i] != '*' || isControl(said[i])) {
				t.Errorf("byte %d of %q became %q", i, said, whole[i])
			}
		}
		m := newMask([]byte(secret))
		m.append(nil, bytes.Repeat([]byte(said), 50))
		if len(m.held) > 5*len(secret)+65 {
			t.Errorf("%d bytes held for %d", len(m.held), len(secret))
		}
	})
}
