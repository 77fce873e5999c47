// Package porttest holds the contract test that every backend passes over its
// real counterpart, and a scriptable fake for what real counterparts cannot
// be made to do.
package porttest

import (
	"context"
	"slices"
	"sync"
	"time"

	"consoled/ports"
)

// A Fake is a backend whose other end is the test. It uses no real I/O, so it
// works in a testing/synctest bubble: make it inside the bubble. Its methods
// are safe for any goroutine.
//
//	fake := porttest.NewFake("fake one", porttest.Abilities{Break: true})
//	fake.Fail(&ports.Error{Reason: ports.Refused, Op: "open fake one"})
//	line := fake.Line(ctx)   // the second open is the first that succeeds
//	line.Say("login: ")
//	line.End(&ports.Error{Reason: ports.Closed})
type Fake struct {
	name string
	can  Abilities

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	checkErr error
	fails    []error
	always   error
	held     bool
	opens    int
	lines    []*Line // opened and not yet handed to the test
	last     *Line
}

// Abilities are what the ports of a Fake can do beyond reading and writing.
type Abilities struct {
	Break    bool          // they are a ports.Breaker
	Try      bool          // they are a ports.TryReader
	Patience time.Duration // what the TryReader answers
	Remark   string        // what they remark of their opening
}

// NewFake makes a backend that prints as name and whose opens succeed.
func NewFake(name string, can Abilities) *Fake {
	return &Fake{name: name, can: can, changed: make(chan struct{})}
}

// String is the name given to NewFake.
func (f *Fake) String() string { return f.name }

// SetCheck makes Check return err.
func (f *Fake) SetCheck(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checkErr = err
}

// Check returns what SetCheck said.
func (f *Fake) Check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.checkErr
}

// Fail makes the next opens fail, one with each error.
func (f *Fake) Fail(errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = append(f.fails, errs...)
}

// FailAlways makes every open fail with err, after those of Fail, until it is
// called with nil.
func (f *Fake) FailAlways(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = err
}

// Hold makes opens block until Let is called or their context ends.
func (f *Fake) Hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = true
}

// Let ends Hold.
func (f *Fake) Let() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = false
	f.change()
}

// Opens is how often Open was called.
func (f *Fake) Opens() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opens
}

// Open does what the script says.
func (f *Fake) Open(ctx context.Context) (ports.Port, error) {
	f.mu.Lock()
	f.opens++
	f.change()
	for f.held && ctx.Err() == nil {
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-changed:
		}
		f.mu.Lock()
	}
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ports.Ended(ctx, "open "+f.name)
	}
	if len(f.fails) > 0 {
		err := f.fails[0]
		f.fails = f.fails[1:]
		return nil, err
	}
	if f.always != nil {
		return nil, f.always
	}
	line := newLine(f.name)
	f.lines = append(f.lines, line)
	f.last = line
	f.change()
	return f.port(line), nil
}

// Line waits for the next successful open and returns its other end; nil when
// ctx ends before there is one. Every open is returned once, in order.
func (f *Fake) Line(ctx context.Context) *Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.lines) == 0 {
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-changed:
		}
		f.mu.Lock()
		if ctx.Err() != nil {
			return nil
		}
	}
	line := f.lines[0]
	f.lines = slices.Delete(f.lines, 0, 1)
	return line
}

// Last is the other end of the newest successful open, or nil. It takes
// nothing from Line.
func (f *Fake) Last() *Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// change wakes those who wait; the lock is held.
func (f *Fake) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// port puts together a Port with the abilities asked for, because they are
// found by assertion.
func (f *Fake) port(l *Line) ports.Port {
	p, b, t := plain{l, f.can.Remark}, breaker{l}, tryReader{l, f.can.Patience}
	switch {
	case f.can.Break && f.can.Try:
		return struct {
			plain
			breaker
			tryReader
		}{p, b, t}
	case f.can.Break:
		return struct {
			plain
			breaker
		}{p, b}
	case f.can.Try:
		return struct {
			plain
			tryReader
		}{p, t}
	}
	return p
}
