package console

import (
	"context"

	"consoled/ports"
)

// Modem is the state of the modem lines. Its error is a *Refusal where the
// line is down, and an *ports.Error where it has none.
func (c *Console) Modem() (ports.Lines, error) {
	port, err := c.port()
	if err != nil {
		return ports.Lines{}, err
	}
	modem, ok := port.(ports.Modem)
	if !ok {
		return ports.Lines{}, &ports.Error{Reason: ports.Unsupported}
	}
	return modem.Modem()
}

// Received is what the line's serial receiver met. Its error is as Modem's.
func (c *Console) Received() (ports.Receptions, error) {
	port, err := c.port()
	if err != nil {
		return ports.Receptions{}, err
	}
	receiver, ok := port.(ports.Receiver)
	if !ok {
		return ports.Receptions{}, &ports.Error{Reason: ports.Unsupported}
	}
	return receiver.Received()
}

// SoftwareFlow reports whether the line does software flow control, and
// whether that can be switched.
func (c *Console) SoftwareFlow() (on, can bool) {
	port, err := c.port()
	if err != nil {
		return false, false
	}
	flow, ok := port.(ports.FlowSwitch)
	return ok && flow.SoftwareFlow(), ok
}

// port is the open line, which may be closed at any moment.
func (c *Console) port() (ports.Port, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line == nil {
		return nil, refuse(BecauseDown)
	}
	return c.line.port, nil
}

// SwitchFlow turns software flow control on, or off where it is on, behind what
// was typed before. Only the writer may. It waits as Break does.
func (a *Attachment) SwitchFlow(ctx context.Context) error {
	on, can := a.console.SoftwareFlow()
	on = !on
	in := input{from: a, event: Event{Kind: KindFlow, Result: "off"}, done: make(chan error, 1)}
	if on {
		in.event.Result = "on"
	}
	in.play = func(l *line) error {
		if flow, ok := l.port.(ports.FlowSwitch); ok {
			return flow.SetSoftwareFlow(on)
		}
		return refuse(BecauseNoFlow) // it is another line by now
	}
	if refusal := a.pushFlow(in, can); refusal != nil {
		return refusal
	}
	return a.played(ctx, in)
}

func (a *Attachment) pushFlow(in input, can bool) *Refusal {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.line == nil:
		return refuse(BecauseDown)
	case !a.writerLocked():
		return refuse(BecauseNotHolder)
	case !can:
		return refuse(BecauseNoFlow)
	}
	c.pushLocked(c.line, in)
	return nil
}
