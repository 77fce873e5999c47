package console

import (
	"errors"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
)

// Name is the console's name.
func (c *Console) Name() string { return c.Options().Subject.Name }

// Options are the settings in force.
func (c *Console) Options() Options {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o
}

// Record is what the console said.
func (c *Console) Record() *record.Record { return c.record }

// Subject is what selectors choose by, with the state of now.
func (c *Console) Subject() names.Subject {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.o.Subject
	s.State = string(c.state)
	return s
}

// Status is a snapshot. It has no side effect.
func (c *Console) Status() Status {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{
		Name: c.o.Subject.Name, State: c.state, Since: c.since, Reason: c.reason, Detail: c.detail,
		NextTry: c.nextTry, LastOutput: c.record.LastTime(), Lock: c.lock.status(now),
		BytesIn: c.in.Load(), BytesOut: c.out.Load(),
	}
	if c.state == Down {
		s.Attempts, s.Fix = c.attempts, c.fix
	}
	if c.closing != nil {
		closing := *c.closing
		s.Closing = &closing
	}
	if c.acting != nil {
		act := c.acting.Act
		s.Act = &act
	}
	s.Dialogue = c.talking
	if c.line != nil {
		_, s.CanBreak = c.line.port.(ports.Breaker)
	}
	for _, a := range c.clients {
		s.Clients = append(s.Clients, ClientStatus{
			Client: a.client, Since: a.since, Idle: now.Sub(a.typed),
			Writer: c.lock.state == Held && c.lock.holder.Session == a.client.Session,
		})
	}
	return s
}

// fixOf is what the backend says to do about an error; empty where it says nothing.
func fixOf(err error) string {
	if e, ok := errors.AsType[*ports.Error](err); ok {
		return e.Fix
	}
	return ""
}
