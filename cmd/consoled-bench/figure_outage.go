//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// outage takes all devices away at once, lets them refuse connections for a
// while, and brings them back.
func outage(ctx context.Context, r *rig, s *site) error {
	n := len(s.fleet.devices)
	down := r.span(10 * time.Second)
	row := func(what string) string {
		return fmt.Sprintf("outage of %d consoles for %.0f s: %s", n, down.Seconds(), what)
	}
	s.fleet.away()
	const settle = time.Second // the news of the outage is a cost of its own
	if err := pause(ctx, settle/2); err != nil {
		return err
	}
	cpu, began := s.process.cpu(), time.Now()
	if err := pause(ctx, down-settle/2); err != nil {
		return err
	}
	s.set(row("CPU meanwhile"), "%.1f %%", 100*float64(s.process.cpu()-cpu)/float64(time.Since(began)))
	back := time.Now()
	if err := s.fleet.listen(); err != nil {
		return err
	}
	last, err := s.fleet.connected(ctx, startLimit)
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		s.set(row("all back after"), "> %.0f s (%d back)", startLimit.Seconds(), s.fleet.up.Load())
		return nil
	}
	s.set(row("all back after"), "%s", seconds(last.Sub(back)))
	return nil
}
