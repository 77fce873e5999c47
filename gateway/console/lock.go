package console

import (
	"cmp"
	"time"
)

// A WriteMode says how the lock is taken.
type WriteMode string

// The write modes (interface.md 3.2). The empty mode is OnKey.
const (
	OnKey    WriteMode = "on-key"
	Explicit WriteMode = "explicit"
	OnAttach WriteMode = "on-attach"
)

// LockOptions are the parameters of the lock. Zero values stand for the
// defaults that are named here.
type LockOptions struct {
	Write         WriteMode
	IdleRelease   time.Duration // 30 min; below zero: never
	Grace         time.Duration // 30 s; below zero: none
	ForceReason   string        // "required" (the default) or "optional"
	ForceCooldown time.Duration // 10 s; below zero: none
}

func (o LockOptions) idleRelease() time.Duration   { return cmp.Or(o.IdleRelease, 30*time.Minute) }
func (o LockOptions) grace() time.Duration         { return cmp.Or(o.Grace, 30*time.Second) }
func (o LockOptions) forceCooldown() time.Duration { return cmp.Or(o.ForceCooldown, 10*time.Second) }

// A LockState is one of the states of the lock.
type LockState string

// The states of the lock. The others of interface.md 3.3 (a pending request, a
// lease, a freeze) join them as their rows are built.
const (
	Free  LockState = "free"
	Held  LockState = "held"
	Grace LockState = "grace"
)

// A lock decides who may type. It is a pure state machine: no clock, no I/O,
// no goroutine; the console calls one method an event, with the time, under
// its own mutex, and tells people what the method returns.
//
//	       keystroke, take                    lost
//	FREE ───────────────────► HELD(h) ───────────────► GRACE(h, until)
//	 ▲                         │  ▲ ▲                     │   │
//	 └── leave, release, idle ─┘  │ └── same identity ────┘   │
//	 ▲                            └──── force ────────────────┤
//	 └──────────────────── deadline ──────────────────────────┘
//
// The numbers in the comments are the rows of interface.md 3.3.
type lock struct {
	state  LockState
	holder Client    // of HELD; in GRACE the client that was lost
	last   time.Time // the holder's last keystroke, or when it took the lock
	until  time.Time // end of GRACE
	forced time.Time // the last force, for the cooldown
}

// A change is what an event did to the lock. The zero change is none.
type change struct {
	kind  Kind
	who   Client // whose act or fate it is
	loser Client // who lost the lock to it
	why   string
}

// due is when a deadline changes the state by itself; zero if none does.
func (l *lock) due(o LockOptions) time.Time {
	switch {
	case l.state == Grace:
		return l.until
	case l.state == Held && o.idleRelease() > 0:
		return l.last.Add(o.idleRelease())
	}
	return time.Time{}
}

// expire applies a deadline that has passed (18, 19). Every other event is
// preceded by it, so that a late timer never decides anything.
func (l *lock) expire(o LockOptions, now time.Time) change {
	due := l.due(o)
	if due.IsZero() || now.Before(due) {
		return change{}
	}
	c := change{kind: KindIdle, who: l.holder}
	if l.state == Grace {
		c.kind = KindExpire
	}
	l.free()
	return c
}

// keystroke is asked before every byte that x types (1, 3, 4) or sends (20,
// 21): a nil Refusal means that x is the writer now.
func (l *lock) keystroke(o LockOptions, x Client, now time.Time) (change, *Refusal) {
	if !x.MayWrite {
		return change{}, lacks("write")
	}
	if l.state == Held && l.covers(x) {
		l.last = now
		return change{}, nil
	}
	if x.Kind != Sending && cmp.Or(x.Mode, o.Write) == Explicit && (l.state == Free || l.own(x)) {
		return change{}, refuse(BecauseExplicit)
	}
	return l.take(x, now)
}

// take is the wish to write (2, 3, 16): it is granted where the lock is free
// or belongs to the same identity.
func (l *lock) take(x Client, now time.Time) (change, *Refusal) {
	switch {
	case !x.MayWrite:
		return change{}, lacks("write")
	case l.state == Held && l.holder.Session == x.Session:
		return change{}, nil
	case l.state == Free:
		l.hold(x, now)
		return change{kind: KindTake, who: x}, nil
	case l.state == Grace && l.own(x):
		l.hold(x, now)
		return change{kind: KindReclaim, who: x}, nil
	case l.state == Held && l.own(x) && l.holder.Kind != Sending:
		loser := l.holder
		l.hold(x, now)
		return change{kind: KindMove, who: x, loser: loser}, nil
	}
	return change{}, l.refusal(now)
}

