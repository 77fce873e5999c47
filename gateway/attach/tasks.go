package attach

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Tasks are goroutines whose owner waits for them and takes over their panic:
// so it ends the session where it is caught, and not the process. The zero value is ready.
type Tasks struct {
	group sync.WaitGroup
	mu    sync.Mutex
	panic error // the first
}

// Go starts f. Where f panics, failed is called, if it is not nil, to end what
// the owner waits for.
func (t *Tasks) Go(f, failed func()) {
	t.group.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				t.keep(fmt.Errorf("%v\n%s", p, debug.Stack()))
				if failed != nil {
					failed()
				}
			}
		}()
		f()
	})
}

func (t *Tasks) keep(p error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.panic == nil {
		t.panic = p
	}
}

// Wait waits until all have ended, and panics if one of them did.
func (t *Tasks) Wait() {
	t.group.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.panic != nil {
		panic(t.panic)
	}
}
