package console

import (
	"fmt"
	"time"
)

// A Refusal is why something was not done, as a typed reason and the facts to
// tell it with.
type Refusal struct {
	Because Because
	Holder  string        // who has the lock, has closed the line or runs an action
	Idle    time.Duration // how long they have not typed, or the action runs
	Until   time.Time     // when the grace period or the closing ends
	Action  string        // that runs
	Right   string        // that the client lacks
}

// Because is the kind of a refusal.
type Because string

// The kinds of refusals.
const (
	BecauseHeld       Because = "held"        // somebody else is writing
	BecauseGrace      Because = "grace"       // kept for somebody whose connection was lost
	BecauseNoRight    Because = "no right"    // the client lacks the right
	BecauseExplicit   Because = "explicit"    // typing alone does not take this lock; ^Eca does
	BecauseDown       Because = "down"        // the line is down
	BecauseClosed     Because = "closed"      // somebody has the line closed
	BecauseActing     Because = "acting"      // an action runs
	BecauseNoFlow     Because = "no flow"     // this line cannot switch software flow control
	BecauseNotHolder  Because = "not holder"  // only the writer may do this
	BecauseCooldown   Because = "cooldown"    // the lock was forced moments ago
	BecauseNoReason   Because = "no reason"   // forcing needs a reason
	BecauseNoBreak    Because = "no break"    // this line cannot send one
	BecauseDialogue   Because = "dialogue"    // the dialogue on connect is not over
	BecauseNoSequence Because = "no sequence" // no break sequence has this name
	BecauseLeft       Because = "left"        // the attachment or the console has ended
	BecauseStuck      Because = "stuck"       // the line took no input before patience ended
	BecauseCancelled  Because = "cancelled"   // the caller gave up
)

// Error is the refusal in a few words, without advice.
func (r *Refusal) Error() string {
	switch r.Because {
	case BecauseHeld:
		return fmt.Sprintf("%s is writing (idle %s)", r.Holder, r.Idle.Round(time.Second))
	case BecauseGrace:
		return fmt.Sprintf("write is kept for %s, whose connection was lost", r.Holder)
	case BecauseNoRight:
		return "you lack the right " + r.Right
	case BecauseExplicit:
		return "typing alone does not write on this console"
	case BecauseDown:
		return "the line is down"
	case BecauseClosed:
		return fmt.Sprintf("%s closed the line", r.Holder)
	case BecauseActing:
		return fmt.Sprintf("%s runs %s (for %s)", r.Holder, r.Action, r.Idle.Round(time.Second))
	case BecauseNoFlow:
		return "this line cannot switch software flow control"
	case BecauseNotHolder:
		return "you are not the writer"
	case BecauseCooldown:
		return "write was forced moments ago; only an admin may force it again now"
	case BecauseNoReason:
		return "forcing needs a reason"
	case BecauseNoBreak:
		return "this line cannot send a BREAK"
	case BecauseDialogue:
		return "the login and the steps on connect are not over yet"
	case BecauseNoSequence:
		return "this console has no break sequence of this name"
	case BecauseLeft:
		return "the console has ended"
	case BecauseStuck:
		return "the line takes no input"
	case BecauseCancelled:
		return "cancelled"
	}
	return string(r.Because)
}

func refuse(b Because) *Refusal { return &Refusal{Because: b} }

// lacks is the refusal for want of a right, by the name that it has in the configuration.
func lacks(right string) *Refusal { return &Refusal{Because: BecauseNoRight, Right: right} }
