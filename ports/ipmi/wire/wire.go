// Package wire is what travels between a remote console and a BMC: RMCP+
// packets, IPMI messages, the RAKP handshake and serial over LAN, as IPMI 2.0
// revision 1.1 defines them. It is pure: it holds no connection and no clock.
//
// Everything that is read here may come from a hostile BMC or from anybody who
// can send a datagram. A parser accepts exactly what the specification allows,
// returns slices of its input, and never allocates by a length that it was told.
package wire

import (
	"encoding/binary"
	"errors"
)

// A Payload is the type of an RMCP+ packet's payload (table 13-16).
type Payload byte

// The payload types that are used here.
const (
	Message     Payload = 0x00
	SOL         Payload = 0x01
	OpenRequest Payload = 0x10
	OpenReply   Payload = 0x11
	RAKP1       Payload = 0x12
	RAKP2       Payload = 0x13
	RAKP3       Payload = 0x14
	RAKP4       Payload = 0x15
)

// MaxPacket is the longest packet that is read or written. The longest legal
// one, a full SOL packet of 255 characters in a session, is far below it.
const MaxPacket = 512

// The flags beside the payload type (table 13-8).
const (
	flagEncrypted     = 0x80
	flagAuthenticated = 0x40
)

const (
	formatNone  = 0x00 // an IPMI 1.5 packet outside a session
	formatRMCPP = 0x06

	rmcpLen   = 4  // the RMCP header
	headerLen = 12 // the session header after it
)

// rmcp is the RMCP header: version 1.0, no acknowledgement, class IPMI (13.1.3).
var rmcp = [rmcpLen]byte{0x06, 0x00, 0xff, 0x07}

// The ways in which a packet is not what it should be.
var (
	errShort   = errors.New("truncated packet")
	errLength  = errors.New("length does not fit the packet")
	errFormat  = errors.New("not an RMCP+ packet")
	errPlain   = errors.New("packet is not both encrypted and authenticated")
	errCode    = errors.New("wrong authentication code")
	errPadding = errors.New("wrong padding")
	errSum     = errors.New("wrong checksum")
)

// A Packet is the outside of an RMCP+ packet.
type Packet struct {
	Type     Payload
	Session  uint32 // of the receiver; 0 outside a session
	Sequence uint32
	Payload  []byte
}

// appendHeader begins a packet; the payload's length is filled in by setLength.
func appendHeader(b []byte, p Packet, flags byte) []byte {
	b = append(b, rmcp[:]...)
	b = append(b, formatRMCPP, byte(p.Type)|flags)
	b = binary.LittleEndian.AppendUint32(b, p.Session)
	b = binary.LittleEndian.AppendUint32(b, p.Sequence)
	return append(b, 0, 0)
}

func setLength(packet []byte, payload int) {
	binary.LittleEndian.PutUint16(packet[rmcpLen+headerLen-2:], uint16(payload))
}

// AppendPlain appends a packet outside a session, as the handshake uses them.
func AppendPlain(b []byte, kind Payload, payload []byte) []byte {
	start := len(b)
	b = append(appendHeader(b, Packet{Type: kind}, 0), payload...)
	setLength(b[start:], len(payload))
	return b
}

// header reads a packet's header and the flags beside its type. Payload is the
// rest of the packet, with what follows the payload.
func header(b []byte) (p Packet, flags byte, length int, err error) {
	switch {
	case len(b) < rmcpLen+headerLen:
		return Packet{}, 0, 0, errShort
	case b[0] != rmcp[0] || b[3] != rmcp[3] || b[4] != formatRMCPP:
		return Packet{}, 0, 0, errFormat
	}
	flags = b[5] & (flagEncrypted | flagAuthenticated)
	p.Type = Payload(b[5] &^ (flagEncrypted | flagAuthenticated))
	p.Session = binary.LittleEndian.Uint32(b[6:])
	p.Sequence = binary.LittleEndian.Uint32(b[10:])
	length = int(binary.LittleEndian.Uint16(b[14:]))
	p.Payload = b[rmcpLen+headerLen:]
	if length > len(p.Payload) {
		return Packet{}, 0, 0, errLength
	}
	return p, flags, length, nil
}

// ParsePlain reads a packet outside a session.
func ParsePlain(b []byte) (Packet, error) {
	p, flags, length, err := header(b)
	switch {
	case err != nil:
		return Packet{}, err
	case flags != 0 || p.Session != 0:
		return Packet{}, errFormat
	}
	p.Payload = p.Payload[:length]
	return p, nil
}
