//go:build linux

package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// comingAtOnce bounds how many people log in at the same time.
const comingAtOnce = 8

// A crowd is people who watch.
type crowd struct {
	watchers []*watcher
	tasks    sync.WaitGroup
}

// A watcher reads all that comes, unless it is told to stall.
type watcher struct {
	*person
	bytes   atomic.Int64
	stalled atomic.Bool
	gone    chan struct{}
	ready   chan struct{} // closed when the first byte has come
}

// come lets n more people watch, and returns when each has seen something.
func (c *crowd) come(ctx context.Context, call call, n int) error {
	var mu sync.Mutex
	var errs error
	var coming sync.WaitGroup
	gate := make(chan struct{}, comingAtOnce)
	for range n {
		coming.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			p, err := call.open(ctx)
			if err != nil {
				mu.Lock()
				errs = errors.Join(errs, err)
				mu.Unlock()
				return
			}
			w := &watcher{person: p, gone: make(chan struct{}), ready: make(chan struct{})}
			mu.Lock()
			c.watchers = append(c.watchers, w)
			mu.Unlock()
			c.tasks.Go(w.watch)
			<-w.ready
		})
	}
	coming.Wait()
	return errs
}

func (w *watcher) watch() {
	seen := sync.OnceFunc(func() { close(w.ready) })
	defer seen()
	b := make([]byte, 64<<10)
	for {
		n, err := w.out.Read(b)
		w.bytes.Add(int64(n))
		seen()
		if err != nil {
			return
		}
		if w.stalled.Load() {
			<-w.gone
			return
		}
	}
}

// stall makes the first n stop reading, without leaving.
func (c *crowd) stall(n int) {
	for _, w := range c.watchers[:min(n, len(c.watchers))] {
		w.stalled.Store(true)
	}
}

func (c *crowd) leave() {
	for _, w := range c.watchers {
		close(w.gone)
		w.close()
	}
	c.tasks.Wait()
	c.watchers = nil
}

func (c *crowd) counts() (counts []int64) {
	for _, w := range c.watchers {
		counts = append(counts, w.bytes.Load())
	}
	return counts
}
