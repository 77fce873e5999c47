package console

import (
	"time"

	"consoled/ports"
)

// A Kind says what happened.
type Kind string

// The kinds of events.
const (
	KindUp      Kind = "up"
	KindDown    Kind = "down"
	KindAttach  Kind = "attach"
	KindDetach  Kind = "detach"
	KindTake    Kind = "take"     // the lock was taken while it was free
	KindMove    Kind = "move"     // it went to another connection of the same identity
	KindForce   Kind = "force"    // it was taken from somebody
	KindRelease Kind = "release"  // it was given back, or its holder left
	KindIdle    Kind = "idle"     // it was given back by idleness
	KindGrace   Kind = "grace"    // the writer's connection was lost; kept for a while
	KindReclaim Kind = "reclaim"  // the writer came back within that while
	KindExpire  Kind = "expire"   // the while ended without them
	KindRevoke  Kind = "revoke"   // a reload took the right away
	KindBreak   Kind = "break"    // or a break sequence
	KindOnIdle  Kind = "on_idle"  // what is configured for it was sent
	KindOnLeave Kind = "on_leave" // the same
	KindUnsent  Kind = "unsent"   // Lost bytes that a client had queued did not reach the line; Why says it
	KindGap     Kind = "gap"      // recording began to fail, or works again and Lost bytes are missing
	KindLoss    Kind = "loss"     // output was lost on its way here; nobody knows how much
	KindChange  Kind = "change"   // the configuration of the line changed
	KindClose   Kind = "close"    // somebody let go of the line; For is how long, 0 until it is opened
	KindOpen    Kind = "open"     // the line is tried again; Who is empty where the time was over
	KindFlow    Kind = "flow"     // the writer switched software flow control; Result says how
	KindActing  Kind = "acting"   // somebody began an action
	KindOutput  Kind = "output"   // of an action, one line in Why; not recorded
	KindAction  Kind = "action"   // an action ended; Result says how
	KindState   Kind = "state"    // the line went up or down again and nobody is told yet; not recorded
	KindGoodbye Kind = "goodbye"  // the console, or this client's stay, ends; Why says it
)

// An Event is something that happened to a console. It is defined once: the
// record keeps it at its offset as a line of JSON, people attached are told,
// and the gateway copies it to its log.
type Event struct {
	V       int           `json:"v"` // version of this form, 1
	Time    time.Time     `json:"time"`
	Console string        `json:"console"`
	Kind    Kind          `json:"event"`
	Offset  int64         `json:"offset"`
	Session string        `json:"session,omitempty"`
	Who     string        `json:"who,omitempty"`
	Key     string        `json:"key,omitempty"`
	From    string        `json:"from,omitempty"`
	Mode    string        `json:"mode,omitempty"`   // kind of the client that attaches or detaches
	Loser   string        `json:"loser,omitempty"`  // who lost the lock to it
	Why     string        `json:"why,omitempty"`    // a reason that a person gave, the text of an error, or of up what the port remarked: hostile
	Reason  ports.Reason  `json:"reason,omitempty"` // of down
	For     time.Duration `json:"for_ns,omitempty"` // length of a break, an outage, a grace period, of typing nothing
	Attempt int           `json:"attempt,omitempty"`
	Action  string        `json:"action,omitempty"` // name of an action, or the SysRq key behind a break
	Result  string        `json:"result,omitempty"` // of an action: hostile
	Take    bool          `json:"take,omitempty"`   // the line is taken from whoever holds it
	Lost    int64         `json:"lost,omitempty"`   // bytes of a gap, or that were not sent
	// Sequence is the name of a break sequence.
	Sequence string `json:"sequence,omitempty"`

	// LoserSession is the session that lost the lock, for telling it so.
	LoserSession string `json:"loser_session,omitempty"`
}

// by fills in who did it.
func (e Event) by(cl Client) Event {
	e.Session, e.Who, e.Key, e.From = cl.Session, cl.Name, cl.Key, cl.Source
	return e
}
