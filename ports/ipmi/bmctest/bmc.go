// Package bmctest is a BMC for tests and measurements: one that does what the
// specification says, or exactly the wrong thing that a test asks for. Real ones stand
// beside it in the tests of package ipmi; this one shows faults that they cannot, and
// comes by the thousand.
package bmctest

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"consoled/ports/ipmi/wire"
)

// A BMC serves one remote console at a time. The exported fields are set
// before Serve.
type BMC struct {
	User, Password, Key string // Key is K_g; the password if empty
	Suites              []int  // those it does; 17 and 3 if nil
	Room                int    // its inbound payload size; 64 if 0
	Echo                bool   // the machine says what it hears
	Seen                byte   // the last SOL number of the session before, which this BMC forgets to forget
	Again               time.Duration
	Retries             int // how often characters are sent before they are dropped; 100 if 0

	// Plain changes an answer outside a session before it is sent; nil is silence.
	Plain func(kind wire.Payload, payload []byte) []byte
	// Sealed changes a packet of the session before it is sent; nil is silence.
	Sealed func(packet []byte) []byte
	// Reply answers a command in another way; ok is false for the usual one.
	Reply func(q wire.Request) (r wire.Reply, ok bool)
	// Taking says how many of the characters are taken, and the status beside it.
	Taking func(data []byte) (accepted int, flags byte)

	conn net.PacketConn

	mu      sync.Mutex
	changed sync.Cond
	peer    net.Addr
	hand    wire.Handshake
	session *session
	busy    bool // somebody else has SOL
	log     Log
	output  []byte // what the machine said and the remote console has not acknowledged
	flight  flight
}

// A Log is what a BMC has seen.
type Log struct {
	Heard    []byte // of the machine
	Packets  int    // datagrams in
	SOL      int    // SOL packets with characters
	Longest  int    // characters in one
	Breaks   int
	Flushes  int
	Commands []byte // in order
	Opens    []byte // suites proposed, by their authentication algorithm
	Proofs   int    // RAKP 3 with a code
	Closed   int    // sessions closed by the remote console
	Dropped  int    // characters of the machine that were never acknowledged
}

type session struct {
	codec    *wire.Codec
	own      uint32
	peer     uint32
	sequence uint32
	window   wire.Window
	active   bool // SOL
	seen     byte // last SOL sequence number
	took     byte // how much of it
	flags    byte
}

// A flight is what the remote console has not acknowledged.
type flight struct {
	seq  byte
	data []byte
	due  time.Time
	sent int
}

// Listen serves on a free port of the loopback until stop is called, which waits.
func (b *BMC) Listen() (address string, stop func(), err error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	done := make(chan struct{})
	go func() { defer close(done); b.Serve(conn) }()
	return conn.LocalAddr().String(), func() { conn.Close(); <-done }, nil
}

// Serve answers on conn until it is closed.
func (b *BMC) Serve(conn net.PacketConn) {
	b.mu.Lock()
	b.conn = conn
	b.changed.L = &b.mu
	b.mu.Unlock()
	buf := make([]byte, 2048)
	for {
		b.mu.Lock()
		b.push(time.Now())
		deadline := time.Time{}
		if b.flight.data != nil {
			deadline = b.flight.due
		}
		conn.SetReadDeadline(deadline)
		b.mu.Unlock()
		n, from, err := conn.ReadFrom(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return
		}
		b.mu.Lock()
		b.log.Packets++
		b.peer = from
		b.packet(buf[:n])
		b.changed.Broadcast()
		b.mu.Unlock()
	}
}

// Log is a copy of what was seen so far.
func (b *BMC) Log() Log {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.log
	l.Heard, l.Commands, l.Opens = slices.Clone(l.Heard), slices.Clone(l.Commands), slices.Clone(l.Opens)
	return l
}

// Await waits until the log is as wanted, which something has to bring about.
func (b *BMC) Await(wanted func(l *Log) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed.L = &b.mu
	for !wanted(&b.log) {
		b.changed.Wait()
	}
}

// Occupy gives SOL to somebody else.
func (b *BMC) Occupy() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = true
}

// Say makes the machine say text.
func (b *BMC) Say(text []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.output = append(b.output, text...)
	b.push(time.Now())
	if b.conn != nil {
		b.conn.SetReadDeadline(time.Unix(1, 0)) // the deadline of the next repetition is Serve's
	}
}

// Inject sends a datagram as it is to the remote console.
func (b *BMC) Inject(packet []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send(packet)
}

// InjectSOL seals and sends a SOL packet of the session.
func (b *BMC) InjectSOL(p wire.SOLPacket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seal(wire.SOL, wire.AppendSOL(nil, p))
}

