package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"

	"consoled/ports"
)

// What a host may ask of us: it has little to ask, and each answer costs us
// more than it. Beyond this we answer slowly, which slows all that it sends.
const (
	asksPerSecond = 10
	asksAtOnce    = 100
)

// lastWord is how long a host may take from the end of the output to the
// end of the session, between which it says how the program ended.
const lastWord = time.Second

// keepaliveCount is how many intervals may pass without a sign of life, after
// the one of silence that brings up the question.
const keepaliveCount = 3

// attend answers the host's requests, watches for its silence, and sees the
// session end. It ends when all output is read and the session is over.
func (p *port) attend(drained <-chan struct{}) {
	var end error // nil: what the library says
	var grace <-chan time.Time
	credit := rate.NewLimiter(asksPerSecond, asksAtOnce)
	alive := time.NewTimer(p.ssh.Keepalive)
	defer alive.Stop()
	if p.ssh.Keepalive == 0 {
		alive.Stop()
	}
	session, requests, channels := p.session, p.link.requests, p.link.channels
	for session != nil || drained != nil {
		select {
		case <-p.closed:
			return
		case r, ok := <-session:
			if !ok {
				session = nil
				continue
			}
			if exited := exit(r); exited != nil {
				end = exited
			}
			_ = r.Reply(false, nil)
		case r, ok := <-requests:
			if !ok {
				requests = nil
				continue
			}
			_ = r.Reply(false, nil)
		case c, ok := <-channels:
			if !ok {
				channels = nil
				continue
			}
			_ = c.Reject(gossh.Prohibited, "") // we open channels, a target none
		case <-drained:
			drained = nil
			grace = time.After(lastWord)
			continue
		case <-grace:
			p.link.close() // which ends the session
			continue
		case <-alive.C:
			next, err := p.life()
			if err != nil {
				end = err
				p.link.close()
				continue
			}
			alive.Reset(next)
			continue
		}
		if !p.pause(credit.Reserve().Delay()) {
			return
		}
	}
	p.end(p.why(end))
	p.link.close()
}

// pause waits unless the port is closed meanwhile.
func (p *port) pause(d time.Duration) bool {
	if d == 0 {
		return true
	}
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-limit.C:
		return true
	case <-p.closed:
		return false
	}
}

// life asks a silent host for a sign of life, and says when to look again.
// Anything that comes is one: a slow line may have much to carry before it
// brings our question.
func (p *port) life() (time.Duration, error) {
	every := p.ssh.Keepalive
	patience := every * (keepaliveCount + 1)
	silent := p.link.wire.silence()
	switch {
	case silent < every:
		return every - silent, nil
	case silent >= patience:
		return 0, &ports.Error{Reason: ports.Unreachable, Err: fmt.Errorf("no sign of life for %v", patience)}
	case !p.asking.Swap(true):
		p.work.Go(func() {
			defer p.asking.Store(false)
			_, _, _ = p.link.SendRequest("keepalive@openssh.com", true, nil)
		})
	}
	return min(every, patience-silent), nil
}

// exit is how the program ended, if that is what a request says (RFC 4254, 6.10).
// What is malformed says nothing.
func exit(r *gossh.Request) error {
	switch r.Type {
	case "exit-status":
		var m struct{ Status uint32 }
		if gossh.Unmarshal(r.Payload, &m) == nil {
			return &ports.Error{Reason: ports.Exited, Err: fmt.Errorf("exit status %d", m.Status)}
		}
	case "exit-signal":
		var m struct {
			Signal     string
			CoreDumped bool
			Message    string
			Language   string
		}
		if gossh.Unmarshal(r.Payload, &m) == nil {
			return &ports.Error{Reason: ports.Exited, Err: fmt.Errorf("signal %s", bounded(m.Signal))}
		}
	}
	return nil
}

// why is the end of the line: another host key at a later key exchange, what
// attend found out, or what the library met with before we closed the
// connection ourselves.
func (p *port) why(end error) error {
	if refused := p.link.identity.refusal(); refused != nil {
		return refused
	}
	if end != nil {
		return end
	}
	p.link.close()
	err := p.link.Wait()
	switch e, ok := errors.AsType[*ports.Error](err); {
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF):
	case ok:
		return e
	case err != nil:
		return &ports.Error{Reason: ports.Closed, Err: shortened(err)}
	}
	return &ports.Error{Reason: ports.Closed}
}
