package ssh

import (
	"cmp"
	"fmt"
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
// session end. It is over when all output is read and the session has ended,
// or when the port is closed.
func (p *port) attend(drained <-chan struct{}) {
	var end error // nil: what the library says
	var grace <-chan time.Time
	credit := rate.NewLimiter(asksPerSecond, asksAtOnce)
	alive := time.NewTimer(p.ssh.Keepalive)
	defer alive.Stop()
	if p.ssh.Keepalive == 0 {
		alive.Stop()
	}
	session, requests, channels := p.link.session, p.link.requests, p.link.channels
	for session != nil || drained != nil {
		select {
		case <-p.closed:
			return
		case <-drained:
			drained = nil
			grace = time.After(lastWord)
		case <-grace:
			p.link.cut() // which ends the session
		case <-alive.C:
			next, err := p.life()
			if err != nil {
				end = err
				p.link.cut()
				continue
			}
			alive.Reset(next)
		case r, ok := <-session:
			if !ok {
				session = nil
				continue
			}
			end = cmp.Or(end, exit(r))
			_ = r.Reply(false, nil)
			p.pause(credit)
		case r, ok := <-requests:
			if !ok {
				requests = nil
				continue
			}
			_ = r.Reply(false, nil)
			p.pause(credit)
		case c, ok := <-channels:
			if !ok {
				channels = nil
				continue
			}
			_ = c.Reject(gossh.Prohibited, "") // we open channels, a target none
			p.pause(credit)
		}
	}
	if lost := p.link.lost(); end == nil || ports.ReasonOf(lost) == ports.WrongHostKey {
		end = lost
	}
	p.end(end)
}

// pause makes a host wait that asks too often, unless the port is closed meanwhile.
func (p *port) pause(credit *rate.Limiter) {
	d := credit.Reserve().Delay()
	if d == 0 {
		return
	}
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-limit.C:
	case <-p.closed:
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
