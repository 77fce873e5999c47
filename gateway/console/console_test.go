package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

var errStop = errors.New("the test is over")

// start runs a console over a fake line for the length of a bubble.
func start(t *testing.T, can porttest.Abilities, o Options) (*Console, *porttest.Fake) {
	t.Helper()
	fake := porttest.NewFake("fake node1", can)
	o.Subject = names.Subject{Name: "node1"}
	o.Backend = fake
	o.Record = record.Options{Dir: t.TempDir(), Group: -1}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel(errStop)
		<-done
	})
	return c, fake
}

// bubble runs a test with a held clock.
func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

// text is everything that the record holds.
func text(t *testing.T, c *Console) string {
	t.Helper()
	cursor := c.Record().Cursor(0)
	defer cursor.Close()
	var all []byte
	buf := make([]byte, 4096)
	for {
		n, err := cursor.Read(buf)
		all = append(all, buf[:n]...)
		if n == 0 || err != nil {
			return string(all)
		}
	}
}

// kinds drains what a client was told.
func kinds(a *Attachment) (all []Kind) {
	for {
		select {
		case e, ok := <-a.Events():
			if !ok {
				return append(all, "closed")
			}
			all = append(all, e.Kind)
		default:
			return all
		}
	}
}

func wantRefusal(t *testing.T, err error, want Because) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || r.Because != want {
		t.Errorf("error %v, want refusal %q", err, want)
	}
}

func TestRecordsWhatTheLineSays(t *testing.T) {
	for name, can := range map[string]porttest.Abilities{
		"read": {}, "try": {Try: true}, "patient": {Try: true, Patience: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, fake := start(t, can, Options{})
				line := fake.Line(t.Context())
				line.Say("one ")
				synctest.Wait()
				line.Say("two ")
				time.Sleep(time.Second)
				line.Say("three")
				time.Sleep(time.Second)
				if got := text(t, c); got != "one two three" {
					t.Errorf("record %q", got)
				}
			})
		})
	}
}

// What an unwatched line has collected is recorded although the gateway stops.
func TestStopReadsWhatWasCollected(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir := t.TempDir()
		fake := porttest.NewFake("fake", porttest.Abilities{Try: true, Patience: time.Second})
		c, err := New(Options{Subject: names.Subject{Name: "n"}, Backend: fake, Record: record.Options{Dir: dir, Group: -1}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		line := fake.Line(t.Context())
		line.Say("first ")
		synctest.Wait()
		line.Say("second")
		synctest.Wait()
		cancel(errStop)
		<-done
		r, err := record.Open(record.Options{Dir: dir, Group: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.End() != int64(len("first second")) {
			t.Errorf("the record ends at %d", r.End())
		}
	})
}

// An unwatched line is looked at in turns; a watched one at once, and then in
// glances but where somebody types and waits for the echo.
func TestWatchedLineIsReadAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{Try: true, Patience: time.Second}, Options{})
		line := fake.Line(t.Context())
		line.Say("a")
		synctest.Wait()
		line.Say("b")
		synctest.Wait()
		if got := text(t, c); got != "a" {
			t.Fatalf("an unwatched line was read at once: %q", got)
		}
		a := c.Attach(alice)
		defer a.Leave(false)
		time.Sleep(glance)
		synctest.Wait()
		line.Say("c")
		synctest.Wait()
		if got := text(t, c); got != "abc" {
			t.Errorf("a watched line was left alone: %q", got)
		}
		line.Say("d")
		synctest.Wait()
		if got := text(t, c); got != "abc" {
			t.Errorf("a watched line was read for every word: %q", got)
		}
		time.Sleep(glance)
		line.Say("e")
		synctest.Wait()
		if err := a.Type(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		for _, echo := range []string{"x", "y", "z"} {
			line.Say(echo)
			synctest.Wait()
		}
		if got := text(t, c); got != "abcdexyz" {
			t.Errorf("an echo was left alone: %q", got)
		}
	})
}

func TestTypingReachesTheLineInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a, b := c.Attach(alice), c.Attach(bob)
		defer a.Leave(false)
		defer b.Leave(false)
		big := bytes.Repeat([]byte("0123456789"), 20_000)
		if err := a.Type(t.Context(), big); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, b.Type(t.Context(), []byte("me too")), BecauseHeld)
		if err := a.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := line.Heard(); !bytes.Equal([]byte(got), big) {
			t.Errorf("the line heard %d bytes, want %d in order", len(got), len(big))
		}
	})
}

func TestNothingIsQueuedForALineThatIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		if err := a.Type(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		line.End(&ports.Error{Reason: ports.Closed, Op: "read"})
		synctest.Wait()
		wantRefusal(t, a.Type(t.Context(), []byte("reboot\r")), BecauseDown)
		if !a.Writer() {
			t.Error("the lock was lost with the line")
		}
		fake.FailAlways(nil)
		line = fake.Line(t.Context())
		synctest.Wait()
		if err := a.Type(t.Context(), []byte("y")); err != nil {
			t.Fatal(err)
		}
		a.Drain(t.Context())
		if got := string(line.Heard()); got != "y" {
			t.Errorf("the line heard %q", got)
		}
	})
}

// What waits for a stuck line when its typist loses the lock is never delivered.
func TestForcePurgesWhatTheLoserQueued(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a, b := c.Attach(alice), c.Attach(bob)
		defer a.Leave(false)
		defer b.Leave(false)
		line.Stall(0)
		if err := a.Type(t.Context(), bytes.Repeat([]byte("a"), 3*piece)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := b.Force("fsck"); err != nil {
			t.Fatal(err)
		}
		if err := b.Type(t.Context(), []byte("b")); err != nil {
			t.Fatal(err)
		}
		line.Resume()
		b.Drain(t.Context())
		got := string(line.Heard())
		if n := strings.Count(got, "a"); n > piece || !strings.HasSuffix(got, "b") {
			t.Errorf("%d bytes of the loser were delivered after the force", n)
		}
	})
}

// A line that never reads holds no more than the outbox, and its writer waits.
func TestStuckLineIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context()).Stall(0)
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wantRefusal(t, a.Type(ctx, make([]byte, 128<<10)), BecauseStuck)
		c.mu.Lock()
		if n := c.line.queued; n > 64<<10 {
			t.Errorf("%d bytes wait", n)
		}
		c.mu.Unlock()
		n, err := a.Offer([]byte("more"))
		if n != 0 || err != nil {
			t.Errorf("a full queue took %d bytes, %v", n, err)
		}
	})
}

func TestBreak(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{Break: true}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a, d := c.Attach(alice), c.Attach(dave)
		defer a.Leave(false)
		defer d.Leave(false)
		wantRefusal(t, d.Break(t.Context(), 0), BecauseNoRight)
		for _, ask := range []time.Duration{0, time.Second, time.Hour} {
			if err := a.Break(t.Context(), ask); err != nil {
				t.Fatal(err)
			}
		}
		want := []porttest.Break{{For: 250 * time.Millisecond}, {For: time.Second}, {For: 3 * time.Second}}
		if got := line.Breaks(); !slices.Equal(got, want) {
			t.Errorf("breaks %v, want %v", got, want)
		}
		if !slices.Contains(kinds(d), KindBreak) {
			t.Error("the watcher was not told")
		}
	})
}

func TestBreakNeedsALineThatCan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		wantRefusal(t, a.Break(t.Context(), 0), BecauseNoBreak)
	})
}

func TestDownAndUpAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		time.Sleep(time.Minute)
		a := c.Attach(alice)
		defer a.Leave(false)
		kinds(a)
		refused := &ports.Error{Reason: ports.Refused, Op: "open fake"}
		fake.Fail(refused, refused, refused)
		line.End(&ports.Error{Reason: ports.Closed, Op: "read fake"})
		synctest.Wait()
		if st := c.Status(); st.State != Down || st.Reason != ports.Refused {
			t.Errorf("state %s, reason %q", st.State, st.Reason)
		}
		time.Sleep(5 * time.Second)
		if got, want := kinds(a), []Kind{KindDown, KindUp}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

// TestRemark: what a port remarks of its opening comes with the news that the line is up.
func TestRemark(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const remark = "BMC had another SOL session; closed it and connected"
		c, fake := start(t, porttest.Abilities{Remark: remark}, Options{})
		line := fake.Line(t.Context())
		a := c.Attach(alice)
		defer a.Leave(false)
		line.End(&ports.Error{Reason: ports.Closed, Op: "read fake"})
		time.Sleep(time.Second)
		for {
			select {
			case e := <-a.Events():
				if e.Kind == KindUp && e.Why == remark {
					return
				}
			default:
				t.Fatal("not told")
			}
		}
	})
}

// TestLoss: that output was lost on its way is told where it is missing,
// and not with every packet.
func TestLoss(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		a := c.Attach(alice)
		defer a.Leave(false)
		synctest.Wait()
		kinds(a)
		line.Say("before")
		for range 100 {
			line.Drop()
			line.Say("x")
			synctest.Wait()
		}
		if got, want := kinds(a), []Kind{KindLoss}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
		time.Sleep(lossEvery)
		line.Say("y")
		synctest.Wait()
		if got, want := kinds(a), []Kind{KindLoss}; !slices.Equal(got, want) {
			t.Errorf("told %v later, want %v", got, want)
		}
	})
}

