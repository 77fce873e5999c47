// Package console is the heart: a console keeps its line open, appends what
// the line says to its record, and passes on what the one writer types. It
// knows no SSH and no access rules; a client brings its rights as plain facts.
//
// Goroutines: Run is the only one that opens, reads or replaces the line. It
// starts, and waits for, one that writes to the line (from the first input of
// a connection to its end), one that closes the line when it is told to end,
// one that brings events to the record (while there are any) and one that
// forces the record to the disk (once in a while). An idle console has Run
// alone, and no buffer. A panic in any of them ends the line, not the process.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
)

// Options are a console's settings.
type Options struct {
	Subject     names.Subject // name, aliases, groups, tags
	Description string
	MOTD        string
	Backend     ports.Backend
	Reconnect   Reconnect
	Lock        LockOptions
	Record      record.Options // Warn is the console's own
	Log         *slog.Logger   // carries the console's name already
	Observe     func(Event)    // gets a copy of every event, in order; may be nil; must not block
	Panicked    func()         // counts a panic that was caught; may be nil; must not block
}

// A Console is a named line that is kept open for ever.
type Console struct {
	record *record.Record
	wake   chan struct{} // ends the pause of an unwatched line
	eyes   atomic.Int32  // clients attached
	in     atomic.Int64
	out    atomic.Int64
	fresh  freshness

	mu       sync.Mutex // no I/O under it
	o        Options
	lock     lock
	alarm    *time.Timer // at the lock's next deadline; nil while there never was one
	clients  []*Attachment
	line     *line         // nil while the line is down
	moved    chan struct{} // see movesLocked
	state    State
	since    time.Time
	reason   ports.Reason
	detail   string
	nextTry  time.Time
	attempts int // unsuccessful ones since the line was last stable
	changes  int // of the line's configuration
	redial   context.CancelCauseFunc
	ended    bool
	goodbye  string // once ended

	journal []Event // not yet brought to the record
	unkept  int     // events that it had no room for
	writing bool    // a goroutine is bringing them
	tasks   sync.WaitGroup
}

// errChanged ends a line whose configuration changed.
var errChanged = errors.New("configuration changed")

// New makes a console and opens its record; Run brings it to life.
func New(o Options) (*Console, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Console{o: o, lock: lock{state: Free}, state: Connecting, since: time.Now(), wake: make(chan struct{}, 1)}
	c.fresh.gate = newGate(1)
	o.Record.Warn = c.recording
	r, err := record.Open(o.Record)
	if err != nil {
		return nil, fmt.Errorf("console %q: %w", o.Subject.Name, err)
	}
	c.record = r
	return c, nil
}

// Run keeps the line open until ctx ends; its cause is the goodbye that people
// are told. It returns when everything that it started has ended and the
// record is closed.
func (c *Console) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.attempt(ctx); err != nil {
			c.pause(ctx, time.Second, c.changed())
		}
	}
	c.end(context.Cause(ctx))
}

// attempt opens the line and serves it to its end, then waits for as long as
// the next attempt has to. Its error is a panic.
func (c *Console) attempt(ctx context.Context) (err error) {
	defer c.caught("run", &err)
	dial, redial := context.WithCancelCause(ctx)
	defer redial(nil)
	c.mu.Lock()
	c.redial = redial
	backend, change := c.o.Backend, c.changes
	c.mu.Unlock()
	ended := c.serve(dial, backend)
	if ctx.Err() == nil {
		c.pause(ctx, c.down(ended), change)
	}
	return nil
}

// serve opens the line and reads it until it ends or ctx does.
func (c *Console) serve(ctx context.Context, backend ports.Backend) error {
	port, err := c.dial(ctx, backend)
	if err == nil {
		err = c.carry(ctx, port)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (c *Console) dial(ctx context.Context, backend ports.Backend) (_ ports.Port, err error) {
	defer c.caught("open", &err)
	return backend.Open(ctx)
}

// carry reads an open port until it ends.
func (c *Console) carry(ctx context.Context, port ports.Port) error {
	l := &line{port: port}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		c.hangUp(l)
	})
	c.up(l)
	err := c.read(ctx, l)
	if werr := l.failed(); werr != nil {
		err = werr // it ended the reader; later ones are of our own closing
	}
	c.mu.Lock()
	c.line = nil
	c.endLocked(l)
	c.mu.Unlock()
	if stop() {
		c.hangUp(l)
	} else {
		<-closed
	}
	l.writer.Wait()
	return err
}

