// Package telnet is the backend for consoles behind telnet: terminal servers,
// serial device servers, QEMU, old management cards. It speaks RFC 854 and 855
// with the options BINARY (RFC 856), ECHO (857), SGA (858) and TERMINAL-TYPE
// (1091), negotiated by the method of RFC 1143, and refuses every other.
//
// The peer is taken to be hostile: the state is of fixed size, answers are few
// and bounded, nothing of the protocol ever counts as console data, and a peer that
// sends nothing but protocol is read slowly.
package telnet

import (
	"context"
	"errors"
	"strings"

	"consoled/ports"
)

// Telnet is a console behind a telnet server.
type Telnet struct {
	Address string // host:port; an IPv6 address in brackets
}

// Check says what is wrong with the address.
func (t Telnet) Check() error { return ports.CheckAddress(t.Address) }

// Host is the machine that it dials.
func (t Telnet) Host() string { return ports.HostOf(t.Address) }

// String is "telnet ts1:2001".
func (t Telnet) String() string { return "telnet " + t.Address }

// Open connects and asks for an 8-bit clean line. The answers arrive later,
// among the data, and are acted on by whoever reads the port.
func (t Telnet) Open(ctx context.Context) (ports.Port, error) {
	conn, err := ports.Dial(ctx, "tcp", t.Address)
	if err != nil {
		return nil, named(err)
	}
	p, err := newPort(conn)
	if err != nil {
		conn.Close()
		return nil, named(err)
	}
	if try, ok := conn.(ports.TryReader); ok {
		return &tryPort{p, try}, nil
	}
	return p, nil
}

// named says telnet where the connection's error says tcp.
func named(err error) error {
	e, ok := errors.AsType[*ports.Error](err)
	if !ok {
		return err
	}
	mine := *e
	mine.Op = strings.Replace(e.Op, " tcp ", " telnet ", 1)
	return &mine
}
