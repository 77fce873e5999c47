package telnet

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// asking is a decoder as it is after the opening was sent.
func asking() *decoder {
	d := &decoder{credit: answerBurst}
	d.opt.ask()
	return d
}

// feed decodes in pieces whose lengths cycle through cuts, the way port does.
func feed(d *decoder, in string, cuts ...int) string {
	var out []byte
	for i := 0; len(in) > 0; i++ {
		n := len(in)
		if len(cuts) > 0 {
			n = min(n, max(1, cuts[i%len(cuts)]))
		}
		buf := make([]byte, n+1)
		src := buf[:n]
		if d.pending() {
			src = buf[1:]
		}
		copy(src, in[:n])
		out = append(out, buf[:d.decode(buf, src)]...)
		in = in[n:]
	}
	return string(out)
}

const (
	will, wont, do, dont = "\xff\xfb", "\xff\xfc", "\xff\xfd", "\xff\xfe"
	binary, echo, sga    = "\x00", "\x01", "\x03"
	ttype, naws          = "\x18", "\x1f"
	sb, se               = "\xff\xfa", "\xff\xf0"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct{ name, in, data, answers string }{
		{name: "text", in: "login: ", data: "login: "},
		{name: "end of line", in: "a\r\nb\r\n", data: "a\r\nb\r\n"},
		{name: "CR NUL is CR", in: "a\r\x00b", data: "a\rb"},
		{name: "one NUL only", in: "\r\x00\x00\r\r\x00", data: "\r\x00\r\r"},
		{name: "NUL elsewhere", in: "a\x00\n\x00", data: "a\x00\n\x00"},
		{name: "bare CR", in: "10%\r20%", data: "10%\r20%"},
		{name: "CR, command, NUL", in: "\r\xff\xf1\x00b", data: "\rb"},
		{name: "doubled IAC", in: "\xff\xff\x00a\xff\xff", data: "\xff\x00a\xff"},
		{name: "CR, IAC, NUL", in: "\r\xff\xff\x00", data: "\r\xff\x00"},
		{name: "lone IAC before data", in: "\xffa\xff\r\x00\xff\x00b\xff\xef", data: "\xffa\xff\r\xff\x00b\xff\xef"},
		{name: "lone IAC at the end", in: "a\xff", data: "a"},
		{name: "ignored commands", in: "a\xff\xf1b\xff\xf2c\xff\xf3d\xff\xf9e\xff\xf0f", data: "abcdef"},
		{name: "are you there", in: "a\xff\xf6b", data: "ab", answers: "\xff\xf1"},

		{name: "binary, as asked", in: "\r\x00" + will + binary + "\r\x00", data: "\r\r\x00"},
		{name: "binary begins after CR", in: "\r" + will + binary + "\x00", data: "\r\x00"},
		{name: "binary ends", in: will + binary + "\r\x00" + wont + binary + "\r\x00", data: "\r\x00\r", answers: dont + binary},
		{name: "binary refused", in: wont + binary + dont + binary + "\r\x00", data: "\r"},
		{name: "binary refused, then offered", in: wont + binary + will + binary + "\r\x00", data: "\r\x00", answers: do + binary},
		{name: "answers to what was asked", in: will + sga + do + sga + will + binary + do + binary},
		{name: "again", in: will + sga + will + sga + do + binary + do + binary},
		{name: "echo", in: will + echo + will + echo, answers: do + echo},
		{name: "our echo", in: do + echo, answers: wont + echo},
		{name: "window size", in: do + naws + will + naws, answers: wont + naws + dont + naws},
		{name: "refusing the refused", in: wont + naws + dont + naws + wont + echo + dont + ttype},
		{name: "option 255", in: will + "\xffa", data: "a", answers: dont + "\xff"},

		{name: "terminal type", in: do + ttype + sb + ttype + "\x01" + se, answers: will + ttype + sb + ttype + "\x00vt220" + se},
		{
			name: "terminal type again", in: do + ttype + strings.Repeat(sb+ttype+"\x01"+se, 2),
			answers: will + ttype + strings.Repeat(sb+ttype+"\x00vt220"+se, 2),
		},
		{name: "terminal type not agreed", in: sb + ttype + "\x01" + se + "a", data: "a"},
		{name: "terminal type with more", in: do + ttype + sb + ttype + "\x01x" + se, answers: will + ttype},
		{name: "foreign subnegotiation", in: "a" + sb + naws + "\x00\x50\xff\xff\x18" + se + "b", data: "ab"},
		{name: "long subnegotiation", in: "a" + sb + ttype + strings.Repeat("x", 9000) + se + "b", data: "ab"},
		{name: "endless subnegotiation", in: "a" + sb + ttype + strings.Repeat("\x01\xff\xff\xffq", 9000), data: "a"},
		{name: "subnegotiation without end", in: sb + ttype + "\x01" + do + naws + "b", data: "b", answers: wont + naws},
		{name: "subnegotiation in another", in: do + ttype + sb + naws + sb + ttype + "\x01" + se, answers: will + ttype + sb + ttype + "\x00vt220" + se},
		{name: "empty subnegotiation", in: sb + se + "b", data: "b"},

		{name: "QEMU's opening", in: will + echo + will + sga + will + binary + do + binary + "\x00\xffa", data: "\x00\xffa", answers: do + echo},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, cuts := range [][]int{nil, {1}, {2}, {3, 1}} {
				d := asking()
				if data := feed(d, test.in, cuts...); data != test.data {
					t.Errorf("cut by %v: data %q, want %q", cuts, data, test.data)
				}
				if got := string(d.answers); got != test.answers {
					t.Errorf("cut by %v: answers %q, want %q", cuts, got, test.answers)
				}
			}
		})
	}
}