// The retries never end and keep to the reason's cap.
func TestRetryForEver(t *testing.T) {
	for reason, most := range map[ports.Reason]time.Duration{
		ports.Refused: 1800 * time.Millisecond, ports.Gone: time.Second, ports.Exited: time.Minute, ports.Authentication: 5 * time.Minute,
		ports.WrongHostKey: 5 * time.Minute, ports.Dialogue: time.Minute,
	} {
		bubble(t, func(t *testing.T) {
			_, fake := start(t, porttest.Abilities{}, Options{})
			line := fake.Line(t.Context())
			fake.FailAlways(&ports.Error{Reason: reason, Op: "open"})
			line.End(&ports.Error{Reason: reason, Op: "read"})
			time.Sleep(time.Hour)
			before := fake.Opens()
			time.Sleep(time.Hour)
			least, highest := int(time.Hour/most), int(time.Hour/(most*3/4))+1
			if n := fake.Opens() - before; n < least || n > highest {
				t.Errorf("%s: %d attempts an hour, want %d to %d", reason, n, least, highest)
			}
		})
	}
}

// A line that dies as soon as it is open backs off like one that cannot be opened.
func TestFlappingLineBacksOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, fake := start(t, porttest.Abilities{}, Options{})
		until := time.Now().Add(time.Minute)
		for time.Now().Before(until) {
			fake.Line(t.Context()).End(&ports.Error{Reason: ports.Closed})
		}
		if n := fake.Opens(); n > 60 {
			t.Errorf("%d opens in a minute", n)
		}
	})
}

func TestLostWriterComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		if err := a.Take(); err != nil {
			t.Fatal(err)
		}
		b := c.Attach(bob)
		defer b.Leave(false)
		a.Leave(true)
		wantRefusal(t, b.Take(), BecauseGrace)
		time.Sleep(29 * time.Second)
		again := c.Attach(alice2)
		if !again.Writer() {
			t.Fatal("write was not kept")
		}
		again.Leave(true)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if err := b.Take(); err != nil {
			t.Errorf("after grace: %v", err)
		}
	})
}

func TestIdleRelease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		for range 3 {
			if err := a.Type(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(29 * time.Minute)
		}
		if !a.Writer() {
			t.Fatal("released in spite of keystrokes")
		}
		kinds(a)
		time.Sleep(2 * time.Minute)
		if got := kinds(a); !slices.Contains(got, KindIdle) || a.Writer() {
			t.Errorf("not released: told %v", got)
		}
	})
}

func TestEventsAreRecorded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var observed []Kind
		c, fake := start(t, porttest.Abilities{}, Options{Observe: func(e Event) { observed = append(observed, e.Kind) }})
		fake.Line(t.Context()).Say("hello")
		synctest.Wait()
		a := c.Attach(alice)
		a.Take()
		a.Leave(false)
		synctest.Wait()
		r, err := c.Record().Events()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		all, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var got []Kind
		for line := range bytes.Lines(all) {
			var e Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if got = append(got, e.Kind); e.Kind == KindTake && (e.Who != "alice" || e.Offset != 5 || e.V != 1) {
				t.Errorf("take: %+v", e)
			}
		}
		want := []Kind{KindUp, KindAttach, KindTake, KindRelease, KindDetach}
		if !slices.Equal(got, want) || !slices.Equal(observed, want) {
			t.Errorf("recorded %v, observed %v, want %v", got, observed, want)
		}
	})
}

// Nobody who does not read what they are told can hold the console up.
func TestSlowClientLosesOldEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		d := c.Attach(dave)
		defer d.Leave(false)
		for range 10 * backlog {
			c.Attach(alice).Leave(false)
		}
		if n := len(d.Events()); n != backlog {
			t.Errorf("%d events wait", n)
		}
	})
}

func TestRightsThatAreGoneEndAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		a.Type(t.Context(), []byte("x"))
		a.Drain(t.Context())
		demoted := alice
		demoted.MayWrite = false
		a.Update(demoted)
		wantRefusal(t, a.Type(t.Context(), []byte("y")), BecauseNoRight)
		if a.Writer() || string(line.Heard()) != "x" {
			t.Errorf("writer %t, heard %q", a.Writer(), line.Heard())
		}
	})
}

func TestStopSaysGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := porttest.NewFake("fake", porttest.Abilities{})
		c, err := New(Options{Subject: names.Subject{Name: "n"}, Backend: fake, Record: record.Options{Dir: t.TempDir(), Group: -1}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		a := c.Attach(alice)
		cancel(errStop)
		<-done
		var last Event
		for e := range a.Events() {
			last = e
		}
		if last.Kind != KindGoodbye || last.Why != errStop.Error() {
			t.Errorf("last words: %+v", last)
		}
		wantRefusal(t, a.Type(t.Context(), []byte("x")), BecauseLeft)
	})
}