// attach is a client's arrival: it comes back within grace (16), or its mode
// takes a free lock (2).
func (l *lock) attach(o LockOptions, x Client, now time.Time) change {
	if !x.MayWrite || x.Kind != Interactive {
		return change{}
	}
	onAttach := cmp.Or(x.Mode, o.Write) == OnAttach && l.state == Free
	if onAttach || l.state == Grace && l.own(x) {
		c, _ := l.take(x, now)
		return c
	}
	return change{}
}

// force takes the lock from whoever has it (12).
func (l *lock) force(o LockOptions, x Client, why string, now time.Time) (change, *Refusal) {
	switch {
	case !x.MayWrite:
		return change{}, lacks("write")
	case !x.MayForce:
		return change{}, lacks("force")
	case l.state == Free || l.own(x):
		return l.take(x, now)
	case why == "" && o.ForceReason != "optional":
		return change{}, refuse(BecauseNoReason)
	case !x.MayAdmin && !l.forced.IsZero() && now.Before(l.forced.Add(o.forceCooldown())):
		return change{}, refuse(BecauseCooldown)
	}
	loser := l.holder
	l.hold(x, now)
	l.forced = now
	return change{kind: KindForce, who: x, loser: loser, why: why}, nil
}

// release gives the lock back by the writer's wish (13) or clean leave (14).
func (l *lock) release(x Client) (change, *Refusal) {
	if l.state != Held || l.holder.Session != x.Session {
		return change{}, refuse(BecauseNotHolder)
	}
	l.free()
	return change{kind: KindRelease, who: x}, nil
}

// lost is the end of the writer's connection without a goodbye (15).
func (l *lock) lost(o LockOptions, x Client, now time.Time) change {
	if l.state != Held || l.holder.Session != x.Session {
		return change{}
	}
	if o.grace() < 0 || x.Kind != Interactive {
		l.free()
		return change{kind: KindRelease, who: x}
	}
	l.state, l.until = Grace, now.Add(o.grace())
	return change{kind: KindGrace, who: x}
}

// update is a reload that changed the rights of x (26).
func (l *lock) update(x Client) change {
	if l.state == Free || l.holder.Session != x.Session {
		return change{}
	}
	if l.holder = x; x.MayWrite {
		return change{}
	}
	l.free()
	return change{kind: KindRevoke, who: x}
}

// covers reports whether x may type under the lock as it is held: it is the
// holder, or sends a text while its own other window holds it, which then
// keeps it.
func (l *lock) covers(x Client) bool {
	return l.holder.Session == x.Session || x.Kind == Sending && l.holder.Kind != Sending && l.own(x)
}

// delivers reports whether what x has queued may still go to the line.
func (l *lock) delivers(x Client) bool {
	return l.state == Held && l.covers(x) || l.state == Grace && x.Kind == Sending && l.own(x)
}

// own reports whether the lock belongs to the identity of x.
func (l *lock) own(x Client) bool { return l.state != Free && l.holder.Name == x.Name }

func (l *lock) hold(x Client, now time.Time) {
	l.state, l.holder, l.last, l.until = Held, x, now, time.Time{}
}

func (l *lock) free() {
	l.state, l.holder, l.last, l.until = Free, Client{}, time.Time{}, time.Time{}
}

// refusal says who has the lock.
func (l *lock) refusal(now time.Time) *Refusal {
	r := &Refusal{Because: BecauseHeld, Holder: l.holder.Name, Idle: now.Sub(l.last), Until: l.until}
	if l.state == Grace {
		r.Because = BecauseGrace
	}
	return r
}

// status is the lock as others see it.
func (l *lock) status(now time.Time) LockStatus {
	s := LockStatus{State: l.state, Holder: l.holder, Until: l.until}
	if l.state != Free {
		s.Idle = now.Sub(l.last)
	}
	return s
}
