package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"consoled/gateway/config"
	"consoled/gateway/console"
)

// How long the parts of a stop may take, five seconds in all: people are told
// by their consoles; what still runs then is told by its context; what
// does not listen loses its connection.
const (
	goodbye  = 1500 * time.Millisecond
	hurry    = time.Second
	closing  = time.Second
	settling = 100 * time.Millisecond
	flushing = 1200 * time.Millisecond
)

// errStopping is the goodbye of a stop.
var errStopping = errors.New("the gateway stops")

// Serve opens the listeners, starts the consoles, checks that nobody gets in
// without a key, and serves until ctx ends. Then everybody is told, and it
// returns within five seconds, when the records are closed. It may be called once.
func (g *Gateway) Serve(ctx context.Context) error {
	s := *g.site.Load()
	unlock, err := g.takeFolders(&s)
	if err != nil {
		return err
	}
	defer unlock()
	listeners, err := g.listen(ctx, s.config.Listen)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	if err := s.fitDescriptors(); err != nil {
		return err
	}
	made, err := s.openHostKeys()
	if err != nil {
		return err
	}
	for _, f := range fingerprints(s.hostKeys) {
		g.log.Info("host key", "fingerprint", f, "made", made)
	}
	for _, w := range s.warnings {
		g.log.Warn("configuration", "warning", w)
	}
	g.site.Store(&s)
	return g.serve(ctx, &s, listeners)
}

// listen opens the configured addresses, or takes those that were handed over.
func (g *Gateway) listen(ctx context.Context, addresses []string) (listeners []net.Listener, _ error) {
	if len(g.options.Listeners) > 0 {
		return g.options.Listeners, nil
	}
	var lc net.ListenConfig
	for _, a := range addresses {
		l, err := lc.Listen(ctx, "tcp", a)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("listen on %s: %w%s", a, err, listenFix(err))
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// listenFix is what to do about an address that cannot be had.
func listenFix(err error) string {
	if errors.Is(err, os.ErrPermission) {
		return "\nfix: ports below 1024 need CAP_NET_BIND_SERVICE; or set listen to another port"
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return "\nfix: no interface has this address (yet?): set listen to one that this machine has"
	}
	return "\nfix: stop what uses the address, or set listen to another one"
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		// A second close only says that it is closed.
		_ = l.Close()
	}
}

// serve runs the consoles and the accept loops, and ends them in order.
func (g *Gateway) serve(ctx context.Context, s *site, listeners []net.Listener) error {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(errStopping)
	set := console.NewSet(life)
	g.set.Store(set)
	if err := g.apply(s, compare(&site{config: &config.Config{}}, s), ""); err != nil {
		return err
	}
	var connections sync.WaitGroup
	if err := g.selfTest(s, &connections); err != nil {
		end(errStopping)
		set.Wait()
		connections.Wait()
		return err
	}
	var accepting sync.WaitGroup
	addrs := make([]net.Addr, 0, len(listeners))
	for _, l := range listeners {
		addrs = append(addrs, l.Addr())
		accepting.Go(func() { g.accept(ctx, l, &connections) })
	}
	g.listening.Store(&addrs)
	if g.options.Ready != nil {
		g.options.Ready(addrs)
	}
	defer tidy().Stop()
	<-ctx.Done()
	g.log.Info("stopping", "sessions", g.sessions.count())
	g.door.close()
	closeAll(listeners)
	accepting.Wait()
	return g.stop(end, set, &connections)
}

// settled is how long after a start, or a reload, most lines are up.
const settled = 5 * time.Second

// tidy gives back to the system what a start or a reload has used and nobody
// needs any more: the text of the configuration, the stacks of thousands of
// attempts. The collector by itself would do so minutes later.
func tidy() *time.Timer {
	return time.AfterFunc(settled, func() {
		runtime.GC() // pools keep what they have over one collection
		debug.FreeOSMemory()
	})
}

// stop ends everything in order, and gives nothing more time than it has.
func (g *Gateway) stop(end context.CancelCauseFunc, set *console.Set, connections *sync.WaitGroup) error {
	g.listening.Store(nil) // no reload from now on
	// One under way may hang on a file system that does not answer; it applies nothing any more.
	within(settling, func() {
		g.reloading.Lock()
		defer g.reloading.Unlock()
	})
	end(errStopping)
	g.sessions.wait(goodbye)
	for _, c := range g.door.connections() {
		c.cancel(errStopping)
	}
	g.sessions.wait(hurry)
	for _, c := range g.door.connections() {
		c.end(errStopping)
	}
	var errs []error
	if !within(closing, connections.Wait) {
		errs = append(errs, errors.New("stop: connections did not end in time"))
	}
	if !within(flushing, set.Wait) {
		errs = append(errs, errors.New("stop: consoles did not end in time"))
	}
	g.log.Info("stopped")
	return errors.Join(errs...)
}

// within waits for something no longer than d. What has not ended then is
// left to the end of the process.
func within(d time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait()
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// accept lets connections in until the listener is closed.
func (g *Gateway) accept(ctx context.Context, l net.Listener, connections *sync.WaitGroup) {
	var said time.Time // a flood makes it fail and succeed in turns
	for ctx.Err() == nil {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			g.admit(nc, connections)
			continue
		}
		if time.Since(said) > time.Minute {
			said = time.Now()
			g.log.Error("accept", "address", l.Addr().String(), "err", err)
		}
		// Out of descriptors, most likely: whoever has not logged in yet makes room.
		if c := g.door.oldest(); c != nil {
			c.end(errCrowded)
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// admit starts serving a connection, if there is room for it.
func (g *Gateway) admit(nc net.Conn, connections *sync.WaitGroup) {
	c := g.newConnection(nc)
	victims, err := g.door.admit(c, g.site.Load().config.Limits)
	for _, v := range victims {
		v.end(errCrowded)
	}
	if err != nil {
		g.refusals.tell(c.log, "connection refused", "err", err)
		c.end(err)
		return
	}
	connections.Go(c.serve)
}
