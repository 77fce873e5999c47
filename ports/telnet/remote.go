package telnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"consoled/ports"
)

const (
	// agreeLimit is how long Open waits for the peer's answers about its serial port.
	agreeLimit = 3 * time.Second
	// maxEarly is how much data is kept that comes meanwhile.
	maxEarly = 64 << 10
	// suspendLimit is how long a peer may hold data up by FLOWCONTROL-SUSPEND:
	// what it holds up for longer is TCP's to hold up.
	suspendLimit = 30 * time.Second
	// flowLimit is how long the answer to a switch of flow control may take.
	flowLimit = 2 * time.Second
)

// A remote is the serial port at the peer's end as the sides of a port other
// than its reader see it; the port's mu guards it.
type remote struct {
	asked   mode
	side    side // of COM-PORT-OPTION
	started bool // the commands of appendStart have been put among the answers
	com     comPort
	resume  chan struct{} // closed when the peer resumes; nil while it takes data
	heard   chan struct{} // closed when the peer has said more; nil while nobody waits for it
}

// heed takes over what the decoder has met, and returns what to send for it.
// The port's mu is held.
func (r *remote) heed(d *decoder) (send []byte) {
	if r.side = d.opt.usComPort; r.side == yes && !r.started {
		r.started = true
		send = appendStart(nil, r.asked)
	}
	switch was := r.com.suspended; {
	case d.com.suspended && !was:
		r.resume = make(chan struct{})
	case !d.com.suspended && r.resume != nil:
		close(r.resume)
		r.resume = nil
	}
	r.com = d.com
	if r.heard != nil {
		close(r.heard)
		r.heard = nil
	}
	return send
}

// settled reports whether the peer has refused, or has answered all that was
// asked. It is called where nobody else uses the port yet.
func (r *remote) settled() bool {
	if r.side != yes {
		return r.side == no
	}
	for i, asked := range r.asked {
		if asked != 0 && r.com.said[i] == 0 {
			return false
		}
	}
	return true
}

// agree reads until the peer has said what becomes of its serial port, but not
// for long: what it says later still counts. Data that comes before that is kept for Read.
func (p *port) agree(ctx context.Context, limit time.Duration) error {
	conn, ok := p.conn.(interface{ SetReadDeadline(time.Time) error })
	if !ok {
		return nil
	}
	conn.SetReadDeadline(time.Now().Add(limit))
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	buf := make([]byte, 4<<10)
	var early []byte
	var err error
	for err == nil && !p.remote.settled() && len(early) < maxEarly {
		p.brake.wait(ctx.Done())
		var n int
		n, err = p.receive(buf, p.conn.Read)
		early = append(early, buf[:n]...)
	}
	p.kept = early
	if !stop() {
		return ports.Ended(ctx, "open "+p.what)
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && len(early) == 0 {
		return err // after data, such as "line in use", the reader meets it again
	}
	return conn.SetReadDeadline(time.Time{})
}

// Remark says where the serial port at the peer's end is not as asked.
func (p *port) Remark() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.com {
		return ""
	}
	const plain = "; the line is plain telnet, with the speed and the flow control that are set there"
	switch p.remote.side {
	case no:
		return "the terminal server refuses RFC 2217" + plain
	case asked:
		return "the terminal server does not answer to RFC 2217" + plain
	}
	if text := p.remote.asked.differences(p.remote.com.said); text != "" {
		return "the terminal server " + text
	}
	return ""
}

// agreedCom reports whether the peer has a serial port to command.
func (p *port) agreedCom() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remote.side == yes
}

// awaitResume waits while the peer takes no data. When it has held it up for
// too long, nothing waits until it has resumed. The error is that of a port
// that was closed meanwhile.
func (p *port) awaitResume() error {
	p.mu.Lock()
	resume := p.remote.resume
	p.mu.Unlock()
	if resume == nil {
		return nil
	}
	timer := time.NewTimer(suspendLimit)
	defer timer.Stop()
	select {
	case <-resume:
	case <-timer.C:
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.remote.resume == resume {
			p.remote.resume = nil
		}
	case <-p.done:
		return ports.Classify("write "+p.what, net.ErrClosed)
	}
	return nil
}

// breakFor has the peer's serial port send a break of length d.
func (p *port) breakFor(d time.Duration) error {
	if err := p.send(appendCom(nil, comControl, breakOn)); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.done:
	}
	return p.send(appendCom(nil, comControl, breakOff))
}

// A comLine is what the port of a peer with a serial port can do besides.
type comLine struct{ p *port }

// Modem is the state of the lines as the peer has told it.
func (l comLine) Modem() (ports.Lines, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if !l.p.remote.com.told {
		return ports.Lines{}, &ports.Error{Reason: ports.Unsupported, Op: "modem lines of " + l.p.what, Err: errors.New("the terminal server has not told them")}
	}
	return l.p.remote.com.lines(), nil
}

// Received is what the peer's receiver met, where it tells.
func (l comLine) Received() (ports.Receptions, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if !l.p.remote.com.receives {
		return ports.Receptions{}, &ports.Error{Reason: ports.Unsupported, Op: "receiver of " + l.p.what, Err: errors.New("the terminal server does not tell what it meets")}
	}
	return l.p.remote.com.received, nil
}

// Losses is how often the peer's receiver was overrun.
func (l comLine) Losses() int {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.p.remote.com.received.Overruns
}

// SoftwareFlow reports whether the peer does XON/XOFF, as far as it has said.
func (l comLine) SoftwareFlow() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.p.remote.com.said[flow] == flowSoftware
}

// SetSoftwareFlow switches XON/XOFF; off is the flow control of the settings,
// where that is another kind. It waits a moment for the peer's word on it.
func (l comLine) SetSoftwareFlow(on bool) error {
	p := l.p
	value := uint32(flowSoftware)
	p.mu.Lock()
	if !on {
		if value = p.configured[flow]; value == 0 || value == flowSoftware {
			value = flowNone
		}
	}
	before := p.remote.com.flows
	p.remote.asked[flow] = value
	p.mu.Unlock()
	if err := p.send(appendCom(nil, comControl, byte(value))); err != nil {
		return err
	}
	said := p.awaitFlow(before)
	if said == value {
		return nil
	}
	e := &ports.Error{Reason: ports.Unsupported, Op: "flow control of " + p.what, Err: errors.New("the terminal server does not answer")}
	if said != 0 {
		e.Err = fmt.Errorf("the terminal server has %s and not %s", shown(flow, said), shown(flow, value))
	}
	return e
}

// awaitFlow waits for the peer to speak of flow control again, which it had
// done before times. It is 0 if it does not.
func (p *port) awaitFlow(before uint8) uint32 {
	timer := time.NewTimer(flowLimit)
	defer timer.Stop()
	for {
		p.mu.Lock()
		if com := p.remote.com; com.flows != before {
			p.mu.Unlock()
			return com.said[flow]
		}
		if p.remote.heard == nil {
			p.remote.heard = make(chan struct{})
		}
		heard := p.remote.heard
		p.mu.Unlock()
		select {
		case <-heard:
		case <-timer.C:
			return 0
		case <-p.done:
			return 0
		}
	}
}
