package ipmi

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"consoled/ports/ipmi/wire"
)

// maxBeats is how often the keepalive is asked before the BMC counts as
// silent; each attempt waits a second longer than the one before, ten seconds in all.
const maxBeats = 4

// A beat is the keepalive. It asks whose SOL is: the question that keeps the
// session alive also shows when somebody took SOL and the word of it was lost.
type beat struct {
	every time.Duration
	owner uint32 // what the BMC answers while SOL is ours; 0 where it does not tell
	due   time.Time
	asked int // 0 while no answer is waited for
	q     wire.Request
}

// rest sets the next beat, with jitter lest a thousand beat in step.
func (b *beat) rest(now time.Time) {
	b.asked = 0
	b.due = now.Add(b.every - rand.N(b.every/4+1))
}

// keepAlive asks, where it is due.
func (p *port) keepAlive(now time.Time) error {
	b := &p.beat
	switch {
	case now.Before(b.due):
		return nil
	case b.asked == maxBeats:
		return errSilent
	case b.asked == 0:
		b.q = p.s.newRequest(wire.App, cmdInstance, instance[:]...)
	}
	b.asked++
	b.due = now.Add(time.Duration(b.asked) * time.Second)
	return p.s.send(wire.Message, wire.AppendRequest(nil, b.q))
}

// answered takes in the answer; any code of it shows that the session lives.
func (b *beat) answered(r wire.Reply, now time.Time) (useful bool, err error) {
	if b.asked == 0 || !r.Answers(b.q) {
		return false, nil
	}
	b.rest(now)
	if r.Code != 0 || len(r.Data) < 4 || b.owner == 0 {
		return true, nil
	}
	switch binary.LittleEndian.Uint32(r.Data) {
	case b.owner:
		return true, nil
	case 0:
		return true, errEnded
	}
	return true, errTaken
}
