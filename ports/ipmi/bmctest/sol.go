package bmctest

import (
	"cmp"
	"time"

	"consoled/ports/ipmi/wire"
)

// again is how long an acknowledgement is waited for, unless BMC.Again says so.
const again = 50 * time.Millisecond

// outSize is the most characters in a packet to the remote console.
const outSize = 60

// sol takes in a SOL packet.
func (b *BMC) sol(s *session, k wire.SOLPacket) {
	if k.Flags&wire.FlushInbound != 0 {
		b.log.Flushes++
	}
	if k.Ack != 0 && b.flight.data != nil && k.Ack == b.flight.seq {
		n := min(int(k.Accepted), len(b.flight.data))
		b.output = b.output[n:]
		b.flight.data = nil
	}
	if k.Sequence != 0 {
		if k.Sequence != s.seen {
			s.took, s.flags = b.hear(k)
			s.seen = k.Sequence
		}
		b.seal(wire.SOL, wire.AppendSOL(nil, wire.SOLPacket{Ack: k.Sequence, Accepted: s.took, Flags: s.flags}))
	}
	b.push(time.Now())
}

func (b *BMC) hear(k wire.SOLPacket) (took, flags byte) {
	if k.Flags&wire.Break != 0 {
		b.log.Breaks++
	}
	n := len(k.Data)
	if b.Taking != nil && n > 0 {
		n, flags = b.Taking(k.Data)
	}
	if n > 0 {
		b.log.SOL++
		b.log.Longest = max(b.log.Longest, n)
	}
	b.log.Heard = append(b.log.Heard, k.Data[:n]...)
	if b.Echo {
		b.output = append(b.output, k.Data[:n]...)
	}
	return byte(n), flags
}

// push sends what the machine said, or sends it again.
func (b *BMC) push(now time.Time) {
	s := b.session
	if s == nil || !s.active {
		return
	}
	f := &b.flight
	if f.data != nil && now.Before(f.due) {
		return
	}
	if f.data != nil && f.sent >= cmp.Or(b.Retries, 100) {
		b.log.Dropped += len(f.data)
		b.output = b.output[len(f.data):]
		f.data = nil
	}
	if f.data == nil {
		if len(b.output) == 0 {
			return
		}
		*f = flight{seq: wire.NextSOL(f.seq), data: append([]byte(nil), b.output[:min(len(b.output), outSize)]...)}
	}
	f.sent++
	f.due = now.Add(cmp.Or(b.Again, again))
	b.seal(wire.SOL, wire.AppendSOL(nil, wire.SOLPacket{Sequence: f.seq, Data: f.data}))
}
