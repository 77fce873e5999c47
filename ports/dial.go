package ports

import (
	"context"
	"net"
	"time"
)

// dialLimit is how long a target may take to answer. It is below the patience
// of people, and well above what a slow management network needs.
const dialLimit = 10 * time.Second

// Dial connects to a target on the network "tcp" or "unix" within 10 seconds.
// A TCP connection has keepalives on, so that a target that lost power is found
// out within a minute, and sends each keystroke at once. On Unix systems the
// Port is a TryReader. The errors of Dial and of its Port are *Errors whose Op
// names the network and the address.
func Dial(ctx context.Context, network, address string) (Port, error) {
	return dial(ctx, network, address, network+" "+address)
}

// dial is Dial for a backend whose errors name it as what, such as "tcp ts1:2001".
func dial(ctx context.Context, network, address, what string) (Port, error) {
	if ctx.Err() != nil {
		return nil, Ended(ctx, "open "+what)
	}
	dialer := net.Dialer{
		Timeout:         dialLimit,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3},
	}
	if network == "tcp" && dialer.LocalAddr == nil { // which is bound after Control
		dialer.Control = connectEarly
	}
	conn, err := dialer.DialContext(ctx, network, address) // sets TCP_NODELAY
	if err != nil {
		if ctx.Err() != nil {
			return nil, Ended(ctx, "open "+what)
		}
		return nil, Classify("open "+what, err)
	}
	s, err := newStream(conn, what)
	if err != nil {
		conn.Close()
		return nil, Classify("open "+what, err)
	}
	return s, nil
}

// A stream is a Port over a net.Conn.
type stream struct {
	conn net.Conn
	what string
	try  tryReader
}

func newStream(conn net.Conn, what string) (*stream, error) {
	s := &stream{conn: conn, what: what}
	return s, s.try.init(conn)
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	return n, s.failed("read ", err)
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.conn.Write(p)
	return n, s.failed("write ", err)
}

func (s *stream) Close() error {
	s.conn.Close() // a second close is no error of ours, and nobody could act on the first one's
	return nil
}

// failed keeps the hot path free of building the operation's text.
func (s *stream) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return Classify(op+s.what, err)
}
