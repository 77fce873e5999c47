package console

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The cast of the lock's tests. Each may write; erin is an admin.
var (
	alice  = Client{Session: "1", Name: "alice", Kind: Interactive, MayWrite: true, MayBreak: true}
	alice2 = Client{Session: "2", Name: "alice", Kind: Interactive, MayWrite: true, MayBreak: true}
	bob    = Client{Session: "3", Name: "bob", Kind: Interactive, MayWrite: true, MayForce: true}
	erin   = Client{Session: "4", Name: "erin", Kind: Interactive, MayWrite: true, MayForce: true, MayAdmin: true}
	dave   = Client{Session: "5", Name: "dave", Kind: Interactive}
	ci     = Client{Session: "6", Name: "ci", Kind: Sending, MayWrite: true}
	sender = Client{Session: "7", Name: "alice", Kind: Sending, MayWrite: true}
)

// A step is one event of a lock test and what it must lead to.
type step struct {
	after time.Duration // before the event
	do    string
	x     Client
	why   string

	kind   Kind    // of the change
	no     Because // the refusal
	state  LockState
	holder string // session
}

func (l *lock) step(o LockOptions, s step, now time.Time) (change, *Refusal) {
	expired := l.expire(o, now)
	switch s.do {
	case "key":
		return l.keystroke(o, s.x, now)
	case "take":
		return l.take(s.x, now)
	case "attach":
		return l.attach(o, s.x, now), nil
	case "force":
		return l.force(o, s.x, s.why, now)
	case "release":
		return l.release(s.x)
	case "lost":
		return l.lost(o, s.x, now), nil
	case "update":
		return l.update(s.x), nil
	case "wait":
		return expired, nil
	}
	panic(s.do)
}

// TestLockTable walks the rows of interface.md 3.3 that this version has.
func TestLockTable(t *testing.T) {
	explicit := alice
	explicit.Mode = Explicit
	onAttach := alice
	onAttach.Mode = OnAttach
	demoted := alice
	demoted.MayWrite = false
	tests := map[string]struct {
		o     LockOptions
		steps []step
	}{
		"1 a keystroke takes a free lock": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "key", x: alice, state: Held, holder: "1"},
		}},
		"1 a watcher's keystroke does not": {steps: []step{
			{do: "key", x: dave, no: BecauseNoRight, state: Free},
		}},
		"1 nor one in explicit mode": {o: LockOptions{Write: Explicit}, steps: []step{
			{do: "key", x: alice, no: BecauseExplicit, state: Free},
			{do: "take", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "key", x: alice, state: Held, holder: "1"},
			{do: "key", x: alice2, no: BecauseExplicit, state: Held, holder: "1"},
		}},
		"1 the client's own mode counts first": {steps: []step{
			{do: "key", x: explicit, no: BecauseExplicit, state: Free},
		}},
		"2 asking takes a free lock": {steps: []step{
			{do: "take", x: alice, kind: KindTake, state: Held, holder: "1"},
		}},
		"2 attaching does where the mode says so": {steps: []step{
			{do: "attach", x: alice, state: Free},
			{do: "attach", x: onAttach, kind: KindTake, state: Held, holder: "1"},
			{do: "attach", x: bob, state: Held, holder: "1"},
		}},
		"3 another connection of the same identity": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "key", x: alice2, kind: KindMove, state: Held, holder: "2"},
			{do: "take", x: alice, kind: KindMove, state: Held, holder: "1"},
		}},
		"4 another identity": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "key", x: bob, no: BecauseHeld, state: Held, holder: "1"},
			{do: "take", x: bob, no: BecauseHeld, state: Held, holder: "1"},
		}},
		"12 force": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "force", x: bob, no: BecauseNoReason, state: Held, holder: "1"},
			{do: "force", x: alice2, no: BecauseNoRight, state: Held, holder: "1"},
			{do: "force", x: bob, why: "panic", kind: KindForce, state: Held, holder: "3"},
			{do: "key", x: alice, no: BecauseHeld, state: Held, holder: "3"},
		}},
		"12 cooldown": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "force", x: bob, why: "panic", kind: KindForce, state: Held, holder: "3"},
			{after: 9 * time.Second, do: "force", x: erin, why: "mine", kind: KindForce, state: Held, holder: "4"},
			{do: "force", x: bob, why: "again", no: BecauseCooldown, state: Held, holder: "4"},
			{after: 10 * time.Second, do: "force", x: bob, why: "again", kind: KindForce, state: Held, holder: "3"},
		}},
		"12 within grace": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "lost", x: alice, kind: KindGrace, state: Grace, holder: "1"},
			{do: "force", x: bob, why: "now", kind: KindForce, state: Held, holder: "3"},
		}},
		"12 of a free lock is taking": {steps: []step{
			{do: "force", x: bob, kind: KindTake, state: Held, holder: "3"},
		}},
		"13 release": {steps: []step{
			{do: "release", x: alice, no: BecauseNotHolder, state: Free},
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "release", x: bob, no: BecauseNotHolder, state: Held, holder: "1"},
			{do: "release", x: alice, kind: KindRelease, state: Free},
		}},
		"15 16 lost and back": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "lost", x: alice, kind: KindGrace, state: Grace, holder: "1"},
			{do: "key", x: bob, no: BecauseGrace, state: Grace, holder: "1"},
			{after: 29 * time.Second, do: "attach", x: alice2, kind: KindReclaim, state: Held, holder: "2"},
		}},
		"16 the other window's keystroke reclaims": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "lost", x: alice, kind: KindGrace, state: Grace, holder: "1"},
			{do: "key", x: alice2, kind: KindReclaim, state: Held, holder: "2"},
		}},
		"16 a stream that only reads does not": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "lost", x: alice, kind: KindGrace, state: Grace, holder: "1"},
			{do: "attach", x: Client{Session: "9", Name: "alice", Kind: Watching}, state: Grace, holder: "1"},
		}},
		"18 grace ends": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "lost", x: alice, kind: KindGrace, state: Grace, holder: "1"},
			{after: 30 * time.Second, do: "wait", kind: KindExpire, state: Free},
		}},
		"18 however late the alarm is": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "lost", x: alice, kind: KindGrace, state: Grace, holder: "1"},
			{after: time.Hour, do: "key", x: bob, kind: KindTake, state: Held, holder: "3"},
		}},
		"19 idleness": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{after: 29 * time.Minute, do: "key", x: alice, state: Held, holder: "1"},
			{after: 29 * time.Minute, do: "wait", state: Held, holder: "1"},
			{after: time.Minute, do: "wait", kind: KindIdle, state: Free},
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
		}},
		"19 switched off": {o: LockOptions{IdleRelease: -1}, steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{after: 1000 * time.Hour, do: "wait", state: Held, holder: "1"},
		}},
		"20 send takes a free lock, in explicit mode too": {o: LockOptions{Write: Explicit}, steps: []step{
			{do: "key", x: ci, kind: KindTake, state: Held, holder: "6"},
			{do: "key", x: alice, no: BecauseHeld, state: Held, holder: "6"},
			{do: "release", x: ci, kind: KindRelease, state: Free},
		}},
		"20 nobody breaks into a text being sent": {steps: []step{
			{do: "key", x: sender, kind: KindTake, state: Held, holder: "7"},
			{do: "key", x: alice, no: BecauseHeld, state: Held, holder: "7"},
		}},
		"20 a lost send leaves no grace": {steps: []step{
			{do: "key", x: ci, kind: KindTake, state: Held, holder: "6"},
			{do: "lost", x: ci, kind: KindRelease, state: Free},
		}},
		"21 send while held": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "key", x: ci, no: BecauseHeld, state: Held, holder: "1"},
			{do: "key", x: sender, state: Held, holder: "1"},
			{do: "release", x: sender, no: BecauseNotHolder, state: Held, holder: "1"},
		}},
		"26 a right is taken away": {steps: []step{
			{do: "key", x: alice, kind: KindTake, state: Held, holder: "1"},
			{do: "update", x: alice, state: Held, holder: "1"},
			{do: "update", x: demoted, kind: KindRevoke, state: Free},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l, now := lock{state: Free}, time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
			for i, s := range tt.steps {
				now = now.Add(s.after)
				ch, refusal := l.step(tt.o, s, now)
				var no Because
				if refusal != nil {
					no = refusal.Because
				}
				if ch.kind != s.kind || no != s.no || l.state != s.state || l.holder.Session != s.holder {
					t.Fatalf("step %d, %s by %s: change %q refusal %q state %s holder %q; want %q %q %s %q",
						i, s.do, s.x.Session, ch.kind, no, l.state, l.holder.Session, s.kind, s.no, s.state, s.holder)
				}
			}
		})
	}
}

