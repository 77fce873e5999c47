package attach

import (
	"fmt"
	"time"

	"consoled/gateway/console"
)

// typed takes one packet of what the terminal sent: keystrokes, and answers of
// the terminal itself, which never take the lock.
func (s *session) typed(packet []byte) {
	keys, answers := s.answers.Split(nil, nil, packet)
	if len(answers) > 0 && len(s.pending) == 0 {
		s.place.Reply(answers)
	}
	s.strokes(keys)
}

// strokes finds the escape keys in keystrokes and sends the rest.
func (s *session) strokes(keys []byte) {
	if len(keys) == 0 {
		return
	}
	s.painter.lastKey.Store(time.Now().UnixNano())
	var plain []byte
	for i, b := range keys {
		if s.prompt != nil {
			if s.answer(b); s.prompt == nil && !s.escape.command && i+1 < len(keys) {
				// Typed or pasted at the question: it was not meant for the target.
				s.notice(fmt.Sprintf("not sent: %d bytes behind the answer.", len(keys)-i-1))
				return
			}
			continue
		}
		st := s.escape.next(b)
		plain = append(plain, st.keys...)
		if st.command != 0 {
			s.send(plain)
			plain = nil
			if s.command(st.command, st.arg); s.left {
				return
			}
		}
	}
	s.send(plain)
}

// send passes keystrokes on to the line, or tells why not. What the line has no room for waits.
func (s *session) send(keys []byte) {
	if len(keys) == 0 {
		return
	}
	if !s.guard.off {
		free := s.console.Status().Lock.State == console.Free && s.place.Client().MayWrite && !s.explicit()
		first := s.guard.last == nil
		if what := s.guard.check(keys, free, time.Now()); what != "" {
			if now := time.Now(); first || now.Sub(s.guarded) > oneGo {
				s.notice("not sent yet: " + what + ". Again to send it." + s.leaveHint())
			}
			s.guarded = time.Now()
			return
		}
	}
	s.pending = append(s.pending, keys...)
	s.push()
}

// push offers the line what waits for it.
func (s *session) push() {
	offer := s.place.Offer
	if s.waits {
		offer = s.place.OfferRest
	}
	n, err := offer(s.pending)
	if err != nil {
		s.pending, s.waits = nil, false
		s.refuse(err)
		return
	}
	if n > 0 {
		s.since, s.wrote = time.Time{}, true
	}
	if s.pending = s.pending[n:]; len(s.pending) == 0 {
		s.pending = nil
	}
	s.waits = s.pending != nil
}
