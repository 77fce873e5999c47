package wire

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// codecOf is the codec of a session with a key that everybody knows.
func codecOf(t testing.TB, suite int) *Codec {
	t.Helper()
	c, err := NewCodec(&Suites[suite], []byte("a session key"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSealOpen: what is sealed opens, at each length, and is aligned as 13.28
// wants it.
func TestSealOpen(t *testing.T) {
	for suite := range Suites {
		c := codecOf(t, suite)
		for n := range 300 {
			want := Packet{Type: SOL, Session: 7, Sequence: uint32(n), Payload: bytes.Repeat([]byte{byte(n)}, n)}
			sealed := c.Seal(nil, want)
			if (len(sealed)-rmcpLen-c.codeLen)%4 != 0 {
				t.Fatalf("%d bytes are signed", len(sealed)-rmcpLen-c.codeLen)
			}
			got, err := c.Open(sealed)
			if err != nil || got.Type != want.Type || got.Session != 7 || got.Sequence != uint32(n) || !bytes.Equal(got.Payload, want.Payload) {
				t.Fatalf("%d: %+v, %v", n, got, err)
			}
		}
	}
}

// TestOpenDamaged: a packet with one bit changed, or a byte less or more, does
// not open.
func TestOpenDamaged(t *testing.T) {
	for suite := range Suites {
		c := codecOf(t, suite)
		sealed := c.Seal(nil, Packet{Type: SOL, Session: 7, Sequence: 9, Payload: []byte("some text")})
		for i := range sealed {
			if i == 1 || i == 2 {
				continue // reserved in RMCP, and covered by nothing
			}
			for bit := range 8 {
				b := bytes.Clone(sealed)
				b[i] ^= 1 << bit
				if _, err := c.Open(b); err == nil {
					t.Errorf("byte %d bit %d", i, bit)
				}
			}
			if _, err := c.Open(bytes.Clone(sealed[:i])); err == nil {
				t.Errorf("opens at %d bytes", i)
			}
		}
		if _, err := c.Open(append(bytes.Clone(sealed), 0)); err == nil {
			t.Error("opens with a byte more")
		}
	}
}

func TestWindow(t *testing.T) {
	for _, test := range []struct {
		name  string
		first []uint32
		next  uint32
		fresh bool
	}{
		{"the first", nil, 1, true},
		{"none", nil, 0, false},
		{"a high first", nil, 1 << 30, true},
		{"the same", []uint32{5}, 5, false},
		{"the next", []uint32{5}, 6, true},
		{"one before", []uint32{5}, 4, true},
		{"one before, again", []uint32{4, 5}, 4, false},
		{"one before, late and again", []uint32{5, 4}, 4, false},
		{"fifteen before", []uint32{100}, 85, true},
		{"sixteen before", []uint32{100}, 84, false},
		{"far ahead", []uint32{100}, 1000, true},
		{"before a leap", []uint32{100, 1000}, 101, false},
		{"just before a leap", []uint32{100, 115}, 100, false},
		{"in a leap", []uint32{100, 115}, 110, true},
		{"over the end of numbers", []uint32{0xfffffffe}, 2, true},
		{"back over the end of numbers", []uint32{0xfffffffe, 2}, 0xffffffff, true},
		{"again, over the end of numbers", []uint32{0xfffffffe, 2}, 0xfffffffe, false},
	} {
		var w Window
		for _, n := range test.first {
			w.Fresh(n)
		}
		if fresh := w.Fresh(test.next); fresh != test.fresh {
			t.Errorf("%s: %t", test.name, fresh)
		}
	}
}

func TestSum(t *testing.T) {
	// Get Channel Authentication Capabilities, as ipmitool sends it.
	const sent = "2018c88100388e04b5"
	got := AppendRequest(nil, Request{NetFn: App, Command: 0x38, Data: []byte{0x8e, 4}})
	if !bytes.Equal(got, unhex(t, sent)) {
		t.Errorf("% x", got)
	}
}

func TestCharactersIn(t *testing.T) {
	for payload, n := range map[int]int{0: 1, 4: 1, 5: 1, 32: 28, 255: 251, 259: 255, 0xffff: 255} {
		if got := CharactersIn(payload); got != n {
			t.Errorf("%d: %d", payload, got)
		}
	}
}

// FuzzOpen has packets that nobody sealed, and parses what a BMC that knows the
// key could put inside.
func FuzzOpen(f *testing.F) {
	for suite := range Suites {
		c := codecOf(f, suite)
		f.Add(c.Seal(nil, Packet{Type: SOL, Session: 1, Sequence: 1, Payload: []byte{1, 0, 0, 0, 'x'}}), suite == 0)
	}
	f.Add(AppendPlain(nil, OpenReply, make([]byte, 36)), true)
	f.Add(unhex(f, "0600ff0706c1cdfc993f040000002000da7bd40c52a023e6"), false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, b []byte, first bool) {
		suite := 1
		if first {
			suite = 0
		}
		c := codecOf(t, suite)
		plain, err := ParsePlain(b)
		if err == nil && len(plain.Payload) > len(b) {
			t.Error("more payload than packet")
		}
		if message, err := ParseFirst(b); err == nil {
			ParseReply(message)
			ParseRequest(message)
		}
		p, err := c.Open(bytes.Clone(b))
		if err != nil {
			return
		}
		// Only the seeds may open; what they open to is sealed to the same length.
		if again := c.Seal(nil, p); len(again) != len(b) {
			t.Errorf("%d bytes open, and seal to %d", len(b), len(again))
		}
	})
}

// FuzzInside has what stands inside of a packet: messages and SOL.
func FuzzInside(f *testing.F) {
	f.Add(AppendReply(nil, Reply{NetFn: App, Command: 1, Data: []byte{1, 2}}))
	f.Add(AppendRequest(nil, Request{NetFn: App, Command: 1}))
	f.Add(AppendSOL(nil, SOLPacket{Sequence: 3, Ack: 2, Accepted: 9, Flags: Deactivated, Data: []byte("x")}))
	f.Add([]byte{0, 0, 0})
	f.Add(make([]byte, 260))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseReply(b); err == nil {
			if again, err := ParseReply(AppendReply(nil, r)); err != nil || !bytes.Equal(again.Data, r.Data) || again.Sequence != r.Sequence {
				t.Errorf("%+v becomes %+v, %v", r, again, err)
			}
		}
		if q, err := ParseRequest(b); err == nil {
			if again, err := ParseRequest(AppendRequest(nil, q)); err != nil || !bytes.Equal(again.Data, q.Data) {
				t.Errorf("%+v becomes %+v, %v", q, again, err)
			}
		}
		if k, err := ParseSOL(b); err == nil {
			if len(k.Data) > MaxCharacters || k.Sequence == 0 && len(k.Data) > 0 {
				t.Errorf("%+v", k)
			}
			if again, err := ParseSOL(AppendSOL(nil, k)); err != nil || !bytes.Equal(again.Data, k.Data) || again.Flags != k.Flags {
				t.Errorf("%+v becomes %+v, %v", k, again, err)
			}
		}
	})
}

