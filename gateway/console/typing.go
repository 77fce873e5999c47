package console

import (
	"context"
	"errors"
	"slices"
	"time"
)

// patience is how long a line may take no input at all before Type, Drain and
// Break give up.
const patience = 30 * time.Second

// Offer queues as much of p for the line as there is room for, taking the lock
// first where the rules allow, and returns how much that was. Bytes are queued
// in order. What does not reach the line in spite of it, as the lock or
// the line is lost first, is told by a KindUnsent. An error is a
// *Refusal, and nothing was queued.
func (a *Attachment) Offer(p []byte) (int, error) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if refusal := a.mayTypeLocked(); refusal != nil {
		return 0, refusal
	}
	if a.queued == 0 {
		a.unsent = nil // of an earlier text
	}
	return a.pushBytesLocked(p), nil
}

// OfferRest is Offer for the rest of a text of which some is queued already.
// Where some of that was dropped, the rest is refused: a text with a hole, typed
// long ago, is not what anybody wants to see delivered.
func (a *Attachment) OfferRest(p []byte) (int, error) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.offerRestLocked(p)
}

func (a *Attachment) offerRestLocked(p []byte) (int, error) {
	if a.unsent != nil {
		return 0, a.unsent
	}
	if refusal := a.mayTypeLocked(); refusal != nil {
		return 0, refusal
	}
	return a.pushBytesLocked(p), nil
}

func (a *Attachment) pushBytesLocked(p []byte) int {
	c := a.console
	n := max(0, min(len(p), outbox-c.line.queued))
	if n > 0 {
		c.pushLocked(c.line, input{from: a, data: slices.Clone(p[:n])})
	}
	return n
}

// Reply queues what the client's terminal answered by itself. Only the writer
// has its answers passed on; they neither take the lock nor keep it from
// being idle. A line that takes no input gets none.
func (a *Attachment) Reply(p []byte) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expireLocked(time.Now())
	if a.gone || c.line == nil || !a.client.MayWrite || !a.writerLocked() || len(p) == 0 || len(p) > outbox-c.line.queued {
		return
	}
	c.pushLocked(c.line, input{from: a, data: slices.Clone(p)})
}

// Room is closed when the line has taken some of what was queued, or has come
// or gone. Ask for it before the Offer that it is to follow.
func (a *Attachment) Room() <-chan struct{} {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.movesLocked()
}

// Type passes p on to the line as Offer does, and waits for room until all of
// it is queued, ctx ends, or the line has taken nothing for 30 s. After an
// error, which is a *Refusal, the rest of p is not sent.
func (a *Attachment) Type(ctx context.Context, p []byte) error {
	n, err := a.Offer(p)
	for err == nil && n < len(p) {
		p = p[n:]
		n, err = a.more(ctx, p)
	}
	return err
}

// more waits for room and offers the rest of a text.
func (a *Attachment) more(ctx context.Context, p []byte) (int, error) {
	c := a.console
	c.mu.Lock()
	defer c.mu.Unlock()
	for a.unsent == nil && c.line != nil && c.line.queued >= outbox {
		moved := c.movesLocked()
		c.mu.Unlock()
		refusal := a.await(ctx, moved)
		c.mu.Lock()
		if refusal != nil {
			return 0, refusal
		}
	}
	return a.offerRestLocked(p)
}

// mayTypeLocked decides whether a keystroke of now is delivered.
func (a *Attachment) mayTypeLocked() *Refusal {
	c, now := a.console, time.Now()
	switch {
	case a.gone:
		return refuse(BecauseLeft)
	case !a.client.MayWrite:
		return lacks("write")
	case c.closing != nil:
		return &Refusal{Because: BecauseClosed, Holder: c.closing.By, Until: c.closing.Until}
	case c.line == nil && c.talking:
		return refuse(BecauseDialogue)
	case c.line == nil:
		return refuse(BecauseDown)
	}
	c.expireLocked(now)
	ch, refusal := c.lock.keystroke(c.o.Lock, a.client, now)
	if refusal != nil {
		return refusal
	}
	a.typed = now
	c.keyed.Store(now.UnixNano())
	c.rouse()
	a.typedLocked()
	c.changedLocked(ch)
	return nil
}

// await waits until the queue got shorter.
func (a *Attachment) await(ctx context.Context, moved <-chan struct{}) *Refusal {
	stuck := time.NewTimer(patience)
	defer stuck.Stop()
	select {
	case <-moved:
		return nil
	case <-a.left:
		return refuse(BecauseLeft)
	case <-stuck.C:
		return refuse(BecauseStuck)
	case <-ctx.Done():
		return givenUp(ctx)
	}
}

// givenUp is why nobody waits any longer for the line.
func givenUp(ctx context.Context) *Refusal {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return refuse(BecauseStuck)
	}
	return refuse(BecauseCancelled)
}

// Drain waits until the line has taken everything that the client has queued.
// A *Refusal says why it did not: some of it was dropped since the last Drain,
// ctx ended, or the line has taken nothing for 30 s.
func (a *Attachment) Drain(ctx context.Context) error {
	c := a.console
	for {
		c.mu.Lock()
		unsent, queued, moved := a.unsent, a.queued, c.movesLocked()
		a.unsent = nil
		c.mu.Unlock()
		if unsent != nil {
			return unsent
		}
		if queued == 0 {
			return nil
		}
		if refusal := a.await(ctx, moved); refusal != nil {
			return refusal
		}
	}
}
