package dialogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"consoled/ports"
)

const (
	// pace is how soon what is said is looked at again, which bounds the work that
	// a target without an end to its words makes.
	pace = 50 * time.Millisecond
	// settled is how long a target is silent before its last words are a prompt.
	settled = 300 * time.Millisecond
)

// A Line is what a Talk needs of one.
type Line struct {
	io.Writer
	Name  string                    // for errors
	Break func(time.Duration) error // nil where the line has none
	Abort func()                    // makes a blocked Write return
}

// A Talk is one run of a script at a line that has been opened.
type Talk struct {
	line  Line
	heed  chan struct{} // has one when something was said since it was looked at
	typed []byte        // what Run typed last, whose echo says nothing
	given bool          // a secret was typed, and is not known to be accepted

	mu     sync.Mutex
	before int64 // bytes that the target had said when a secret was typed
	window window
	masks  []*mask
	tap    *tap // of a program that is connected to the line
	over   bool
}

// New begins a talk at a line.
func New(line Line) *Talk { return &Talk{line: line, heed: make(chan struct{}, 1)} }

// Hear takes what the target said and hands on what may be shown and recorded of
// it. keep is called under the talk's lock, for the order between what is
// said and what End gives out; nobody else takes it.
func (t *Talk) Hear(p []byte, keep func([]byte)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		keep(p)
		return
	}
	t.window.add(p)
	if t.tap != nil {
		t.tap.add(p)
	}
	select {
	case t.heed <- struct{}{}:
	default:
	}
	for _, m := range t.masks {
		p = m.append(nil, p)
	}
	keep(p)
}

// End ends the talk: keep gets what was held back, and what is heard from now
// on as it comes.
func (t *Talk) End(keep func([]byte)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var held []byte
	for _, m := range t.masks {
		held = m.flush(m.append(nil, held))
	}
	t.over, t.masks, t.window = true, nil, window{}
	keep(held)
}

// Run says what the script says. Its error is an *ports.Error: Dialogue where the
// target does not say what it should, Authentication where it does not like
// who we are, which is not to be repeated soon, or ctx's cause.
func (t *Talk) Run(ctx context.Context, s Script) error {
	if s.Login != nil {
		if err := t.login(ctx, s.Login); err != nil {
			return t.failed(ctx, "login", err)
		}
		t.given = false
	}
	for i, step := range s.Steps {
		if err := t.step(ctx, step); err != nil {
			return t.failed(ctx, fmt.Sprintf("step %d of on_connect", i+1), err)
		}
	}
	if err := t.settle(ctx); err != nil {
		return t.failed(ctx, "on_connect", err)
	}
	return nil
}

// settle waits for what the target says to a secret that no step has seen
// accepted: its echo is still to be hidden, and a line that ends has refused it.
func (t *Talk) settle(ctx context.Context) error {
	if !t.given {
		return nil
	}
	err := t.await(ctx, Limit, func(_ []byte, quiet bool) (int, bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return 0, quiet && t.window.total > t.before
	})
	if errors.Is(err, errSilent) {
		return nil
	}
	return err
}

var (
	errSilent = errors.New("the target did not say what was waited for")
	errStuck  = errors.New("the line took no input")
)

// failed says what was tried. What fails after a secret was typed may be its
// refusal: it is not to be typed again a second later.
func (t *Talk) failed(ctx context.Context, what string, err error) error {
	op := t.line.Name + ": " + what
	if errors.Is(err, errStuck) { // our own abort ended the line
		return &ports.Error{Reason: ports.Dialogue, Op: op, Err: err}
	}
	if ended := context.Cause(ctx); ended != nil {
		if reason := ports.ReasonOf(ended); t.given && (reason == ports.Closed || reason == ports.Exited) {
			return &ports.Error{Reason: ports.Authentication, Op: op, Err: fmt.Errorf("it ended the line after the password (%s)", reason), Fix: fixLogin}
		}
		return ended
	}
	if e, ok := errors.AsType[*ports.Error](err); ok {
		if e.Op == "" {
			e.Op = op
		}
		return e
	}
	if t.given {
		return &ports.Error{Reason: ports.Authentication, Op: op, Err: fmt.Errorf("%w after the password", err), Fix: fixLogin}
	}
	return &ports.Error{Reason: ports.Dialogue, Op: op, Err: err}
}

