package console

import (
	"errors"
	"runtime/debug"

	"consoled/ports"
)

// errPanic is what people are told of a panic; the log has the rest.
var errPanic = errors.New("internal error")

// caught is deferred around what backends, records and observers do in the
// goroutines of a console: a panic there counts as an error of this console
// and takes no other down.
func (c *Console) caught(doing string, err *error) {
	if p := recover(); p != nil {
		c.panicked(doing, p)
		*err = &ports.Error{Reason: ports.Failed, Op: doing, Err: errPanic}
	}
}

// panicked tells of a panic that was recovered. Only what is deferred itself
// can recover one, not what it calls.
func (c *Console) panicked(doing string, p any) {
	o := c.Options()
	o.Log.Error("panic", "in", doing, "err", p, "stack", string(debug.Stack()))
	if o.Panicked != nil {
		o.Panicked()
	}
}
