// Package telnet is the backend for consoles behind telnet: terminal servers,
// serial device servers, QEMU, old management cards. It speaks RFC 854 and 855
// with the options BINARY (RFC 856), ECHO (857), SGA (858) and TERMINAL-TYPE
// (1091), and where it is asked to COM-PORT-OPTION (2217), negotiated by the
// method of RFC 1143, and refuses every other.
//
// The peer is taken to be hostile: the state is of fixed size, answers are few
// and bounded, nothing of the protocol ever counts as console data, and a peer that
// sends nothing but protocol is read slowly.
package telnet

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"consoled/ports"
)

// Telnet is a console behind a telnet server.
type Telnet struct {
	Address string // host:port; an IPv6 address in brackets
	Network ports.Network

	// RFC2217 asks for command over the serial port behind the server.
	RFC2217 bool
	// Serial is how that port is to be set. It has no Path, and what is empty
	// or zero is left as the server has it.
	Serial ports.Serial
}

// Check says what is wrong with the settings.
func (t Telnet) Check() error {
	switch {
	case !t.RFC2217 && t.Serial != (ports.Serial{}):
		return errors.New("telnet: settings of a serial line need rfc2217")
	case t.Serial.HUPCL:
		return errors.New("telnet: hupcl is for serial devices of this machine alone")
	}
	if err := t.Serial.CheckMode(); err != nil {
		return fmt.Errorf("telnet %q: %w", t.Address, err)
	}
	return t.Network.Check(t.Address)
}

// String is "telnet ts1:2001", or with all that there can be
// "telnet ts1:2001 tls rfc2217 9600 data 7 parity even stop 1 flow hardware".
func (t Telnet) String() string {
	text := "telnet " + t.Address + t.Network.TLS.String()
	if !t.RFC2217 {
		return text
	}
	text += " rfc2217"
	s := t.Serial
	if s.Baud != 0 {
		text += " " + strconv.Itoa(s.Baud)
	}
	if s.Data != 0 {
		text += " data " + strconv.Itoa(s.Data)
	}
	for _, set := range []struct{ key, value string }{{"parity", s.Parity}, {"stop", s.Stop}, {"flow", s.Flow}} {
		if set.value != "" {
			text += " " + set.key + " " + set.value
		}
	}
	return text
}

// Open connects and asks for an 8-bit clean line. The answers arrive later,
// among the data, and are acted on by whoever reads the port; only those about a
// serial port are waited for.
func (t Telnet) Open(ctx context.Context) (ports.Port, error) {
	conn, err := t.Network.Dial(ctx, "telnet", t.Address)
	if err != nil {
		return nil, err
	}
	p, err := t.newPort(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if t.RFC2217 {
		if err := p.agree(ctx, agreeLimit); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p.able(), nil
}

// able is the port with the abilities that it has, because they are found by
// assertion.
func (p *port) able() ports.Port {
	try, canTry := p.conn.(ports.TryReader)
	hasCom := p.agreedCom()
	switch {
	case canTry && hasCom:
		return struct {
			*tryPort
			comLine
		}{&tryPort{p, try}, comLine{p}}
	case canTry:
		return &tryPort{p, try}
	case hasCom:
		return struct {
			*port
			comLine
		}{p, comLine{p}}
	}
	return p
}
