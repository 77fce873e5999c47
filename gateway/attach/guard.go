package attach

import (
	"bytes"
	"fmt"
)

// guard keeps the first thing that a person types at a free console from doing
// harm: people press ^C to get out, and paste into the wrong window. The same
// thing again is meant.
type guard struct {
	off  bool
	last []byte
}

// check returns what it is that should not be sent yet, or "". free says
// whether nobody writes on the console.
func (g *guard) check(packet []byte, free bool) string {
	if g.off || len(packet) == 0 {
		return ""
	}
	what := harm(packet)
	if !free || what == "" || bytes.Equal(packet, g.last) {
		g.off, g.last = true, nil
		return ""
	}
	g.last = bytes.Clone(packet)
	return what
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
