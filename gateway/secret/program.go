package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"consoled/ports"
)

const (
	// programs is how many run at once: a thousand consoles ask at a start.
	programs = 8
	// programLimit is how long one may take.
	programLimit = 30 * time.Second
	// unwell is how long a failure is kept, so that lines that are tried again
	// every second do not start a program each time.
	unwell = 10 * time.Second
)

// A Gate bounds how many programs run at once; all programs of one
// configuration share one.
type Gate chan struct{}

// NewGate makes one that lets eight through.
func NewGate() Gate { return make(Gate, programs) }

// A Program is a secret that a program prints to its stdout. It is safe for
// any goroutine.
type Program struct {
	argv []string
	keep time.Duration
	gate Gate

	turn chan struct{} // held by who runs the program; the others wait for what it finds

	mu    sync.Mutex
	text  []byte
	err   error
	until time.Time // how long the above holds
}

// NewProgram makes one of a program and its arguments, without a shell. What
// it prints is kept for so long; 0 means that it is asked each time.
func NewProgram(argv []string, keep time.Duration, gate Gate) *Program {
	return &Program{argv: argv, keep: keep, gate: gate, turn: make(chan struct{}, 1)}
}

// Reveal runs the program, or returns what it printed not long ago.
func (p *Program) Reveal(ctx context.Context) ([]byte, error) {
	if text, err, ok := p.kept(); ok {
		return text, err
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("secret %s: %w", p, context.Cause(ctx))
	}
	if text, err, ok := p.kept(); ok {
		return text, err
	}
	select {
	case p.gate <- struct{}{}:
		defer func() { <-p.gate }()
	case <-ctx.Done():
		return nil, fmt.Errorf("secret %s: %w", p, context.Cause(ctx))
	}
	text, err := p.run(ctx)
	keep := p.keep
	if err != nil {
		if err = fmt.Errorf("secret %s: %w", p, err); ctx.Err() != nil {
			return nil, err // says nothing about the program
		}
		keep = unwell
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.err, p.until = text, err, time.Now().Add(keep)
	return bytes.Clone(text), err
}

func (p *Program) kept() ([]byte, error, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.until) {
		p.text = nil
		return nil, nil, false
	}
	return bytes.Clone(p.text), p.err, true
}

// run runs the program once. What it says on stderr is its explanation; it is
// cut to one short line.
func (p *Program) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, programLimit, fmt.Errorf("it took longer than %s", programLimit))
	defer cancel()
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	said, complaint := &ports.Head{Most: longest + 1}, &ports.Head{Most: 200}
	cmd.Stdout, cmd.Stderr = said, complaint
	cmd.WaitDelay = time.Second
	ports.OwnGroup(cmd)
	err := cmd.Run()
	ports.EndGroup(cmd)
	printed := said.Bytes()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		if text, _, _ := strings.Cut(strings.TrimSpace(string(complaint.Bytes())), "\n"); text != "" {
			err = fmt.Errorf("%w: %q", err, text)
		}
		return nil, err
	case len(printed) > longest:
		return nil, errors.New("it prints more than a secret")
	}
	if text := cut(printed); len(text) > 0 {
		return text, nil
	}
	return nil, errors.New("it prints nothing")
}

// String is "{exec: [PROGRAM, ...]}".
func (p *Program) String() string { return "{exec: [" + strings.Join(p.argv, ", ") + "]}" }
