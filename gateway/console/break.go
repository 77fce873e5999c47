package console

import (
	"context"
	"time"

	"consoled/gateway/dialogue"
	"consoled/ports"
)

// The bounds of a break (interface.md 2.2).
const (
	defaultBreak = 250 * time.Millisecond
	longestBreak = 3 * time.Second
)

// Break sends a break of length d (0 means 250 ms; at most 3 s), taking the
// lock as a keystroke does, behind what was typed before. It returns when the
// break was sent. One that still waits when ctx ends, or when the line has
// taken nothing for 30 s, is not sent.
func (a *Attachment) Break(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		d = defaultBreak
	}
	d = min(d, longestBreak)
	return a.play(ctx, dialogue.Sequence{{Break: d}}, Event{Kind: KindBreak, For: d})
}

// Sequence sends the break sequence of a name, in one go, as Break sends a break.
func (a *Attachment) Sequence(ctx context.Context, name string) error {
	s, ok := a.console.Options().Manners.Breaks[name]
	if !ok {
		return refuse(BecauseNoSequence)
	}
	return a.play(ctx, s.Send, Event{Kind: KindBreak, Sequence: name})
}

// SysRq sends a break and a key as one, so that nothing comes between: the
// kernel waits for the key for five seconds (Documentation/admin-guide/sysrq.rst).
// It is otherwise as Break.
func (a *Attachment) SysRq(ctx context.Context, key byte) error {
	s := dialogue.Sequence{{Break: defaultBreak}, {Text: []byte{key}}}
	return a.play(ctx, s, Event{Kind: KindBreak, For: defaultBreak, Action: "sysrq " + string(rune(key))})
}

// SysRqEnds is what a SysRq key does to the machine where it ends it at once,
// and "" for the others.
func SysRqEnds(key byte) string {
	return map[byte]string{'b': "reboots", 'c': "crashes", 'o': "powers off"}[key]
}

func (a *Attachment) play(ctx context.Context, s dialogue.Sequence, e Event) error {
	in := input{from: a, play: a.console.player(a, s), event: e, done: make(chan error, 1)}
	if refusal := a.pushBreak(in, s.Breaks()); refusal != nil {
		return refusal
	}
	return a.played(ctx, in)
}

// played waits until what was queued in the place of bytes is done.
func (a *Attachment) played(ctx context.Context, in input) error {
	stuck := time.NewTimer(patience)
	defer stuck.Stop()
	for {
		moved := a.Room()
		select {
		case err := <-in.done:
			return err
		default:
		}
		select {
		case err := <-in.done:
			return err
		case <-moved:
			stuck.Reset(patience)
		case <-a.left:
			return a.takeBack(in, refuse(BecauseLeft))
		case <-stuck.C:
			return a.takeBack(in, refuse(BecauseStuck))
		case <-ctx.Done():
			return a.takeBack(in, givenUp(ctx))
		}
	}
}

func (a *Attachment) pushBreak(in input, breaks bool) *Refusal {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.client.MayBreak {
		return lacks("break")
	}
	if c.line != nil && breaks {
		if _, can := c.line.port.(ports.Breaker); !can {
			return refuse(BecauseNoBreak)
		}
	}
	if refusal := a.mayTypeLocked(); refusal != nil {
		return refusal
	}
	c.pushLocked(c.line, in)
	return nil
}

// takeBack takes a break out of the queue that nobody waits for any more. One
// that is being sent already is past that, and stands in the record.
func (a *Attachment) takeBack(in input, why *Refusal) error {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line != nil {
		c.dropLocked(c.line, func(other input) bool { return other.done == in.done }, why)
	}
	select {
	case err := <-in.done:
		return err
	default:
		return why
	}
}
