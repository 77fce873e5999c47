package console

import (
	"context"
	"errors"
	"time"

	"consoled/gateway/dialogue"
	"consoled/ports"
)

// begin brings a line up that was opened, after the dialogue that belongs to
// it. The reader goes on meanwhile: what the target says is recorded as always, but
// for the secrets that are typed. There is no writer yet, whose WaitGroup waits
// for the dialogue too.
func (c *Console) begin(attempt context.Context, l *line) {
	c.mu.Lock()
	script := c.o.Connect
	c.talking, c.redial = !script.Empty(), l.end
	if attempt.Err() != nil {
		l.end(context.Cause(attempt)) // which came too late for the backend
	}
	c.mu.Unlock()
	if script.Empty() || l.ended() {
		c.up(l)
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	l.writer.Go(func() {
		select {
		case <-l.over:
			cancel(l.err)
		case <-ctx.Done():
		}
	})
	talk := dialogue.New(c.spoken(l))
	c.talk.Store(talk)
	c.eyes.Add(1) // it waits for what is said as a person does
	l.writer.Go(func() {
		defer cancel(nil)
		err := c.converse(ctx, talk, script)
		talk.End(c.keepSaid)
		c.talk.Store(nil)
		defer c.unheard(l) // once it is up: who attaches finds either a reader or a line to rouse
		if err != nil {
			l.verdict = err
			l.end(err)
			return
		}
		c.up(l)
	})
}

// unheard ends the dialogue's watch of the line.
func (c *Console) unheard(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eyes.Add(-1)
	c.unseenLocked(l)
}

func (c *Console) converse(ctx context.Context, talk *dialogue.Talk, script dialogue.Script) (err error) {
	defer c.caught("dialogue", &err)
	return talk.Run(ctx, script)
}

// spoken is the line as a dialogue sees it.
func (c *Console) spoken(l *line) dialogue.Line {
	s := dialogue.Line{
		Writer: counted{c, l}, Name: c.Options().Backend.String(),
		Abort: func() { l.end(errStuck) },
	}
	if b, ok := l.port.(ports.Breaker); ok {
		s.Break = b.Break
	}
	return s
}

// counted is the port, whose bytes count as sent.
type counted struct {
	console *Console
	line    *line
}

func (w counted) Write(p []byte) (int, error) {
	n, err := w.line.port.Write(p)
	w.console.out.Add(int64(n))
	return n, err
}

// player sends a sequence in the line's writer, in one go: nobody else's input
// comes between. It ends early, with an error, where the line does, or where
// whoever sends it loses the right or the lock.
func (c *Console) player(from *Attachment, s dialogue.Sequence) func(*line) error {
	return func(l *line) error {
		b, can := l.port.(ports.Breaker)
		w := &player{counted: counted{c, l}}
		brk := func(d time.Duration) error {
			if !can {
				return refuse(BecauseNoBreak)
			}
			if err := b.Break(d); err != nil {
				return err
			}
			w.begun = true
			return from.goesOn()
		}
		rest := func(d time.Duration) error {
			if err := l.linger(d); err != nil {
				return err
			}
			return from.goesOn()
		}
		err := s.Play(w, brk, rest)
		if err != nil && w.begun {
			err = &cutShort{err}
		}
		return err
	}
}

// A player is the port, and knows whether anything was sent.
type player struct {
	counted
	begun bool
}

func (p *player) Write(b []byte) (int, error) {
	n, err := p.counted.Write(b)
	p.begun = p.begun || n > 0
	return n, err
}

// A cutShort sequence is one of which a part was sent.
type cutShort struct{ error }

func (c *cutShort) Unwrap() error { return c.error }

// goesOn is nil while what the client has begun to send may be sent to its end.
func (a *Attachment) goesOn() error {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case a.own: // it has begun, and is ours
	case !a.client.MayWrite:
		return lacks("write")
	case !a.client.MayBreak:
		return lacks("break")
	case c.lock.state == Held && !c.lock.delivers(a.client):
		return c.lock.refusal(time.Now())
	case !c.lock.delivers(a.client):
		return refuse(BecauseNotHolder)
	}
	return nil
}

// linger waits, unless the line ends.
func (l *line) linger(d time.Duration) error {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
		return nil
	case <-l.over:
		return refuse(BecauseDown)
	}
}

// errStuck ends a line that takes nothing of its dialogue, which has the words for it.
var errStuck = errors.New("the line takes no input")
