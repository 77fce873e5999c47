package attach

import (
	"bytes"
	"fmt"
	"time"
)

// oneGo is how soon a packet follows another for both to be of one paste.
const oneGo = 100 * time.Millisecond

// guard keeps the first thing that a person types at a free console from doing
// harm: people press ^C to get out, and paste into the wrong window. The same
// thing again is meant.
type guard struct {
	off  bool
	last []byte    // the first packet that was not sent
	at   time.Time // when the newest packet of it came
}

// check returns what it is that should not be sent yet, or "". free says
// whether nobody writes on the console.
func (g *guard) check(packet []byte, free bool, now time.Time) string {
	if g.off || len(packet) == 0 {
		return ""
	}
	if len(g.last) > 1 && now.Sub(g.at) < oneGo {
		g.at = now
		return harm(g.last) // the rest of what was not sent
	}
	what := harm(packet)
	if !free || what == "" || g.again(packet) {
		g.off, g.last = true, nil
		return ""
	}
	g.last, g.at = bytes.Clone(packet), now
	return what
}

// again reports whether a packet is the last one once more. Where a paste is
// parted into packets is a matter of chance.
func (g *guard) again(packet []byte) bool {
	n := min(len(packet), len(g.last))
	return n > 0 && (n == len(packet) || n > 1) && bytes.Equal(packet[:n], g.last[:n])
}

// harm names what a packet would do, or "".
func harm(packet []byte) string {
	if len(packet) == 1 {
		switch packet[0] {
		case 0x03:
			return "^C would reach the target"
		case 0x04:
			return "^D would reach the target"
		case 0x1a:
			return "^Z would reach the target"
		case 0x1c:
			return `^\ would reach the target`
		}
		return ""
	}
	text := bytes.ReplaceAll(packet, []byte("\r\n"), []byte("\r"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r"))
	if lines := bytes.Count(bytes.TrimRight(text, "\r"), []byte("\r")) + 1; lines > 1 {
		return fmt.Sprintf("%d lines pasted", lines)
	}
	return ""
}
