//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// watchedRate is what a busy console says that people watch, in bytes a second.
const watchedRate = 1e6

// watchers is many people on one console: what a terminal costs, and whether they
// hold up a device that goes flat out.
func watchers(ctx context.Context, r *rig, s *site) error {
	defer r.people.ask(request{Do: "leave"}) // the next figure would tell that they cannot
	crowd := 0
	for _, n := range []int{10, 100} {
		if err := r.come(s, n-crowd); err != nil {
			return err
		}
		crowd = n
		if err := r.deliver(ctx, s, n); err != nil {
			return err
		}
	}
	return r.watchFlat(ctx, s, crowd)
}

// come lets n more people watch the first console.
func (r *rig) come(s *site, n int) error {
	_, err := r.people.ask(request{Do: "watch", Call: s.call(s, consoleName(0), false), N: n})
	return err
}

// deliver measures what each byte costs that reaches a terminal.
func (r *rig) deliver(ctx context.Context, s *site, n int) error {
	before, err := r.watched()
	if err != nil {
		return err
	}
	cpu := s.process.cpu()
	if err := during(ctx, r.span(5*time.Second), s.speakEvenly); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil { // for what is under way
		return err
	}
	after, err := r.watched()
	if err != nil {
		return err
	}
	cpu = s.process.cpu() - cpu
	row := fmt.Sprintf("%d watchers at 1 MB/s: CPU per GB delivered", n)
	s.set(row, "%.3g s", perGB(cpu, sum(after)-sum(before)))
	return nil
}

// speakEvenly is the first console, busy.
func (s *site) speakEvenly(ctx context.Context) error {
	return paced(ctx, s.fleet.devices[:1], watchedRate)
}

// watched is what each watcher has read by now.
func (r *rig) watched() ([]int64, error) {
	a, err := r.people.ask(request{Do: "count"})
	return a.Counts, err
}

func sum(list []int64) (total int64) {
	for _, n := range list {
		total += n
	}
	return total
}

// watchFlat measures the one device that speaks as fast as it can.
func (r *rig) watchFlat(ctx context.Context, s *site, crowd int) error {
	row := func(what string) string { return fmt.Sprintf("flat-out console, %d watchers: %s", crowd, what) }
	d := s.fleet.devices[0]
	limited, cancel := context.WithTimeout(ctx, r.span(6*time.Second))
	defer cancel()
	said, began := d.bytes, time.Now()
	blocked, err := flatOut(limited, s.fleet.devices[:1])
	if err != nil {
		return err
	}
	took := time.Since(began)
	s.set(row("speed of the device"), "%.3g MB/s", float64(d.bytes-said)/1e6/took.Seconds())
	s.set(row("longest write"), "%s", millis(blocked))
	if err := s.recorded(ctx); err != nil {
		return fmt.Errorf("record does not grow to what was said: %w", err)
	}
	v, err := checkRecord(s.record(s, consoleName(0)), 0, d.next, s.foreign())
	if err != nil {
		return err
	}
	s.set(row("record"), "%s", &v)
	return v.err()
}
