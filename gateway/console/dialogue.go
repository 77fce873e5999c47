package console

import (
	"context"
	"time"

	"consoled/gateway/dialogue"
	"consoled/ports"
)

// begin brings a line up that was opened, after the dialogue that belongs to
// it. The reader goes on meanwhile: what the target says is recorded as always, but
// for the secrets that are typed. finish gets the reader's end, ends the
// dialogue and says why the line ended.
func (c *Console) begin(ctx context.Context, l *line) (finish func(error) error) {
	c.mu.Lock()
	script := c.o.Connect
	c.talking = !script.Empty()
	c.mu.Unlock()
	if script.Empty() {
		c.up(l)
		return func(err error) error { return err }
	}
	ctx, end := context.WithCancelCause(ctx)
	talk := dialogue.New(c.spoken(l))
	c.talk.Store(talk)
	c.eyes.Add(1) // it waits for what is said as a person does
	result := make(chan error, 1)
	go func() {
		err := c.converse(ctx, talk, script)
		talk.End(c.keepSaid)
		c.talk.Store(nil)
		c.eyes.Add(-1)
		if err == nil {
			c.up(l)
		} else {
			c.hangUp(l)
		}
		result <- err
	}()
	return func(err error) error {
		end(err)
		if ended := <-result; ended != nil {
			return ended
		}
		return err
	}
}

func (c *Console) converse(ctx context.Context, talk *dialogue.Talk, script dialogue.Script) (err error) {
	defer c.caught("dialogue", &err)
	return talk.Run(ctx, script)
}

// spoken is the line as a dialogue sees it.
func (c *Console) spoken(l *line) dialogue.Line {
	s := dialogue.Line{
		Writer: counted{c, l}, Name: c.Options().Backend.String(),
		Abort: func() { c.hangUp(l) },
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

// play sends a sequence in the line's writer, in one go: nobody else's input
// comes between. It ends early, with an error, where the line does.
func (c *Console) play(l *line, s dialogue.Sequence) error {
	brk := func(time.Duration) error { return refuse(BecauseNoBreak) }
	if b, can := l.port.(ports.Breaker); can {
		brk = b.Break
	}
	return s.Play(counted{c, l}, brk, l.rest)
}

// rest waits, unless the line ends. The wake-ups that it takes off the queue's
// channel are not missed: the writer looks at the queue next.
func (l *line) rest(d time.Duration) error {
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return nil
		case _, open := <-l.more:
			if !open {
				return refuse(BecauseDown)
			}
		}
	}
}
