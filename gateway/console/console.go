// Package console is the heart: a console keeps its line open, appends what
// the line says to its record, and passes on what the one writer types. It
// knows no SSH and no access rules; a client brings its rights as plain facts.
package console

import (
	"context"
	"log/slog"
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
	Lock        LockOptions
	Record      *record.Record
	Log         *slog.Logger
	Observe     func(Event) // gets a copy of every event; may be nil; must not block
}

// A Console is a named line that is kept open for ever.
type Console struct{}

// New makes a console; Run brings it to life.
func New(o Options) *Console { panic("contract") }

// Run keeps the line open until ctx ends; the cause is the goodbye that people
// are told. It returns when everything that it started has ended, the record is closed.
func (c *Console) Run(ctx context.Context) { panic("contract") }

// Name is the console's name.
func (c *Console) Name() string { panic("contract") }

// Subject is what selectors and access rules choose by, with the state of now.
func (c *Console) Subject() names.Subject { panic("contract") }

// Options are the settings in force.
func (c *Console) Options() Options { panic("contract") }

// Record is what the console said.
func (c *Console) Record() *record.Record { panic("contract") }

// Status is a snapshot. It has no side effect.
func (c *Console) Status() Status { panic("contract") }

// Attach makes a client part of the console, as a watcher.
func (c *Console) Attach(cl Client) *Attachment { panic("contract") }

// A State is whether the line is up.
type State string

// The states.
const (
	Connecting State = "connecting" // at start, before the first attempt has ended
	Up         State = "up"
	Down       State = "down"
)

// A Status is what is to be known about a console at one moment.
type Status struct {
	Name       string
	State      State
	Since      time.Time    // of the state
	Reason     ports.Reason // why it is down
	Detail     string       // the error's text; escape before printing
	NextTry    time.Time    // when it is down
	Attempts   int          // since it went down
	LastOutput time.Time
	Lock       LockStatus
	Clients    []ClientStatus // in the order in which they came
	BytesIn    int64          // from the target since the gateway started
	BytesOut   int64          // to the target
	CanBreak   bool
}

// A LockStatus says who may type.
type LockStatus struct {
	State  LockState
	Holder Client        // of HELD and PENDING; in GRACE the client that was lost
	Idle   time.Duration // since the holder's last keystroke
	Until  time.Time     // end of GRACE
}

// A ClientStatus is one client as others see it.
type ClientStatus struct {
	Client
	Since  time.Time
	Idle   time.Duration // since its last keystroke; since it came if it typed none
	Writer bool
}

// A Client is the plain facts about a session that attaches.
type Client struct {
	Session                                string // unique for the life of the gateway
	Name                                   string // identity
	Key                                    string // fingerprint
	Source                                 string // address
	Kind                                   string // "attach", "watch", "send", "raw"
	Mode                                   WriteMode
	MayWrite, MayBreak, MayForce, MayAdmin bool
}

// An Attachment is a client's place at a console, from Attach to Leave. Its
// methods are safe for any goroutine.
type Attachment struct{}

// Type passes keystrokes on to the line, in order, taking the lock first where
// the rules allow. It blocks while the line takes no input, until ctx ends or
// the lock or the line is lost. A nil error means that every byte was handed to the
// line's queue under the lock; else it is a *Refusal and none of p's rest was sent.
func (a *Attachment) Type(ctx context.Context, p []byte) error { panic("contract") }

// Take takes the lock where it is free or held by the same identity (^Eca, --rw);
// else a *Refusal that says who has it.
func (a *Attachment) Take() error { panic("contract") }

// Force takes the lock from whoever has it.
func (a *Attachment) Force(reason string) error { panic("contract") }

// Release gives the lock back; a *Refusal if the client does not hold it.
func (a *Attachment) Release() error { panic("contract") }

// Break sends a break of length d (0: 250 ms; at most 3 s) under the lock, taking it as a keystroke
// does, behind what was typed before. It returns when the break was sent.
func (a *Attachment) Break(ctx context.Context, d time.Duration) error { panic("contract") }

// Events is what the client is to be told, in order. It is closed when the
// console ends or the client is detached. A slow client loses the oldest, never the console's pace.
func (a *Attachment) Events() <-chan Event { panic("contract") }

// Writer reports whether the client holds the lock.
func (a *Attachment) Writer() bool { panic("contract") }

// Client is the facts in force.
func (a *Attachment) Client() Client { panic("contract") }

// Update changes the client's facts: after a reload changed rights. Rights
// that are gone end at once.
func (a *Attachment) Update(cl Client) { panic("contract") }

// Leave ends the attachment. lost tells a lost line, which keeps the lock for
// the same identity for a while, from a clean leave. A second call does nothing.
func (a *Attachment) Leave(lost bool) { panic("contract") }
