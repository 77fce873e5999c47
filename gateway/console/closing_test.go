package console

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

func admin(name string) Client {
	return Client{Session: name, Name: name, Kind: Interactive, MayWrite: true, MayBreak: true, MayAdmin: true}
}

// A closed line is let go of and not tried; who types is told; somebody opens it again.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		a := c.Attach(admin("alice"))
		synctest.Wait()
		kinds(a)
		if err := a.CloseLine("flashing", 0); err != nil {
			t.Fatal(err)
		}
		if !line.WaitClosed(t.Context()) {
			t.Error("the port is open")
		}
		time.Sleep(24 * time.Hour)
		st := c.Status()
		if fake.Opens() != 1 || st.State != Closed || st.Closing == nil || st.Closing.By != "alice" || st.Closing.Why != "flashing" || !st.Closing.Until.IsZero() {
			t.Errorf("%d opens, status %+v", fake.Opens(), st)
		}
		if got := kinds(a); !slices.Equal(got, []Kind{KindClose}) {
			t.Errorf("told %v", got)
		}
		_, err := a.Offer([]byte("x"))
		wantRefusal(t, err, BecauseClosed)
		if err := a.OpenLine(); err != nil {
			t.Fatal(err)
		}
		line = fake.Line(t.Context())
		synctest.Wait()
		if st := c.Status(); st.State != Up || st.Closing != nil {
			t.Errorf("status %+v", st)
		}
		if got := kinds(a); !slices.Equal(got, []Kind{KindOpen, KindUp}) {
			t.Errorf("told %v", got)
		}
		if a.Offer([]byte("y")); line.WaitHeard(t.Context(), 1) != "y" {
			t.Error("the line hears nothing")
		}
		if err := a.OpenLine(); err != nil || len(kinds(a)) > 1 {
			t.Errorf("opening what is open: %v", err)
		}
	})
}

// A closing for a while ends by itself; a later one has its own time.
func TestCloseFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		a := c.Attach(admin("alice"))
		fake.Line(t.Context())
		a.CloseLine("", 30*time.Minute)
		time.Sleep(20 * time.Minute)
		if st := c.Status(); st.State != Closed || time.Until(st.Closing.Until) != 10*time.Minute {
			t.Errorf("status %+v", st)
		}
		a.CloseLine("longer", time.Hour)
		time.Sleep(time.Hour - time.Second)
		if st := c.Status(); st.State != Closed {
			t.Errorf("the earlier closing opened it: %+v", st)
		}
		time.Sleep(2 * time.Second)
		if st := c.Status(); st.State != Up || fake.Opens() != 2 {
			t.Errorf("not opened by itself: %+v", st)
		}
		a.CloseLine("", time.Hour)
		a.OpenLine()
		a.CloseLine("", 0)
		time.Sleep(2 * time.Hour)
		if st := c.Status(); st.State != Closed {
			t.Errorf("a time that was over before opened it: %+v", st)
		}
	})
}

// Whatever the line is doing when it is closed, it is closed then; and a
// reload leaves it so.
func TestCloseAtAnyTime(t *testing.T) {
	refused := &ports.Error{Reason: ports.Refused, Op: "open"}
	for name, prepare := range map[string]func(*porttest.Fake){
		"while it is opened": func(f *porttest.Fake) { f.Hold() },
		"while it waits":     func(f *porttest.Fake) { f.FailAlways(refused) },
	} {
		bubble(t, func(t *testing.T) {
			fake := porttest.NewFake("fake", porttest.Abilities{})
			prepare(fake)
			c, end := run(t, fake)
			defer end()
			time.Sleep(10 * time.Second)
			a := c.Attach(admin("alice"))
			a.CloseLine("", 0)
			synctest.Wait()
			fake.FailAlways(nil)
			fake.Let()
			opens := fake.Opens()
			o := c.Options()
			c.Update(o, true)
			time.Sleep(time.Hour)
			if st := c.Status(); st.State != Closed || fake.Opens() != opens {
				t.Errorf("%s: %d opens more, %+v", name, fake.Opens()-opens, st)
			}
			a.OpenLine()
			time.Sleep(time.Second)
			if st := c.Status(); st.State != Up {
				t.Errorf("%s: %+v", name, st)
			}
		})
	}
}

