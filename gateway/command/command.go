// Package command is the verbs of the gateway: `ssh gw VERB ARGS`. It splits
// the line by its own rule, runs the verb as text or JSON, and returns the
// exit code. What it needs of the whole it gets as a small interface, Gateway.
package command

import (
	"context"
	"time"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
)

// Gateway is what the verbs need of the whole; package gateway satisfies it.
// All its answers are of one moment: a reload in between changes the next one.
type Gateway interface {
	// Consoles lists every console in natural order, whatever the caller may see.
	Consoles() []*console.Console
	// Console finds one by name or alias, without regard to case.
	Console(name string) (*console.Console, bool)
	// Rights is what an identity may do on a console.
	Rights(id auth.Identity, c *console.Console) auth.Rights
	// GatewayRights is what it may do to the gateway.
	GatewayRights(id auth.Identity) auth.Rights
	// Client is the facts with which the session attaches; kind as in console.Client.
	Client(s *Session, c *console.Console, kind string) console.Client
	// Join makes the client part of the console until Leave; a reload updates its rights meanwhile.
	Join(s *Session, c *console.Console, kind string) *console.Attachment
	// Attach runs an attach session to its end.
	Attach(ctx context.Context, s *Session, c *console.Console, o attach.Options) int
	// Actions are what can be done to a console's target.
	Actions(c *console.Console) action.List
	// Suffixes are cut off console names.
	Suffixes() []string
	// Reload loads, compares and applies the configuration; by says who asked.
	// The summary is one line; the error is every problem with its place.
	Reload(ctx context.Context, by string) (summary string, err error)
	// Check reads the configuration without applying it.
	Check() (summary string, err error)
	// Health is the gateway's own state.
	Health() Health
	// Version is the program's version.
	Version() string
}

// Health is what `status` without a target tells.
type Health struct {
	Version     string    `json:"version"`
	Started     time.Time `json:"started"`
	Reloaded    time.Time `json:"reloaded,omitzero"`
	Listen      []string  `json:"listen,omitempty"`
	HostKeys    []string  `json:"host_keys"` // fingerprints
	Consoles    int       `json:"consoles"`
	Up          int       `json:"up"`
	Sessions    int       `json:"sessions,omitempty"`
	Connections int       `json:"connections,omitempty"`
	Panics      int64     `json:"panics"`
	Warnings    []string  `json:"warnings,omitempty"` // of the configuration and the key files in force
}

// A Session is one SSH session that asks for something.
type Session struct {
	ID       string // unique for the life of the gateway
	Who      auth.Identity
	Login    names.Login
	Line     string // the command line as it came; empty for a shell
	Terminal attach.Terminal
	Quiet    bool
}

// Exit codes (interface.md 2.2): those of a session, and the ones that only
// commands have.
const (
	ExitOK        = attach.ExitLeft
	ExitUsage     = attach.ExitUsage
	ExitDown      = attach.ExitDown
	ExitInternal  = attach.ExitInternal
	ExitBusy      = attach.ExitBusy
	ExitDenied    = attach.ExitDenied
	ExitInterrupt = attach.ExitInterrupt

	ExitNone    = 1
	ExitUnknown = 66
	ExitConfig  = 78
	ExitTimeout = 124
)
