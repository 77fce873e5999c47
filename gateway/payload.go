package gateway

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Bounds on what a client may send about a session.
const (
	maxTerm    = 64 // bytes of a terminal's name; terminfo's longest has 38
	maxName    = 128
	maxCommand = 64 << 10
	maxEnv     = 64 // variables
	maxValue   = 4 << 10
	maxSide    = 1000 // columns, rows
)

// errMalformed is a channel request that is not as its standard says.
var errMalformed = errors.New("malformed request")

// A payload is what is left to parse of a channel request (RFC 4251 section 5).
// Its first mistake sticks.
type payload struct {
	rest []byte
	bad  bool
}

func (p *payload) uint32() uint32 {
	if p.bad || len(p.rest) < 4 {
		p.bad = true
		return 0
	}
	v := binary.BigEndian.Uint32(p.rest)
	p.rest = p.rest[4:]
	return v
}

// text reads a string of at most limit bytes.
func (p *payload) text(limit int) string {
	n := p.uint32()
	// Compared as 64 bits: the length of a hostile string must not wrap.
	if p.bad || uint64(n) > uint64(limit) || uint64(n) > uint64(len(p.rest)) {
		p.bad = true
		return ""
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

// end reports a mistake, or bytes that should not be there.
func (p *payload) end() error {
	if p.bad || len(p.rest) > 0 {
		return errMalformed
	}
	return nil
}

// A size is a window's columns and rows; zero where unknown.
type size struct{ cols, rows int }

// clamped bounds a window's size. Terminals that do not know theirs send zero.
func clamped(cols, rows uint32) size {
	if cols == 0 || rows == 0 {
		return size{}
	}
	return size{int(min(cols, maxSide)), int(min(rows, maxSide))}
}

// parsePTY reads a pty-req (RFC 4254 section 6.2). The terminal modes are not
// used: the line has its own. A terminal's name that is no name becomes "dumb".
func parsePTY(data []byte) (term string, s size, _ error) {
	p := payload{rest: data}
	term = p.text(maxCommand)
	s = clamped(p.uint32(), p.uint32())
	p.uint32() // pixels
	p.uint32()
	p.text(maxCommand)
	if err := p.end(); err != nil {
		return "", size{}, err
	}
	return terminal(term), s, nil
}

func terminal(name string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(name) > maxTerm || strings.ContainsFunc(name, odd) {
		return "dumb"
	}
	return name
}

// parseWindow reads a window-change (RFC 4254 section 6.7).
func parseWindow(data []byte) (size, error) {
	p := payload{rest: data}
	s := clamped(p.uint32(), p.uint32())
	p.uint32() // pixels
	p.uint32()
	return s, p.end()
}

// parseEnv reads an env request (RFC 4254 section 6.4).
func parseEnv(data []byte) (name, value string, _ error) {
	p := payload{rest: data}
	name, value = p.text(maxName), p.text(maxValue)
	return name, value, p.end()
}

// envAccepted is the list of interface.md 2.8. A value with a NUL would be cut
// short by whoever hands it on.
func envAccepted(name, value string) bool {
	if strings.ContainsRune(value, 0) {
		return false
	}
	switch name {
	case "NO_COLOR", "COLORTERM", "LANG", "TERM":
		return true
	}
	rest, own := strings.CutPrefix(name, "CONSOLED_")
	if !own {
		if rest, own = strings.CutPrefix(name, "LC_"); !own {
			return false
		}
	}
	odd := func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }
	return rest != "" && !strings.ContainsFunc(rest, odd)
}

// parseBreak reads a break request (RFC 4335 section 3): its length in milliseconds.
func parseBreak(data []byte) (time.Duration, error) {
	p := payload{rest: data}
	ms := p.uint32()
	return time.Duration(ms) * time.Millisecond, p.end()
}

// parseText reads a request of one string: exec, subsystem, signal.
func parseText(data []byte, limit int) (string, error) {
	p := payload{rest: data}
	s := p.text(limit)
	return s, p.end()
}
