package console

import (
	"fmt"
	"slices"
	"time"
)

const (
	// backlog is how many events a client may leave unread before it loses the oldest.
	backlog = 64
	// showOut is how long a client may still watch after it was told that it
	// may no longer (row 26 of interface.md 3.3).
	showOut = 3 * time.Second
)

// An Attachment is a client's place at a console, from Attach to Leave. Its
// methods are safe for any goroutine.
type Attachment struct {
	console *Console
	events  chan Event
	left    chan struct{} // closed when the attachment has ended
	own     bool          // it is the console itself, and nobody's

	// the console's mutex guards what follows
	client  Client
	since   time.Time
	typed   time.Time // last keystroke that was delivered
	wrote   bool      // there was one
	queued  int       // bytes that wait for the line, or are being written
	unsent  *Refusal  // why some of them were dropped; for the next Drain
	leaving *time.Timer
	gone    bool
}

// Attach makes a client part of the console, as a watcher; where the rules
// say so it becomes the writer at once.
func (c *Console) Attach(cl Client) *Attachment {
	now := time.Now()
	a := &Attachment{
		console: c, client: cl, since: now, typed: now,
		events: make(chan Event, backlog), left: make(chan struct{}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		a.offer(Event{V: 1, Time: now, Console: c.o.Subject.Name, Kind: KindGoodbye, Why: c.goodbye})
		a.closeLocked()
		return a
	}
	c.clients = append(c.clients, a)
	c.eyes.Add(1)
	c.demandLocked()
	if c.line != nil {
		c.rouseLocked(c.line, 0)
	}
	c.rouse()
	c.tellLocked(Event{Kind: KindAttach, Mode: cl.Kind}.by(cl))
	c.expireLocked(now)
	c.changedLocked(c.lock.attach(c.o.Lock, cl, now))
	return a
}

// Take takes the lock where it is free or held by the same identity; else a
// *Refusal says who has it.
func (a *Attachment) Take() error {
	return a.act(func(c *Console, now time.Time) (change, *Refusal) { return c.lock.take(a.client, now) })
}

// Force takes the lock from whoever has it.
func (a *Attachment) Force(reason string) error {
	return a.act(func(c *Console, now time.Time) (change, *Refusal) {
		return c.lock.force(c.o.Lock, a.client, reason, now)
	})
}

// Release gives the lock back; a *Refusal if the client does not hold it.
func (a *Attachment) Release() error {
	return a.act(func(c *Console, _ time.Time) (change, *Refusal) { return c.lock.release(a.client) })
}

// act asks the lock for something.
func (a *Attachment) act(ask func(*Console, time.Time) (change, *Refusal)) error {
	c, now := a.console, time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.gone {
		return refuse(BecauseLeft)
	}
	c.expireLocked(now)
	ch, refusal := ask(c, now)
	if refusal != nil {
		return refusal
	}
	c.changedLocked(ch)
	return nil
}

// Events is what the client is to be told, in order, its own acts included. It
// is closed when the console ends or the client is detached. A slow client
// loses the oldest events, never the console's pace.
func (a *Attachment) Events() <-chan Event { return a.events }

// Left is closed when the client has left, be it against its will.
func (a *Attachment) Left() <-chan struct{} { return a.left }

// Console is where the client is.
func (a *Attachment) Console() *Console { return a.console }

// Writer reports whether the client holds the lock.
func (a *Attachment) Writer() bool {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.writerLocked()
}

func (a *Attachment) writerLocked() bool {
	return a.console.lock.state == Held && a.console.lock.holder.Session == a.client.Session
}

// Client is the facts in force.
func (a *Attachment) Client() Client {
	a.console.mu.Lock()
	defer a.console.mu.Unlock()
	return a.client
}

// Update changes the client's facts, after a reload changed its rights. Rights
// that are gone end at once.
func (a *Attachment) Update(cl Client) {
	a.console.mu.Lock()
	defer a.console.mu.Unlock()
	if !a.gone && a.leaving == nil {
		a.updateLocked(cl)
	}
}

func (a *Attachment) updateLocked(cl Client) {
	c := a.console
	a.client = cl
	if !cl.MayPower {
		a.stopActingLocked(lacks("power"))
	}
	c.changedLocked(c.lock.update(cl))
	if c.line != nil && !cl.MayWrite {
		c.dropLocked(c.line, func(in input) bool { return in.from == a }, lacks("write"))
	}
	if c.line != nil && !cl.MayBreak {
		c.dropLocked(c.line, func(in input) bool { return in.from == a && in.event.Kind == KindBreak }, lacks("break"))
	}
}

// Detach ends the attachment against the client's will: its rights end at
// once, it is told why, and three seconds later it is out.
func (a *Attachment) Detach(why string) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.gone || a.leaving != nil {
		return
	}
	a.disarmLocked()
	a.offer(Event{
		V: 1, Time: time.Now(), Console: c.o.Subject.Name, Kind: KindGoodbye,
		Why: fmt.Sprintf("%s; closing in %s", why, showOut),
	})
	a.leaving = time.AfterFunc(showOut, func() { a.Leave(false) })
}

// Disarm takes every right from a client that is about to be told that it is
// out.
func (a *Attachment) Disarm() {
	a.console.mu.Lock()
	defer a.console.mu.Unlock()
	if !a.gone {
		a.disarmLocked()
	}
}

func (a *Attachment) disarmLocked() {
	cl := a.client
	cl.MayWrite, cl.MayBreak, cl.MayForce, cl.MayPower, cl.MayAdmin = false, false, false, false, false
	a.updateLocked(cl)
}

// Leave ends the attachment. lost tells a lost connection, which keeps the lock
// for the same identity for a while, from a clean leave. What is still queued
// is dropped. A second call does nothing.
func (a *Attachment) Leave(lost bool) {
	a.console.mu.Lock()
	defer a.console.mu.Unlock()
	if !a.gone {
		a.leaveLocked(lost)
	}
}

func (a *Attachment) leaveLocked(lost bool) {
	c := a.console
	c.expireLocked(time.Now())
	if lost {
		c.changedLocked(c.lock.lost(c.o.Lock, a.client, time.Now()))
	} else if ch, refusal := c.lock.release(a.client); refusal == nil {
		c.changedLocked(ch)
	}
	if c.line != nil {
		c.dropLocked(c.line, func(in input) bool { return in.from == a }, refuse(BecauseLeft))
	}
	c.eyes.Add(-1)
	if c.line != nil {
		c.unseenLocked(c.line)
	}
	c.clients = slices.DeleteFunc(c.clients, func(b *Attachment) bool { return a == b })
	e := Event{Kind: KindDetach, Mode: a.client.Kind}.by(a.client)
	if lost {
		e.Why = "connection lost"
	}
	c.tellLocked(e)
	a.closeLocked()
	c.vacantLocked()
	c.spareLocked()
}

func (a *Attachment) closeLocked() {
	if !a.gone {
		a.stopActingLocked(refuse(BecauseLeft))
		a.gone = true
		close(a.events)
		close(a.left)
		if a.leaving != nil {
			a.leaving.Stop()
		}
	}
}

// offer gives the client an event; the console's mutex is held.
func (a *Attachment) offer(e Event) {
	for {
		select {
		case a.events <- e:
			return
		default:
		}
		select {
		case <-a.events:
		default:
		}
	}
}
