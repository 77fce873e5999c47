package attach

import (
	"bytes"
	"testing"
)

func TestParseEscape(t *testing.T) {
	for text, want := range map[string]string{
		"": "\x05c", "^Ec": "\x05c", "^]": "\x1d", "~": "~", "none": "", "^ec": "\x05c", "^?": "\x7f", "^^": "\x1e",
	} {
		if got, err := ParseEscape(text); err != nil || string(got) != want {
			t.Errorf("ParseEscape(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"abc", "^E^Ec", "\x05", " ", "é", "^1"} {
		if got, err := ParseEscape(text); err == nil {
			t.Errorf("ParseEscape(%q) = %q", text, got)
		}
	}
}

// collect runs input through an escape machine and returns the keys and the commands.
func collect(seq, in []byte) (keys, commands []byte) {
	e := escape{seq: seq}
	for _, b := range in {
		s := e.next(b)
		keys = append(keys, s.keys...)
		if s.command != 0 {
			commands = append(commands, s.command, s.arg)
		}
	}
	return append(keys, e.flush()...), commands
}

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ seq, in, keys, commands string }{
		{"\x05c", "plain", "plain", ""},
		{"\x05c", "a\x05c.b", "ab", ".\x00"},
		{"\x05c", "\x05\x05", "\x05", ""},
		{"\x05c", "\x05x", "\x05x", ""},
		{"\x05c", "\x05\x05c.", "\x05c.", ""},
		{"\x05c", "\x05cl0x", "x", "l0"},
		{"\x05c", "\x05c\x05", "", "\x05\x00"},
		{"\x05c", "end\x05", "end\x05", ""},
		{"\x1d", "a\x1d.b", "ab", ".\x00"},
		{"\x1d", "\x1d\x1d", "\x1d", ""},
		{"", "\x05c.", "\x05c.", ""},
	} {
		keys, commands := collect([]byte(tt.seq), []byte(tt.in))
		if string(keys) != tt.keys || string(commands) != tt.commands {
			t.Errorf("%q: keys %q commands %q; want %q %q", tt.in, keys, commands, tt.keys, tt.commands)
		}
	}
}

// Whatever is typed, bytes are passed on in order, and none is invented.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("\x05c"), []byte("a\x05c.b\x05\x05l0"))
	f.Add([]byte("\x1d"), []byte("\x1d\x1dx"))
	f.Add([]byte{}, []byte("none"))
	f.Fuzz(func(t *testing.T, seq, in []byte) {
		if len(seq) > 2 {
			t.Skip()
		}
		keys, commands := collect(seq, in)
		if len(keys)+len(commands)/2 > len(in) {
			t.Fatalf("%d keys and %d commands of %d bytes", len(keys), len(commands)/2, len(in))
		}
		if len(seq) == 0 && !bytes.Equal(keys, in) {
			t.Fatalf("without a sequence %q became %q", in, keys)
		}
		rest := in
		for _, b := range keys {
			i := bytes.IndexByte(rest, b)
			if i < 0 {
				t.Fatalf("%q was not typed in this order: %q", keys, in)
			}
			rest = rest[i+1:]
		}
	})
}
