// Package ssh reaches a console by SSH: a BMC's own server (OpenBMC's port
// 2200), a terminal server, or another consoled. Host keys are pinned by a
// known_hosts file; nothing about who we are is sent to a host that has not
// proven who it is.
//
// The library runs three goroutines for a connection. A port adds three: one
// a stream of output (stdout, stderr), and one that attends to requests, keepalives and
// the end. What is only now and then there (a keepalive's question, a break's
// answer) is waited for by Close like the rest.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"consoled/ports"
)

// SSH is a session on another host: its shell, or a command.
type SSH struct {
	To         string        // [user@]host[:port]; without a user, whoever the gateway runs as
	Jump       []string      // hosts on the way, the first one first, each like To
	Key        string        // file of a private key, absolute; with Agent a public one says which of the agent's
	Agent      string        // absolute path of an agent's socket, or OwnAgent
	Password   ports.Secret  // of To alone; nil where there is none
	KnownHosts string        // absolute
	Command    string        // as the host's shell reads it; empty: a shell
	NoPty      bool          // run it without a terminal
	Cols, Rows int           // of the terminal; 80 by 24 where they are 0
	Keepalive  time.Duration // of silence before a sign of life is asked for; 0: never
	Legacy     bool          // accept what old devices can do, see algorithms
}

// OwnAgent stands for the agent that the gateway's environment names.
const OwnAgent = "SSH_AUTH_SOCK"

const (
	maxCommand = 32 << 10 // bytes; a packet has to hold it
	maxColumns = 1000     // and rows
	maxJumps   = 8
)

// Check says what is wrong with the settings.
func (s SSH) Check() error {
	if _, err := parseHost(s.To); err != nil {
		return fmt.Errorf("ssh: %w", err)
	}
	if len(s.Jump) > maxJumps {
		return fmt.Errorf("ssh %s: more than %d hosts to jump through", s.To, maxJumps)
	}
	for _, jump := range s.Jump {
		if _, err := parseHost(jump); err != nil {
			return fmt.Errorf("ssh %s: jump: %w", s.To, err)
		}
	}
	for _, file := range []struct{ what, path string }{{"key", s.Key}, {"known_hosts", s.KnownHosts}, {"agent", s.Agent}} {
		if file.path != "" && !filepath.IsAbs(file.path) && file.path != OwnAgent {
			return fmt.Errorf("ssh %s: %s %q is not absolute", s.To, file.what, file.path)
		}
	}
	switch {
	case s.KnownHosts == "":
		return fmt.Errorf("ssh %s: no known_hosts file", s.To)
	case len(s.Command) > maxCommand:
		return fmt.Errorf("ssh %s: the command has %d bytes, more than %d", s.To, len(s.Command), maxCommand)
	case strings.ContainsRune(s.Command, 0):
		return fmt.Errorf("ssh %s: NUL in the command", s.To)
	case s.Cols < 0 || s.Cols > maxColumns || s.Rows < 0 || s.Rows > maxColumns:
		return fmt.Errorf("ssh %s: %d columns by %d rows is not from 1 to %d (0 means 80 by 24)", s.To, s.Cols, s.Rows, maxColumns)
	case s.Keepalive < 0:
		return errors.New("ssh " + s.To + ": keepalive is negative")
	}
	return nil
}

// String is "ssh root@bmc-dev:2200".
func (s SSH) String() string { return "ssh " + s.To }

// Open logs in and starts the session.
func (s SSH) Open(ctx context.Context) (ports.Port, error) {
	link, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.start(ctx, link)
	if err != nil {
		link.close()
		return nil, s.opened(err)
	}
	if s.NoPty {
		return p, nil
	}
	return &ptyPort{p}, nil
}

// opened names the operation in an error of opening, which has its reason already.
func (s SSH) opened(err error) error {
	e, ok := errors.AsType[*ports.Error](err)
	if !ok {
		return ports.Classify("open "+s.String(), err)
	}
	mine := *e
	mine.Op = "open " + s.String()
	return &mine
}
