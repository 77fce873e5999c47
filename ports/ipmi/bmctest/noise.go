package bmctest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// A Noise is what a bad network does to the datagrams of one direction.
type Noise struct {
	Lose, Double, Delay float64                      // how likely each is
	Change              func(packet []byte) [][]byte // what arrives in place of one; nil is the packet

	mu   sync.Mutex
	rng  *rand.Rand
	late []byte // comes after the next one
	cut  bool
}

// Cut lets nothing through, or as much as before.
func (n *Noise) Cut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
}

// Pass is what arrives when packet is sent.
func (n *Noise) Pass(packet []byte) [][]byte {
	if n == nil {
		return [][]byte{packet}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rng == nil {
		n.rng = rand.New(rand.NewPCG(1, 2))
	}
	var out [][]byte
	switch {
	case n.cut, n.rng.Float64() < n.Lose:
	case n.late == nil && n.rng.Float64() < n.Delay:
		n.late = bytes.Clone(packet)
		return nil
	default:
		out = append(out, packet)
		if n.rng.Float64() < n.Double {
			out = append(out, packet)
		}
	}
	if n.late != nil && !n.cut {
		out, n.late = append(out, n.late), nil
	}
	if n.Change == nil {
		return out
	}
	var changed [][]byte
	for _, p := range out {
		changed = append(changed, n.Change(bytes.Clone(p))...)
	}
	return changed
}

// Relay listens between remote consoles and a real BMC at address, with a noise
// for each direction; nil is none.
func Relay(listen, address string, there, back *Noise) (relay string, stop func(), err error) {
	front, err := net.ListenPacket("udp", listen)
	if err != nil {
		return "", nil, err
	}
	r := &relayed{front: front, address: address, back: back, behind: make(map[string]net.Conn)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.serve(there)
	}()
	return front.LocalAddr().String(), func() { front.Close(); <-done }, nil
}

// relayed is a Relay at work.
type relayed struct {
	front   net.PacketConn
	address string
	back    *Noise
	behind  map[string]net.Conn // one for each socket that asks
	tasks   sync.WaitGroup
}

func (r *relayed) serve(there *Noise) {
	defer r.tasks.Wait()
	buf := make([]byte, 2048)
	for {
		n, from, err := r.front.ReadFrom(buf)
		if err != nil {
			break
		}
		conn := r.behind[from.String()]
		if conn == nil {
			if conn, err = net.Dial("udp", r.address); err != nil {
				break
			}
			r.behind[from.String()] = conn
			r.tasks.Go(func() { r.answers(conn, from) })
		}
		for _, p := range there.Pass(buf[:n]) {
			conn.Write(p)
		}
	}
	for _, conn := range r.behind {
		conn.Close()
	}
}

func (r *relayed) answers(conn net.Conn, to net.Addr) {
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		for _, p := range r.back.Pass(buf[:n]) {
			r.front.WriteTo(p, to)
		}
	}
}

// Pipe is a network of two in memory, which a synctest bubble can hold: the
// remote console's end and the BMC's.
func Pipe(there, back *Noise) (net.Conn, net.PacketConn) {
	a, b := newEnd(), newEnd()
	a.other, a.noise = b, there
	b.other, b.noise = a, back
	return a, packetEnd{b}
}

// An end is one of a Pipe.
type end struct {
	other *end
	noise *Noise

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	queue    [][]byte
	deadline time.Time
	closed   bool
}

func newEnd() *end { return &end{changed: make(chan struct{})} }

func (e *end) change() { close(e.changed); e.changed = make(chan struct{}) }

// full is where datagrams are dropped, as a kernel does.
const full = 256

func (e *end) Write(b []byte) (int, error) {
	for _, p := range e.noise.Pass(b) {
		o := e.other
		o.mu.Lock()
		if !o.closed && len(o.queue) < full {
			o.queue = append(o.queue, bytes.Clone(p))
			o.change()
		}
		o.mu.Unlock()
	}
	return len(b), nil
}

func (e *end) Read(b []byte) (int, error) {
	for {
		e.mu.Lock()
		changed, deadline := e.changed, e.deadline
		switch {
		case e.closed:
			e.mu.Unlock()
			return 0, net.ErrClosed
		case !deadline.IsZero() && !time.Now().Before(deadline):
			e.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(e.queue) > 0:
			n := copy(b, e.queue[0])
			e.queue = e.queue[1:]
			e.mu.Unlock()
			return n, nil
		}
		e.mu.Unlock()
		var after <-chan time.Time
		if !deadline.IsZero() {
			timer := time.NewTimer(time.Until(deadline))
			defer timer.Stop()
			after = timer.C
		}
		select {
		case <-changed:
		case <-after:
		}
	}
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deadline = t
	e.change()
	return nil
}

func (e *end) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.change()
	return nil
}

func (e *end) LocalAddr() net.Addr              { return &net.UDPAddr{} }
func (e *end) RemoteAddr() net.Addr             { return &net.UDPAddr{} }
func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil }

// A packetEnd is an end as a net.PacketConn.
type packetEnd struct{ *end }

func (e packetEnd) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := e.Read(b)
	return n, e.RemoteAddr(), err
}

func (e packetEnd) WriteTo(b []byte, _ net.Addr) (int, error) { return e.Write(b) }
