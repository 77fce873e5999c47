package console

import (
	"context"
	"slices"
	"time"

	"consoled/ports"
)

// backlog is how many events a client may leave unread before it loses the oldest.
const backlog = 64

// An Attachment is a client's place at a console, from Attach to Leave. Its
// methods are safe for any goroutine.
type Attachment struct {
	console *Console
	events  chan Event
	left    chan struct{} // closed when the attachment has ended

	// the console's mutex guards what follows
	client Client
	since  time.Time
	typed  time.Time // last keystroke that was delivered
	gone   bool
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
		a.closeLocked()
		return a
	}
	c.clients = append(c.clients, a)
	c.eyes.Add(1)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	c.tellLocked(Event{Kind: KindAttach, Mode: cl.Kind}.by(cl))
	c.expireLocked(now)
	c.changedLocked(c.lock.attach(c.o.Lock, cl, now))
	return a
}

// Offer queues as much of p for the line as there is room for, taking the lock
// first where the rules allow, and returns how much that was. Bytes are queued
// in order; what is queued counts as delivered under the lock. An error is a
// *Refusal, and nothing was queued.
func (a *Attachment) Offer(p []byte) (int, error) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if refusal := a.mayTypeLocked(); refusal != nil {
		return 0, refusal
	}
	n := max(0, min(len(p), outbox-c.line.queued))
	if n > 0 {
		c.pushLocked(c.line, input{session: a.client.Session, data: slices.Clone(p[:n])})
	}
	return n, nil
}

// Room is closed when the line has taken some of what was queued, or has ended.
// Ask for it before the Offer that it is to follow.
func (a *Attachment) Room() <-chan struct{} {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line == nil {
		return a.left
	}
	return c.line.moved
}

// Type passes p on to the line as Offer does, and waits for room until all of
// it is queued or ctx ends. After an error, which is a *Refusal, the rest of p is not sent.
func (a *Attachment) Type(ctx context.Context, p []byte) error {
	for {
		room := a.Room()
		n, err := a.Offer(p)
		if err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
		if refusal := a.await(ctx, room); refusal != nil {
			return refusal
		}
	}
}

// mayTypeLocked decides whether a keystroke of now is delivered.
func (a *Attachment) mayTypeLocked() *Refusal {
	c, now := a.console, time.Now()
	switch {
	case a.gone:
		return refuse(BecauseLeft)
	case !a.client.MayWrite:
		return refuse(BecauseNoRight)
	case c.line == nil:
		return refuse(BecauseDown)
	}
	c.expireLocked(now)
	ch, refusal := c.lock.keystroke(c.o.Lock, a.client, now)
	if refusal != nil {
		return refusal
	}
	a.typed = now
	c.changedLocked(ch)
	return nil
}

// await waits until the queue got shorter.
func (a *Attachment) await(ctx context.Context, moved <-chan struct{}) *Refusal {
	select {
	case <-moved:
		return nil
	case <-a.left:
		return refuse(BecauseLeft)
	case <-ctx.Done():
		return refuse(BecauseStuck)
	}
}

// Drain waits until the line has taken everything that was queued for it, by
// whomever. A *Refusal says why it did not.
func (a *Attachment) Drain(ctx context.Context) error {
	c := a.console
	for {
		c.mu.Lock()
		l := c.line
		if l == nil || l.queued == 0 {
			c.mu.Unlock()
			if l == nil {
				return refuse(BecauseDown)
			}
			return nil
		}
		moved := l.moved
		c.mu.Unlock()
		if refusal := a.await(ctx, moved); refusal != nil {
			return refusal
		}
	}
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

// The bounds of a break (interface.md 2.2).
const (
	defaultBreak = 250 * time.Millisecond
	longestBreak = 3 * time.Second
)

// Break sends a break of length d (0 means 250 ms; at most 3 s), taking the
// lock as a keystroke does, behind what was typed before. It returns when the
// break was sent.
func (a *Attachment) Break(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		d = defaultBreak
	}
	d = min(d, longestBreak)
	done := make(chan error, 1)
	if refusal := a.pushBreak(d, func(err error) { done <- err }); refusal != nil {
		return refusal
	}
	select {
	case err := <-done:
		if err == nil {
			a.console.tell(Event{Kind: KindBreak, For: d}.by(a.Client()))
		}
		return err
	case <-a.left:
		return refuse(BecauseLeft)
	case <-ctx.Done():
		return refuse(BecauseStuck)
	}
}

func (a *Attachment) pushBreak(d time.Duration, done func(error)) *Refusal {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.client.MayBreak {
		return refuse(BecauseNoRight)
	}
	if c.line != nil {
		if _, can := c.line.port.(ports.Breaker); !can {
			return refuse(BecauseNoBreak)
		}
	}
	if refusal := a.mayTypeLocked(); refusal != nil {
		return refusal
	}
	c.pushLocked(c.line, input{session: a.client.Session, pause: d, done: done})
	return nil
}

// Events is what the client is to be told, in order, its own acts included. It
// is closed when the console ends or the client is detached. A slow client
// loses the oldest events, never the console's pace.
func (a *Attachment) Events() <-chan Event { return a.events }

// Writer reports whether the client holds the lock.
func (a *Attachment) Writer() bool {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lock.state == Held && c.lock.holder.Session == a.client.Session
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
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.gone {
		a.client = cl
		c.changedLocked(c.lock.update(cl))
	}
}

// Detach ends the attachment against the client's will; why is its goodbye.
func (a *Attachment) Detach(why string) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.gone {
		a.offer(Event{V: 1, Time: time.Now(), Console: c.o.Subject.Name, Kind: KindGoodbye, Why: why})
		a.leaveLocked(false)
	}
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
	c.dropInputLocked(a.client.Session, BecauseLeft)
	c.clients = slices.DeleteFunc(c.clients, func(b *Attachment) bool { return a == b })
	e := Event{Kind: KindDetach, Mode: a.client.Kind}.by(a.client)
	if lost {
		e.Why = "connection lost"
	}
	c.tellLocked(e)
	a.closeLocked()
}

func (a *Attachment) closeLocked() {
	if !a.gone {
		a.gone = true
		close(a.events)
		close(a.left)
		a.console.eyes.Add(-1)
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
