package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"consoled/gateway/console"
)

// An Exit is the exit status of a program or command that is not 0.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// errStopped is the end of an action whose caller gave up.
var errStopped = errors.New("stopped")

// Run runs an action for the client of a place, until it is over, its time is,
// or ctx ends; the client's leave and the loss of its right end it too. Each
// line that it says goes to say, which may be nil, and the first ones to all
// that are attached. An error is a *console.Refusal where it was not begun, or
// else what went wrong.
func Run(ctx context.Context, place *console.Attachment, a Action, say func(line string)) (err error) {
	acting, err := place.Begin(ctx, a.Title(), !a.Asks())
	if err != nil {
		return err
	}
	out := newLines(say, acting.Say)
	defer out.wait()           // when it is over for everybody else
	result := "internal error" // of a panic
	defer func() { acting.Done(result) }()
	limit := cmp.Or(a.Timeout, DefaultTimeout)
	ctx, cancel := context.WithTimeoutCause(acting.Context(), limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	cl := place.Client()
	call := Call{Console: place.Console().Name(), Action: a.Name, User: cl.Name, Key: cl.Key, From: cl.Source}
	err = a.Way.Do(ctx, call, out)
	out.end()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		if err = errStopped; !errors.Is(cause, context.Canceled) {
			err = fmt.Errorf("%w: %w", errStopped, cause)
		}
	}
	if result = "done"; err != nil {
		result = printable(err.Error())
	}
	return err
}
