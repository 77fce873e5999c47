package dialogue

import (
	"bytes"
	"regexp"
)

// longest is how much of what the target said is kept to look in, in bytes.
const longest = 8 << 10

// sequences are what a terminal obeys without showing it (ECMA-48, and the
// strings of xterm). Patterns are of what people see.
var sequences = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]|[\x00\x07]`)

// A window is the newest of what the target said and nothing has matched yet.
type window struct {
	text  []byte
	total int64 // bytes ever added
}

func (w *window) add(p []byte) {
	w.total += int64(len(p))
	w.text = append(w.text, p[max(0, len(p)-longest):]...)
	if over := len(w.text) - longest; over > 0 {
		w.text = w.text[:copy(w.text, w.text[over:])]
	}
}

// A look is what a window showed at one moment.
type look struct {
	text  []byte // without escape sequences
	total int64
}

func (w *window) look() look {
	return look{sequences.ReplaceAll(w.text, nil), w.total}
}

// consume takes out the first n bytes that a look showed, and keeps what was
// said since.
func (w *window) consume(l look, n int) {
	since := w.text[max(0, len(w.text)-int(min(w.total-l.total, longest))):]
	w.text = append(bytes.Clone(l.text[n:]), since...)
	if over := len(w.text) - longest; over > 0 {
		w.text = w.text[over:]
	}
}