// run runs a console over a backend.
func run(t *testing.T, b ports.Backend) (*Console, func()) {
	t.Helper()
	c, err := New(Options{Subject: names.Subject{Name: "node1"}, Backend: b, Record: record.Options{Dir: t.TempDir(), Group: -1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	return c, func() { cancel(errStop); <-done }
}

// Only an admin lets go of a line, or takes it.
func TestCloseNeedsAdmin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		bob := admin("bob")
		bob.MayAdmin = false
		a := c.Attach(bob)
		wantRefusal(t, a.CloseLine("", 0), BecauseNoRight)
		wantRefusal(t, a.OpenLine(), BecauseNoRight)
		wantRefusal(t, a.ReopenLine(), BecauseNoRight)
		if st := c.Status(); st.State != Up || fake.Opens() != 1 {
			t.Errorf("status %+v", st)
		}
	})
}

// A held backend is one that somebody else has until it is taken.
type held struct {
	*porttest.Fake
	taken chan bool
}

func (h held) Take(ctx context.Context) (ports.Port, error) {
	h.taken <- true
	h.FailAlways(nil)
	return h.Open(ctx)
}

// A line that somebody else holds is taken by who asks for it, and by nothing else.
func TestReopenTakes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := held{porttest.NewFake("fake", porttest.Abilities{}), make(chan bool, 9)}
		h.FailAlways(&ports.Error{Reason: ports.InUse, Op: "open fake"})
		c, end := run(t, h)
		defer end()
		a := c.Attach(admin("alice"))
		time.Sleep(time.Hour)
		if st := c.Status(); st.Reason != ports.InUse || len(h.taken) > 0 {
			t.Fatalf("taken %d times, %+v", len(h.taken), st)
		}
		if err := a.ReopenLine(); err != nil {
			t.Fatal(err)
		}
		h.Line(t.Context())
		synctest.Wait()
		if st := c.Status(); st.State != Up || len(h.taken) != 1 {
			t.Errorf("taken %d times, %+v", len(h.taken), st)
		}
		before := h.Opens()
		if err := a.ReopenLine(); err != nil {
			t.Fatal(err)
		}
		h.Line(t.Context())
		synctest.Wait()
		if st := c.Status(); st.State != Up || h.Opens() != before+1 || len(h.taken) != 1 {
			t.Errorf("a line that is ours was taken: %d, %+v", len(h.taken), st)
		}
	})
}

// BREAK and key are one, whoever types meanwhile.
func TestSysRq(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{Break: true}, Options{})
		line := fake.Line(t.Context())
		a := c.Attach(admin("alice"))
		synctest.Wait()
		line.Stall(0)
		done := make(chan error)
		a.Offer([]byte("before "))
		go func() { done <- a.SysRq(t.Context(), 'h') }()
		synctest.Wait()
		a.Offer([]byte(" after"))
		line.Resume()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := line.WaitHeard(t.Context(), 14); got != "before h after" {
			t.Errorf("the line heard %q", got)
		}
		if b := line.Breaks(); len(b) != 1 || b[0].After != len("before ") || b[0].For != defaultBreak {
			t.Errorf("breaks %v", b)
		}
		line.FailWrites(&ports.Error{Reason: ports.Closed, Op: "write"})
		if err := a.SysRq(t.Context(), 'h'); err == nil {
			t.Error("no error where the key could not be sent")
		}
	})
}

// A wired port has modem lines and a switch for flow control.
type wired struct {
	ports.Port
	flow bool
	slow chan struct{} // a switch waits for its end
}

func (w *wired) Modem() (ports.Lines, error) { return ports.Lines{DTR: true, DCD: true}, nil }
func (w *wired) SoftwareFlow() bool          { return w.flow }
func (w *wired) Received() (ports.Receptions, error) {
	return ports.Receptions{Framing: 3, Breaks: 1}, nil
}

func (w *wired) SetSoftwareFlow(on bool) error {
	if w.slow != nil {
		<-w.slow
	}
	w.flow = on
	return nil
}

type wiring struct {
	*porttest.Fake
	slow chan struct{}
}

func (w wiring) Open(ctx context.Context) (ports.Port, error) {
	p, err := w.Fake.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &wired{Port: p, slow: w.slow}, nil
}

