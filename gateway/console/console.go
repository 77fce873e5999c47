// Package console is the heart: a console keeps its line open, appends what
// the line says to its record, and passes on what the one writer types. It
// knows no SSH and no access rules; a client brings its rights as plain facts.
//
// Goroutines: Run is the only one that opens or replaces the line. It starts,
// and waits for, one that reads the line (while somebody is attached, or
// where it cannot rest in the rounds of the Set), one that writes to it (from the
// first input of a connection to its end), two for the dialogue on connect (and the helpers of a program in it),
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

	"consoled/gateway/dialogue"
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
	Connect     dialogue.Script // said before people are let through
	Manners     Manners
	Lock        LockOptions
	Record      record.Options // Warn is the console's own
	Log         *slog.Logger   // carries the console's name already
	Observe     func(Event)    // gets a copy of every event, in order; may be nil; must not block
	Panicked    func()         // counts a panic that was caught; may be nil; must not block
}

// A Console is a named line that is kept open for ever.
type Console struct {
	record *record.Record
	wake   chan struct{} // ends the pause of a line that is left alone
	eyes   atomic.Int32  // clients attached
	keyed  atomic.Int64  // when the last keystroke was delivered, in ns since 1970
	in     atomic.Int64
	out    atomic.Int64
	fresh  freshness
	talk   atomic.Pointer[dialogue.Talk] // the dialogue on connect, while there is one
	dials  *dials                        // of all the consoles; nil for no bound
	rounds func() *ports.Rounds          // where an unwatched line rests; nil where it cannot

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
	fix      string // what to do about it; holds while the line is down
	nextTry  time.Time
	attempts int // unsuccessful ones since the line was last stable
	flaps    int // ends of a line that was up, since then
	outage   outage
	talking  bool // the dialogue on connect is under way
	manner   manner
	changes  int                     // of the line's configuration, or of whether it is to be open
	redial   context.CancelCauseFunc // ends the attempt, the wait before the next one, or the line
	closing  *Closing                // nil but while somebody has the line closed
	opening  *time.Timer             // opens it when its time is over
	take     bool                    // the next attempt takes the line from whoever holds it
	acting   *Acting                 // nil but while an action runs
	ended    bool
	goodbye  string // once ended

	journal []Event // not yet brought to the record
	unkept  int     // events that it had no room for
	writing bool    // a goroutine is bringing them
	tasks   sync.WaitGroup
}

// errInterrupted ends a line, or the wait for one, that is to be closed or
// opened anew: somebody asked for it, or its configuration changed.
var errInterrupted = errors.New("the line is closed or opened anew")

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
		var l *line
		aside(func() { l = c.reach(ctx) })
		if l == nil {
			continue
		}
		select {
		case <-l.over:
		case <-ctx.Done():
		}
		aside(func() { c.part(ctx, l) })
	}
	aside(func() { c.end(context.Cause(ctx)) })
}

// aside does something on a stack of its own. The one that then waits for
// months for the line to end stays as small as it began, and there are
// thousands of them.
func aside(f func()) {
	var done sync.WaitGroup
	done.Go(f)
	done.Wait()
}

// reach opens the line, however many attempts that takes. It is nil where ctx
// has ended, or a panic was caught.
func (c *Console) reach(ctx context.Context) (l *line) {
	defer c.spared(ctx)
	for l == nil && ctx.Err() == nil {
		l = c.attempt(ctx)
	}
	return l
}

// spared catches a panic of Run's, which then goes on after a while.
func (c *Console) spared(ctx context.Context) {
	if p := recover(); p != nil {
		c.panicked("run", p)
		c.pause(ctx, time.Second, c.changed())
	}
}

// attempt opens the line once, and where that fails waits for as long as the
// next attempt has to.
func (c *Console) attempt(ctx context.Context) *line {
	dial, redial := context.WithCancelCause(ctx)
	defer redial(nil)
	c.mu.Lock()
	c.redial = redial
	change, closed := c.changes, c.closing != nil
	c.mu.Unlock()
	if closed {
		c.stayClosed(ctx, change)
		return nil
	}
	c.wanted(dial)
	backend := c.Options().Backend
	port, err := c.dial(dial, backend)
	if err == nil {
		return c.carry(dial, port, change)
	}
	if dial.Err() != nil {
		err = context.Cause(dial)
	}
	c.retry(ctx, err, change)
	return nil
}

func (c *Console) dial(ctx context.Context, backend ports.Backend) (_ ports.Port, err error) {
	defer c.caught("open", &err)
	done, err := c.turn(ctx, backend)
	if err != nil {
		return nil, err
	}
	defer done()
	return c.openOrTake(ctx, backend)
}

