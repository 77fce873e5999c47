package console

import (
	"errors"
	"time"

	"consoled/gateway/dialogue"
	"consoled/gateway/screen"
	"consoled/ports"
)

// Manners are what a console does by itself at its line.
type Manners struct {
	OnIdle    dialogue.Sequence // is sent when nobody has typed for IdleAfter, and again each time it is over
	IdleAfter time.Duration
	OnLeave   dialogue.Sequence        // is sent when the last who wrote has left
	OnDemand  bool                     // the line is open only while somebody is attached
	Rate      int                      // dials at once to one host; 8 where it is 0
	Breaks    map[string]NamedSequence // by a digit from 1 or a letter
}

// A NamedSequence is a break sequence that is configured.
type NamedSequence struct {
	Send    dialogue.Sequence
	Confirm bool // people are asked before it is sent
}

// linger is how long a line on demand stays open when nobody is left, for who
// comes back at once and for scripts of several commands.
const linger = 10 * time.Second

// OnDemand is why a line is closed that nobody needs.
const OnDemand ports.Reason = "opens on demand"

// errUnneeded ends a line on demand.
var errUnneeded = &ports.Error{Reason: OnDemand, Err: errors.New("nobody is attached")}

// A manner is what goes with Manners.
type manner struct {
	idle   *time.Timer   // rings when nobody has typed for long; nil while it never did
	wrote  bool          // a person has typed since OnLeave was sent
	demand chan struct{} // closed when a line that rests is needed; nil while none rests
	linger *time.Timer
}

// idleLocked starts the time of on_idle when the line comes up.
func (c *Console) idleLocked() {
	after := c.o.Manners.IdleAfter
	switch {
	case after <= 0 || c.line == nil:
		if c.manner.idle != nil {
			c.manner.idle.Stop()
		}
	case c.manner.idle == nil:
		c.manner.idle = time.AfterFunc(after, c.ringIdle)
	default:
		c.manner.idle.Reset(after)
	}
}

// ringIdle sends what on_idle says, unless somebody writes or has typed
// meanwhile: keystrokes do not move the timer, which costs them nothing.
func (c *Console) ringIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	after := c.o.Manners.IdleAfter
	if c.ended || after <= 0 || c.line == nil {
		return
	}
	c.expireLocked(time.Now())
	if rest := time.Until(c.line.typed.Add(after)); rest > 0 {
		c.manner.idle.Reset(rest)
		return
	}
	if c.lock.state == Free && len(c.line.queue) == 0 && c.line.queued == 0 {
		c.sayLocked(c.o.Manners.OnIdle, KindOnIdle)
	}
	c.manner.idle.Reset(after)
}

// sayLocked queues what the console itself sends. Whoever takes the lock
// before it is on its way has it dropped.
func (c *Console) sayLocked(s dialogue.Sequence, kind Kind) {
	self := &Attachment{console: c, own: true, client: Client{Name: "gateway", Kind: Sending}}
	c.pushLocked(c.line, input{from: self, play: c.player(self, s), event: Event{Kind: kind}, done: make(chan error, 1)})
}

// typedLocked notes that a client has typed.
func (a *Attachment) typedLocked() {
	if a.client.Kind != Sending {
		a.wrote, a.console.manner.wrote = true, true
	}
}

// promptLength is how much of the record's end may be a prompt, in bytes.
const promptLength = 512

// AtShell reports whether the line is up and the last that the target said looks like the prompt
// of a shell. It reads the end of the record.
func (c *Console) AtShell() bool {
	from, err := c.record.LastLines(1, promptLength)
	if err != nil || c.Status().State != Up {
		return false
	}
	cursor := c.record.Cursor(from)
	defer cursor.Close()
	said := make([]byte, promptLength)
	n, _ := cursor.Read(said) // what cannot be read is no prompt
	var text screen.Text
	return dialogue.AtShell(text.Flush(text.Append(nil, said[:n])))
}

// vacantLocked sends what on_leave says once nobody who wrote is left: neither
// attached, nor kept the lock for.
func (c *Console) vacantLocked() {
	if !c.manner.wrote || c.lock.state != Free {
		return
	}
	for _, a := range c.clients {
		if a.wrote {
			return
		}
	}
	c.manner.wrote = false
	if c.line != nil && !c.ended && len(c.o.Manners.OnLeave) > 0 {
		c.sayLocked(c.o.Manners.OnLeave, KindOnLeave)
	}
}
