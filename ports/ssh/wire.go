package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A wire makes a port, or a channel through another host, the connection that
// the library wants, and knows when something last came.
type wire struct {
	io.ReadWriteCloser
	address string
	since   time.Time
	heard   atomic.Int64 // ns since then: a step of the clock is no silence
	talk    atomic.Int64 // bytes that may still come
}

// maxTalk is how much may come before the login is made: banners, lists of
// algorithms, and a host that only wants to keep us busy.
const maxTalk = 1 << 20

var errTalk = fmt.Errorf("the host sends more than %d MiB and no login is made", maxTalk>>20)

func newWire(c io.ReadWriteCloser, address string) *wire {
	w := &wire{ReadWriteCloser: c, address: address, since: time.Now()}
	w.talk.Store(maxTalk)
	return w
}

// Read notes the time of what comes, and its size.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.ReadWriteCloser.Read(p)
	if n > 0 {
		w.heard.Store(int64(time.Since(w.since)))
		if w.talk.Add(-int64(n)) < 0 {
			return 0, errTalk
		}
	}
	return n, err
}

// silence is how long nothing has come.
func (w *wire) silence() time.Duration { return time.Since(w.since) - time.Duration(w.heard.Load()) }

// LocalAddr and RemoteAddr are asked for by the library, for callbacks of ours
// that do not look at them.
func (w *wire) LocalAddr() net.Addr  { return name("here") }
func (w *wire) RemoteAddr() net.Addr { return name(w.address) }

type name string

func (name) Network() string  { return "ssh" }
func (n name) String() string { return string(n) }

// SetDeadline and its kin are not used: a context bounds the handshake, and
// Close ends what blocks.
func (*wire) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (*wire) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (*wire) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
