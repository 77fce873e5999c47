package console

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

// events drains what a client was told.
func events(a *Attachment) (all []Event) {
	for {
		select {
		case e, ok := <-a.Events():
			if !ok {
				return all
			}
			all = append(all, e)
		default:
			return all
		}
	}
}

// unsent is how many bytes a client was told that they were not sent.
func unsent(a *Attachment) (n int64) {
	for _, e := range events(a) {
		if e.Kind == KindUnsent && e.Session == a.client.Session {
			n += e.Lost
		}
	}
	return n
}

// A text that is sent under the lock of one's own window goes no further than that lock.
func TestSenderLosesTheLockOfItsWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		window, send, b := c.Attach(alice), c.Attach(sender), c.Attach(bob)
		defer window.Leave(false)
		defer send.Leave(false)
		defer b.Leave(false)
		if err := window.Take(); err != nil {
			t.Fatal(err)
		}
		line.Stall(0)
		if err := send.Type(t.Context(), bytes.Repeat([]byte("a"), 10*piece)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := b.Force("fsck"); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, send.Drain(t.Context()), BecauseHeld)
		line.Resume()
		synctest.Wait()
		if n := strings.Count(line.Heard(), "a"); n > piece {
			t.Errorf("%d bytes were delivered after the lock was lost", n)
		}
		if n := unsent(send); n != 9*piece {
			t.Errorf("told that %d bytes were not sent, want %d", n, 9*piece)
		}
	})
}

// What the line did not take when it ended is told, though a new one is there already.
func TestLineEndsUnderAText(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		time.Sleep(time.Minute)
		a := c.Attach(alice)
		defer a.Leave(false)
		line.Stall(0)
		if err := a.Type(t.Context(), bytes.Repeat([]byte("a"), 2*piece)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		line.End(&ports.Error{Reason: ports.Closed, Op: "read"})
		fake.Line(t.Context())
		synctest.Wait()
		wantRefusal(t, a.Drain(t.Context()), BecauseDown)
		if n := unsent(a); n != 2*piece {
			t.Errorf("told that %d bytes were not sent, want %d", n, 2*piece)
		}
		if err := a.Type(t.Context(), []byte("b")); err != nil {
			t.Fatal(err)
		}
		if err := a.Drain(t.Context()); err != nil {
			t.Errorf("a new text: %v", err)
		}
	})
}

// What ended the line is the reason, not what our closing it did to a write under way.
func TestReasonIsWhatEndedTheLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := start(t, porttest.Abilities{}, Options{})
		synctest.Wait()
		o := c.Options()
		gone := make(chan struct{})
		o.Backend = &vanishing{gone: gone}
		c.Update(o, true)
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		a.Offer([]byte("x"))
		synctest.Wait()
		close(gone)
		synctest.Wait()
		told := events(a)
		i := slices.IndexFunc(told, func(e Event) bool { return e.Kind == KindDown })
		if i < 0 || told[i].Reason != ports.Gone {
			t.Errorf("told %+v", told)
		}
	})
}

// A vanishing backend is a device that takes no output, and is then unplugged.
type vanishing struct {
	gone   chan struct{}
	closed chan struct{}
	opened bool
}

func (v *vanishing) Check() error   { return nil }
func (v *vanishing) String() string { return "vanishing" }
func (v *vanishing) Open(context.Context) (ports.Port, error) {
	if v.opened {
		return nil, &ports.Error{Reason: ports.Gone}
	}
	v.opened, v.closed = true, make(chan struct{})
	return v, nil
}

func (v *vanishing) Read([]byte) (int, error) {
	<-v.gone
	return 0, &ports.Error{Reason: ports.Gone}
}

func (v *vanishing) Write([]byte) (int, error) {
	<-v.closed
	return 0, &ports.Error{Reason: ports.Failed, Err: errors.New("use of closed file")}
}

func (v *vanishing) Close() error {
	close(v.closed)
	return nil
}

// The rest of a text is not typed behind a hole.
func TestNoTextWithAHole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		time.Sleep(time.Minute)
		a := c.Attach(alice)
		defer a.Leave(false)
		line.Stall(0)
		time.AfterFunc(time.Second, func() { line.End(&ports.Error{Reason: ports.Closed}) })
		wantRefusal(t, a.Type(t.Context(), bytes.Repeat([]byte("a"), outbox+piece)), BecauseDown)
		if got := fake.Line(t.Context()).Heard(); got != "" {
			t.Errorf("the new line heard %d bytes of the rest", len(got))
		}
	})
}

// A line may be slow for ever, as long as it takes something.
func TestSlowLineIsNotStuck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		ctx, cancel := context.WithCancel(t.Context())
		var feeding sync.WaitGroup
		defer feeding.Wait()
		defer cancel()
		feeding.Go(func() {
			for ctx.Err() == nil {
				line.Stall(piece)
				time.Sleep(patience / 2)
				line.Resume()
			}
		})
		if err := a.Type(t.Context(), make([]byte, outbox+8*piece)); err != nil {
			t.Error(err)
		}
	})
}

// Keystrokes for a line that takes none cost no more than their bytes.
func TestKeystrokesAreHeldTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		line.Stall(0)
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		for i := range 3 * piece {
			if err := a.Type(t.Context(), []byte{byte('a' + i%26)}); err != nil {
				t.Fatal(err)
			}
		}
		c.mu.Lock()
		if n := len(c.line.queue); n > 2 {
			t.Errorf("%d inputs are queued", n)
		}
		c.mu.Unlock()
		line.Resume()
		a.Drain(t.Context())
		got := line.Heard()
		for i := range got {
			if got[i] != byte('a'+i%26) {
				t.Fatalf("byte %d is %q", i, got[i])
			}
		}
		if len(got) != 3*piece {
			t.Errorf("the line heard %d bytes", len(got))
		}
	})
}