// Misdirect seals a SOL packet as it should be, but for another session.
func (b *BMC) Misdirect(p wire.SOLPacket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.session.peer++
	b.seal(wire.SOL, wire.AppendSOL(nil, p))
	b.session.peer--
}

// InjectPayload seals and sends any payload of the session.
func (b *BMC) InjectPayload(kind wire.Payload, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seal(kind, payload)
}

// Session is the remote console's session ID, for forging packets.
func (b *BMC) Session() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hand.M
}

func (b *BMC) send(packet []byte) {
	if len(packet) > 0 && b.peer != nil {
		b.conn.WriteTo(packet, b.peer)
	}
}

func (b *BMC) seal(kind wire.Payload, payload []byte) {
	s := b.session
	if s == nil {
		return
	}
	s.sequence++
	packet := s.codec.Seal(nil, wire.Packet{Type: kind, Session: s.peer, Sequence: s.sequence, Payload: payload})
	if b.Sealed != nil {
		packet = b.Sealed(packet)
	}
	b.send(packet)
}

func (b *BMC) plain(kind wire.Payload, payload []byte) {
	if b.Plain != nil {
		if payload = b.Plain(kind, payload); payload == nil {
			return
		}
	}
	b.send(wire.AppendPlain(nil, kind, payload))
}

// packet takes in a datagram.
func (b *BMC) packet(p []byte) {
	if message, err := wire.ParseFirst(p); err == nil {
		if q, err := wire.ParseRequest(message); err == nil {
			r := b.answer(q)
			b.send(wire.AppendFirst(nil, wire.AppendReply(nil, r)))
		}
		return
	}
	if packet, err := wire.ParsePlain(p); err == nil {
		b.handshake(packet)
		return
	}
	s := b.session
	if s == nil {
		return
	}
	packet, err := s.codec.Open(p)
	if err != nil || packet.Session != s.own || !s.window.Fresh(packet.Sequence) {
		return
	}
	switch packet.Type {
	case wire.SOL:
		if k, err := wire.ParseSOL(packet.Payload); err == nil && s.active {
			b.sol(s, k)
		}
	case wire.Message:
		if q, err := wire.ParseRequest(packet.Payload); err == nil {
			b.seal(wire.Message, wire.AppendReply(nil, b.answer(q)))
			if q.Command == cmdClose {
				b.session = nil
				b.log.Closed++
			}
		}
	}
}

// The commands that are answered.
const (
	cmdCapabilities = 0x38
	cmdClose        = 0x3c
	cmdActivate     = 0x48
	cmdDeactivate   = 0x49
	cmdInstance     = 0x4b
	cmdStatus       = 0x01
)

func (b *BMC) answer(q wire.Request) wire.Reply {
	b.log.Commands = append(b.log.Commands, q.Command)
	r := wire.Reply{NetFn: q.NetFn, Command: q.Command, Sequence: q.Sequence}
	if b.Reply != nil {
		if other, ok := b.Reply(q); ok {
			other.NetFn, other.Command, other.Sequence = q.NetFn, q.Command, q.Sequence
			return other
		}
	}
	switch {
	case q.Command == cmdCapabilities:
		r.Data = []byte{1, 0x80, 0, 0x03, 0, 0, 0, 0}
	case q.Command == cmdActivate && b.busy:
		r.Code = 0x80
	case q.Command == cmdActivate:
		b.activate()
		room := b.Room
		if room == 0 {
			room = 64
		}
		r.Data = []byte{0, 0, 0, 0, byte(room), byte(room >> 8), 64, 0, 0, 0, 0xff, 0xff}
		if at, ok := b.conn.LocalAddr().(*net.UDPAddr); ok {
			binary.LittleEndian.PutUint16(r.Data[8:], uint16(at.Port))
		}
	case q.Command == cmdDeactivate:
		b.busy = false
		b.session.active = false
	case q.Command == cmdInstance:
		r.Data = binary.LittleEndian.AppendUint32(nil, b.owner())
	case q.NetFn == wire.Chassis && q.Command == cmdStatus:
		r.Data = []byte{1, 0, 0x40}
	}
	return r
}

// owner is whose SOL is.
func (b *BMC) owner() uint32 {
	switch {
	case b.busy:
		return 0xbadbad
	case b.session != nil && b.session.active:
		return b.session.own
	}
	return 0
}

func (b *BMC) activate() {
	if b.session != nil {
		b.session.active = true
		b.session.seen = b.Seen
		b.flight = flight{}
	}
}
