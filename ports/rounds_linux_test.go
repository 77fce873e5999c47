package ports_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"consoled/ports"
)

// rounds runs until the test's end.
func rounds(t *testing.T) *ports.Rounds {
	t.Helper()
	r := ports.NewRounds()
	if r == nil {
		t.Fatal("no rounds")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { r.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return r
}

// polled is a TCP line and its peer.
func polled(t *testing.T) (ports.Port, io.ReadWriteCloser) {
	t.Helper()
	backend, accept := listen(t, "tcp", "127.0.0.1:0", tcp)
	port, err := backend.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	peer := accept()
	t.Cleanup(func() {
		port.Close()
		peer.Close()
	})
	return port, peer
}

// reader collects a line into a channel.
func reader(p ports.Port) (collect func(), said chan string) {
	said = make(chan string, 100)
	return func() {
		buf := make([]byte, 100)
		n, err := p.(ports.TryReader).TryRead(buf)
		said <- string(buf[:n])
		if err != nil {
			said <- string(ports.ReasonOf(err))
		}
	}, said
}

func TestRounds(t *testing.T) {
	r := rounds(t)
	const lines = 200 // more than there is room for in the beginning
	var peers []io.WriteCloser
	var heard []chan string
	for range lines {
		port, peer := polled(t)
		collect, said := reader(port)
		leave, ok := r.Join(port, collect)
		if !ok {
			t.Fatal("not joined")
		}
		t.Cleanup(leave)
		peers, heard = append(peers, peer), append(heard, said)
	}
	for i, peer := range peers {
		fmt.Fprintf(peer, "line %d", i)
	}
	for i, said := range heard {
		if got := <-said; got != fmt.Sprintf("line %d", i) {
			t.Errorf("line %d: %q", i, got)
		}
	}
	peers[7].Close() // its end is told too
	for _, want := range []string{"", string(ports.Closed)} {
		if got := <-heard[7]; got != want {
			t.Errorf("at the end: %q", got)
		}
	}
}

// TestRoundsLeave: who has left is not called any more, and can join again.
func TestRoundsLeave(t *testing.T) {
	r := rounds(t)
	port, peer := polled(t)
	first, saidFirst := reader(port)
	leave, _ := r.Join(port, first)
	leave()
	fmt.Fprint(peer, "hello")
	second, saidSecond := reader(port)
	if _, ok := r.Join(port, second); !ok {
		t.Fatal("not joined again")
	}
	if got := <-saidSecond; got != "hello" || len(saidFirst) > 0 {
		t.Errorf("%q, and %d by the first", got, len(saidFirst))
	}
}

// TestRoundsStuck: lines that hang, as on a disk that does, hold up no other.
func TestRoundsStuck(t *testing.T) {
	r := rounds(t)
	release := make(chan struct{})
	var stuck atomic.Int32
	for range 20 {
		port, peer := polled(t)
		if _, ok := r.Join(port, func() { stuck.Add(1); <-release }); !ok {
			t.Fatal("not joined")
		}
		fmt.Fprint(peer, "x")
	}
	defer close(release)
	port, peer := polled(t)
	collect, said := reader(port)
	if _, ok := r.Join(port, collect); !ok {
		t.Fatal("not joined")
	}
	for i := range 3 {
		fmt.Fprint(peer, i)
		if got := <-said; got != fmt.Sprint(i) {
			t.Errorf("%q", got)
		}
	}
	if stuck.Load() == 0 {
		t.Error("none was stuck")
	}
}

// TestRoundsRefuse: what cannot be left alone for a turn is read by itself.
func TestRoundsRefuse(t *testing.T) {
	r := rounds(t)
	port, _ := polled(t)
	if _, ok := r.Join(struct{ ports.Port }{port}, func() {}); ok {
		t.Error("a port without a descriptor has joined")
	}
	port.Close()
	if _, ok := r.Join(port, func() {}); ok {
		t.Error("a closed port has joined")
	}
	if _, ok := (*ports.Rounds)(nil).Join(port, func() {}); ok {
		t.Error("a port has joined no rounds")
	}
}
