package console

import (
	"context"
	"time"
)

// wanted waits until somebody needs the line, which is at once but for one
// on demand.
func (c *Console) wanted(ctx context.Context) {
	c.mu.Lock()
	if c.neededLocked() || c.closing != nil {
		if c.state == Idle { // somebody came while it was being closed
			c.state, c.since, c.reason = Connecting, time.Now(), ""
		}
		c.mu.Unlock()
		return
	}
	if c.state != Idle {
		c.restLocked()
	}
	demand := make(chan struct{})
	c.manner.demand = demand
	c.mu.Unlock()
	select {
	case <-demand:
	case <-ctx.Done():
	}
}

func (c *Console) neededLocked() bool { return !c.o.Manners.OnDemand || len(c.clients) > 0 }

// demandLocked opens a line that rests, now that it may be needed.
func (c *Console) demandLocked() {
	if c.manner.linger != nil {
		c.manner.linger.Stop()
	}
	if c.manner.demand == nil || !c.neededLocked() {
		return
	}
	close(c.manner.demand)
	c.manner.demand = nil
	c.state, c.since, c.reason, c.detail = Connecting, time.Now(), "", ""
}

// spareLocked closes a line on demand some time after the last client has left.
func (c *Console) spareLocked() {
	switch {
	case c.neededLocked() || c.ended:
	case c.manner.linger == nil:
		c.manner.linger = time.AfterFunc(linger, c.spare)
	default:
		c.manner.linger.Reset(linger)
	}
}

func (c *Console) spare() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.neededLocked() || c.state == Idle || c.redial == nil {
		return
	}
	if c.state == Down && retryFloor(c.reason) > 0 && time.Now().Before(c.nextTry) {
		return // it rests after that: who comes and goes must not have it tried sooner
	}
	c.redial(errUnneeded)
}

// restLocked tells that the line is closed as nobody needs it.
func (c *Console) restLocked() {
	c.state, c.since, c.reason, c.detail, c.nextTry = Idle, time.Now(), OnDemand, "", time.Time{}
	if c.outage.told != "" {
		c.o.Log.Info("console closed", "reason", string(OnDemand))
		c.tellLocked(Event{Kind: KindDown, Reason: OnDemand})
	}
	c.outage.told = ""
}

// Ready waits until a line on demand that the client has had opened is up, or
// cannot be opened now. For other lines it does not wait. Its error is a *Refusal.
func (a *Attachment) Ready(ctx context.Context) error {
	c := a.console
	for {
		c.mu.Lock()
		moved := c.movesLocked()
		opening := c.o.Manners.OnDemand && c.line == nil && c.state != Down && c.state != Closed && !a.gone
		c.mu.Unlock()
		if !opening {
			return nil
		}
		select {
		case <-moved:
		case <-a.left:
			return refuse(BecauseLeft)
		case <-ctx.Done():
			return givenUp(ctx)
		}
	}
}
