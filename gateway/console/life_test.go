package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

// A change of the configuration that falls between the end of the line and the
// pause before the next attempt is not slept through.
func TestChangeBeforeThePause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := start(t, porttest.Abilities{}, Options{})
		synctest.Wait()
		before := c.changed()
		c.Update(c.Options(), true)
		began := time.Now()
		c.pause(t.Context(), time.Hour, before)
		if d := time.Since(began); d > 0 {
			t.Errorf("slept for %s", d)
		}
	})
}

// A line whose attempts are far apart is tried at once when it is configured anew.
func TestChangeEndsThePause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		fake.FailAlways(&ports.Error{Reason: ports.Authentication, Op: "open"})
		line.End(&ports.Error{Reason: ports.Closed})
		time.Sleep(time.Hour)
		fake.FailAlways(nil)
		c.Update(c.Options(), true)
		synctest.Wait()
		if st := c.Status(); st.State != Up {
			t.Errorf("state %s", st.State)
		}
	})
}

// Who attaches to a console that has just ended is told so.
func TestAttachAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, err := New(Options{
			Subject: names.Subject{Name: "n"}, Backend: porttest.NewFake("fake", porttest.Abilities{}),
			Record: record.Options{Dir: t.TempDir(), Group: -1},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errStop)
		c.Run(ctx)
		a := c.Attach(alice)
		told := events(a)
		if len(told) != 1 || told[0].Kind != KindGoodbye || told[0].Why != errStop.Error() || c.eyes.Load() != 0 {
			t.Errorf("told %+v, %d eyes", told, c.eyes.Load())
		}
		a.Leave(false)
		a.Detach("twice")
	})
}

// Row 26: without the right to read, told, not writing at once, out after three seconds.
func TestDetach(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		a, d := c.Attach(alice), c.Attach(dave)
		defer d.Leave(false)
		a.Take()
		kinds(a)
		a.Detach("you may no longer read this console")
		a.Detach("again")
		a.Update(alice) // too late
		if got := events(a); len(got) != 2 || got[1].Why != "you may no longer read this console; closing in 3s" {
			t.Errorf("told %+v", got)
		}
		_, err := a.Offer([]byte("x"))
		wantRefusal(t, err, BecauseNoRight)
		time.Sleep(2900 * time.Millisecond)
		if n := len(c.Status().Clients); n != 2 {
			t.Errorf("%d clients before the three seconds are over", n)
		}
		time.Sleep(200 * time.Millisecond)
		if n := len(c.Status().Clients); n != 1 || !slices.Contains(kinds(a), "closed") {
			t.Errorf("%d clients after three seconds", n)
		}
	})
}

// Events that a hanging disk does not take cost bounded memory, and the hole is told.
func TestJournalIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		seen := make(chan Event, 2*longestJournal)
		hang := make(chan struct{})
		c, _ := start(t, porttest.Abilities{}, Options{Observe: func(e Event) {
			<-hang
			seen <- e
		}})
		synctest.Wait()
		for range 2 * longestJournal {
			c.tell(Event{Kind: KindTake})
		}
		c.mu.Lock()
		n, unkept := len(c.journal), c.unkept
		c.mu.Unlock()
		if n != longestJournal || unkept != longestJournal {
			t.Errorf("%d events wait, %d are not kept", n, unkept)
		}
		close(hang)
		synctest.Wait()
		close(seen)
		var last Event
		for e := range seen {
			last = e
		}
		if want := fmt.Sprintf("%d events are missing here", longestJournal); last.Why != want {
			t.Errorf("last is %+v", last)
		}
	})
}

// A record that grows for long is forced to the disk meanwhile, and an outage is
// an occasion; either leaves the mark that spares the next start work.
func TestRecordIsFreshened(t *testing.T) {
	for _, outage := range []bool{false, true} {
		dir := t.TempDir()
		fake := porttest.NewFake("fake", porttest.Abilities{})
		c, err := New(Options{Subject: names.Subject{Name: "n"}, Backend: fake, Record: record.Options{Dir: dir, Group: -1}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan struct{})
		if !outage {
			c.fresh.appends = staleAppends - 1
		}
		go func() { c.Run(ctx); close(done) }()
		line := fake.Line(t.Context())
		line.Say("hello")
		if outage {
			fake.FailAlways(errors.New("gone"))
			line.End(&ports.Error{Reason: ports.Closed})
		}
		deadline := time.After(10 * time.Second)
		for size := int64(0); size < 64; { // an entry for the bytes, and the mark
			select {
			case <-deadline:
				t.Fatalf("outage %t: the index has %d bytes", outage, size)
			case <-time.After(time.Millisecond):
			}
			if info, err := os.Stat(filepath.Join(dir, "console.idx")); err == nil {
				size = info.Size()
			}
		}
		cancel(errStop)
		<-done
	}
}

// A reload may come at the very moment at which the disk fails: the race
// detector is what finds settings that are read without the lock.
func TestDiskFailsDuringReload(t *testing.T) {
	c, _ := start(t, porttest.Abilities{}, Options{})
	o := c.Options()
	var reader sync.WaitGroup
	reader.Go(func() {
		for range 1000 {
			c.recording(errors.New("no space left on device"), 0)
		}
	})
	for range 1000 {
		c.Update(o, false)
	}
	reader.Wait()
}

// However many consoles end at once, only so many force their record to the disk.
func TestGate(t *testing.T) {
	g := newGate(2)
	g.enter()
	if !g.tryEnter() || g.tryEnter() {
		t.Error("a gate of two lets through one or three")
	}
	g.leave()
	if !g.tryEnter() {
		t.Error("nobody is let through behind one who left")
	}
}