// up tells that the line is there.
func (c *Console) up(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := Event{Kind: KindUp}
	if r, ok := l.port.(ports.Remarker); ok {
		e.Why = r.Remark()
	}
	if c.state == Down {
		e.For, e.Attempt = time.Since(c.since), c.attempts
	}
	c.line = l
	c.movedLocked()
	c.state, c.since, c.reason, c.detail, c.nextTry = Up, time.Now(), "", "", time.Time{}
	c.o.Log.Info("console up", "backend", c.o.Backend.String(), "for", e.For.Round(time.Millisecond))
	c.tellLocked(e)
}

// down tells why the line is not there, if that is news, and returns how long
// to wait before the next attempt.
func (c *Console) down(err error) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if errors.Is(err, errChanged) {
		c.attempts = 0
		return 0
	}
	if c.state == Up && now.Sub(c.since) >= stable {
		c.attempts = 0
	}
	reason, detail := ports.ReasonOf(err), err.Error()
	wait := c.o.Reconnect.wait(reason, c.attempts)
	c.attempts++
	if news := c.state != Down; news || c.reason != reason {
		c.o.Log.Warn("console down", "reason", string(reason), "err", detail)
		if news {
			c.since = now
			c.freshen()
			c.tellLocked(Event{Kind: KindDown, Reason: reason, Why: detail})
		}
	}
	c.state, c.reason, c.detail, c.nextTry = Down, reason, detail, now.Add(wait)
	return wait
}

// pause waits before the next attempt; a configuration that changed since ends it.
func (c *Console) pause(ctx context.Context, d time.Duration, change int) {
	ctx, cancel := context.WithTimeout(ctx, max(d, 0))
	defer cancel()
	c.mu.Lock()
	if c.changes != change {
		cancel()
	}
	c.redial = func(error) { cancel() }
	c.mu.Unlock()
	<-ctx.Done()
}

// changed counts the changes of the line's configuration.
func (c *Console) changed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// end says goodbye to everybody and closes the record.
func (c *Console) end(cause error) {
	c.mu.Lock()
	c.tellLocked(Event{Kind: KindGoodbye, Why: cause.Error()})
	c.ended, c.goodbye = true, cause.Error()
	for _, a := range c.clients {
		a.closeLocked()
	}
	c.clients = nil
	c.lock.free()
	if c.alarm != nil {
		c.alarm.Stop()
	}
	c.movedLocked()
	c.mu.Unlock()
	c.tasks.Wait()
	if err := c.closeRecord(); err != nil {
		c.Options().Log.Error("close record", "err", err)
	}
}

// Update changes the settings. Clients and the lock stay; the line is opened
// anew only if reopen says so. Record, Observe and Panicked cannot change this way.
func (c *Console) Update(o Options, reopen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.Record, o.Observe, o.Panicked = c.o.Record, c.o.Observe, c.o.Panicked
	if o.Log == nil {
		o.Log = c.o.Log
	}
	c.o = o
	c.armLocked()
	if reopen {
		c.attempts = 0
		c.changes++
		c.tellLocked(Event{Kind: KindChange, Why: o.Backend.String()})
		if c.redial != nil {
			c.redial(errChanged)
		}
	}
}

// recording is the record's word that writing fails, or works again.
func (c *Console) recording(err error, lost int64) {
	e := Event{Kind: KindGap, Lost: lost}
	if err != nil {
		e.Why = err.Error()
		c.o.Log.Error("record cannot be written", "err", err)
	} else {
		c.o.Log.Warn("record is written again", "lost", lost)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tellLocked(e)
}
