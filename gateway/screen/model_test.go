package screen

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A terminal is a model that is written apart from the parser: the state machine
// of DEC's terminals as Paul Williams drew it (vt100.net/emu/dec_ansi_parser).
// Where terminals differ from it its fields say so, and a filter must hold for all.
type terminal struct {
	rawC1   bool // C1 controls as single bytes count, where they are not UTF-8
	raw     bool // and inside sequences where they are, as UTF-8 is read outside only: the Linux console
	atCut   bool // a string that ESC, CAN or SUB ends is obeyed: xterm's OSC
	skips   bool // what does not belong into a sequence is skipped and does not end it: VTE
	belEnds bool // BEL ends every string: VTE, PuTTY
	sloppy  bool // private marks and intermediates are dropped: st

	single bool // UTF-8 is off, by DOCS or on the Linux console by SGR 11
	state  modelState
	kind   rune // of the string
	inter  []rune
	body   []rune
	got    []string
}

type modelState byte

const (
	mGround modelState = iota
	mEscape
	mCSI
	mIgnore // a CSI that has gone wrong, to its final byte
	mString
	mStringEscape
)

// terminals are all readings.
func terminals() []terminal {
	var list []terminal
	for i := range 64 {
		list = append(list, terminal{rawC1: i&1 > 0, raw: i&2 > 0, atCut: i&4 > 0, skips: i&8 > 0, belEnds: i&16 > 0, sloppy: i&32 > 0})
	}
	return list
}

// What terminals answer to, and what they do beyond the screen.
var (
	csiActs = regexp.MustCompile(`^([?>=]?[0-9;:]*c|[?]?[0-9;:]*n|>[0-9;:]*n|[0-9;:]*[xiq]|\?[0-9;:]*i|>[0-9;:]*[qpst]|\?.*[uSmg]` +
		`|.*\$[puw}~|]|.*\*[xy|]|.*&u|.*"[vp]|.*'[|wz{]|.*\+[px]|.*#[R|])$`)
	csiModes = regexp.MustCompile(`^\?([0-9;]*;)?0*(2|3|38)(;[0-9;]*)?[hl]$|^\?([0-9;]*;)?0*(1001|1004|2031|2048)(;[0-9;]*)?[hr]$|^([0-9;]*;)?0*2(;[0-9;]*)?[hl]$`)
	csiSize  = regexp.MustCompile(`^0*([0-9]|1[0-9]|2[014-9]|[3-9][0-9]|[0-9]{3,})?([;:].*)?t$`)
	csiMouse = regexp.MustCompile(`^[0-9]*(;[0-9]*)+T$`)
	oscActs  = regexp.MustCompile(`^0*(4|5|1[0-9]|21|22)(;.*)?;[^;]*\?|^0*(7|9|50|52|60|61|83|99|633|701|777|777[01]|1337|3008|5522)(;|$)`)
	dcsActs  = regexp.MustCompile(`^[0-9;:<=>?]*(\$[qt]|\+[qp]|[@|{pt])`)
	tooLong  = regexp.MustCompile(`[0-9]{10,19}`)
	testable = regexp.MustCompile(`^0*[01]?[;x]`)
)

// acts lists what in out makes the terminal answer or act beyond its screen.
func (t terminal) acts(out string) []string {
	for len(out) > 0 {
		r, n := utf8.DecodeRuneInString(out)
		inside := t.raw && t.state != mGround
		if t.single || inside || r == utf8.RuneError && n == 1 && t.rawC1 && out[0] < 0xa0 {
			r, n = rune(out[0]), 1
		}
		if strings.HasPrefix(out, "**\x18B") {
			t.got = append(t.got, "ZMODEM")
		}
		t.take(r)
		out = out[n:]
	}
	return t.got
}

func (t *terminal) take(r rune) {
	if r >= 0x80 && r < 0xa0 {
		t.take(0x1b)
		t.take(r - 0x40)
		return
	}
	if t.state == mStringEscape {
		if r == '\\' || t.atCut {
			t.endString()
		}
		t.begin()
	}
	switch {
	case r == 0x18 || r == 0x1a:
		if t.state == mString && t.atCut {
			t.endString()
		}
		t.state = mGround
	case r == 0x1b && t.state == mString:
		t.state = mStringEscape
	case r == 0x1b:
		t.begin()
	case t.state == mString:
		if r == 7 && (t.kind == ']' || t.belEnds) {
			t.endString()
			t.state = mGround
		} else if r >= ' ' && (r < 0x7f || !t.skips) {
			t.body = append(t.body, r)
		}
	case r == 5:
		t.got = append(t.got, "ENQ")
	case r < ' ' || r == 0x7f || t.state == mGround:
	case r > '~':
		if !t.skips {
			t.state = mGround
		}
	case t.state == mEscape:
		t.escape(r)
	default:
		t.csi(r)
	}
}

