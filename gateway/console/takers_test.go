package console

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"consoled/ports/porttest"
)

// TestOneWriter has fifty people fight for one console in ten thousand rounds
// while ten watchers type: there are never two writers, and what reaches the
// target is whole words of whoever held the lock, and nothing of a watcher.
func TestOneWriter(t *testing.T) {
	const takers, watchers, rounds = 50, 10, 10_000
	c, fake := start(t, porttest.Abilities{}, Options{Lock: LockOptions{ForceReason: "optional"}})
	line := fake.Line(t.Context())
	for c.Status().State != Up {
		runtime.Gosched() // the line is open, and says so in a moment
	}

	var round, writers, typed atomic.Int64
	var all sync.WaitGroup
	people := make([]*Attachment, takers)
	for i := range takers {
		people[i] = c.Attach(Client{
			Session: fmt.Sprint("t", i), Name: fmt.Sprint("t", i), Kind: Interactive, MayWrite: true, MayForce: true, MayAdmin: true,
		})
	}
	// The lock is looked at from beside it all along: whoever is its holder then
	// is the only one who says of himself that he writes.
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			c.mu.Lock()
			n := 0
			for _, a := range c.clients {
				if a.writerLocked() {
					n++
				}
			}
			c.mu.Unlock()
			writers.Store(max(writers.Load(), int64(n)))
		}
	})
	for i, a := range people {
		all.Go(func() {
			word := []byte(fmt.Sprintf("<%02d>", i))
			for {
				n := round.Add(1)
				if n > rounds {
					return
				}
				switch n % 7 {
				case 0:
					_ = a.Force("mine") // a refusal is part of the fight
				case 1:
					_ = a.Take()
				case 2:
					_ = a.Release()
				}
				if a.Type(t.Context(), word) == nil {
					typed.Add(1)
				}
				if n%4 == 0 {
					_ = a.Drain(t.Context()) // who loses the lock meanwhile is refused
				}
				if n%3 == 0 {
					_ = a.Release()
				}
			}
		})
	}
	for i := range watchers {
		all.Go(func() {
			a := c.Attach(Client{Session: fmt.Sprint("w", i), Name: fmt.Sprint("w", i), Kind: Interactive})
			defer a.Leave(false)
			for round.Load() <= rounds {
				if err := a.Type(t.Context(), []byte("#watcher#")); err == nil {
					t.Error("a watcher typed")
				}
				if a.Take() == nil || a.Force("x") == nil || a.Writer() {
					t.Error("a watcher has the lock")
				}
				a.Reply([]byte("#reply#"))
			}
		})
	}
	all.Wait()
	close(stop)
	looking.Wait()
	for _, a := range people {
		a.Leave(false)
	}
	if n := writers.Load(); n != 1 {
		t.Errorf("%d writers at once", n)
	}
	heard := line.Heard()
	if strings.Contains(heard, "#") {
		t.Error("the target heard a watcher")
	}
	words := 0
	for rest := []byte(heard); len(rest) > 0; words++ {
		if len(rest) < 4 || rest[0] != '<' || rest[3] != '>' || bytes.ContainsAny(rest[1:3], "<>") {
			t.Fatalf("the target heard a broken word: %.20q", rest)
		}
		rest = rest[4:]
	}
	t.Logf("%d rounds, %d words typed, %d heard", rounds, typed.Load(), words)
	if words == 0 || int64(words) > typed.Load() {
		t.Errorf("%d words heard of %d typed", words, typed.Load())
	}
}

// TestEventsInjectNothing looks at the events as cat would show them.
func TestEventsInjectNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{})
		fake.Line(t.Context())
		synctest.Wait()
		evil := "\x7f\u0085\u009b31m\u009d0;x\u009c\x1b[2J\r\n\x9b"
		a := c.Attach(Client{Session: "1", Name: "a" + evil, Source: evil, Kind: Interactive, MayWrite: true, MayForce: true})
		defer a.Leave(false)
		b := c.Attach(Client{Session: "2", Name: "b" + evil, Kind: Interactive, MayWrite: true, MayForce: true})
		defer b.Leave(false)
		if err := a.Take(); err != nil {
			t.Fatal(err)
		}
		if err := b.Force(evil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r, err := c.Record().Events()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		if err != nil || bytes.Count(text, []byte("\n")) < 4 {
			t.Fatalf("%q, %v", text, err)
		}
		for i, c := range string(text) {
			if c < ' ' && c != '\n' || c >= 0x7f && c < 0xa0 {
				t.Errorf("a control in %q", text[max(0, i-20):i+2])
			}
		}
	})
}
