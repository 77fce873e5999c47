package console

import "time"

// A WriteMode says how the lock is taken.
type WriteMode string

// The write modes (interface.md 3.2). The empty mode is OnKey.
const (
	OnKey    WriteMode = "on-key"
	Explicit WriteMode = "explicit"
	OnAttach WriteMode = "on-attach"
)

// LockOptions are the parameters of the lock; zero values stand for the
// defaults of interface.md 3.2.
type LockOptions struct {
	Write         WriteMode
	IdleRelease   time.Duration // 30 min
	Grace         time.Duration // 30 s
	ForceReason   string        // "required" (default), "optional"
	ForceCooldown time.Duration // 10 s
}

// A LockState is one of the states of interface.md 3.3.
type LockState string

// The states of the lock.
const (
	Free    LockState = "free"
	Held    LockState = "held"
	Pending LockState = "pending"
	Grace   LockState = "grace"
	Leased  LockState = "leased"
	Frozen  LockState = "frozen"
)

// A Refusal is why something was not done, as a typed reason and the facts to
// tell it with.
type Refusal struct {
	Because Because
	Holder  string        // who has the lock
	Idle    time.Duration // how long they have not typed
	Until   time.Time     // when grace, a lease or a freeze ends
}

// Because is the kind of a refusal.
type Because string

// The kinds of refusals.
const (
	BecauseHeld      Because = "held"  // somebody else is writing
	BecauseGrace     Because = "grace" // kept for somebody whose line was lost
	BecauseNoRight   Because = "no right"
	BecauseExplicit  Because = "explicit" // typing alone does not take this lock; ^Eca does
	BecauseDown      Because = "down"     // the line is down
	BecauseNotHolder Because = "not holder"
	BecauseCooldown  Because = "cooldown"   // forced moments ago
	BecauseNoReason  Because = "no reason"  // force needs a reason
	BecauseNoBreak   Because = "no break"   // this line cannot send one
	BecauseLeft      Because = "left"       // the attachment or the console has ended
	BecauseNotTaking Because = "not taking" // the line took no input before ctx ended
)

// Error is the refusal in a few words, without advice.
func (r *Refusal) Error() string { panic("contract") }
