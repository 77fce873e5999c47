package attach

import (
	"bytes"
	"strconv"
	"strings"
)

// render makes a notice: on lines of its own, with the target's unfinished line
// or the open question printed again below, so that a prompt with half-typed text is still seen.
func (p *painter) render(x paint) []byte {
	var b bytes.Buffer
	b.WriteString(x.raw)
	if x.asking != nil {
		p.asking = *x.asking
	}
	if len(x.lines) == 0 {
		return b.Bytes()
	}
	b.WriteString("\r")
	if !p.tracker.AtLineStart() || p.asking != "" {
		b.WriteString("\n")
	}
	for _, line := range x.lines {
		w := p.width()
		if x.plain {
			for _, part := range wrap(line, w-1) {
				b.WriteString(part + "\r\n")
			}
			continue
		}
		b.WriteString(notice(p.name, line, w) + "\r\n")
	}
	if p.asking != "" {
		b.WriteString(p.asking)
	} else {
		b.Write(p.tracker.Line())
	}
	return b.Bytes()
}

// notice is a notice as it stands on the screen: one line, cut to a column less
// than the window has, which is not known where width is 0. The text is cut
// before its hints are: how to leave has to be seen in any window that has room for it.
func notice(name, text string, width int) string {
	text, hints, found := strings.Cut(text, hintMark)
	text = "[" + name + "] " + text
	if found {
		hints = " " + strings.ReplaceAll(hints, hintMark, "  ")
	}
	const dots = ".."
	room := width - 1
	if over := len(text) + len(hints) - room; width > 1 && over > 0 {
		if keep := len(text) - over - len(dots); found && keep > len(name)+2 {
			return text[:keep] + dots + hints
		}
		return (text + hints)[:room]
	}
	return text + hints
}

// thousands writes a number with commas.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
