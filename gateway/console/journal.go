package console

import (
	"encoding/json"
	"time"
)

// tell tells an event to everybody whom it concerns.
func (c *Console) tell(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tellLocked(e)
}

// tellLocked offers an event to everybody attached and leaves it for the
// goroutine that brings events to the record, as there is no I/O under the mutex.
func (c *Console) tellLocked(e Event) {
	if c.ended {
		return
	}
	e.V, e.Time, e.Console, e.Offset = 1, time.Now(), c.o.Subject.Name, c.record.End()
	for _, a := range c.clients {
		a.offer(e)
	}
	if c.journal = append(c.journal, e); !c.writing {
		c.writing = true
		c.tasks.Go(c.writeJournal)
	}
}

// writeJournal brings events to the record, in order, until there are none left.
func (c *Console) writeJournal() {
	for {
		c.mu.Lock()
		events := c.journal
		if c.journal = nil; len(events) == 0 {
			c.writing = false
			c.mu.Unlock()
			return
		}
		log, observe := c.o.Log, c.o.Observe
		c.mu.Unlock()
		for _, e := range events {
			text, err := json.Marshal(e)
			if err == nil {
				err = c.record.AddEvent(text)
			}
			if err != nil {
				log.Error("record event", "event", string(e.Kind), "err", err)
			}
			if observe != nil {
				observe(e)
			}
		}
	}
}

// changedLocked tells a change of the lock, drops what its loser had queued
// and arms the next deadline.
func (c *Console) changedLocked(ch change) {
	if ch.kind == "" {
		return
	}
	e := Event{Kind: ch.kind, Why: ch.why, Loser: ch.loser.Name, LoserSession: ch.loser.Session}.by(ch.who)
	if ch.kind == KindGrace {
		e.For = c.o.Lock.grace()
	}
	c.o.Log.Info("write lock", "event", string(e.Kind), "who", e.Who, "from", e.From, "loser", e.Loser, "why", e.Why)
	if ch.loser.Session != "" {
		c.dropInputLocked(ch.loser.Session, BecauseHeld)
	} else if c.lock.state != Held {
		c.dropInputLocked(ch.who.Session, BecauseNotHolder)
	}
	c.tellLocked(e)
	c.armLocked()
}

// dropInputLocked drops what a session had queued: nothing that was typed is
// delivered after its typist has lost the lock.
func (c *Console) dropInputLocked(session string, why Because) {
	if c.line != nil {
		c.line.dropLocked(func(in input) bool { return in.session == session }, refuse(why))
	}
}

// expireLocked applies a deadline that has passed.
func (c *Console) expireLocked(now time.Time) { c.changedLocked(c.lock.expire(c.o.Lock, now)) }

// armLocked sets the alarm to the lock's next deadline.
func (c *Console) armLocked() {
	due := c.lock.due(c.o.Lock)
	switch {
	case c.ended || due.IsZero():
		if c.alarm != nil {
			c.alarm.Stop()
		}
	case c.alarm == nil:
		c.alarm = time.AfterFunc(time.Until(due), c.ring)
	default:
		c.alarm.Reset(time.Until(due))
	}
}

// ring is what the alarm does. Keystrokes move the deadline without moving the
// alarm, which costs them nothing; so it may ring too early, and is set again.
func (c *Console) ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expireLocked(time.Now())
	c.armLocked()
}