func (t *Talk) step(ctx context.Context, step Step) error {
	limit := step.Timeout
	if limit <= 0 {
		limit = Limit
	}
	switch {
	case step.Expect != nil:
		err := t.await(ctx, limit, func(text []byte, _ bool) (int, bool) { return end(step.Expect, text) })
		switch {
		case errors.Is(err, errSilent):
			return fmt.Errorf("waited %s for %q", limit, step.Expect)
		case err == nil:
			t.given = false
		}
		return err
	case step.Secret != nil:
		return t.tell(ctx, step.Secret, limit)
	case step.Break > 0:
		return t.play(ctx, Sequence{{Break: step.Break}})
	case len(step.Exec) > 0:
		return t.exec(ctx, step.Exec, limit)
	}
	return t.play(ctx, step.Send)
}

// end is where the first match ends.
func end(re *regexp.Regexp, text []byte) (int, bool) {
	at := re.FindIndex(text)
	if at == nil {
		return 0, false
	}
	return at[1], true
}

// play sends a sequence.
func (t *Talk) play(ctx context.Context, s Sequence) error {
	brk := func(d time.Duration) error {
		if t.line.Break == nil {
			return &ports.Error{Reason: ports.Unsupported, Err: errors.New("this line cannot send a BREAK")}
		}
		return t.within(d+Limit, func() error { return t.line.Break(d) })
	}
	rest := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.Play(writer(func(p []byte) (int, error) { return len(p), t.write(p, Limit) }), brk, rest)
}

// write sends bytes.
func (t *Talk) write(p []byte, limit time.Duration) error {
	return t.within(limit, func() error {
		_, err := t.line.Write(p)
		return err
	})
}

// within sends something. A line that does not take it in time is given up.
func (t *Talk) within(limit time.Duration, send func() error) error {
	alarm := time.AfterFunc(limit, t.line.Abort)
	err := send()
	if !alarm.Stop() && err != nil {
		return fmt.Errorf("%w for %s", errStuck, limit)
	}
	return err
}

// tell types a secret and Enter. From before that on it is hidden.
func (t *Talk) tell(ctx context.Context, s ports.Secret, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	secret, err := ports.Reveal(ctx, s)
	if e, ok := errors.AsType[*ports.Error](err); ok {
		e.Reason = ports.Dialogue
		return e
	}
	if len(secret) == 0 || len(secret) > maxSecret {
		return fmt.Errorf("secret %s: empty, or longer than %d bytes", s, maxSecret)
	}
	t.mu.Lock()
	t.masks = append(t.masks, newMask(secret))
	t.before = t.window.total
	t.mu.Unlock()
	t.given = true
	return t.enter(secret, limit)
}

// enter types a line.
func (t *Talk) enter(text []byte, limit time.Duration) error {
	t.typed = text
	return t.write(append(append(make([]byte, 0, len(text)+1), text...), '\r'), limit)
}

// maxSecret is the longest that is typed.
const maxSecret = 1 << 10

// await looks at what was said until done finds in it what it looks for, and
// says how much of it that was. quiet tells that the target has fallen silent.
func (t *Talk) await(ctx context.Context, limit time.Duration, done func(text []byte, quiet bool) (int, bool)) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	silence := time.NewTimer(settled)
	defer silence.Stop()
	for quiet := false; ; {
		t.mu.Lock()
		l := t.window.look()
		t.mu.Unlock()
		if n, ok := done(l.text, quiet); ok {
			t.mu.Lock()
			t.window.consume(l, n)
			t.mu.Unlock()
			return nil
		}
		select {
		case <-t.heed:
			quiet = false
			silence.Reset(settled)
			select { // what comes with it is looked at in one go
			case <-time.After(pace):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		case <-silence.C:
			quiet = true
		case <-deadline.C:
			return errSilent
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
