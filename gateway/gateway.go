// Package gateway is the SSH front: it listens, lets people in by key, gives
// each session channel to the verbs, and loads, compares and applies the
// configuration.
//
// Every goroutine has an owner that waits for it:
//
//	goroutine                        started by            waited for by        ends when
//	accept loop, one a listener      Serve                 Serve                the listener is closed
//	connection, one each             accept loop           Serve, at its stop   the connection has ended
//	keepalive, one a connection      first channel         connection           the connection has ended
//	its question, when one is asked  keepalive             connection           it is answered, or the connection has ended
//	session channel                  gliderlabs/ssh        connection           both sides closed the channel
//	program, one a session           session channel       session channel      the verb is done
//	helpers of a verb                the verb              the verb             the verb is done
//	input, one a session             first use             session channel      the channel is closed
//	request handler, one each        gliderlabs/ssh        itself               the connection has ended
//	console, one each                console.Set           console.Set.Wait     Serve ends, or it was removed
//	session of an IPMI line          its opening           Close of the line    the line has ended
//	rounds of the lines at rest      console.Set           console.Set.Wait     Serve ends
//	their collectors                 rounds                rounds               nothing is left to collect
//	waits of a stop                  Serve                 Serve, for a while   what they wait for has ended
//	handshake and key exchange       x/crypto/ssh          itself               the connection is closed
//
// x/crypto/ssh starts its own readers, which cannot be waited for: they end
// when the connection is closed. Timers (handshake, farewell, expiry of a key)
// only end a connection or a context and never block.
//
// Locks are taken in this order, one of a kind at a time. Down to that of a
// record's writer they are held over I/O, which is that of one thing alone:
//
//	Gateway.reloading    a load, and applying what differs
//	console.Set          a difference: opening the records of new consoles
//	a line's collecting  reading what the kernel collected of it, or closing it
//	dialogue.Talk        recording what is said during it; only the line's reader and the dialogue take it
//	record's writer      appending, and opening the files for it
//	console.Console      never over a line, a disk or a client; over a line of the log
//	all others           a few fields each; none is taken under them
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"consoled/gateway/command"
	"consoled/gateway/config"
	"consoled/gateway/console"
)

// Options are what a Gateway is made of.
type Options struct {
	// Load reads the whole configuration: at New, and at each Reload and Check.
	// It must not touch anything but files that it reads.
	Load    func() (*config.Config, error)
	Log     *slog.Logger // nil: nothing is logged
	Version string
	// Listeners, where there are any, are served in place of the configured
	// addresses (socket activation). Serve closes them.
	Listeners []net.Listener
	// Ready is called once, when people can log in, with the addresses; may be nil.
	Ready func([]net.Addr)
}

// A Gateway serves consoles over SSH.
type Gateway struct {
	options Options
	log     *slog.Logger
	// run does what a session asks for and returns its exit code; command.Run but in tests.
	run     func(context.Context, *command.Session) int
	started time.Time

	reloading sync.Mutex           // one load and comparison at a time
	site      atomic.Pointer[site] // the configuration and keys in force
	set       atomic.Pointer[console.Set]
	listening atomic.Pointer[[]net.Addr]

	door     door
	tolls    tolls
	sessions sessions
	refusals refusals
	panics   atomic.Int64
	serial   atomic.Uint64 // of sessions
}

// New loads the configuration and the keys, and changes nothing anywhere.
func New(o Options) (*Gateway, error) {
	if o.Load == nil {
		return nil, errors.New("gateway: no configuration to load")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{options: o, log: o.Log, started: time.Now(), refusals: newRefusals()}
	g.run = func(ctx context.Context, s *command.Session) int { return command.Run(ctx, g, s) }
	s, err := g.load()
	if err != nil {
		return nil, err
	}
	g.site.Store(s)
	g.set.Store(console.NewSet(context.Background()))
	return g, nil
}