func TestModemAndFlow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, end := run(t, wiring{porttest.NewFake("fake", porttest.Abilities{}), nil})
		defer end()
		synctest.Wait()
		if lines, err := c.Modem(); err != nil || lines != (ports.Lines{DTR: true, DCD: true}) {
			t.Errorf("lines %v, %v", lines, err)
		}
		if met, err := c.Received(); err != nil || met != (ports.Receptions{Framing: 3, Breaks: 1}) {
			t.Errorf("received %v, %v", met, err)
		}
		a := c.Attach(admin("alice"))
		wantRefusal(t, a.SwitchFlow(t.Context()), BecauseNotHolder)
		a.Take()
		kinds(a)
		if err := a.SwitchFlow(t.Context()); err != nil {
			t.Fatal(err)
		}
		if on, can := c.SoftwareFlow(); !on || !can {
			t.Errorf("on %v, can %v", on, can)
		}
		if got := kinds(a); !slices.Equal(got, []Kind{KindFlow}) {
			t.Errorf("told %v", got)
		}
		a.CloseLine("", 0)
		synctest.Wait()
		if _, err := c.Modem(); err == nil {
			t.Error("modem lines of a closed line")
		}
		if _, err := c.Received(); err == nil {
			t.Error("a closed line received")
		}
	})
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(admin("alice"))
		a.Take()
		if _, err := c.Modem(); ports.ReasonOf(err) != ports.Unsupported {
			t.Errorf("error %v", err)
		}
		if _, err := c.Received(); ports.ReasonOf(err) != ports.Unsupported {
			t.Errorf("error %v", err)
		}
		wantRefusal(t, a.SwitchFlow(t.Context()), BecauseNoFlow)
	})
}

// A terminal server that does not take a switch of flow control keeps nobody
// beyond their patience; what still waits then is not done.
func TestFlowThatIsSlow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := make(chan struct{})
		c, end := run(t, wiring{porttest.NewFake("fake", porttest.Abilities{}), slow})
		defer end()
		synctest.Wait()
		a := c.Attach(admin("alice"))
		a.Take()
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			wantRefusal(t, a.SwitchFlow(ctx), BecauseStuck)
			cancel()
		}
		kinds(a)
		close(slow)
		synctest.Wait()
		if on, _ := c.SoftwareFlow(); !on || !slices.Equal(kinds(a), []Kind{KindFlow}) {
			t.Errorf("on %v", on)
		}
	})
}

// A closed line on demand stays closed, whoever comes.
func TestCloseOnDemand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{OnDemand: true}})
		a := c.Attach(admin("alice"))
		fake.Line(t.Context())
		a.CloseLine("", 0)
		a.Leave(false)
		time.Sleep(time.Hour)
		b := c.Attach(admin("bob"))
		time.Sleep(time.Hour)
		if st := c.Status(); st.State != Closed || fake.Opens() != 1 {
			t.Errorf("%d opens, %+v", fake.Opens(), st)
		}
		b.OpenLine()
		time.Sleep(time.Second)
		if st := c.Status(); st.State != Up {
			t.Errorf("%+v", st)
		}
		b.Leave(false)
		time.Sleep(time.Hour)
		d := c.Attach(admin("dora"))
		time.Sleep(time.Second)
		d.CloseLine("", time.Hour)
		d.Leave(false)
		time.Sleep(2 * time.Hour)
		if st := c.Status(); st.State != Idle {
			t.Errorf("after its time: %+v", st)
		}
	})
}

// The wish to take a line outlives an attempt that is over already, but not a
// closing: the line is then somebody else's by our own will.
func TestTakeWaitsForAnAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := held{porttest.NewFake("fake", porttest.Abilities{}), make(chan bool, 9)}
		c, end := run(t, h)
		defer end()
		synctest.Wait()
		c.mu.Lock()
		c.take = true
		c.mu.Unlock()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.openOrTake(ended, h); err == nil || !c.take {
			t.Errorf("%v; the next attempt takes: %t", err, c.take)
		}
		a := c.Attach(admin("alice"))
		a.CloseLine("", time.Hour)
		time.Sleep(2 * time.Hour)
		if st := c.Status(); st.State != Up || len(h.taken) > 0 {
			t.Errorf("taken %d times, %+v", len(h.taken), st)
		}
	})
}

// A line that is opened anew is not up until it is.
func TestReopenIsNotUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		a := c.Attach(admin("alice"))
		synctest.Wait()
		fake.Hold()
		a.ReopenLine()
		synctest.Wait()
		if st := c.Status(); st.State != Connecting {
			t.Errorf("state %s", st.State)
		}
		fake.Let()
		synctest.Wait()
		if st := c.Status(); st.State != Up {
			t.Errorf("state %s", st.State)
		}
	})
}
