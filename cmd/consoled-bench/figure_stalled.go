//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// stalled is one of eleven people whose terminal takes no more: what that costs
// the server, and the ten others.
func stalled(ctx context.Context, r *rig, s *site) error {
	defer r.people.ask(request{Do: "leave"}) // the next figure would tell that they cannot
	const others = 10
	if err := r.come(s, others+1); err != nil {
		return err
	}
	free, freeMemory, err := r.slowest(ctx, s)
	if err != nil {
		return err
	}
	if _, err := r.people.ask(request{Do: "stall", N: 1}); err != nil {
		return err
	}
	held, heldMemory, err := r.slowest(ctx, s)
	if err != nil {
		return err
	}
	s.set("one stalled watcher: memory", "%+.2f MB", float64(heldMemory-freeMemory)/1e6)
	s.set("one stalled watcher: slowest of 10 others", "%.3g MB/s (without: %.3g)", held, free)
	return nil
}

// slowest lets the first console speak at 1 MB/s and returns the speed of the
// slowest of the watchers but the first, and the server's memory in the second half.
func (r *rig) slowest(ctx context.Context, s *site) (speed float64, memory int64, _ error) {
	before, err := r.watched()
	if err != nil {
		return 0, 0, err
	}
	if len(before) < 2 {
		return 0, 0, fmt.Errorf("%d watchers", len(before))
	}
	began := time.Now()
	err = during(ctx, r.span(8*time.Second), func(ctx context.Context) error {
		measured := make(chan int64, 1)
		go func() { measured <- s.meanMemory(ctx, r.span(4*time.Second)) }()
		err := s.speakEvenly(ctx)
		memory = <-measured
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	if err := pause(ctx, time.Second); err != nil { // for what is under way
		return 0, 0, err
	}
	after, err := r.watched()
	if err != nil {
		return 0, 0, err
	}
	for i := range after {
		after[i] -= before[i]
	}
	return float64(slices.Min(after[1:])) / 1e6 / took.Seconds(), memory, nil
}

// meanMemory is the mean of the server's memory from some time on until ctx
// ends: garbage comes and goes meanwhile.
func (s *site) meanMemory(ctx context.Context, from time.Duration) int64 {
	var total, n int64
	for err := pause(ctx, from); err == nil; err = pause(ctx, 200*time.Millisecond) {
		total += s.process.memory()
		n++
	}
	return total / max(n, 1)
}
