package porttest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
)

var _ ports.Backend = (*Fake)(nil)

func TestFakeAbilities(t *testing.T) {
	for _, can := range []Abilities{{}, {Break: true}, {Try: true, Patience: time.Second}, {Break: true, Try: true}} {
		port, err := NewFake("fake", can).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := port.(ports.Breaker); ok != can.Break {
			t.Errorf("%+v: breaker %v", can, ok)
		}
		if try, ok := port.(ports.TryReader); ok != can.Try {
			t.Errorf("%+v: try reader %v", can, ok)
		} else if ok && try.Patience() != can.Patience {
			t.Errorf("%+v: patience %v", can, try.Patience())
		}
	}
}

func TestFakeScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := NewFake("fake", Abilities{Break: true, Try: true})
		refused := &ports.Error{Reason: ports.Refused, Op: "open fake"}
		fake.Fail(refused)
		if _, err := fake.Open(t.Context()); err != refused {
			t.Fatalf("first open: %v", err)
		}

		fake.Hold()
		goodbye := errors.New("goodbye")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(goodbye) })
		if _, err := fake.Open(ctx); !errors.Is(err, goodbye) {
			t.Fatalf("held open: %v", err)
		}
		time.AfterFunc(time.Second, fake.Let)
		port, err := fake.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		line := fake.Line(t.Context())
		if line == nil || line != fake.Last() || fake.Opens() != 3 {
			t.Fatalf("line %p, last %p, %d opens", line, fake.Last(), fake.Opens())
		}

		time.AfterFunc(time.Second, func() { line.Say("login: ") })
		buf := make([]byte, 3)
		if n, err := port.Read(buf); string(buf[:n]) != "log" || err != nil {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		if line.Unread() != 4 {
			t.Errorf("%d unread", line.Unread())
		}

		line.Stall(2)
		time.AfterFunc(time.Second, line.Resume)
		start := time.Now()
		if n, err := port.Write([]byte("root\r")); n != 5 || err != nil || time.Since(start) != time.Second {
			t.Errorf("stalled write: %d, %v after %v", n, err, time.Since(start))
		}
		if got := line.WaitHeard(t.Context(), 5); got != "root\r" {
			t.Errorf("heard %q", got)
		}
		if err := port.(ports.Breaker).Break(250 * time.Millisecond); err != nil {
			t.Error(err)
		}
		if got := line.Breaks(); len(got) != 1 || got[0] != (Break{For: 250 * time.Millisecond, After: 5}) {
			t.Errorf("breaks %v", got)
		}

		gone := &ports.Error{Reason: ports.Gone, Op: "read fake"}
		line.End(gone)
		try := port.(ports.TryReader)
		if n, err := try.TryRead(make([]byte, 10)); n != 4 || err != nil {
			t.Errorf("what was said before the end: %d, %v", n, err)
		}
		if err := try.Wait(); err != nil {
			t.Error(err)
		}
		if _, err := try.TryRead(buf); err != gone {
			t.Errorf("end: %v", err)
		}
		port.Close()
		if !line.WaitClosed(t.Context()) {
			t.Error("not closed")
		}
	})
}
