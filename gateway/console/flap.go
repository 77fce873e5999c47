package console

import (
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

// stirLocked lets everybody attached look at the state, of which nothing is told.
// It displaces nothing that is: whoever has that to read looks anyway.
func (c *Console) stirLocked() {
	for _, a := range c.clients {
		select {
		case a.events <- Event{V: 1, Time: time.Now(), Console: c.o.Subject.Name, Kind: KindState}:
		default:
		}
	}
}

// tellUpLocked tells that the line is there, and after what outage.
func (c *Console) tellUpLocked() {
	e := Event{Kind: KindUp}
	if c.outage.told == Down {
		e.For, e.Attempt = c.since.Sub(c.outage.since), c.attempts
	}
	if r, ok := c.line.port.(ports.Remarker); ok {
		e.Why = r.Remark()
	}
	c.outage.told = Up
	c.o.Log.Info("console up", "backend", c.o.Backend.String(), "for", e.For.Round(time.Millisecond))
	c.tellLocked(e)
}
