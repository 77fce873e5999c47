package console

import (
	"context"
	"time"

	"consoled/ports"
)

// A Closing is a line that somebody let go of, so that another program can
// have it. It is not tried until somebody opens it again, or its time is over.
type Closing struct {
	By    string
	Why   string    // as they said it: hostile
	Until time.Time // zero: until somebody opens it
}

// CloseLine lets go of the line for so long; 0 is until somebody opens it. A
// line that is closed already has its reason and time changed. An error is a *Refusal.
func (a *Attachment) CloseLine(why string, d time.Duration) error {
	return a.administer(func(c *Console, now time.Time) {
		c.closing = &Closing{By: a.client.Name, Why: why}
		if c.opening != nil {
			c.opening.Stop()
			c.opening = nil
		}
		if d > 0 {
			c.closing.Until = now.Add(d)
			closing := c.closing
			c.opening = time.AfterFunc(d, func() { c.timeIsOver(closing) })
		}
		if c.state != Closed {
			c.state, c.since = Closed, now
		}
		c.reason, c.detail, c.nextTry = "", "", time.Time{}
		c.outage.told, c.manner.demand, c.take = "", nil, false
		c.o.Log.Info("line closed", "who", a.client.Name, "why", why, "for", d)
		c.tellLocked(Event{Kind: KindClose, Why: why, For: d}.by(a.client))
		c.interruptLocked()
	})
}

// OpenLine takes a closed line again, and does nothing about another. An
// error is a *Refusal.
func (a *Attachment) OpenLine() error {
	return a.administer(func(c *Console, _ time.Time) {
		if c.closing != nil {
			c.openLocked(Event{}.by(a.client))
		}
	})
}

// ReopenLine opens the line anew, whatever its state. Where it is down as
// somebody else holds it, and the backend can, it is taken from them. An
// error is a *Refusal.
func (a *Attachment) ReopenLine() error {
	return a.administer(func(c *Console, _ time.Time) {
		_, can := c.o.Backend.(ports.Taker)
		c.take = can && c.state == Down && c.reason == ports.InUse
		c.openLocked(Event{Take: c.take}.by(a.client))
	})
}

// administer does what only an admin may do to the line.
func (a *Attachment) administer(do func(*Console, time.Time)) error {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case a.gone:
		return refuse(BecauseLeft)
	case !a.client.MayAdmin:
		return lacks("admin")
	}
	do(c, time.Now())
	return nil
}

// timeIsOver opens a line whose closing was for a while, unless it is another
// closing by now.
func (c *Console) timeIsOver(closing *Closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == closing && !c.ended {
		c.openLocked(Event{})
	}
}

// openLocked has the line tried at once.
func (c *Console) openLocked(e Event) {
	c.closing, c.attempts = nil, 0
	if c.opening != nil {
		c.opening.Stop()
		c.opening = nil
	}
	if c.state == Closed {
		c.state, c.since = Connecting, time.Now()
	}
	e.Kind = KindOpen
	c.o.Log.Info("line opened", "who", e.Who, "take", e.Take)
	c.tellLocked(e)
	c.interruptLocked()
}

// openOrTake opens the line, or takes it from whoever holds it where somebody
// asked for that.
func (c *Console) openOrTake(ctx context.Context, backend ports.Backend) (ports.Port, error) {
	c.mu.Lock()
	if ctx.Err() != nil { // whoever ended the attempt may have asked the next one to take it
		c.mu.Unlock()
		return nil, context.Cause(ctx)
	}
	take := c.take
	c.take = false
	c.mu.Unlock()
	if taker, ok := backend.(ports.Taker); ok && take {
		return taker.Take(ctx)
	}
	return backend.Open(ctx)
}

// interruptLocked has Run let go of the line, or of the wait for one, and look
// again at what to do.
func (c *Console) interruptLocked() {
	c.changes++
	if c.redial != nil {
		c.redial(errInterrupted)
	}
}

// stayClosed waits while the line is closed.
func (c *Console) stayClosed(ctx context.Context, change int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.await(ctx, cancel, change)
}
