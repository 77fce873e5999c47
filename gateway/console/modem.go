package console

import (
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

// SwitchFlow turns software flow control on, or off where it is on. Only the
// writer may.
func (a *Attachment) SwitchFlow() error {
	c := a.console
	port, err := c.port()
	if err != nil {
		return err
	}
	flow, ok := port.(ports.FlowSwitch)
	switch {
	case !a.Writer():
		return refuse(BecauseNotHolder)
	case !ok:
		return refuse(BecauseNoFlow)
	}
	on := !flow.SoftwareFlow()
	if err := flow.SetSoftwareFlow(on); err != nil {
		return err
	}
	e := Event{Kind: KindFlow, Result: "off"}
	if on {
		e.Result = "on"
	}
	c.tell(e.by(a.Client()))
	return nil
}