// FuzzHandshake has the answers of the handshake. None but the true one, which
// nobody guesses, is right.
func FuzzHandshake(f *testing.F) {
	h := Handshake{Suite: &Suites[0], Tag: 9, M: 0x01020304, C: 0x05060708, User: []byte("u"), UserKey: []byte("k"), BMCKey: []byte("k")}
	ok := []byte{9, 0, 4, 0, 4, 3, 2, 1}
	f.Add(append(append(bytes.Clone(ok), 8, 7, 6, 5), h.algorithms()...))
	f.Add(append(bytes.Clone(ok), make([]byte, 64)...))
	f.Add(append(bytes.Clone(ok), make([]byte, 16)...))
	f.Add([]byte{9, 0x0d})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		open := h
		if mine, err := open.OpenReply(b); mine && err == nil && (open.C == 0 || len(b) < 36) {
			t.Error("opened")
		}
		two := h
		if mine, right, err := two.RAKP2(b); right && (!mine || err != nil || !bytes.Equal(b[40:], two.Code2())) {
			t.Error("a code of RAKP 2 that is wrong")
		}
		four := h
		if mine, right, err := four.RAKP4(b); right && (!mine || err != nil || !bytes.Equal(b[8:], four.Code4())) {
			t.Error("a code of RAKP 4 that is wrong")
		}
	})
}

// TestOpenPlain: a true code does not make up for text in clear.
func TestOpenPlain(t *testing.T) {
	for suite := range Suites {
		c := codecOf(t, suite)
		for _, flags := range []byte{0, flagAuthenticated, flagEncrypted} {
			payload := AppendSOL(nil, SOLPacket{Sequence: 1, Data: make([]byte, 28)})
			b := append(appendHeader(nil, Packet{Type: SOL, Session: 7, Sequence: 1}, flags), payload...)
			setLength(b, len(payload))
			b = append(b, 0xff, 0xff, 2, nextHeader)
			b = append(b, c.sign(b[rmcpLen:])...)
			if _, err := c.Open(b); err != errPlain {
				t.Errorf("flags %02x: %v", flags, err)
			}
		}
	}
}
