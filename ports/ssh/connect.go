package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
)

// loginLimit is how long a host may take from the connection to the login. It
// is longer than the limit for connecting, because the processor of a BMC
// computes a key exchange for seconds.
const loginLimit = 20 * time.Second

// A link is an authenticated connection to a host, over those it jumps through.
type link struct {
	gossh.Conn
	channels <-chan gossh.NewChannel
	requests <-chan *gossh.Request
	wire     *wire
	session  <-chan *gossh.Request // of the channel opened on it; nil before
	identity *identity
	below    *link // the host it goes through; nil for the first
}

// close ends the connection and all below it, and what the library runs for it.
func (l *link) close() {
	l.cut()
	l.drain()
	if l.below != nil {
		l.below.close()
	}
}

// drain takes what the host still asks, unanswered, until the library closes
// the last of these channels: it waits for whoever reads them.
func (l *link) drain() {
	requests, channels, session := l.requests, l.channels, l.session
	for requests != nil || channels != nil || session != nil {
		select {
		case _, ok := <-requests:
			if !ok {
				requests = nil
			}
		case _, ok := <-channels:
			if !ok {
				channels = nil
			}
		case _, ok := <-session:
			if !ok {
				session = nil
			}
		}
	}
}

// lost is why a connection has ended, or should: another host key at a later
// key exchange, or what the library met with before we closed it.
func (l *link) lost() error {
	l.close()
	if refused := l.identity.refusal(); refused != nil {
		return refused
	}
	err := l.Wait()
	switch e, ok := errors.AsType[*ports.Error](err); {
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF):
	case ok:
		return e
	case err != nil:
		return &ports.Error{Reason: ports.Closed, Err: shortened(err)}
	}
	return &ports.Error{Reason: ports.Closed}
}

// cut ends the connection at once, and whatever waits for it, by the lowest of
// those it goes through: its own end would need them.
func (l *link) cut() {
	for l.below != nil {
		l = l.below
	}
	l.wire.Close()
}

// connect logs in to each host on the way, and at last to the target.
func (s SSH) connect(ctx context.Context) (*link, error) {
	if ctx.Err() != nil {
		return nil, ports.Ended(ctx, "open "+s.String())
	}
	if err := s.Check(); err != nil {
		return nil, &ports.Error{Reason: ports.Failed, Op: "open " + s.String(), Err: err}
	}
	key, wanted, err := s.load()
	if err != nil {
		return nil, err
	}
	var top *link
	for i, to := range append(slices.Clone(s.Jump), s.To) {
		l := &login{ssh: s, ctx: ctx, wanted: wanted}
		if key != nil {
			l.keys = []gossh.Signer{key}
		}
		through := i < len(s.Jump) // which may have the target's name, as seen from elsewhere
		if !through {
			l.password = s.Password
		}
		next, err := s.hop(ctx, top, to, l)
		if err != nil {
			if top != nil {
				top.close()
			}
			if through {
				err = jumped(to, err)
			}
			return nil, s.opened(err)
		}
		top = next
	}
	return top, nil
}

// jumped says at which host on the way an open failed.
func jumped(to string, err error) error {
	e, ok := errors.AsType[*ports.Error](err)
	if !ok {
		return fmt.Errorf("jump %s: %w", to, err)
	}
	mine := *e
	mine.Err = fmt.Errorf("jump %s: %w", to, cmp.Or(e.Err, errors.New(string(e.Reason))))
	return &mine
}

// hop reaches one host, through the one below if there is one.
func (s SSH) hop(ctx context.Context, below *link, to string, l *login) (*link, error) {
	h, err := parseHost(to)
	if err != nil {
		return nil, err
	}
	if l.user, err = h.login(); err != nil {
		return nil, err
	}
	id, err := newIdentity(h, s.KnownHosts)
	if err != nil {
		return nil, err
	}
	raw, err := dial(ctx, below, h)
	if err != nil {
		return nil, err
	}
	return s.login(ctx, &link{wire: newWire(raw, h.address()), identity: id, below: below}, l)
}

// login makes the handshake on a new connection, which it closes on an error.
func (s SSH) login(ctx context.Context, k *link, l *login) (*link, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginLimit, errNoLogin)
	defer cancel()
	stop := context.AfterFunc(ctx, k.cut)
	defer stop()
	l.ctx = ctx
	defer l.close()
	var err error
	k.Conn, k.channels, k.requests, err = gossh.NewClientConn(k.wire, k.wire.address, s.client(l, k.identity))
	if err != nil {
		k.wire.Close()
		return nil, handshake(ctx, err, k.identity, l)
	}
	k.wire.talk.Store(math.MaxInt64)
	return k, nil
}

var errNoLogin = fmt.Errorf("no login within %v", loginLimit)