// A peer that keeps asking gets what the credit allows, and what is beyond it
// is not half done.
func TestAnswersAreBounded(t *testing.T) {
	for _, bomb := range []string{do + naws, will + "\x63", "\xff\xf6", do + ttype + dont + ttype, will + echo + wont + echo, sb + ttype + "\x01" + se} {
		d := asking()
		feed(d, do+ttype)
		feed(d, strings.Repeat(bomb, 10_000), 977)
		if len(d.answers) > 11*answerBurst {
			t.Errorf("bomb of %q: %d bytes of answers", bomb, len(d.answers))
		}
		if cap(d.answers) > 4<<10 {
			t.Errorf("bomb of %q: holds %d bytes", bomb, cap(d.answers))
		}
	}

	d := asking()
	d.credit = 0
	feed(d, will+echo+do+ttype)
	if len(d.answers) > 0 || d.opt.himEcho != no || d.opt.usTType != no {
		t.Error("without credit: an offer that cannot be answered was taken")
	}
	feed(d, will+binary)
	if d.opt.himBinary != yes {
		t.Error("without credit: an answer to what was asked did not count")
	}
	feed(d, wont+binary)
	if d.opt.himBinary != no || len(d.answers) > 0 {
		t.Error("without credit: a withdrawal was not obeyed in silence")
	}
}

// Two decoders joined together fall silent, whatever one of them is told.
func TestNegotiationEnds(t *testing.T) {
	for cmd := range 4 {
		for opt := range 256 {
			a, b := asking(), asking()
			feed(a, string([]byte{cmdIAC, cmdWILL + byte(cmd), byte(opt)}))
			opening := string((&options{}).ask())
			feed(a, opening)
			feed(b, opening)
			for rounds := 0; len(a.answers)+len(b.answers) > 0; rounds++ {
				if rounds > 4 {
					t.Fatalf("command %d, option %d: still talking: %q, %q", cmdWILL+cmd, opt, a.answers, b.answers)
				}
				toA, toB := string(b.answers), string(a.answers)
				a.answers, b.answers = nil, nil
				feed(a, toA)
				feed(b, toB)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"login: \r\n\r\x00\xff\xff\xffa",
		inetutilsOpening,
		ser2netOpening,
		will + echo + will + sga + will + binary + do + binary + "\x00\xffa",
		do + ttype + sb + ttype + "\x01" + se + "\xff\xf6" + sb + "\xff\xff\xff" + se,
		sb + strings.Repeat("x\xff\xff", 3000),
		sb + sb,
		strings.Repeat(do+naws, 300),
		do + com + all + says("\x6b\xb0") + says("\x6c") + says("\x6d") + dont + com + all,
		all + do + com + says("\x64signature of some length") + sb + com + "\x65\xff\xff\xff\xff\x00" + se + sb + com + do + com,
	} {
		f.Add([]byte(seed), []byte{1, 2, 7})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		commanding := func() *decoder {
			d := asking()
			d.opt.com = true
			d.opt.ask()
			return d
		}
		whole := commanding()
		data := feed(whole, string(in))
		lengths := make([]int, len(cuts))
		for i, c := range cuts {
			lengths[i] = int(c)
		}
		pieces := commanding()
		if got := feed(pieces, string(in), lengths...); got != data {
			t.Errorf("cut by %v: %q, whole: %q", cuts, got, data)
		}
		if !bytes.Equal(whole.answers, pieces.answers) {
			t.Errorf("cut by %v: answers %q, whole: %q", cuts, pieces.answers, whole.answers)
		}
		whole.answers, pieces.answers = nil, nil
		whole.sub, pieces.sub = [maxSub]byte{}, [maxSub]byte{}
		if a, b := *whole, *pieces; a.state != b.state || a.opt != b.opt || a.com != b.com || a.credit != b.credit || a.spent != b.spent || a.cr != b.cr {
			t.Errorf("cut by %v: state %+v, whole: %+v", cuts, b, a)
		}
		whole.com.said.differences(mode{})
		whole.com.lines()
		if len(data) > len(in) {
			t.Errorf("%d bytes of data from %d", len(data), len(in))
		}
		if whole.credit < 0 || whole.spent > len(in) || whole.nsub > maxSub+1 {
			t.Errorf("credit %d, spent %d of %d, nsub %d", whole.credit, whole.spent, len(in), whole.nsub)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("reboot\r\n\x00\xff\xff\r\x00\r"), false, uint8(3))
	f.Add([]byte("\xff\xfb\x00\r\x00"), true, uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, binary bool, cut uint8) {
		travels := appendData(nil, data, binary)
		if plain(data, binary) != bytes.Equal(travels, data) {
			t.Errorf("plain(%q, %v) is %v", data, binary, plain(data, binary))
		}
		d := asking()
		if binary {
			d.opt.himBinary = yes
		}
		if got := feed(d, string(travels), int(cut)); got != string(data) {
			t.Errorf("%q came back as %q", data, got)
		}
		if d.spent > 0 || len(d.answers) > 0 {
			t.Errorf("%q contained commands", travels)
		}
		data = data[:min(len(data), 100)] // what follows is quadratic
		travels = appendData(nil, data, binary)
		for n := range len(travels) + 1 {
			if whole := delivered(data, n, binary); len(appendData(nil, data[:whole], binary)) > n ||
				whole < len(data) && len(appendData(nil, data[:whole+1], binary)) <= n {
				t.Errorf("%d of %d bytes are %d of %d", n, len(travels), whole, len(data))
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := bytes.Repeat([]byte("[    1.234567] usb 1-1: new high-speed USB device number 2 using xhci_hcd\r\n"), 400)
	d := asking()
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		d.decode(line, line)
	}
	if !slices.Contains(line, '\n') {
		b.Fatal("lost data")
	}
}
