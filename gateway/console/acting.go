package console

import (
	"context"
	"time"
)

// An Act is an action on a console's target (power, a relay, a program) that
// somebody runs. A console has one at a time.
type Act struct {
	Name  string // as people call it: "power cycle"
	Who   string
	Since time.Time
}

// An Acting is an Act from Begin to Done.
type Acting struct {
	Act
	place *Attachment
	ctx   context.Context
	end   context.CancelCauseFunc
}

// Begin makes the client the one who runs an action, until Done. One that
// disturbs the target is refused while somebody else is writing. An error is a *Refusal.
func (a *Attachment) Begin(ctx context.Context, name string, disturbs bool) (*Acting, error) {
	c, now := a.console, time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case a.gone || a.leaving != nil:
		return nil, refuse(BecauseLeft)
	case !a.client.MayPower:
		return nil, lacks("power")
	case c.acting != nil:
		running := c.acting.Act
		return nil, &Refusal{Because: BecauseActing, Holder: running.Who, Action: running.Name, Idle: now.Sub(running.Since)}
	}
	c.expireLocked(now)
	if disturbs && c.lock.state != Free && !c.lock.own(a.client) {
		return nil, c.lock.refusal(now)
	}
	x := &Acting{Act: Act{Name: name, Who: a.client.Name, Since: now}, place: a}
	x.ctx, x.end = context.WithCancelCause(ctx)
	c.acting = x
	c.o.Log.Info("action begins", "action", name, "who", a.client.Name, "from", a.client.Source)
	c.tellLocked(Event{Kind: KindActing, Action: name}.by(a.client))
	return x, nil
}

// Context ends with the one given to Begin, and when the client leaves or
// loses the right; its cause is a *Refusal then.
func (x *Acting) Context() context.Context { return x.ctx }

// Say shows a line of the action's output to everybody attached. It is not
// recorded: the target did not say it.
func (x *Acting) Say(line string) {
	c := x.place.console
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.showLocked(Event{Kind: KindOutput, Action: x.Name, Why: line}.by(x.place.client))
	}
}

// Done ends the action with what came of it, in a few words.
func (x *Acting) Done(result string) {
	c := x.place.console
	c.mu.Lock()
	defer c.mu.Unlock()
	x.end(nil)
	c.acting = nil
	e := Event{Kind: KindAction, Action: x.Name, Result: result, For: time.Since(x.Since)}.by(x.place.client)
	c.o.Log.Info("action ended", "action", e.Action, "result", e.Result, "who", e.Who, "from", e.From, "for", e.For.Round(time.Millisecond))
	c.tellLocked(e)
}

// stopActingLocked ends the action that a client runs.
func (a *Attachment) stopActingLocked(why *Refusal) {
	if x := a.console.acting; x != nil && x.place == a {
		x.end(why)
	}
}
