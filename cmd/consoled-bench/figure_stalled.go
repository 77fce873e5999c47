//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	stalling = 10 // more than one, whose cost would drown in what else memory does
	reading  = 10
)

// stalled is people whose terminals take no more: what each costs the server,
// and those who go on reading.
func stalled(ctx context.Context, r *rig, s *site) error {
	defer r.people.ask(request{Do: "leave"}) // the next figure would tell that they cannot
	if err := r.come(s, stalling+reading); err != nil {
		return err
	}
	free, freeMemory, err := r.slowest(ctx, s)
	if err != nil {
		return err
	}
	if _, err := r.people.ask(request{Do: "stall", N: stalling}); err != nil {
		return err
	}
	held, heldMemory, err := r.slowest(ctx, s)
	if err != nil {
		return err
	}
	s.set("10 stalled watchers: memory for each", "%+.2f MB", float64(heldMemory-freeMemory)/1e6/stalling)
	s.set("10 stalled watchers: slowest of 10 others", "%.3g MB/s (without: %.3g)", held, free)
	return nil
}

// slowest lets the first console speak at 1 MB/s and returns the speed of the
// slowest of those who read, and the server's memory in the second half.
func (r *rig) slowest(ctx context.Context, s *site) (speed float64, memory int64, _ error) {
	before, err := r.watched()
	if err != nil {
		return 0, 0, err
	}
	if len(before) != stalling+reading {
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
	return float64(slices.Min(after[stalling:])) / 1e6 / took.Seconds(), memory, nil
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
