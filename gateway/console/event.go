package console

import (
	"time"

	"consoled/ports"
)

// A Kind says what happened.
type Kind string

// The kinds of events. All but Refused are recorded.
const (
	KindUp      Kind = "up"
	KindDown    Kind = "down"
	KindAttach  Kind = "attach"
	KindDetach  Kind = "detach"
	KindTake    Kind = "take"    // the lock was taken while free, or on attach
	KindMove    Kind = "move"    // to another connection of the same identity
	KindForce   Kind = "force"   // taken from somebody
	KindRelease Kind = "release" // given back: s, a clean leave, send done
	KindIdle    Kind = "idle"    // given back by idleness
	KindGrace   Kind = "grace"   // the writer's line was lost; kept for a while
	KindReclaim Kind = "reclaim" // came back within grace
	KindExpire  Kind = "expire"  // grace ended without them
	KindRevoke  Kind = "revoke"  // a reload took the right away
	KindBreak   Kind = "break"
	KindGap     Kind = "gap"     // recording failed; Lost bytes are missing
	KindChange  Kind = "change"  // the configuration of the line changed
	KindGoodbye Kind = "goodbye" // the console or the gateway ends; Why says it
)

// An Event is something that happened to a console. It is defined once: the
// record keeps it at its offset as a line of JSON, people attached are told,
// and the gateway copies it to its log.
type Event struct {
	V       int           `json:"v"` // always 1
	Time    time.Time     `json:"time"`
	Console string        `json:"console"`
	Kind    Kind          `json:"event"`
	Offset  int64         `json:"offset"`
	Session string        `json:"session,omitempty"`
	Who     string        `json:"who,omitempty"`
	Key     string        `json:"key,omitempty"`
	From    string        `json:"from,omitempty"`
	Loser   string        `json:"loser,omitempty"` // who lost the lock by force
	Why     string        `json:"why,omitempty"`   // a reason that a person gave, or the text of an error
	Reason  ports.Reason  `json:"reason,omitempty"`
	For     time.Duration `json:"for_ns,omitempty"` // length of a break, of an outage, of grace
	Attempt int           `json:"attempt,omitempty"`
	Lost    int64         `json:"lost,omitempty"`
}
