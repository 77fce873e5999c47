// Package console is the heart: a console keeps its line open, appends what
// the line says to its record, and passes on what the one writer types. It
// knows no SSH and no access rules; a client brings its rights as plain facts.
//
// Goroutines: Run is the only one that opens, reads or replaces the line. It
// starts, and waits for, one that writes to the line (from the first input of
// a connection to its end) and one that brings events to the record (while
// there are any). An idle console has Run alone, and no buffer.
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
}

// A Console is a named line that is kept open for ever.
type Console struct {
	record *record.Record
	wake   chan struct{} // ends the pause of an unwatched line
	eyes   atomic.Int32  // clients attached
	in     atomic.Int64
	out    atomic.Int64

	mu       sync.Mutex // no I/O under it
	o        Options
	lock     lock
	alarm    *time.Timer // at the lock's next deadline; nil while there never was one
	clients  []*Attachment
	line     *line // nil while the line is down
	state    State
	since    time.Time
	reason   ports.Reason
	detail   string
	nextTry  time.Time
	attempts int // unsuccessful ones since the line was last stable
	redial   context.CancelCauseFunc
	ended    bool

	journal []Event // not yet brought to the record
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
		dial, redial := context.WithCancelCause(ctx)
		c.mu.Lock()
		c.redial = redial
		backend := c.o.Backend
		c.mu.Unlock()
		err := c.serve(dial, backend)
		redial(nil)
		if ctx.Err() == nil {
			c.pause(ctx, c.down(err))
		}
	}
	c.end(context.Cause(ctx))
}

// serve opens the line and reads it until it ends or ctx does.
func (c *Console) serve(ctx context.Context, backend ports.Backend) error {
	port, err := backend.Open(ctx)
	if err == nil {
		err = c.carry(ctx, port)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// carry reads an open port until it ends.
func (c *Console) carry(ctx context.Context, port ports.Port) error {
	l := newLine(port)
	stop := context.AfterFunc(ctx, l.close)
	c.up(l)
	err := c.read(ctx, l)
	c.mu.Lock()
	c.line = nil
	l.end()
	c.mu.Unlock()
	stop()
	l.close()
	l.writer.Wait()
	if werr := l.failed(); werr != nil {
		return werr
	}
	return err
}

// up tells that the line is there.
func (c *Console) up(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := Event{Kind: KindUp}
	if c.state == Down {
		e.For, e.Attempt = time.Since(c.since), c.attempts
	}
	c.line = l
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
			c.tellLocked(Event{Kind: KindDown, Reason: reason, Why: detail})
		}
	}
	c.state, c.reason, c.detail, c.nextTry = Down, reason, detail, now.Add(wait)
	return wait
}

// pause waits before the next attempt; a changed configuration ends it.
func (c *Console) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	ctx, cancel := context.WithTimeout(ctx, d)
	c.redial = func(error) { cancel() }
	c.mu.Unlock()
	<-ctx.Done()
	cancel()
}

// end says goodbye to everybody and closes the record.
func (c *Console) end(cause error) {
	c.mu.Lock()
	c.tellLocked(Event{Kind: KindGoodbye, Why: cause.Error()})
	c.ended = true
	for _, a := range c.clients {
		a.closeLocked()
	}
	c.clients = nil
	c.lock.free()
	if c.alarm != nil {
		c.alarm.Stop()
	}
	c.mu.Unlock()
	c.tasks.Wait()
	if err := c.record.Close(); err != nil {
		c.o.Log.Error("close record", "err", err)
	}
}

// Update changes the settings. Clients and the lock stay; the line is opened
// anew only if reopen says so. Record and Observe cannot change this way.
func (c *Console) Update(o Options, reopen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.Record, o.Observe = c.o.Record, c.o.Observe
	if o.Log == nil {
		o.Log = c.o.Log
	}
	c.o = o
	c.armLocked()
	if reopen {
		c.attempts = 0
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
