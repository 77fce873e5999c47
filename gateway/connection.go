package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"

	"consoled/auth"
)

const (
	// parting is how long sessions have to say goodbye before their connection is closed.
	parting = 2 * time.Second
	// lingering is how long a session may go on when its channel has ended. The
	// end of its input tells it first, so that it can tell a lost line from a clean leave.
	lingering = time.Second
	// pendingChannels is how many channels beyond those allowed a client may
	// be opening at once before it is taken for hostile.
	pendingChannels = 64
)

// Why we end connections and sessions.
var (
	errSlow    = errors.New("login took too long")
	errSilent  = errors.New("no answer to keepalives")
	errGone    = errors.New("the connection has ended")
	errPanic   = errors.New("internal error")
	errRevoked = errors.New("your key is no longer authorised")
	errExpired = errors.New("your key has expired")
	errHostile = errors.New("too many channels at once")
	errIdle    = errors.New("it ran nothing")
	errStuck   = errors.New("your terminal takes no output")
)

// A connection is one SSH connection, from accept to its end.
type connection struct {
	g      *Gateway
	wire   *wire
	log    *slog.Logger
	source netip.Addr
	origin netip.Prefix
	keyed  atomic.Bool // keys are exchanged: somebody has done some work
	limit  *time.Timer // ends a login that takes too long
	ctx    context.Context
	cancel context.CancelCauseFunc
	alive  sync.Once     // starts the keepalives
	gone   chan struct{} // closed when SSH has ended

	told atomic.Int32 // lines in the log about what this connection was refused

	mu       sync.Mutex
	identity *auth.Identity // once logged in, as the last reload left it
	expiry   *time.Timer
	opening  int // handlers of channels that run
	ending   bool
	active   sync.WaitGroup // handlers and the keepalive
}

func (g *Gateway) newConnection(nc net.Conn) *connection {
	c := &connection{g: g, wire: newWire(nc), source: sourceOf(nc.RemoteAddr()), gone: make(chan struct{})}
	c.origin = origin(c.source)
	c.log = g.log.With("client", nc.RemoteAddr().String())
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c
}

// sourceOf is an address without its port; invalid for what is no IP.
func sourceOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// serve runs the connection to its end, and waits for all that it started.
func (c *connection) serve() {
	defer c.g.door.left(c)
	defer c.wire.end()
	s := c.g.site.Load()
	c.limit = time.AfterFunc(s.config.Limits.Handshake, func() { c.end(errSlow) })
	defer c.limit.Stop()
	c.handle(s)
	close(c.gone)
	c.mu.Lock()
	c.ending = true
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.mu.Unlock()
	late := time.AfterFunc(lingering, func() { c.cancel(errGone) })
	c.active.Wait()
	late.Stop()
	c.cancel(errGone)
}

// handle lets the library do the handshake and hand out the channels. Its
// server is made for this connection alone, so that nothing is shared.
func (c *connection) handle(s *site) {
	defer c.caught("connection")
	l := &login{c: c}
	server := &ssh.Server{
		HostSigners: asSigners(s.hostKeys),
		ServerConfigCallback: func(ssh.Context) *gossh.ServerConfig {
			return l.config(s.config.Limits.AuthTries)
		},
		ConnectionFailedCallback: func(_ net.Conn, err error) { c.failed(l, err) },
		ChannelHandlers: map[string]ssh.ChannelHandler{
			"session": func(_ *ssh.Server, conn *gossh.ServerConn, n gossh.NewChannel, _ ssh.Context) {
				c.channel(conn, n, c.session)
			},
			"default": func(_ *ssh.Server, conn *gossh.ServerConn, n gossh.NewChannel, _ ssh.Context) {
				c.channel(conn, n, c.prohibit)
			},
		},
		RequestHandlers: map[string]ssh.RequestHandler{
			"default": func(_ ssh.Context, _ *ssh.Server, r *gossh.Request) (bool, []byte) {
				if strings.HasSuffix(r.Type, "-forward") || strings.HasPrefix(r.Type, "streamlocal-forward") {
					c.complain("forwarding refused", "type", r.Type)
				}
				return r.Type == keepaliveRequest, nil
			},
		},
	}
	server.HandleConn(c.wire)
}

