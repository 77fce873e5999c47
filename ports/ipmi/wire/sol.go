package wire

// solHeaderLen is what stands before the characters of a SOL packet.
const solHeaderLen = 4

// MaxCharacters is the most that one SOL packet can carry: the count that
// acknowledges them has a byte.
const MaxCharacters = 255

// What a packet to the BMC asks for (table 15-2, operation).
const (
	Nack          = 0x40 // both ways: not all characters were accepted
	Ring          = 0x20
	Break         = 0x10
	DeassertCTS   = 0x08
	DeassertDCD   = 0x04
	FlushInbound  = 0x02 // characters that the BMC has from us and the machine has not
	FlushOutbound = 0x01 // characters that the BMC has for us
)

// What a packet from the BMC tells (table 15-2, status).
const (
	Unavailable = 0x20 // the machine takes no characters: it is off, or in reset
	Deactivated = 0x10
	Overrun     = 0x08 // the BMC had to drop characters of the machine
	BreakSeen   = 0x04
)

// A SOLPacket is the payload of serial over LAN (15.9).
type SOLPacket struct {
	Sequence byte // 1 to 15; 0 is a packet without characters that wants no acknowledgement
	Ack      byte // the sequence of the packet that this one answers; 0 is none
	Accepted byte // how many of its characters were taken
	Flags    byte // operation or status
	Data     []byte
}

// NextSOL is the sequence number after n.
func NextSOL(n byte) byte { return n%15 + 1 }

// AppendSOL appends a SOL payload.
func AppendSOL(b []byte, p SOLPacket) []byte {
	b = append(b, p.Sequence&0x0f, p.Ack&0x0f, p.Accepted, p.Flags)
	return append(b, p.Data...)
}

// ParseSOL reads a SOL payload.
func ParseSOL(b []byte) (SOLPacket, error) {
	switch {
	case len(b) < solHeaderLen:
		return SOLPacket{}, errShort
	case len(b) > solHeaderLen+MaxCharacters:
		return SOLPacket{}, errLength
	}
	p := SOLPacket{Sequence: b[0] & 0x0f, Ack: b[1] & 0x0f, Accepted: b[2], Flags: b[3], Data: b[solHeaderLen:]}
	if p.Sequence == 0 && len(p.Data) > 0 {
		return SOLPacket{}, errFormat // characters that could not be told from a repetition of them
	}
	return p, nil
}

// CharactersIn is how many characters a packet of so many bytes of payload
// holds, by what the BMC said of itself (24.1). One that names less than a character, or
// counts in the wrong byte order, is given them one by one.
func CharactersIn(payload int) int { return max(1, min(payload-solHeaderLen, MaxCharacters)) }
