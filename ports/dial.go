package ports

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialLimit is how long a target may take to answer, its TLS handshake
// included. It is below the patience of people, and well above what a slow
// management network needs.
const dialLimit = 10 * time.Second

// Network is how a target on the network is reached, besides its address. The
// zero value is without TLS, from the address that the kernel chooses, and with
// the usual keepalive.
type Network struct {
	TLS       TLS
	Source    string        // IP address of this machine to connect from
	KeepAlive time.Duration // see keepAlive; 0 means 30 s, below 0 never
}

// Check says what is wrong with the settings, or with the host:port that they
// are to reach.
func (n Network) Check(address string) error {
	if n.Source != "" {
		if _, err := netip.ParseAddr(n.Source); err != nil {
			return fmt.Errorf("source %q is not an IP address", n.Source)
		}
	}
	if n.KeepAlive > maxKeepAlive {
		return fmt.Errorf("keepalive %v is longer than %v", n.KeepAlive, maxKeepAlive)
	}
	if err := n.TLS.Check(); err != nil {
		return err
	}
	return CheckAddress(address)
}

// Dial connects to a target on the network "tcp" or "unix" within 10 seconds.
// On Unix systems the Port is a TryReader. The errors of Dial and of its Port are
// *Errors whose Op names the network and the address.
func Dial(ctx context.Context, network, address string) (Port, error) {
	return Network{}.dial(ctx, network, address, network+" "+address)
}

// Dial connects to a host:port and speaks TLS there if it is asked for, as the
// function Dial does. kind is what errors call the target, such as "telnet".
func (n Network) Dial(ctx context.Context, kind, address string) (Port, error) {
	return n.dial(ctx, "tcp", address, kind+" "+address)
}

// dial is Dial for a backend whose errors name it as what, such as "tcp ts1:2001".
func (n Network) dial(ctx context.Context, network, address, what string) (Port, error) {
	op := "open " + what
	if ctx.Err() != nil {
		return nil, Ended(ctx, op)
	}
	limit, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	port, err := n.connect(limit, network, address, what)
	switch {
	case err == nil:
		return port, nil
	case ctx.Err() != nil:
		return nil, Ended(ctx, op)
	case limit.Err() != nil:
		return nil, &Error{Reason: Unreachable, Op: op, Err: fmt.Errorf("no answer within %v", dialLimit)}
	}
	if n.Source != "" && errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, &Error{Reason: Failed, Op: op, Err: bare(err), Fix: "give an address of this machine as source: " + n.Source + " is none"}
	}
	return nil, Classify(op, err)
}

// connect makes the connection, and with TLS what goes on top.
func (n Network) connect(ctx context.Context, network, address, what string) (Port, error) {
	var seal *tls.Config
	if n.TLS.On {
		var err error
		if seal, err = n.TLS.Load(address); err != nil {
			return nil, err
		}
	}
	dialer := net.Dialer{KeepAlive: -1, KeepAliveConfig: n.keepAlive()} // -1: what is switched off stays off
	if n.Source != "" {
		source, err := netip.ParseAddr(n.Source)
		if err != nil {
			return nil, err
		}
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	conn, err := dialer.DialContext(ctx, network, address) // sets TCP_NODELAY
	if err != nil {
		return nil, err
	}
	s, err := n.streamOver(ctx, conn, seal, what)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (n Network) streamOver(ctx context.Context, conn net.Conn, seal *tls.Config, what string) (Port, error) {
	if socket, ok := conn.(*net.TCPConn); ok && n.KeepAlive >= 0 {
		if err := limitUnacknowledged(socket, n.patience()); err != nil {
			return nil, err
		}
	}
	s, err := newStream(conn, what)
	if err != nil || seal == nil {
		return s, err
	}
	return secure(ctx, s, seal)
}

// The keepalive of TCP: a connection that has been silent for Idle is probed
// three times, a third of Idle apart, so that a target that lost power is found
// out after twice Idle, which by default is a minute.
const (
	usualKeepAlive = 30 * time.Second
	maxKeepAlive   = time.Hour
	probes         = 3
)

func (n Network) idle() time.Duration { return cmp.Or(n.KeepAlive, usualKeepAlive) }

// patience is how long a target that answers nothing counts as there.
func (n Network) patience() time.Duration { return 2 * n.idle() }

func (n Network) keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{
		Enable: n.KeepAlive >= 0, Count: probes,
		Idle: n.idle(), Interval: max(n.idle()/probes, time.Second), // the kernel counts in seconds
	}
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

// SetReadDeadline ends reads at t with os.ErrDeadlineExceeded, for protocols
// that begin by asking something; the zero time takes it back.
func (s *stream) SetReadDeadline(t time.Time) error {
	return s.failed("read ", s.conn.SetReadDeadline(t))
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