func asSigners(keys []gossh.Signer) []ssh.Signer {
	signers := make([]ssh.Signer, 0, len(keys))
	for _, k := range keys {
		signers = append(signers, k)
	}
	return signers
}

// welcome notes who logged in; the login's limits no longer hold. It refuses a
// key that has its share of the connections.
func (c *connection) welcome(id auth.Identity) error {
	if err := c.g.door.known(c, id.Fingerprint, c.g.site.Load().config.Limits); err != nil {
		return err
	}
	c.limit.Stop()
	c.become(id)
	return nil
}

// become notes what the connection's key is worth now.
func (c *connection) become(id auth.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = &id
	if c.expiry != nil {
		c.expiry.Stop()
		c.expiry = nil
	}
	if id.Key != nil && !id.Key.Expires.IsZero() && !c.ending {
		c.expireLocked(id.Key.Expires)
	}
}

// expireLocked ends the connection when its key expires. It looks again every
// minute, as the clock may be set meanwhile, or the machine may have slept.
func (c *connection) expireLocked(at time.Time) {
	left := time.Until(at)
	if left <= time.Minute {
		c.expiry = time.AfterFunc(left, func() { c.dismiss(errExpired) })
		return
	}
	c.expiry = time.AfterFunc(time.Minute, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.expiry != nil && !c.ending && c.identity.Key != nil && c.identity.Key.Expires.Equal(at) {
			c.expireLocked(at)
		}
	})
}

// who is the identity of a connection that has logged in.
func (c *connection) who() (auth.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.identity == nil {
		return auth.Identity{}, false
	}
	return *c.identity, true
}

// channel runs the handler of a new channel, which the library gave a
// goroutine of its own. Their number is bounded: a client that opens channels
// and reads no answer would otherwise pile them up.
func (c *connection) channel(conn *gossh.ServerConn, n gossh.NewChannel, handler func(*gossh.ServerConn, gossh.NewChannel)) {
	if !c.enter() {
		return
	}
	defer c.leave()
	defer c.caught("channel")
	c.alive.Do(func() { c.watch(conn) })
	handler(conn, n)
}

// enter counts a handler in, unless the connection is at its end.
func (c *connection) enter() bool {
	most := c.g.site.Load().config.Limits.Sessions + pendingChannels
	c.mu.Lock()
	if c.ending {
		c.mu.Unlock()
		return false
	}
	c.active.Add(1)
	c.opening++
	hostile := c.opening > most
	c.mu.Unlock()
	if hostile {
		c.complain("connection ended", "err", errHostile)
		c.end(errHostile)
	}
	return true
}

func (c *connection) leave() {
	c.mu.Lock()
	c.opening--
	c.mu.Unlock()
	c.active.Done()
}

// prohibit refuses every channel but sessions: the gateway is no relay.
func (c *connection) prohibit(_ *gossh.ServerConn, n gossh.NewChannel) {
	c.complain("channel refused", "type", n.ChannelType())
	// The client is gone if this fails, which the connection's end shows.
	_ = n.Reject(gossh.Prohibited, "consoled opens sessions only")
}

// end closes the connection at once.
func (c *connection) end(why error) {
	c.cancel(why)
	c.wire.end()
}

// dismiss ends the sessions, which tell why, and then the connection.
func (c *connection) dismiss(why error) {
	c.cancel(why)
	time.AfterFunc(parting, c.wire.end)
}

// caught is deferred by every goroutine that serves a connection: a panic ends
// that connection and harms nobody else.
func (c *connection) caught(where string) {
	if r := recover(); r != nil {
		c.g.panics.Add(1)
		c.log.Error("panic", "in", where, "err", r, "stack", string(debug.Stack()))
		c.end(errPanic)
	}
}
