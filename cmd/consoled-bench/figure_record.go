//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// recordThousand is a busy and a quiet day of a thousand consoles.
func recordThousand(ctx context.Context, r *rig, s *site) error {
	for _, rate := range []float64{10e6, 1e6} {
		if err := recordPaced(ctx, r, s, rate); err != nil {
			return err
		}
	}
	return nil
}

func recordMany(ctx context.Context, r *rig, s *site) error { return recordPaced(ctx, r, s, 10e6) }

// recordPaced lets all consoles speak at a rate and compares the records.
func recordPaced(ctx context.Context, r *rig, s *site, rate float64) error {
	if r.quick {
		rate /= 10 // as there is a tenth of the consoles
	}
	row := fmt.Sprintf("record %d consoles at %.3g MB/s in all", len(s.fleet.devices), rate/1e6)
	load := func(ctx context.Context) error { return paced(ctx, s.fleet.devices, rate) }
	return s.recordWhile(ctx, r, row, rate/1e6, 8*time.Second, load)
}

// recordFlat lets all consoles speak as fast as they can.
func recordFlat(ctx context.Context, r *rig, s *site) error {
	row := fmt.Sprintf("record %d consoles flat out", len(s.fleet.devices))
	return s.recordWhile(ctx, r, row, 0, 3*time.Second, func(ctx context.Context) error {
		_, err := flatOut(ctx, s.fleet.devices)
		return err
	})
}

// recordWhile measures the server under a load until all is on disk.
func (s *site) recordWhile(ctx context.Context, r *rig, row string, rate float64, span time.Duration, load func(context.Context) error) error {
	if up := s.fleet.up.Load(); up < int64(len(s.fleet.devices)) {
		s.set(row+": CPU per GB", "%d connected", up)
		return nil
	}
	// The first seconds also make files and buffers, and are another figure.
	if err := during(ctx, r.span(1500*time.Millisecond), load); err != nil {
		return err
	}
	if err := s.recorded(ctx); err != nil {
		return fmt.Errorf("record does not grow to what was said: %w", err)
	}
	cpu, said, began := s.process.cpu(), s.fleet.bytes(), time.Now()
	if err := during(ctx, r.span(span), load); err != nil {
		return err
	}
	took := time.Since(began)
	if err := s.recorded(ctx); err != nil {
		return fmt.Errorf("record does not grow to what was said: %w", err)
	}
	cpu, said = s.process.cpu()-cpu, s.fleet.bytes()-said
	v, err := s.verify()
	if err != nil {
		return err
	}
	reached := float64(said) / 1e6 / took.Seconds()
	s.set(row+": CPU per GB", "%.3g s", perGB(cpu, said))
	if rate == 0 || reached < 0.95*rate {
		s.set(row+": reached", "%.3g MB/s", reached)
	}
	s.set(row+": memory", "%.0f MB", float64(s.process.memory())/1e6)
	s.set(row+": record", "%s", &v)
	return v.err()
}

// during runs a load for some time.
func during(ctx context.Context, d time.Duration, load func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return load(ctx)
}
