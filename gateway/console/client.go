package console

import (
	"time"

	"consoled/ports"
)

// The kinds of clients: what a session does at a console.
const (
	Interactive = "attach" // a person with a PTY
	Watching    = "watch"  // a stream that only reads
	Sending     = "send"   // one text or BREAK, sent by a command
)

// A Client is the plain facts about a session that attaches.
type Client struct {
	Session  string    // unique for the life of the gateway
	Name     string    // identity
	Key      string    // fingerprint
	Source   string    // address
	Kind     string    // Interactive, Watching or Sending
	Mode     WriteMode // overrides the console's own where it is set
	MayWrite bool
	MayBreak bool
	MayForce bool
	MayAdmin bool
}

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
	Detail     string       // the error's text; escape it before printing
	Fix        string       // what to do about it; likewise
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
	Holder Client        // of HELD; in GRACE the client that was lost
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