// dial connects, directly or from the host below (RFC 4254, 7.2).
func dial(ctx context.Context, below *link, h host) (io.ReadWriteCloser, error) {
	if below == nil {
		return ports.Dial(ctx, "tcp", h.address())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, loginLimit, errNoLogin)
	defer cancel()
	stop := context.AfterFunc(ctx, below.cut)
	defer stop()
	conn, err := gossh.NewClient(below.Conn, below.channels, below.requests).Dial("tcp", h.address())
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, gaveUp(ctx)
	}
	return nil, below.refused(err)
}

// openSession opens the channel of a session.
func (l *link) openSession() (channel gossh.Channel, err error) {
	channel, l.session, err = l.OpenChannel("session", nil)
	return channel, err
}

// refused gives a reason to a channel that was not opened, or not granted what
// was asked for. Where the host did not say so, the connection ended meanwhile.
func (l *link) refused(err error) error {
	if _, typed := errors.AsType[*ports.Error](err); typed {
		return err
	}
	e, ok := errors.AsType[*gossh.OpenChannelError](err)
	if !ok {
		return l.lost()
	}
	reason := ports.Failed
	switch {
	case e.Reason == gossh.Prohibited:
		reason = ports.Denied
	case e.Reason == gossh.ResourceShortage:
		reason = ports.InUse
	case e.Reason == gossh.ConnectionFailed && strings.Contains(strings.ToLower(e.Message), "refused"):
		reason = ports.Refused
	case e.Reason == gossh.ConnectionFailed:
		reason = ports.Unreachable
	}
	return &ports.Error{Reason: reason, Err: fmt.Errorf("%s: %s", e.Reason, bounded(e.Message))}
}

// gaveUp is why an open ended by its context or by a limit of ours.
func gaveUp(ctx context.Context) error {
	cause := context.Cause(ctx)
	reason := ports.Failed
	if errors.Is(cause, errNoLogin) {
		reason = ports.Unreachable
	}
	return &ports.Error{Reason: reason, Err: cause}
}

// client is what the library is told about one host.
func (s SSH) client(l *login, id *identity) *gossh.ClientConfig {
	return &gossh.ClientConfig{
		Config:            algorithms(s.Legacy),
		User:              l.user,
		AuthCallback:      l.next,
		HostKeyCallback:   id.check,
		HostKeyAlgorithms: id.algorithms(s.Legacy),
		ClientVersion:     "SSH-2.0-consoled",
	} // a banner is for people at a keyboard: nothing of it is shown
}

// handshake gives a reason to a handshake that failed. What went wrong once the
// host knew who we are counts as refused credentials, however it said so: hanging up is the way
// of those that count tries.
func handshake(ctx context.Context, err error, id *identity, l *login) error {
	if refused := id.refusal(); refused != nil {
		return refused
	}
	if ctx.Err() != nil {
		return gaveUp(ctx)
	}
	if errors.Is(err, errTalk) {
		return &ports.Error{Reason: ports.Failed, Err: errTalk}
	}
	if none, ok := errors.AsType[*gossh.AlgorithmNegotiationError](err); ok && !l.begun {
		return unequal(none, l.ssh.Legacy)
	}
	e, typed := errors.AsType[*ports.Error](err)
	switch {
	case typed && (e.Reason == ports.Authentication || !l.begun):
		return e
	case l.begun:
		return &ports.Error{Reason: ports.Authentication, Err: shortened(err), Fix: l.fix(1)}
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return &ports.Error{Reason: ports.Closed}
	}
	return &ports.Error{Reason: ports.Failed, Err: shortened(err)}
}

// unequal says what the host offers where we have nothing in common.
func unequal(e *gossh.AlgorithmNegotiationError, legacy bool) error {
	const most = 8
	out := &ports.Error{Reason: ports.Failed, Err: fmt.Errorf("no %s in common; the host offers %s",
		e.What, bounded(strings.Join(e.RequestedAlgorithms[:min(len(e.RequestedAlgorithms), most)], ", ")))}
	older := gossh.Algorithms{KeyExchanges: algorithms(true).KeyExchanges, MACs: algorithms(true).MACs, HostKeys: []string{gossh.KeyAlgoRSA}}
	for _, offered := range e.RequestedAlgorithms {
		if !legacy && (slices.Contains(older.KeyExchanges, offered) || slices.Contains(older.MACs, offered) || slices.Contains(older.HostKeys, offered)) {
			out.Fix = "update the device; if there is no update, legacy: true accepts that"
		}
	}
	return out
}

// shortened is an error of the library, which may quote the host, without the
// layers that say what we say.
func shortened(err error) error {
	text := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	return errors.New(bounded(strings.TrimPrefix(text, "ssh: ")))
}
