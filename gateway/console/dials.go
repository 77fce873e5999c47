package console

import (
	"context"
	"strings"
	"sync"
	"time"

	"consoled/ports"
)

// How many dials are under way at once. One that takes long gives its turn to the
// next, so that targets that do not answer, and name servers, hold up nobody else:
// it is how fast new dials are begun that is bounded.
const (
	dialsAtOnce = 256 // of all the consoles
	dialsToHost = 8   // where rate: says nothing
	turnOfAll   = 250 * time.Millisecond
	turnOfHost  = time.Second
)

// dials hands out turns to dial: to all hosts together, and to each.
type dials struct {
	mu      sync.Mutex
	busy    map[string]int // by host; "" for all of them
	waiting map[string][]chan struct{}
}

func newDials() *dials {
	return &dials{busy: map[string]int{}, waiting: map[string][]chan struct{}{}}
}

// turn waits until the console may dial. Lines of this machine need no turn.
func (c *Console) turn(ctx context.Context, backend ports.Backend) (done func(), err error) {
	remote, ok := backend.(ports.Remote)
	if !ok || c.dials == nil {
		return func() {}, nil
	}
	rate := c.Options().Manners.Rate
	if rate <= 0 {
		rate = dialsToHost
	}
	host, err := c.dials.enter(ctx, strings.ToLower(remote.Host()), rate, turnOfHost)
	if err != nil {
		return nil, err
	}
	all, err := c.dials.enter(ctx, "", dialsAtOnce, turnOfAll)
	if err != nil {
		host()
		return nil, err
	}
	return func() { all(); host() }, nil
}

// enter waits for one of n turns. It ends with done, and after so long at the latest.
func (d *dials) enter(ctx context.Context, key string, n int, most time.Duration) (done func(), err error) {
	d.mu.Lock()
	if d.busy[key] >= n {
		next := make(chan struct{})
		d.waiting[key] = append(d.waiting[key], next)
		d.mu.Unlock()
		select {
		case <-next: // who left has handed us the turn
		case <-ctx.Done():
			d.giveUp(key, next)
			return nil, ports.Ended(ctx, "wait for a turn to dial")
		}
	} else {
		d.busy[key]++
		d.mu.Unlock()
	}
	var once sync.Once
	leave := func() { once.Do(func() { d.leave(key) }) }
	timer := time.AfterFunc(most, leave)
	return func() { timer.Stop(); leave() }, nil
}

// leave hands the turn to who waits longest.
func (d *dials) leave(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if queue := d.waiting[key]; len(queue) > 0 {
		close(queue[0])
		if queue = queue[1:]; len(queue) == 0 {
			delete(d.waiting, key)
		} else {
			d.waiting[key] = queue
		}
		return
	}
	if d.busy[key]--; d.busy[key] == 0 {
		delete(d.busy, key)
	}
}

// giveUp leaves the queue, or passes on a turn that came at the same moment.
func (d *dials) giveUp(key string, next chan struct{}) {
	d.mu.Lock()
	for i, other := range d.waiting[key] {
		if other == next {
			rest := append(d.waiting[key][:i:i], d.waiting[key][i+1:]...)
			if d.waiting[key] = rest; len(rest) == 0 {
				delete(d.waiting, key)
			}
			d.mu.Unlock()
			return
		}
	}
	d.mu.Unlock()
	d.leave(key)
}
