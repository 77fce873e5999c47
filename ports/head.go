package ports

import (
	"bytes"
	"sync"
)

// A Head takes everything that is written to it and keeps the beginning, so
// that no program is held up by what is not wanted of its output. It is safe
// for any goroutine.
type Head struct {
	Most int // bytes that are kept

	mu   sync.Mutex
	text []byte
}

// Write takes all of p.
func (h *Head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, p[:min(len(p), h.Most-len(h.text))]...)
	return len(p), nil
}

// Bytes is what has been kept, as a copy.
func (h *Head) Bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.text)
}
