package ipmi

import (
	"errors"
	"math/rand/v2"
	"time"

	"consoled/ports/ipmi/wire"
)

// How long an acknowledgement is waited for (15.11): a packet that is not
// acknowledged is sent again after a quarter of a second, then after twice as long each
// time, and a dozen seconds of silence end the line.
const (
	firstAgain = 250 * time.Millisecond
	lastAgain  = 2 * time.Second
	maxSent    = 9
)

// How long a BMC is left alone that took nothing, for want of room or because
// the machine's CTS is off. It may say itself that it goes on.
const (
	firstHold = 50 * time.Millisecond
	lastHold  = time.Second
)

// A flight is what is on its way to the BMC: one packet at most, as 15.11 has it.
type flight struct {
	on    bool
	seq   byte // of the last packet
	brake bool // it is a break, which carries no characters
	data  []byte
	sent  int // how often
	again time.Duration
	due   time.Time // of the next time

	hold  time.Time // nothing is sent before; zero if it may be
	pause time.Duration
}

// number begins the numbering of packets with one that carries nothing. A BMC
// may remember the last number of the session before (ipmi_sim does) and take our
// first packet for a repetition: it acknowledges it, and the machine never gets it. Whether this one
// arrives is not waited for, as some acknowledge no empty packet.
func (p *port) number() error {
	p.flight.seq = byte(1 + rand.N(15))
	return p.s.send(wire.SOL, wire.AppendSOL(nil, wire.SOLPacket{Sequence: p.flight.seq}))
}

func (f *flight) held() bool { return !f.hold.IsZero() }

// fly sends again what was not acknowledged in time, or else what waits.
func (p *port) fly(now time.Time) error {
	f := &p.flight
	switch {
	case f.on && now.Before(f.due), !f.on && f.held() && now.Before(f.hold):
		return nil
	case f.on && f.sent == maxSent && f.brake:
		f.on = false
		p.broke(errors.New("the BMC does not acknowledge a break"))
	case f.on && f.sent == maxSent:
		return errSilent
	}
	if !f.on && !p.load() {
		return nil
	}
	k := wire.SOLPacket{Sequence: f.seq, Data: f.data}
	if f.brake {
		k.Flags = wire.Break
	}
	f.sent++
	f.due = now.Add(f.again)
	f.again = min(2*f.again, lastAgain)
	return p.s.send(wire.SOL, wire.AppendSOL(nil, k))
}

// load puts into the flight what waits: as many characters as the BMC takes at
// once, or a break. It is false where there is nothing, or everything is held.
func (p *port) load() bool {
	f := &p.flight
	p.mu.Lock()
	defer p.mu.Unlock()
	f.hold = time.Time{}
	f.brake = p.brake != nil && !p.brake.over
	if !f.brake && len(p.queue) == 0 {
		return false
	}
	f.data = f.data[:0]
	if !f.brake {
		f.data = append(f.data, p.queue[:min(len(p.queue), p.room)]...)
	}
	f.on, f.seq, f.sent, f.again = true, wire.NextSOL(f.seq), 0, firstAgain
	return true
}

// acknowledged takes in what the BMC says of the packet on its way. What it did not accept
// goes into the next one, which has a number of its own.
func (p *port) acknowledged(k wire.SOLPacket, now time.Time) bool {
	f := &p.flight
	nack := k.Flags&wire.Nack != 0
	switch {
	case k.Ack != f.seq:
		return false // of an earlier one, late
	case !f.on:
		if !f.held() || nack {
			return false
		}
		f.hold = now // "go on", after a nack
		return true
	}
	f.on = false
	if f.brake {
		var err error
		if nack {
			err = errors.New("the machine takes no break now: it is off, or being reset")
		}
		p.broke(err)
		return true
	}
	accepted := min(int(k.Accepted), len(f.data))
	if nack || accepted == 0 {
		f.pause = max(firstHold, min(2*f.pause, lastHold))
		f.hold = now.Add(f.pause)
	} else {
		f.pause = 0
	}
	p.accepted(accepted)
	return true
}

// accepted takes from what waits what has arrived.
func (p *port) accepted(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue = p.queue[min(n, len(p.queue)):]; len(p.queue) == 0 {
		p.changed.Broadcast()
	}
}

// broke ends the break that waits.
func (p *port) broke(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.brake != nil {
		p.brake.over, p.brake.err = true, err
		p.changed.Broadcast()
	}
}
