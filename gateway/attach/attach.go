// Package attach is one person at one console: keystrokes and escape keys in,
// the record and notices out, the window title as status bar. It knows no
// SSH; a Terminal brings what the session offers.
//
// Goroutines: Run waits for the painter, which alone writes to the terminal,
// and for its errands (a BREAK, an action). Run itself handles keys and events,
// and never waits for either the terminal or the line, so that a person can
// leave whatever is stuck.
package attach

import (
	"io"
	"time"

	"consoled/gateway/action"
)

// A Terminal is the person's side of a session.
type Terminal struct {
	In io.Reader // keystrokes; ends when the channel or the connection does
	// Typed is In in the packets in which it came, without a goroutine in between; who
	// takes it does not read In. It is closed when In would end, but for an Interrupt.
	Typed func() <-chan []byte
	Out   io.Writer // to the screen, byte for byte
	Err   io.Writer // apart from Out only without a PTY
	PTY   bool
	Term  string                  // hostile; never printed raw
	Size  func() (cols, rows int) // of now; 0, 0 where unknown
	// Breaks brings the lengths of the BREAKs that the client asked for (RFC 4335).
	Breaks <-chan time.Duration
	// Interrupt makes a blocked Read of In, and every later one, return io.EOF.
	Interrupt func()
	// Abort ends a blocked Write of Out by closing the session hard: for a
	// terminal that takes no output any more.
	Abort func()
	// Lost reports, once In has ended, whether the connection was lost rather
	// than left: an end of file without a goodbye, a reset, dead keepalives.
	Lost func() bool
	Env  map[string]string // the accepted environment
}

// Options are how a session wants to attach.
type Options struct {
	Escape     string // as configured: "^Ec", "^]", "none"; empty means the default
	NoTitle    bool
	Quiet      bool // only notices about what was not sent, and of the end
	NoReplay   bool
	Replay     int                // lines; 0: the window's height less three, 200 where the target is down
	Write      bool               // take the lock, or leave with ExitBusy
	Force      bool               // take it from whoever has it
	Reason     string             // of Force
	ExitOnDown bool               // leave with ExitDown when the line is, or goes, down
	MOTD       string             // shown after the attach line; escaped before printing
	Version    string             // for ^Ecv
	Actions    func() action.List // for ^Ec!
	Rights     func() string      // one line, for ^Ecg
	Status     func() string      // some lines, for ^Eci; escaped already
}