// begin takes an ESC.
func (t *terminal) begin() { t.state, t.inter, t.body = mEscape, nil, nil }

func (t *terminal) escape(r rune) {
	switch {
	case r < '0':
		t.inter = append(t.inter, r)
		return
	case len(t.inter) > 0 && !t.sloppy:
	case r == '[':
		t.state = mCSI
		return
	case strings.ContainsRune("]PX^_", r):
		t.state, t.kind = mString, r
		return
	}
	switch name := string(t.inter) + string(r); {
	case name == "Z", t.sloppy && r == 'Z', name == " G":
		t.got = append(t.got, "ESC "+name)
	case strings.HasPrefix(name, "%"):
		t.single = name != "%G"
	}
	t.state = mGround
}

func (t *terminal) csi(r rune) {
	switch {
	case r < '@':
		if r >= '<' && len(t.body) > 0 && !t.skips {
			t.state = mIgnore
		}
		t.body = append(t.body, r)
		return
	case t.state == mCSI:
		t.function(string(append(t.body, r)))
	}
	t.state = mGround
}

func (t *terminal) function(text string) {
	if len(text) > 10 {
		text = tooLong.ReplaceAllStringFunc(text, func(digits string) string {
			n, _ := strconv.ParseUint(digits, 10, 64)
			return strconv.Itoa(int(uint32(n))) // some count in 32 bits
		})
	}
	if plain := strings.TrimLeft(text, "0123456789;"); len(plain) == 1 && strings.Contains("ABCDHJKXdm", plain) {
		if plain == "m" && t.raw {
			t.font(strings.Split(strings.TrimSuffix(text, "m"), ";"))
		}
		return // most of what programs print, and soon judged
	}
	readings := []string{text}
	if t.sloppy {
		readings = append(readings, strings.TrimLeft(text, "<=>?"), strings.Map(func(r rune) rune {
			if r < '0' || r >= '<' && r <= '?' {
				return -1
			}
			return r
		}, text))
	}
	for i, text := range readings {
		if i > 0 && (strings.HasSuffix(text, "q") || strings.HasSuffix(text, "x") && !testable.MatchString(text)) {
			continue // the lamps of a keyboard are not worth a cursor's shape; DECREQTPARM has 0 or 1
		}
		if csiActs.MatchString(text) || i == 0 && (csiModes.MatchString(text) || csiSize.MatchString(text) || csiMouse.MatchString(text)) {
			t.got = append(t.got, "CSI "+text)
		}
	}
}

// font obeys SGR 11 as the Linux console does, which knows the colours 38 and 48.
func (t *terminal) font(params []string) {
	for len(params) > 0 {
		n := strings.TrimLeft(params[0], "0")
		params = params[1:]
		switch {
		case n == "10":
			t.single = false
		case n == "11", n == "12":
			t.single = true
		case (n == "38" || n == "48") && len(params) > 1 && strings.TrimLeft(params[0], "0") == "5":
			params = params[2:]
		case (n == "38" || n == "48") && len(params) > 3 && strings.TrimLeft(params[0], "0") == "2":
			params = params[4:]
		}
	}
}

func (t *terminal) endString() {
	text := string(t.body)
	switch {
	case t.kind == ']' && oscActs.MatchString(text), t.kind == 'P' && dcsActs.MatchString(text),
		t.kind == '_' && strings.HasPrefix(text, "G"):
		t.got = append(t.got, string(t.kind)+text)
	}
}

// answered lists what any terminal answers to in out, or does beyond its screen.
func answered(out string) []string {
	for _, t := range terminals() {
		if got := t.acts(out); len(got) > 0 {
			return got
		}
	}
	return nil
}

// sequences is what terminals read alike, whole sequences between characters.
// Bytes that are no UTF-8 count as U+FFFD.
var sequences = regexp.MustCompile(`^(?:[\x00\x07-\x0f -\x7f\x{a0}-\x{10ffff}]|\x1b[6-9<=>DEHMc\\]|\x1b[ #()*+][0-9A-Z]|\x1b\[[<-?]?[0-9;:]*[ -/]?[@-~]|\x1b[]Pk][ -~\x{a0}-\x{10ffff}]*(?:\x07|\x1b\\))*$`)

// alike reports whether all terminals that read UTF-8 take out apart alike.
func alike(out string) bool {
	return sequences.MatchString(out) && !slices.ContainsFunc(strings.Split(out, ""), func(c string) bool { return len(c) == 1 && c[0] >= 0x80 && c[0] < 0xa0 })
}
