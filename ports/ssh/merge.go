package ssh

import (
	"io"
	"sync"
)

// A merge brings the output of several streams to one reader, in the order in
// which it comes. A stream's goroutine offers what it has read and waits until it
// is taken, so one buffer a stream is enough, and a small one while little comes.
type merge struct {
	offer chan []byte   // what a stream has read
	taken chan struct{} // the reader is done with it; the stream that offered it waits for this
	over  chan struct{} // closed when the port has ended, with err set before
	err   error         // what reads return then

	rest []byte // of an offer; the reader's own
}

func newMerge() *merge {
	return &merge{offer: make(chan []byte), taken: make(chan struct{}), over: make(chan struct{})}
}

// Sizes of a stream's buffers: what it holds while it waits, and what it
// borrows while there is plenty.
const (
	smallRead = 256
	largeRead = 32 << 10 // a packet's (RFC 4253, 6.1)
)

var largeReads = sync.Pool{New: func() any { return new([largeRead]byte) }}

// pump reads a stream to its end. A read that fills its buffer says that there
// may be more, and borrows a larger one.
func (m *merge) pump(r io.Reader) {
	small := make([]byte, smallRead)
	for {
		n, err := r.Read(small)
		passed := m.pass(small[:n])
		for full := n == len(small); passed && full && err == nil; {
			full, passed, err = m.bulk(r)
		}
		if !passed || err != nil {
			return
		}
	}
}

// bulk reads once into a borrowed buffer.
func (m *merge) bulk(r io.Reader) (full, passed bool, err error) {
	large := largeReads.Get().(*[largeRead]byte)
	defer largeReads.Put(large)
	n, err := r.Read(large[:])
	return n == len(large), m.pass(large[:n]), err
}

// pass hands a piece to the reader and waits until it is done with it. It
// reports false when nobody reads any more.
func (m *merge) pass(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	select {
	case m.offer <- p:
	case <-m.over:
		return false
	}
	select {
	case <-m.taken:
		return true
	case <-m.over:
		return false
	}
}

// wait blocks until there is something to take, or the end.
func (m *merge) wait() error {
	if len(m.rest) > 0 {
		return nil
	}
	select {
	case m.rest = <-m.offer:
		return nil
	case <-m.over:
		return m.err
	}
}

// take takes what is there, without waiting.
func (m *merge) take(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(m.rest) == 0 {
		select {
		case m.rest = <-m.offer:
		case <-m.over:
			return 0, m.err
		default:
			return 0, nil
		}
	}
	n := copy(p, m.rest)
	if m.rest = m.rest[n:]; len(m.rest) == 0 {
		select {
		case m.taken <- struct{}{}:
		case <-m.over:
		}
	}
	return n, nil
}
