package console

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

// A program that dies at once is told of twice, then once it is stable; and it
// is tried for ever.
func TestFlappingIsToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		c, fake := start(t, porttest.Abilities{}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		kinds(a)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		n := 0
		var last *porttest.Line
		for ; ctx.Err() == nil; n++ {
			if last = fake.Line(ctx); last != nil {
				last.End(&ports.Error{Reason: ports.Exited, Op: "exec true"})
			}
		}
		if n < 50 {
			t.Errorf("tried %d times in an hour", n)
		}
		want := []Kind{KindDown, KindUp, KindDown}
		got := slices.DeleteFunc(kinds(a), func(k Kind) bool { return k == KindState })
		if !slices.Equal(got, want) {
			t.Errorf("told %v", got)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 6 {
			t.Errorf("%d lines in the log:\n%s", lines, log.String())
		}
		st := c.Status()
		if st.State == Down && time.Since(st.Since) < 50*time.Minute {
			t.Errorf("down for %s", time.Since(st.Since))
		}
		fake.Line(t.Context())
		time.Sleep(2 * time.Second)
		if st := c.Status(); st.State != Up {
			t.Errorf("state %s before it is stable", st.State)
		}
		if got := kinds(a); !slices.Equal(got, []Kind{KindState}) {
			t.Errorf("told %v before it is stable", got)
		}
		time.Sleep(stable)
		told := events(a)
		if len(told) != 1 || told[0].Kind != KindUp || told[0].For < 50*time.Minute {
			t.Errorf("told %+v", told)
		}
	})
}

// However long an outage was, its end is told at once.
func TestEndOfALongOutageIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		line := fake.Line(t.Context())
		fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		line.End(&ports.Error{Reason: ports.Closed})
		time.Sleep(time.Hour)
		a := c.Attach(alice)
		defer a.Leave(false)
		fake.FailAlways(nil)
		began := time.Now()
		fake.Line(t.Context())
		synctest.Wait()
		if got := kinds(a); !slices.Contains(got, KindUp) || time.Since(began) > 2*time.Second {
			t.Errorf("told %v after %s", got, time.Since(began))
		}
	})
}

// Lines that are down for long are tried in step, and within two seconds.
func TestWaitsEndOnTheBeat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r Reconnect
		time.Sleep(123456789)
		for n := range 40 {
			now := time.Now()
			d := r.wait(ports.Refused, n, now)
			if d > 2*time.Second || n > 10 && d < 1400*time.Millisecond {
				t.Errorf("attempt %d waits %s", n, d)
			}
			if end := now.Add(d); n > 10 && !end.Equal(end.Truncate(beat)) {
				t.Errorf("attempt %d is at %s", n, end)
			}
			for _, reason := range []ports.Reason{ports.Authentication, ports.WrongHostKey} {
				if d := (Reconnect{First: time.Second, Max: time.Second}).wait(reason, n, now); d < 50*time.Second {
					t.Errorf("attempt %d after %q waits %s", n, reason, d)
				}
			}
		}
	})
}

// A first wait counts however long it is, and without a longest beside it.
func TestLongWaits(t *testing.T) {
	for _, r := range []Reconnect{{First: 24 * time.Hour}, {First: time.Hour}, {First: 40 * time.Minute, Max: 24 * time.Hour}, {First: time.Second, Max: 24 * time.Hour}} {
		for n := 1; n < 100; n++ {
			most := max(r.First, r.Max)
			if d := r.wait(ports.Refused, n, time.Now()); d < r.First*3/4 || d > most+beat {
				t.Errorf("%+v: attempt %d waits %s", r, n, d)
			}
		}
	}
}

// So many dial at once, in the order in which they asked; who takes long gives
// way, who gives up leaves nothing behind.
func TestDials(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDials()
		const n, each = 4, 100 * time.Millisecond
		var mu sync.Mutex
		var busy, most int
		var tasks sync.WaitGroup
		began := time.Now()
		for range 40 {
			tasks.Go(func() {
				done, err := d.enter(t.Context(), "ts1", n, time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				busy++
				most = max(most, busy)
				mu.Unlock()
				time.Sleep(each)
				mu.Lock()
				busy--
				mu.Unlock()
				done()
			})
		}
		tasks.Wait()
		if took := time.Since(began); most != n || took != 10*each {
			t.Errorf("%d at once, in %s", most, took)
		}
		began = time.Now()
		for range 3 * n {
			tasks.Go(func() {
				done, _ := d.enter(t.Context(), "slow", n, time.Second)
				time.Sleep(time.Hour)
				done()
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.enter(ctx, "slow", n, time.Second); err == nil {
			t.Error("who gives up gets a turn")
		}
		done, err := d.enter(t.Context(), "slow", n, time.Second)
		if took := time.Since(began); err != nil || took != 3*time.Second {
			t.Errorf("%v after %s behind those who take long", err, took)
		}
		done()
		tasks.Wait()
		if len(d.busy) != 0 || len(d.waiting) != 0 {
			t.Errorf("left behind: %v, %v", d.busy, d.waiting)
		}
	})
}

// A remote is a backend whose opens take as long as the test says.
type remote struct {
	*porttest.Fake
	host string
}

func (r remote) Host() string { return r.host }

// A host that does not answer holds up nobody else.
func TestSlowHostStallsNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		set := NewSet(ctx)
		var d Difference
		slow := porttest.NewFake("slow", porttest.Abilities{})
		slow.Hold()
		quick := porttest.NewFake("quick", porttest.Abilities{})
		dir := t.TempDir()
		add := func(name string, backend ports.Backend) {
			o := Options{Backend: backend}
			o.Subject.Name = name
			o.Record.Dir, o.Record.Group = dir+"/"+name, -1
			d.Add = append(d.Add, o)
		}
		for i := range 300 {
			add(fmt.Sprintf("slow%d", i), remote{slow, fmt.Sprintf("host%d", i/20)})
		}
		add("quick", remote{quick, "elsewhere"})
		if err := set.Apply(d, ""); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if quick.Line(t.Context()); time.Since(began) > time.Second {
			t.Errorf("opened after %s", time.Since(began))
		}
		cancel(errStop)
		set.Wait()
	})
}
