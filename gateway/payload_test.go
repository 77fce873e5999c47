package gateway

import (
	"strings"
	"testing"
	"time"
)

func FuzzPTY(f *testing.F) {
	f.Add(cat(str("xterm-256color"), u32(80), u32(24), u32(0), u32(0), str("\x01\x00\x00\x00\x01\x00")))
	f.Add(cat(u32(0xffffffff), str("x")))
	f.Add(cat(str("a\x1b[2J"), u32(0xffffffff), u32(1), u32(0), u32(0), str("")))
	f.Fuzz(func(t *testing.T, data []byte) {
		term, s, err := parsePTY(data)
		if err != nil {
			return
		}
		if len(term) > maxTerm || strings.ContainsFunc(term, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("terminal %q", term)
		}
		checkSize(t, s)
	})
}

func FuzzWindow(f *testing.F) {
	f.Add(cat(u32(80), u32(24), u32(0), u32(0)))
	f.Add(cat(u32(1<<31), u32(0), u32(0), u32(0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseWindow(data)
		if (err == nil) != (len(data) == 16) {
			t.Errorf("%d bytes: %v", len(data), err)
		}
		checkSize(t, s)
	})
}

func checkSize(t *testing.T, s size) {
	t.Helper()
	if s.cols < 0 || s.cols > maxSide || s.rows < 0 || s.rows > maxSide || (s.cols == 0) != (s.rows == 0) {
		t.Errorf("size %+v", s)
	}
}

func FuzzEnv(f *testing.F) {
	f.Add(cat(str("LANG"), str("C")))
	f.Add(cat(str("CONSOLED_X"), u32(0xfffffff0), []byte("x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		name, value, err := parseEnv(data)
		if err != nil {
			return
		}
		if len(name) > maxName || len(value) > maxValue || len(name)+len(value)+8 != len(data) {
			t.Errorf("%d and %d bytes of %d", len(name), len(value), len(data))
		}
		if envAccepted(name, value) && strings.ContainsAny(name, "=\x00 ") {
			t.Errorf("accepted %q", name)
		}
	})
}

func TestParseBreak(t *testing.T) {
	tests := []struct {
		data []byte
		want time.Duration
		bad  bool
	}{
		{u32(0), 0, false},
		{u32(1000), time.Second, false},
		{u32(1<<32 - 1), 4294967295 * time.Millisecond, false},
		{nil, 0, true},
		{[]byte{0, 0, 1}, 0, true},
		{append(u32(1), 0), time.Millisecond, true},
	}
	for _, tt := range tests {
		if got, err := parseBreak(tt.data); got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%x: %v, %v", tt.data, got, err)
		}
	}
}

func TestParseText(t *testing.T) {
	if s, err := parseText(str(strings.Repeat("x", maxCommand)), maxCommand); err != nil || len(s) != maxCommand {
		t.Errorf("longest command: %d bytes, %v", len(s), err)
	}
	if _, err := parseText(str(strings.Repeat("x", maxCommand+1)), maxCommand); err == nil {
		t.Error("a longer one was taken")
	}
}
