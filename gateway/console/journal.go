package console

import (
	"encoding/json"
	"fmt"
	"time"

	"consoled/gateway/screen"
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
	e = c.showLocked(e)
	if len(c.journal) < longestJournal {
		c.journal = append(c.journal, e)
	} else {
		c.unkept++
	}
	if !c.writing {
		c.writing = true
		c.tasks.Go(c.writeJournal)
	}
}

// showLocked offers an event to everybody attached, and returns it with its
// time and place.
func (c *Console) showLocked(e Event) Event {
	e.V, e.Time, e.Console, e.Offset = 1, time.Now(), c.o.Subject.Name, c.record.End()
	for _, a := range c.clients {
		a.offer(e)
	}
	return e
}

// longestJournal is how many events may wait for a disk that hangs.
const longestJournal = 4096

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
		if c.unkept > 0 {
			e := Event{V: 1, Time: time.Now(), Console: c.o.Subject.Name, Kind: KindGap, Offset: c.record.End()}
			e.Why = fmt.Sprintf("%d events are missing here", c.unkept)
			events, c.unkept = append(events, e), 0
		}
		o := c.o
		c.mu.Unlock()
		for _, e := range events {
			if err := c.keep(e, o.Observe); err != nil {
				o.Log.Error("record event", "event", string(e.Kind), "err", err)
			}
		}
	}
}

// keep brings one event to the record and to who observes them.
func (c *Console) keep(e Event, observe func(Event)) (err error) {
	defer c.caught("record event", &err)
	if observe != nil {
		defer observe(e) // whatever the disk says
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return c.record.AddEvent(screen.AppendJSON(nil, text)) // people look at it with cat
}

// changedLocked tells a change of the lock, drops what its loser had queued
// and arms the next deadline.
func (c *Console) changedLocked(ch change) {
	if ch.kind == "" {
		return
	}
	e := Event{Kind: ch.kind, Why: ch.why, Loser: ch.loser.Name, LoserSession: ch.loser.Session}.by(ch.who)
	switch ch.kind {
	case KindGrace:
		e.For = c.o.Lock.grace()
	case KindIdle:
		e.For = c.o.Lock.idleRelease()
	}
	c.o.Log.Info("write lock", "event", string(e.Kind), "who", e.Who, "from", e.From, "loser", e.Loser, "why", e.Why)
	c.tellLocked(e)
	c.dropUncoveredLocked()
	c.armLocked()
	c.vacantLocked()
}

// dropUncoveredLocked drops what was queued by whom the lock does not cover
// any more: nothing that was typed is delivered after its typist has lost the
// lock, be it their own or the one of their other window.
func (c *Console) dropUncoveredLocked() {
	if c.line == nil || len(c.line.queue) == 0 {
		return
	}
	why := refuse(BecauseNotHolder)
	if c.lock.state == Held {
		why = c.lock.refusal(time.Now())
	}
	c.dropLocked(c.line, func(in input) bool { return !c.lock.delivers(in.from.client) }, why)
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
