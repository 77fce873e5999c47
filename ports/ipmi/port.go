package ipmi

import (
	"errors"
	"os"
	"sync"
	"time"

	"consoled/ports"
	"consoled/ports/ipmi/wire"
)

// A port is an open SOL line. Its one goroutine, run, owns the session: it
// alone sends, receives and keeps the time. Read, Write, Break and Close leave
// word under mu and move the socket's deadline, which wakes it.
type port struct {
	s      *session
	what   string // "ipmi node42-bmc"
	remark string
	stop   chan struct{} // closed by Close
	done   chan struct{} // closed when run has ended

	mu      sync.Mutex // no I/O under it
	changed sync.Cond  // of what follows
	unread  []byte     // what the machine said; nil when there is nothing
	queue   []byte     // of the Write that waits; the BMC has not accepted it
	brake   *request   // of the Break that waits
	closing bool       // by Close
	nudged  bool       // there is word for run
	losses  int        // how often the BMC told that it dropped output
	err     error      // why the line ended

	// run's own.
	room    int // characters that the BMC takes in a packet
	flight  flight
	arrived arrived
	beat    beat
	glut    glut
}

// A request is a break that waits for the BMC.
type request struct {
	over bool
	err  error
}

// What ends a line.
var (
	errClosed = os.ErrClosed                                           // by us
	errEnded  = errors.New("the BMC ended the SOL session")            // by its word
	errTaken  = errors.New("somebody else took the BMC's SOL session") // by what it says of it
)

// newPort starts a line on a session in which SOL is active.
func newPort(s *session, b IPMI, room int, owner uint32, remark string) *port {
	p := &port{s: s, what: b.String(), remark: remark, stop: make(chan struct{}), done: make(chan struct{}), room: room}
	p.changed.L = &p.mu
	p.beat = beat{every: b.keepalive(), owner: owner}
	p.beat.rest(time.Now())
	go p.run()
	return p
}

// Losses is how often the BMC told that it had to drop what the machine said.
func (p *port) Losses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.losses
}

// Remark is what happened on opening.
func (p *port) Remark() string { return p.remark }

// Wait blocks until there is something to read, or the line has ended.
func (p *port) Wait() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.unread) == 0 && p.err == nil {
		p.changed.Wait()
	}
	if p.closing || len(p.unread) == 0 {
		return p.ended("read ")
	}
	return nil
}

// TryRead reads what has arrived.
func (p *port) TryRead(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing || p.err != nil && len(p.unread) == 0 {
		return 0, p.ended("read ")
	}
	n := copy(b, p.unread)
	if p.unread = p.unread[n:]; len(p.unread) == 0 {
		p.unread = nil
	}
	return n, nil
}

// Patience is none: the BMC pushes what the machine says as it comes.
func (p *port) Patience() time.Duration { return 0 }

// Read waits for something to read and reads it.
func (p *port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := p.Wait(); err != nil {
		return 0, err
	}
	return p.TryRead(b)
}

// Write returns when the BMC has accepted b, or the line has ended; n is then
// how much of it the BMC had accepted.
func (p *port) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = b
	p.nudge()
	for len(p.queue) > 0 && p.err == nil {
		p.changed.Wait()
	}
	n = len(b) - len(p.queue)
	p.queue = nil
	if n < len(b) || p.err != nil {
		err = p.ended("write ")
	}
	return n, err
}

// Break has the BMC send a break, as long as it makes it, and returns when it
// has said so.
func (p *port) Break(time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &request{}
	p.brake = r
	p.nudge()
	for !r.over && p.err == nil {
		p.changed.Wait()
	}
	p.brake = nil
	switch {
	case !r.over:
		return p.ended("break ")
	case r.err != nil:
		return &ports.Error{Reason: ports.Failed, Op: "break " + p.what, Err: r.err}
	}
	return nil
}

// Close ends the line. It waits, a second at most, until the BMC knows.
func (p *port) Close() error {
	p.mu.Lock()
	if !p.closing {
		p.nudge()
		p.closing = true
		close(p.stop)
		if p.err == nil {
			p.err = errClosed
		}
		p.changed.Broadcast()
	}
	p.mu.Unlock()
	<-p.done
	return nil
}

// nudge wakes run. p.mu is held.
func (p *port) nudge() {
	if p.err == nil {
		p.nudged = true
		p.s.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// ended is the error of an operation on a line that has ended. p.mu is held.
func (p *port) ended(op string) error {
	op += p.what
	switch {
	case p.closing:
		return &ports.Error{Reason: ports.Failed, Op: op, Err: errClosed}
	case errors.Is(p.err, errEnded):
		return &ports.Error{Reason: ports.Closed, Op: op, Err: p.err}
	case errors.Is(p.err, errTaken):
		return &ports.Error{Reason: ports.InUse, Op: op, Err: p.err}
	case errors.Is(p.err, errSilent):
		return &ports.Error{Reason: ports.Unreachable, Op: op, Err: p.err}
	}
	return ports.Classify(op, p.err)
}

// run serves the line to its end.
func (p *port) run() {
	defer close(p.done)
	err := p.serve()
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.part(err)
}

// serve does what is due and takes in what comes.
func (p *port) serve() error {
	if err := p.number(); err != nil {
		return err
	}
	for {
		now := time.Now()
		if err := p.work(now); err != nil {
			return err
		}
		if !p.arm() {
			return errClosed
		}
		n, err := p.s.conn.Read(p.s.in[:])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return err
		}
		now = time.Now()
		if err := p.take(p.s.in[:n], now); err != nil {
			return err
		}
		if !p.glut.wait(now, p.stop) {
			return errClosed
		}
	}
}

// arm sets the time until which the next packet is waited for: none while there
// is word. It is false when the line is to be closed.
func (p *port) arm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closing:
		return false
	case p.nudged:
		p.nudged = false
		p.s.conn.SetReadDeadline(time.Unix(1, 0))
	default:
		p.s.conn.SetReadDeadline(p.due())
	}
	return true
}

// work sends what is due: packets that were not acknowledged, what waits for
// the machine, the keepalive.
func (p *port) work(now time.Time) error {
	if err := p.fly(now); err != nil {
		return err
	}
	return p.keepAlive(now)
}

// due is when work has something to do if nothing comes.
func (p *port) due() time.Time {
	due := p.beat.due
	if p.flight.on && p.flight.due.Before(due) {
		due = p.flight.due
	}
	if !p.flight.on && p.flight.held() && p.flight.hold.Before(due) {
		due = p.flight.hold
	}
	return due
}

// take takes in a packet. What is not of this session, sealed and fresh, is
// dropped without a trace.
func (p *port) take(b []byte, now time.Time) error {
	packet, ok := p.s.receive(b)
	useful := false
	var err error
	switch {
	case !ok:
	case packet.Type == wire.SOL:
		if k, bad := wire.ParseSOL(packet.Payload); bad == nil {
			useful, err = p.heard(k, packet.Sequence, now)
		}
	case packet.Type == wire.Message:
		if r, bad := wire.ParseReply(packet.Payload); bad == nil {
			useful, err = p.beat.answered(r, now)
		}
	}
	if !useful {
		p.glut.count(now)
	}
	return err
}
