//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// idleMemory is the memory of consoles that are connected and have said one
// line each.
func idleMemory(ctx context.Context, r *rig, s *site) error {
	n := len(s.fleet.devices)
	row := func(what string) string { return fmt.Sprintf("%d idle consoles: %s", n, what) }
	if up := s.fleet.up.Load(); up < int64(n) {
		s.set(row("memory (PSS)"), "%d connected", up)
		return nil
	}
	// A collector gives memory back some time after a start; nobody hurries it.
	cpu, began := s.process.cpu(), time.Now()
	if err := pause(ctx, r.span(10*time.Second)); err != nil {
		return err
	}
	pss := s.process.memory()
	s.set(row("memory (PSS)"), "%.1f MB", float64(pss)/1e6)
	s.set(row("memory for each"), "%.1f KiB", float64(pss)/1024/float64(n))
	s.set(row("CPU"), "%.1f %%", 100*float64(s.process.cpu()-cpu)/float64(time.Since(began)))
	return nil
}
