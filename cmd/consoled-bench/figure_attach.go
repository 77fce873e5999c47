//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// attachStock is how long people wait for a console: from the start of the
// client until the first byte of the record is on their screen. Through the gateway
// it is the system's own ssh. A peer has a client of its own, and shows no record;
// there it is until the client says that it is attached.
func attachStock(ctx context.Context, r *rig, s *site) error {
	var took []time.Duration
	for range r.count(20) {
		d, err := s.attachOnce(ctx)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	slices.Sort(took)
	s.set("attach with the stock client: median", "%s", millis(rank(took, 0.5)))
	return s.attachMany(ctx, r.count(160), 16)
}

// attachMany attaches again and again, several at once.
func (s *site) attachMany(ctx context.Context, total, atOnce int) error {
	cpu, began := s.process.cpu(), time.Now()
	next := make(chan struct{})
	errs := make([]error, atOnce)
	var tasks sync.WaitGroup
	for i := range atOnce {
		tasks.Go(func() {
			for range next {
				if _, err := s.attachOnce(ctx); err != nil {
					errs[i] = errors.Join(errs[i], err)
				}
			}
		})
	}
	for range total {
		next <- struct{}{}
	}
	close(next)
	tasks.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	took := time.Since(began)
	s.set(fmt.Sprintf("attaches a second, %d at once", atOnce), "%.0f", float64(total)/took.Seconds())
	s.set("server CPU for each attach", "%s", millis((s.process.cpu()-cpu)/time.Duration(total)))
	return nil
}

// attachOnce attaches to the first console and leaves.
func (s *site) attachOnce(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	c, ours := s.server.(*consoled)
	if !ours {
		err := s.call(s, consoleName(0), false).knock(ctx)
		return time.Since(began), err
	}
	ctx, cancel := context.WithTimeout(ctx, personLimit)
	defer cancel()
	argv := c.stockSSH(s, consoleName(0))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	in, err := cmd.StdinPipe() // kept open: its end would be the session's
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	p := person{out: out, close: cancel}
	err = p.expect(ctx, filler[:shortest])
	took := time.Since(began)
	cancel()
	cmd.Wait() // it was killed
	if err != nil {
		err = fmt.Errorf("ssh: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return took, err
}
