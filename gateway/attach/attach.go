// Package attach is one person at one console: keystrokes and escape keys in,
// the record and notices out, the window title as status bar. It knows no
// SSH; a Terminal brings what the session offers.
package attach

import (
	"context"
	"io"
	"time"

	"consoled/gateway/console"
)

// A Terminal is the person's side of a session.
type Terminal struct {
	In   io.Reader // keystrokes; ends when the channel or the connection does
	Out  io.Writer // to the screen, byte for byte
	Err  io.Writer // apart from Out only without a PTY
	PTY  bool
	Term string                  // hostile; never printed raw
	Size func() (cols, rows int) // of now; 0, 0 where unknown
	// Breaks brings the lengths of BREAKs that the client asked for (RFC 4335).
	Breaks <-chan time.Duration
	// Lost reports, once In has ended, whether the connection was lost rather
	// than left: end of file without a goodbye, a reset, dead keepalives.
	Lost func() bool
	Env  map[string]string // the accepted environment
}

// Options are how a session wants to attach.
type Options struct {
	Escape     string // as configured: "^Ec", "^]", "none"; empty means the default
	NoTitle    bool
	Quiet      bool // no notices below an error
	NoReplay   bool
	Replay     int    // lines; 0: the window's height less three, 200 where the target is down
	Write      bool   // --rw: take the lock or leave with 75
	Force      bool   // --force
	Reason     string // of Force
	ExitOnDown bool
	Version    string        // for ^Ecv
	Rights     func() string // one line, for ^Ecg
	Status     func() string // some lines, for ^Eci; escaped already
}

// Exit codes of a session (interface.md 2.2).
const (
	ExitLeft   = 0
	ExitUsage  = 64
	ExitDown   = 69
	ExitBusy   = 75
	ExitDenied = 77
)

// Run attaches a client to a console until it leaves, is detached or ctx ends
// (its cause is the goodbye), and returns the exit code.
func Run(ctx context.Context, c *console.Console, cl console.Client, t Terminal, o Options) int {
	panic("contract")
}

// Watch is the read-only stream of a session without a PTY: the console's
// bytes from now on, nothing skipped. Bytes on In are not sent; the first ones are answered
// with one line on Err, and the exit code is ExitUsage then.
func Watch(ctx context.Context, c *console.Console, cl console.Client, t Terminal) int {
	panic("contract")
}
