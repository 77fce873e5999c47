package gateway

import (
	"net"
	"sync/atomic"
	"time"
)

// eager is how long after its start a connection acknowledges every packet at
// once: OpenSSH logs in by small packets, each of which otherwise waits up to
// 40 ms for the acknowledgement of the one before.
const eager = 2 * time.Second

// A wire is the network connection below SSH. It knows when the other side
// was last heard, and whether it ended by itself.
type wire struct {
	net.Conn
	since time.Time
	quick func()       // acknowledges at once; nil where there is no such thing
	heard atomic.Int64 // when, in ns since then: a step of the clock is no silence
	taken atomic.Int64 // bytes
	ended atomic.Bool  // by us
	lost  atomic.Bool
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, since: time.Now()}
	if t, ok := c.(*net.TCPConn); ok {
		w.quick = quickAck(t)
		// A dead line is noticed even by a connection that opens no channel.
		// Neither call can fail on an open connection in a way that matters.
		_ = t.SetNoDelay(true)
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 30 * time.Second, Count: 3})
	}
	return w
}

// Read reads from the network. An error that we did not cause means that the
// other side is gone without a goodbye: SSH's disconnect message comes as
// data, after which nobody reads any more.
func (w *wire) Read(p []byte) (int, error) {
	if w.quick != nil && time.Since(w.since) < eager {
		w.quick()
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(int64(time.Since(w.since)))
		w.taken.Add(int64(n))
	}
	if err != nil && !w.ended.Load() {
		w.lost.Store(true)
	}
	return n, err
}

// end closes the connection because we want to.
func (w *wire) end() {
	w.ended.Store(true)
	// It may have been closed already; there is nobody left to tell.
	_ = w.Conn.Close()
}

// lose closes the connection of a peer that no longer answers.
func (w *wire) lose() {
	w.lost.Store(true)
	w.end()
}

// silence is how long nothing has been heard.
func (w *wire) silence() time.Duration { return time.Since(w.since) - time.Duration(w.heard.Load()) }

// SetDeadline does nothing: the SSH library clears deadlines before every read
// and write, so that timers which close take their place.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, as SetDeadline.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, as SetDeadline.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
