package console

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"consoled/ports"
)

// A flapping backend comes up and ends at once, or fails, in turns.
type flapping struct {
	name  string
	mu    sync.Mutex
	opens []time.Time
}

func (f *flapping) Check() error   { return nil }
func (f *flapping) String() string { return f.name }
func (f *flapping) Open(context.Context) (ports.Port, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opens = append(f.opens, time.Now())
	if len(f.opens)%2 == 0 {
		return nil, &ports.Error{Reason: ports.Refused, Op: "open " + f.name}
	}
	return hungUp{}, nil
}

type hungUp struct{}

func (hungUp) Read([]byte) (int, error)    { return 0, &ports.Error{Reason: ports.Closed, Op: "read"} }
func (hungUp) Write(b []byte) (int, error) { return len(b), nil }
func (hungUp) Close() error                { return nil }

// TestFlappingTargets has five hundred lines, all begun at one moment, end as soon
// as they are up: each is tried on and on within two seconds, not more often
// than that, and they fall out of step with each other.
func TestFlappingTargets(t *testing.T) {
	const targets, lasting = 500, 2 * time.Minute
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		set := NewSet(ctx)
		var d Difference
		dir := t.TempDir()
		all := make([]*flapping, targets)
		for i := range all {
			all[i] = &flapping{name: fmt.Sprintf("flap%d", i)}
			o := Options{Backend: all[i]}
			o.Subject.Name = all[i].name
			o.Record.Dir, o.Record.Group = dir+"/"+o.Subject.Name, -1
			d.Add = append(d.Add, o)
		}
		if err := set.Apply(d, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lasting)
		cancel(errStop)
		set.Wait()
		opens, at := 0, map[time.Time]int{}
		for _, f := range all {
			opens += len(f.opens)
			for i, now := range append(f.opens[1:], time.Now()) {
				if now.Sub(f.opens[i]) > 2*time.Second {
					t.Fatalf("%s was not tried for %s", f.name, now.Sub(f.opens[i]))
				}
			}
			for _, o := range f.opens[len(f.opens)/2:] {
				at[o]++
			}
		}
		most := 0
		for _, n := range at {
			most = max(most, n)
		}
		t.Logf("%d opens in %s: %.2f a second and target; %d at one moment at most", opens, lasting, float64(opens)/targets/lasting.Seconds(), most)
		if float64(opens) > targets*lasting.Seconds() {
			t.Errorf("%d opens", opens)
		}
		if most > targets/3 {
			t.Errorf("%d of %d are tried at one moment", most, targets)
		}
	})
}