// TestLockInvariants walks at random and holds the lock to what must be true
// after every event, whatever came before.
func TestLockInvariants(t *testing.T) {
	cast := []Client{alice, alice2, bob, erin, dave, ci, sender}
	acts := []string{"key", "take", "attach", "force", "release", "lost", "wait"}
	rapid.Check(t, func(t *rapid.T) {
		o := LockOptions{Write: rapid.SampledFrom([]WriteMode{OnKey, Explicit, OnAttach}).Draw(t, "mode")}
		l, now := lock{state: Free}, time.Unix(0, 0)
		for i := range rapid.IntRange(1, 60).Draw(t, "length") {
			s := step{
				do: rapid.SampledFrom(acts).Draw(t, fmt.Sprint("act", i)),
				x:  rapid.SampledFrom(cast).Draw(t, fmt.Sprint("who", i)),
			}
			s.why = rapid.SampledFrom([]string{"", "why"}).Draw(t, fmt.Sprint("why", i))
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, fmt.Sprint("pause", i))) * time.Second)
			l.expire(o, now)
			before := l
			ch, refusal := l.step(o, s, now)
			moved := l.state != before.state || l.holder.Session != before.holder.Session
			switch {
			case refusal != nil && moved:
				t.Fatalf("refused %s by %s, yet the lock moved", s.do, s.x.Session)
			case moved && ch.kind == "":
				t.Fatalf("%s by %s moved the lock silently", s.do, s.x.Session)
			case l.state == Held && !l.holder.MayWrite:
				t.Fatalf("%s holds the lock without the right", l.holder.Name)
			case l.state == Held && moved && l.holder.Session != s.x.Session:
				t.Fatalf("%s by %s made %s the writer", s.do, s.x.Session, l.holder.Session)
			case s.do == "key" && refusal == nil && (l.state != Held || l.holder.Name != s.x.Name):
				t.Fatalf("a byte of %s would be delivered while %q holds the lock", s.x.Name, l.holder.Name)
			case moved && before.state == Held && before.holder.Name != l.holder.Name && l.state == Held && ch.kind != KindForce:
				t.Fatalf("the lock went from %s to %s without force", before.holder.Name, l.holder.Name)
			}
		}
	})
}
