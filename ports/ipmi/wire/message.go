package wire

// A NetFn is the group that a command belongs to (table 5-1). An answer's is
// one higher.
type NetFn byte

// The groups that are used here.
const (
	Chassis   NetFn = 0x00
	App       NetFn = 0x06
	Transport NetFn = 0x0c
)

// The addresses of a message (5.5): the BMC's, and software's of the kind
// "remote console", as everybody uses it.
const (
	addressBMC    = 0x20
	addressRemote = 0x81
)

// A Request is an IPMI message to the BMC.
type Request struct {
	NetFn    NetFn
	Command  byte
	Sequence byte // 6 bits; the answer repeats it
	Data     []byte
}

// A Reply is the answer to a Request. Code is the completion code (table 5-2).
type Reply struct {
	NetFn    NetFn // the request's
	Command  byte
	Sequence byte
	Code     byte
	Data     []byte
}

// Answers reports whether r belongs to q.
func (r Reply) Answers(q Request) bool {
	return r.NetFn == q.NetFn && r.Command == q.Command && r.Sequence == q.Sequence
}

// sum is the checksum that makes the bytes add up to nothing (13.8).
func sum(b []byte) byte {
	var s byte
	for _, x := range b {
		s += x
	}
	return -s
}

// AppendRequest appends a message to the BMC (13.8).
func AppendRequest(b []byte, q Request) []byte {
	start := len(b)
	b = append(b, addressBMC, byte(q.NetFn)<<2)
	b = append(b, sum(b[start:]))
	second := len(b)
	b = append(b, addressRemote, q.Sequence<<2, q.Command)
	b = append(b, q.Data...)
	return append(b, sum(b[second:]))
}

// AppendReply appends the BMC's answer.
func AppendReply(b []byte, r Reply) []byte {
	start := len(b)
	b = append(b, addressRemote, byte(r.NetFn+1)<<2)
	b = append(b, sum(b[start:]))
	second := len(b)
	b = append(b, addressBMC, r.Sequence<<2, r.Command, r.Code)
	b = append(b, r.Data...)
	return append(b, sum(b[second:]))
}

// frame takes a message apart at its checksums: 3 bytes, 3 bytes, the rest.
func frame(b []byte, least int) error {
	switch {
	case len(b) < least:
		return errShort
	case sum(b[:3]) != 0 || sum(b[3:]) != 0:
		return errSum
	}
	return nil
}

// ParseReply reads the BMC's answer.
func ParseReply(b []byte) (Reply, error) {
	if err := frame(b, 8); err != nil {
		return Reply{}, err
	}
	netFn := NetFn(b[1] >> 2)
	if netFn&1 == 0 {
		return Reply{}, errFormat // a request to us, such as an event
	}
	return Reply{NetFn: netFn - 1, Command: b[5], Sequence: b[4] >> 2, Code: b[6], Data: b[7 : len(b)-1]}, nil
}

// ParseRequest reads a message to the BMC.
func ParseRequest(b []byte) (Request, error) {
	if err := frame(b, 7); err != nil {
		return Request{}, err
	}
	netFn := NetFn(b[1] >> 2)
	if netFn&1 == 1 {
		return Request{}, errFormat
	}
	return Request{NetFn: netFn, Command: b[5], Sequence: b[4] >> 2, Data: b[6 : len(b)-1]}, nil
}

// AppendFirst appends an IPMI 1.5 packet outside a session (13.6), in which the
// first question to a BMC travels, before it is known to speak RMCP+.
func AppendFirst(b, message []byte) []byte {
	b = append(b, rmcp[:]...)
	b = append(b, formatNone, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(message)))
	return append(b, message...)
}

// ParseFirst reads what AppendFirst writes, and returns the message.
func ParseFirst(b []byte) ([]byte, error) {
	const before = rmcpLen + 10
	switch {
	case len(b) < before:
		return nil, errShort
	case b[0] != rmcp[0] || b[3] != rmcp[3] || b[4] != formatNone:
		return nil, errFormat
	case len(b)-before < int(b[before-1]):
		return nil, errLength
	}
	return b[before : before+int(b[before-1])], nil // some BMCs pad the packet by a byte
}
