//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// key is what is typed: no letter of any notice, and nobody's escape.
const key = '#'

// An echoDevice sends back what it gets, to any number of servers.
type echoDevice struct {
	listener net.Listener
	tasks    sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]bool
}

func startEcho() (*echoDevice, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &echoDevice{listener: l, conns: map[net.Conn]bool{}}
	d.tasks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.mu.Lock()
			d.conns[conn] = true
			d.mu.Unlock()
			d.tasks.Go(func() {
				io.Copy(struct{ io.Writer }{conn}, conn) // until either side ends it
				conn.Close()
				d.mu.Lock()
				delete(d.conns, conn)
				d.mu.Unlock()
			})
		}
	})
	return d, nil
}

func (d *echoDevice) port() int { return d.listener.Addr().(*net.TCPAddr).Port }

func (d *echoDevice) stop() {
	d.listener.Close()
	d.mu.Lock()
	for conn := range d.conns {
		conn.Close()
	}
	d.mu.Unlock()
	d.tasks.Wait()
}

// typeKeys attaches, types and measures how long each key takes to come back.
func typeKeys(ctx context.Context, c call, keys int) (p50, p99 time.Duration, _ error) {
	p, err := c.open(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer p.close()
	if c.Greeting != "" {
		if err := p.expect(ctx, []byte(c.Greeting)); err != nil {
			return 0, 0, err
		}
	}
	echoes := make(chan time.Time, keys)
	go listen(p.out, echoes) // ends when the person leaves
	// The first key takes the lock; what comes with it is no measure.
	if err := firstKey(ctx, p, echoes); err != nil {
		return 0, 0, err
	}
	took := make([]time.Duration, 0, keys)
	for range keys {
		// As people type, and out of step with whatever turns the server takes.
		if err := pause(ctx, 10*time.Millisecond+rand.N(20*time.Millisecond)); err != nil {
			return 0, 0, err
		}
		typed := time.Now()
		if _, err := p.in.Write([]byte{key}); err != nil {
			return 0, 0, err
		}
		select {
		case at, ok := <-echoes:
			if !ok {
				return 0, 0, errors.New("session ended")
			}
			took = append(took, at.Sub(typed))
		case <-time.After(personLimit):
			return 0, 0, errors.New("a key did not come back")
		}
	}
	slices.Sort(took)
	return rank(took, 0.5), rank(took, 0.99), nil
}

// firstKey types until a key comes back, and until no more do.
func firstKey(ctx context.Context, p *person, echoes <-chan time.Time) error {
	for range 20 {
		if _, err := p.in.Write([]byte{key}); err != nil {
			return err
		}
		select {
		case _, ok := <-echoes:
			if !ok {
				return errors.New("session ended")
			}
			for quiet := false; !quiet; {
				select {
				case <-echoes:
				case <-time.After(500 * time.Millisecond):
					quiet = true
				}
			}
			return nil
		case <-time.After(time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return errors.New("no key comes back")
}

// listen tells when each key came.
func listen(out io.Reader, echoes chan<- time.Time) {
	defer close(echoes)
	b := make([]byte, 4<<10)
	for {
		n, err := out.Read(b)
		for range bytes.Count(b[:n], []byte{key}) {
			echoes <- time.Now()
		}
		if err != nil {
			return
		}
	}
}
