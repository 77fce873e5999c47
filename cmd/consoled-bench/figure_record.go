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
	return s.recordWhile(ctx, r, row, rate/1e6, func(ctx context.Context) error {
		return paced(ctx, s.fleet.devices, rate)
	})
}

// recordFlat lets all consoles speak as fast as they can.
func recordFlat(ctx context.Context, r *rig, s *site) error {
	row := fmt.Sprintf("record %d consoles flat out", len(s.fleet.devices))
	return s.recordWhile(ctx, r, row, 0, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, r.span(5*time.Second))
		defer cancel()
		_, err := flatOut(ctx, s.fleet.devices)
		return err
	})
}

// recordWhile measures the server under a load until all is on disk.
func (s *site) recordWhile(ctx context.Context, r *rig, row string, rate float64, load func(context.Context) error) error {
	if up := s.fleet.up.Load(); up < int64(len(s.fleet.devices)) {
		s.set(row+": CPU per GB", "%d connected", up)
		return nil
	}
	cpu, said, began := s.process.cpu(), s.fleet.bytes(), time.Now()
	limited, cancel := context.WithTimeout(ctx, r.span(10*time.Second))
	defer cancel()
	if err := load(limited); err != nil {
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