// What a terminal answers by itself neither takes the lock nor keeps it.
func TestReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		a.Reply([]byte("early"))
		if a.Writer() {
			t.Error("an answer took the lock")
		}
		a.Take()
		a.Reply([]byte("answer"))
		a.Drain(t.Context())
		if got := line.Heard(); got != "answer" {
			t.Errorf("the line heard %q", got)
		}
		time.Sleep(29 * time.Minute)
		a.Reply([]byte("more"))
		time.Sleep(2 * time.Minute)
		if a.Writer() {
			t.Error("an answer kept the lock")
		}
	})
}

// A break that nobody waits for any more is not sent later.
func TestBreakIsTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{Break: true}, Options{})
		line := fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		line.Stall(0)
		a.Type(t.Context(), []byte("x"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantRefusal(t, a.Break(ctx, 0), BecauseStuck)
		wantRefusal(t, a.Break(t.Context(), 0), BecauseStuck) // after 30 s
		line.Resume()
		synctest.Wait()
		if got := line.Breaks(); len(got) > 0 {
			t.Errorf("sent %v", got)
		}
		if slices.Contains(kinds(a), KindBreak) {
			t.Error("a break was told that was not sent")
		}
	})
}

// A broken backend does what others do not.
type broken struct{ panicAt string }

var errNoBreak = errors.New("inappropriate ioctl for device")

func (b *broken) must(at string) {
	if b.panicAt == at {
		panic(at)
	}
}
func (b *broken) Check() error   { return nil }
func (b *broken) String() string { return "broken" }
func (b *broken) Open(context.Context) (ports.Port, error) {
	b.must("open")
	return &brokenPort{b, make(chan struct{}, 2)}, nil
}

type brokenPort struct {
	*broken
	closed chan struct{}
}

func (p *brokenPort) Read([]byte) (int, error) {
	p.must("read")
	<-p.closed
	return 0, &ports.Error{Reason: ports.Closed}
}

func (p *brokenPort) Remark() string {
	p.must("remark")
	return ""
}

func (p *brokenPort) Write(b []byte) (int, error) {
	p.must("write")
	return len(b), nil
}

func (p *brokenPort) Break(time.Duration) error {
	p.must("break")
	return errNoBreak
}

func (p *brokenPort) Close() error {
	select {
	case p.closed <- struct{}{}:
	default:
	}
	p.must("close")
	return nil
}

// A panic of one backend ends no console, let alone the process.
func TestPanicsAreCaught(t *testing.T) {
	for _, at := range []string{"open", "remark", "read", "write", "break", "close"} {
		t.Run(at, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				caught := 0
				c, _ := start(t, porttest.Abilities{}, Options{Panicked: func() { caught++ }})
				synctest.Wait()
				o := c.Options()
				o.Backend = &broken{panicAt: at}
				c.Update(o, true)
				time.Sleep(time.Second)
				a := c.Attach(alice)
				a.Offer([]byte("x"))
				a.Break(t.Context(), 0)
				time.Sleep(time.Second)
				if at == "close" { // which the next change calls
					c.Update(o, true)
					synctest.Wait()
				} else if st := c.Status(); !slices.Contains([]string{"remark", "write", "break"}, at) && (st.State != Down || !strings.Contains(st.Detail, "internal error")) {
					t.Errorf("state %s: %s", st.State, st.Detail)
				}
				o.Backend = &broken{}
				c.Update(o, true)
				time.Sleep(time.Second)
				if st := c.Status(); st.State != Up || caught == 0 {
					t.Errorf("state %s, %d panics counted", st.State, caught)
				}
				a.Leave(false)
			})
		})
	}
}

// panicky is a log that panics once, at a message.
type panicky struct {
	slog.Handler
	at   string
	once sync.Once
}

func (p *panicky) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p *panicky) Enabled(context.Context, slog.Level) bool { return true }
func (p *panicky) Handle(_ context.Context, r slog.Record) error {
	if r.Message == p.at {
		p.once.Do(func() { panic(p.at) })
	}
	return nil
}

// Nor does one of the console's own.
func TestPanicOfTheRunIsCaught(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var caught atomic.Int64
		log := &panicky{Handler: slog.DiscardHandler, at: "console down"}
		c, fake := start(t, porttest.Abilities{}, Options{Log: slog.New(log), Panicked: func() { caught.Add(1) }})
		fake.Line(t.Context()).End(&ports.Error{Reason: ports.Gone})
		time.Sleep(time.Minute)
		if st := c.Status(); st.State != Up || caught.Load() != 1 {
			t.Errorf("state %s, %d panics counted", st.State, caught.Load())
		}
	})
}

// A line that cannot send a break after all stays up.
func TestFailedBreakIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := start(t, porttest.Abilities{}, Options{})
		synctest.Wait()
		o := c.Options()
		o.Backend = &broken{}
		c.Update(o, true)
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		if err := a.Break(t.Context(), 0); !errors.Is(err, errNoBreak) {
			t.Errorf("break: %v", err)
		}
		synctest.Wait()
		if got := kinds(a); slices.Contains(got, KindDown) || slices.Contains(got, KindBreak) {
			t.Errorf("told %v", got)
		}
	})
}
