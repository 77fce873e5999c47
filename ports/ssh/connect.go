package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	identity *identity
	below    *link // the host it goes through; nil for the first
}

// close ends the connection and all below it. The lowest goes first, as
// saying goodbye above it could wait for a peer that does not read.
func (l *link) close() {
	if l.below != nil {
		l.below.close()
	}
	l.wire.Close()
	_ = l.Wait() // its cause is ours, or was told already
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
	for _, to := range append(slices.Clone(s.Jump), s.To) {
		l := &login{ssh: s, ctx: ctx, wanted: wanted}
		if key != nil {
			l.keys = []gossh.Signer{key}
		}
		through := to != s.To
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
	w := newWire(raw, h.address())
	ctx, cancel := context.WithTimeoutCause(ctx, loginLimit, errNoLogin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { closeAll(below, w) })
	defer stop()
	l.ctx = ctx
	defer l.close()
	conn, channels, requests, err := gossh.NewClientConn(w, h.address(), s.client(l, id))
	if err != nil {
		w.Close()
		return nil, handshake(ctx, err, id, l)
	}
	return &link{Conn: conn, channels: channels, requests: requests, wire: w, identity: id, below: below}, nil
}

var errNoLogin = fmt.Errorf("no login within %v", loginLimit)

// closeAll ends what a handshake waits for; of a host on the way that takes
// the connection underneath.
func closeAll(below *link, w *wire) {
	for l := below; l != nil; l = l.below {
		w = l.wire
	}
	w.Close()
}

// dial connects, directly or from the host below (RFC 4254, 7.2).
func dial(ctx context.Context, below *link, h host) (io.ReadWriteCloser, error) {
	if below == nil {
		return ports.Dial(ctx, "tcp", h.address())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, loginLimit, errNoLogin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { closeAll(below, nil) })
	defer stop()
	conn, err := gossh.NewClient(below.Conn, below.channels, below.requests).Dial("tcp", h.address())
	if err != nil && ctx.Err() != nil {
		return nil, gaveUp(ctx)
	}
	return conn, refusedChannel(err)
}

// refusedChannel gives a reason to a channel that was not opened.
func refusedChannel(err error) error {
	e, ok := errors.AsType[*gossh.OpenChannelError](err)
	if !ok {
		return err
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
	banner := 0
	return &gossh.ClientConfig{
		Config:            algorithms(s.Legacy),
		User:              l.user,
		AuthCallback:      l.next,
		HostKeyCallback:   id.check,
		HostKeyAlgorithms: id.algorithms(s.Legacy),
		ClientVersion:     "SSH-2.0-consoled",
		// A banner is for people at a keyboard, and nothing of it is shown.
		BannerCallback: func(message string) error {
			if banner += len(message) + 1; banner > maxBanner {
				return errBanner
			}
			return nil
		},
	}
}

const maxBanner = 64 << 10

var errBanner = fmt.Errorf("the host's banner is longer than %d KiB", maxBanner>>10)

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
	if errors.Is(err, errBanner) {
		return &ports.Error{Reason: ports.Failed, Err: errBanner}
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
