//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// echo is a key's way to the device and back, alone and while all other
// consoles speak. Beside the gateway's stands the least that any could take.
func echo(ctx context.Context, r *rig, s *site) error {
	if err := errors.Join(r.bareEcho(ctx, s), r.echo(s, "alone")); err != nil {
		return err
	}
	rate := 10e6
	if r.quick {
		rate /= 10
	}
	limited, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- paced(limited, s.fleet.devices, rate) }()
	err := pause(ctx, time.Second) // until the load is even
	if err == nil {
		err = r.echo(s, fmt.Sprintf("among %d consoles at %.3g MB/s in all", len(s.fleet.devices), rate/1e6))
	}
	cancel()
	if e := <-ended; err == nil {
		err = e
	}
	return err
}

func (r *rig) echo(s *site, when string) error { return r.typeAt(s, s.call(s, echoName, true), when) }

func (r *rig) typeAt(s *site, to call, when string) error {
	a, err := r.people.ask(request{Do: "echo", Call: to, N: r.count(300)})
	if err != nil {
		return err
	}
	s.set("echo "+when+": p50 / p99", "%s / %s", millis(a.P50), millis(a.P99))
	return nil
}