// retry tells that the line is down, and waits until it is to be tried again.
func (c *Console) retry(ctx context.Context, err error, change int) {
	if ctx.Err() == nil {
		c.pause(ctx, c.down(err), change)
	}
}

// carry begins to read a port that an attempt has opened.
func (c *Console) carry(attempt context.Context, port ports.Port, change int) *line {
	l := &line{port: port, change: change, over: make(chan struct{})}
	c.begin(attempt, l)
	l.readers.Go(func() { c.read(l, 0) })
	return l
}

// part lets go of a line that is over, and waits until it is to be tried again.
func (c *Console) part(ctx context.Context, l *line) {
	defer c.spared(ctx)
	if ctx.Err() != nil {
		l.end(context.Cause(ctx))
	}
	c.mu.Lock()
	c.line = nil
	c.endLocked(l)
	c.mu.Unlock()
	c.hangUp(l)
	l.readers.Wait()
	l.writer.Wait()
	err := l.err
	if l.verdict != nil {
		err = l.verdict
	}
	c.retry(ctx, err, l.change)
}

// up tells that the line is there. A panic of the port's ends the line, which
// is then closed as any other.
func (c *Console) up(l *line) {
	if err := c.raise(l); err != nil {
		l.end(err)
	}
}

func (c *Console) raise(l *line) (err error) {
	defer c.caught("up", &err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.ended() {
		return nil // before it was up
	}
	c.line, c.redial, c.talking = l, l.end, false
	c.movedLocked()
	c.state, c.since, c.reason, c.detail, c.nextTry = Up, time.Now(), "", "", time.Time{}
	c.idleLocked()
	if c.flaps < calm {
		c.tellUpLocked()
		return nil
	}
	c.stirLocked()
	c.outage.alarm = time.AfterFunc(stable, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.line == l {
			c.tellUpLocked()
		}
	})
	return nil
}

// down tells why the line is not there, if that is news, and returns how long
// to wait before the next attempt.
func (c *Console) down(err error) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.outage.alarm != nil {
		c.outage.alarm.Stop()
	}
	c.talking = false
	c.movedLocked()
	switch {
	case c.closing != nil, errors.Is(err, errInterrupted): // no outage
		c.attempts, c.flaps = 0, 0
		if c.state == Up {
			c.state, c.since = Connecting, now
		}
		return 0
	case errors.Is(err, errUnneeded):
		c.attempts, c.flaps = 0, 0
		c.restLocked()
		return 0
	case c.state == Up && now.Sub(c.since) >= stable:
		c.attempts, c.flaps = 0, 0
	case c.state == Up:
		c.flaps++
	}
	reason, detail := ports.ReasonOf(err), err.Error()
	wait := c.o.Reconnect.wait(reason, c.attempts, now)
	c.attempts++
	switch {
	case c.outage.told != Down:
		c.o.Log.Warn("console down", "reason", string(reason), "err", detail)
		c.outage.told, c.outage.since = Down, now
		c.freshen()
		c.tellLocked(Event{Kind: KindDown, Reason: reason, Why: detail})
	case c.reason != reason && c.state == Down:
		c.o.Log.Warn("console down", "reason", string(reason), "err", detail)
	case c.state == Up:
		c.stirLocked()
	}
	c.state, c.since, c.reason, c.detail, c.nextTry = Down, c.outage.since, reason, detail, now.Add(wait)
	c.fix = fixOf(err)
	return wait
}

// pause waits before the next attempt; a configuration that changed since ends it.
func (c *Console) pause(ctx context.Context, d time.Duration, change int) {
	ctx, cancel := context.WithTimeout(ctx, max(d, 0))
	defer cancel()
	c.await(ctx, cancel, change)
}

// await waits for the end of ctx, which a change since brings about.
func (c *Console) await(ctx context.Context, cancel context.CancelFunc, change int) {
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
	for _, timer := range []*time.Timer{c.alarm, c.outage.alarm, c.manner.idle, c.manner.linger, c.opening} {
		if timer != nil {
			timer.Stop()
		}
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
	c.idleLocked()
	c.demandLocked()
	c.spareLocked()
	if !reopen && c.state == Down && c.redial != nil {
		// What keeps it down may be what was changed, such as a password.
		c.attempts = 0
		c.interruptLocked()
	}
	if reopen {
		c.attempts = 0
		if c.closing == nil {
			c.tellLocked(Event{Kind: KindChange, Why: o.Backend.String()})
		}
		c.interruptLocked()
	}
}

// recording is the record's word that writing fails, or works again.
func (c *Console) recording(err error, lost int64) {
	e, log := Event{Kind: KindGap, Lost: lost}, c.Options().Log
	if err != nil {
		e.Why = err.Error()
		log.Error("record cannot be written", "err", err)
	} else {
		log.Warn("record is written again", "lost", lost)
	}
	c.tell(e)
}
