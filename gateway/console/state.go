package console

import (
	"errors"
	"time"

	"consoled/ports"
)

// calm is how many times in a row a line that comes up and soon ends again is told
// of. From then on it is told once it is stable: a program that dies at once
// would else fill the log and everybody's screen.
const calm = 2

// An outage is what was told about the line.
type outage struct {
	told  State // up or down; empty before either
	since time.Time
	alarm *time.Timer // tells of a line that is up, once it is stable; nil if none
}

// up tells that the line is there.
func (c *Console) up(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line, c.talking = l, false
	c.movedLocked()
	c.state, c.since, c.reason, c.detail, c.nextTry = Up, time.Now(), "", "", time.Time{}
	c.idleLocked()
	if c.flaps < calm {
		c.tellUpLocked()
		return
	}
	c.outage.alarm = time.AfterFunc(stable, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.line == l {
			c.tellUpLocked()
		}
	})
}

func (c *Console) tellUpLocked() {
	e := Event{Kind: KindUp}
	if c.outage.told == Down {
		e.For, e.Attempt = c.since.Sub(c.outage.since), c.attempts
	}
	c.outage.told = Up
	c.o.Log.Info("console up", "backend", c.o.Backend.String(), "for", e.For.Round(time.Millisecond))
	c.tellLocked(e)
}

// down tells why the line is not there, if that is news, and returns how long
// to wait before the next attempt.
func (c *Console) down(err error) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.outage.alarm != nil {
		c.outage.alarm.Stop()
	}
	c.talking = false
	c.movedLocked()
	switch {
	case errors.Is(err, errChanged):
		c.attempts, c.flaps = 0, 0
		return 0
	case errors.Is(err, errUnneeded):
		c.attempts, c.flaps = 0, 0
		c.restLocked()
		return 0
	case c.state == Up && now.Sub(c.since) >= stable:
		c.attempts, c.flaps = 0, 0
	case c.state == Up:
		c.flaps++
	}
	reason, detail := ports.ReasonOf(err), err.Error()
	wait := c.o.Reconnect.wait(reason, c.attempts, now)
	c.attempts++
	switch {
	case c.outage.told != Down:
		c.o.Log.Warn("console down", "reason", string(reason), "err", detail)
		c.outage.told, c.outage.since = Down, now
		c.freshen()
		c.tellLocked(Event{Kind: KindDown, Reason: reason, Why: detail})
	case c.reason != reason && c.state == Down:
		c.o.Log.Warn("console down", "reason", string(reason), "err", detail)
	}
	c.state, c.since, c.reason, c.detail, c.nextTry = Down, c.outage.since, reason, detail, now.Add(wait)
	return wait
}
