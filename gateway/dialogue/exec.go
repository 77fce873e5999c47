package dialogue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"consoled/ports"
)

const (
	// tapped is the most that waits for a program to read it, in bytes.
	tapped = 64 << 10
	// complaint is how much of what a program says on stderr its error holds.
	complaint = 200
)

// A tap is what a program has yet to read of what the target says. The reader of
// the line never waits for it.
type tap struct {
	mu    sync.Mutex
	text  []byte
	lost  bool
	moved chan struct{} // has one when there is something
}

func (p *tap) add(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := min(len(b), tapped-len(p.text)); n < len(b) {
		b, p.lost = b[:n], true
	}
	p.text = append(p.text, b...)
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

func (p *tap) take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.text
	p.text = nil
	return text
}

// feed writes what there is until ctx ends or nobody reads.
func (p *tap) feed(ctx context.Context, w io.WriteCloser) {
	defer w.Close()
	for {
		select {
		case <-p.moved:
			if _, err := w.Write(p.take()); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// exec connects a program to the line until it exits, which it has to do in
// time and with 0. It gets none of the gateway's environment, which may hold
// secrets, and ends with its process group.
func (t *Talk) exec(ctx context.Context, argv []string, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + ports.UsualPath, "TERM=vt220", "HOME=/"}
	ports.OwnGroup(cmd)
	cmd.WaitDelay = time.Second
	says := &ports.Head{Most: complaint}
	cmd.Stdout, cmd.Stderr = writer(func(p []byte) (int, error) { return len(p), t.write(p, limit) }), says
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	p := &tap{moved: make(chan struct{}, 1)}
	t.mu.Lock()
	p.add(t.window.text) // what it asked before the program was there
	t.window.text = nil
	t.tap = p
	t.mu.Unlock()
	feeding, stop := context.WithCancel(ctx)
	var fed sync.WaitGroup
	fed.Go(func() { p.feed(feeding, stdin) })
	if err = cmd.Run(); errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has ended well and left something in the background
	}
	ports.EndGroup(cmd)
	stop()
	fed.Wait()
	t.mu.Lock()
	t.tap = nil
	t.mu.Unlock()
	name := filepath.Base(argv[0])
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("program %s: %w", name, context.Cause(ctx))
	case err != nil && p.lost:
		return fmt.Errorf("program %s: %w; it did not read all that the target said", name, err)
	case err != nil && len(says.Bytes()) > 0:
		line, _, _ := bytes.Cut(bytes.TrimSpace(says.Bytes()), []byte("\n"))
		return fmt.Errorf("program %s: %w: %q", name, err, line)
	case errors.Is(err, exec.ErrNotFound):
		return &ports.Error{Reason: ports.Dialogue, Err: err, Fix: "install the program, or give its path"}
	case err != nil:
		return fmt.Errorf("program %s: %w", name, err)
	}
	return nil
}

// A writer is a function that writes.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
