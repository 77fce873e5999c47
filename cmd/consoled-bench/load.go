//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	burst     = 250      // bytes that a device says at once: three or four lines
	stretch   = 100e-3   // seconds at most between two bursts of one device
	backlog   = 64 << 10 // bytes that a device keeps while its line takes nothing; then it falls silent
	blockSize = 32 << 10 // bytes in a write of a device that goes flat out
	turn      = time.Millisecond
)

// paced lets all devices of a fleet together say so many bytes a second, each its
// share in small bursts spread over time, until ctx ends. It returns when what was
// said has been taken by the kernel.
func paced(ctx context.Context, devices []*device, rate float64) error {
	share := rate / float64(len(devices))
	period := min(burst/share, stretch)
	workers := min(2, len(devices)) // more would not help on the few cores that are shared with the server
	errs := make([]error, workers)
	var tasks sync.WaitGroup
	for w := range workers {
		var mine []*device
		for i := w; i < len(devices); i += workers {
			mine = append(mine, devices[i])
		}
		tasks.Go(func() { errs[w] = pace(ctx, mine, share, time.Duration(period*float64(time.Second))) })
	}
	tasks.Wait()
	return errors.Join(errs...)
}

// pace goes round the devices, each once a period.
func pace(ctx context.Context, devices []*device, share float64, period time.Duration) error {
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	began := time.Now()
	allowed := make([]float64, len(devices)) // bytes that each may say by now, from the beginning
	said := make([]float64, len(devices))
	step := period / time.Duration(len(devices))
	for at := 0; ctx.Err() == nil; {
		<-ticker.C
		// Device i is due at i steps, then each period. After a delay, each is
		// visited once at most, and catches up by a larger burst.
		now := time.Since(began)
		due := int(now / max(step, 1))
		if due-at > len(devices) {
			at = due - len(devices)
		}
		for ; at < due; at++ {
			i := at % len(devices)
			d := devices[i]
			allowed[i] = share * now.Seconds()
			if len(d.rest) > backlog {
				said[i] = allowed[i]
			}
			for said[i] < allowed[i] {
				before := len(d.rest)
				d.say()
				said[i] += float64(len(d.rest) - before)
			}
			if err := d.flush(); err != nil {
				return fmt.Errorf("%s: %w", consoleName(d.id), err)
			}
		}
	}
	return drain(devices)
}

// drain brings out what waits.
func drain(devices []*device) error {
	var err error
	waited := until(context.Background(), 30*time.Second, func() bool {
		waiting := false
		for _, d := range devices {
			err = errors.Join(err, d.flush())
			waiting = waiting || len(d.rest) > 0
		}
		return !waiting || err != nil
	})
	if waited != nil {
		waited = fmt.Errorf("a line takes no output: %w", waited)
	}
	return errors.Join(err, waited)
}

// flatOut lets devices speak as fast as their lines take it until ctx ends, and
// returns the longest time that one of them had to wait in a write.
func flatOut(ctx context.Context, devices []*device) (blocked time.Duration, _ error) {
	errs := make([]error, len(devices))
	longest := make([]time.Duration, len(devices))
	var tasks sync.WaitGroup
	for i, d := range devices {
		tasks.Go(func() { longest[i], errs[i] = d.flatOut(ctx) })
	}
	tasks.Wait()
	for _, t := range longest {
		blocked = max(blocked, t)
	}
	return blocked, errors.Join(errs...)
}

func (d *device) flatOut(ctx context.Context) (blocked time.Duration, _ error) {
	for ctx.Err() == nil {
		for len(d.rest) < blockSize {
			d.say()
		}
		began := time.Now()
		n, err := d.conn.Write(d.rest)
		blocked = max(blocked, time.Since(began))
		d.bytes += int64(n)
		d.rest = d.rest[:0]
		if err != nil {
			return blocked, err
		}
	}
	return blocked, nil
}
