package ipmi

import (
	"time"

	"consoled/ports/ipmi/wire"
)

// maxUnread is how much waits for whoever reads. Beyond it the BMC gets no
// acknowledgement, and sends again.
const maxUnread = 64 << 10

// arrived remembers the last packet with characters of the machine's.
type arrived struct {
	seq     byte   // its SOL sequence number; 0 before the first
	session uint32 // the session's number of it, or of its last repetition
	length  int
}

// old reports whether a packet was overtaken by another. The BMC sends the
// next one only when this one is acknowledged, so that what it sent before the
// last packet repeats what is here already, whatever number of the fifteen it bears.
func (a *arrived) old(session uint32) bool {
	return a.seq != 0 && int32(session-a.session) < 0
}

// heard takes in a SOL packet: acknowledgement, status, characters. useful is
// whether anybody had waited for it.
func (p *port) heard(k wire.SOLPacket, session uint32, now time.Time) (useful bool, err error) {
	if k.Ack != 0 {
		useful = p.acknowledged(k, now)
	}
	old := p.arrived.old(session)
	if k.Flags&wire.Overrun != 0 && !old && (k.Sequence == 0 || k.Sequence != p.arrived.seq) {
		p.overran() // before its characters can be read
	}
	if k.Sequence != 0 && !old {
		fresh, err := p.characters(k, session)
		if err != nil {
			return false, err
		}
		useful = useful || fresh
	}
	if k.Flags&wire.Deactivated != 0 {
		return true, errEnded
	}
	return useful, nil
}

// characters keeps what the machine said and acknowledges it. A repetition is
// acknowledged again, and may hold more than there was before (15.11).
func (p *port) characters(k wire.SOLPacket, session uint32) (fresh bool, err error) {
	a := &p.arrived
	known := 0
	if k.Sequence == a.seq {
		known = a.length
	}
	more := k.Data[min(known, len(k.Data)):]
	if !p.keep(more) {
		return false, nil
	}
	a.seq, a.session, a.length = k.Sequence, session, max(known, len(k.Data))
	ack := wire.SOLPacket{Ack: k.Sequence, Accepted: byte(len(k.Data))}
	return len(more) > 0, p.s.send(wire.SOL, wire.AppendSOL(nil, ack))
}

// overran counts a loss; whoever reads looks at it with the next characters.
func (p *port) overran() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.losses++
}

// keep adds to what waits for the reader, if there is room.
func (p *port) keep(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.unread)+len(b) > maxUnread {
		return false
	}
	if len(b) > 0 {
		p.unread = append(p.unread, b...)
		p.changed.Broadcast()
	}
	return true
}
