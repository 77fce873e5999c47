package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"
)

const (
	// complaints is how many lines one connection that has logged in gets about
	// what it was refused: it can ask for a forbidden thing without end.
	complaints = 5
	// shown is how many bytes of what a stranger sent stand in the log.
	shown = 128
	// keysShown is how many refused keys one line has.
	keysShown = 20
)

// errUnknown is the reason of a login whose keys open nothing here.
var errUnknown = errors.New("no key is authorised")

// refusals are the lines about what people were refused before they had logged
// in. Anybody can cause them, so that their rate is bounded; the next line says
// how many were left out.
type refusals struct {
	limiter *rate.Limiter
	unsaid  atomic.Int64
}

func newRefusals() refusals { return refusals{limiter: rate.NewLimiter(10, 100)} }

// tell logs a refusal, unless there were too many of late.
func (r *refusals) tell(log *slog.Logger, msg string, args ...any) {
	if !r.limiter.Allow() {
		r.unsaid.Add(1)
		return
	}
	if n := r.unsaid.Swap(0); n > 0 {
		args = append(args, "unsaid", n)
	}
	log.Warn(msg, args...)
}

// complain logs what somebody who has logged in was refused, some times.
func (c *connection) complain(msg string, args ...any) {
	if c.told.Add(1) > complaints {
		return
	}
	if id, ok := c.who(); ok {
		args = append([]any{"who", id.Name}, args...)
	}
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = cut(text)
		}
	}
	c.log.Warn(msg, args...)
}

// cut bounds a text that somebody sent. What is in it the log's handler escapes.
func cut(text string) string {
	if len(text) > shown {
		return text[:shown] + "..."
	}
	return text
}

// failed logs a connection that did not log in: one line for whoever tried to,
// and nothing above debug for scanners and lines lost before that.
func (c *connection) failed(l *login, err error) {
	why := context.Cause(c.ctx)
	if !l.begun {
		c.log.Debug("handshake failed", "err", err, "cause", why)
		return
	}
	l.owe()
	_, answered := errors.AsType[*gossh.ServerAuthError](err)
	switch {
	case l.renamed:
		why = errRenamed
	case l.greedy:
		why = errShare
	case len(l.refused) > 0:
		why = errUnknown
	case l.odd != nil:
		why = l.odd
	case why != nil:
	case answered:
		why = errNone // requests were answered, and no key was among them
	default:
		why = err // a signature that is none, or a malformed request
	}
	keys := make([]string, 0, len(l.refused))
	for _, r := range l.refused[:min(len(l.refused), keysShown)] {
		keys = append(keys, r.fingerprint+" ("+r.why+")")
	}
	c.g.refusals.tell(c.log, "login refused", "login", cut(l.name), "keys", keys, "err", cut(why.Error()))
}
