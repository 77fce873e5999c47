package sim

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

// A puppet is a backend whose script is the test.
type puppet chan *hand

// A hand is the script's end of a line.
type hand struct {
	*actor
	rest []byte
}

func (puppet) Check() error   { return nil }
func (puppet) String() string { return "sim puppet" }

func (b puppet) Open(ctx context.Context) (ports.Port, error) {
	if ctx.Err() != nil {
		return nil, ports.Ended(ctx, "open sim puppet")
	}
	l := newLine("sim puppet")
	go func() {
		<-l.done
		close(l.ended)
	}()
	b <- &hand{actor: &actor{line: l, speed: 1}}
	return l, nil
}

func (h *hand) Read(p []byte) (int, error) {
	if len(h.rest) == 0 {
		if h.rest = h.input(); h.rest == nil {
			return 0, io.EOF
		}
	}
	n := copy(p, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

func (h *hand) Write(p []byte) (int, error) {
	h.say(string(p))
	return len(p), nil
}

func (h *hand) Close() error {
	h.finish(&ports.Error{Reason: ports.Closed, Op: "read sim puppet"})
	return nil
}

func TestContract(t *testing.T) {
	off := &Sim{Kind: Panic, off: 1}
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			b := make(puppet, 1)
			return b, func() io.ReadWriteCloser { return <-b }
		},
		End:    ports.Closed,
		Absent: []porttest.Absent{{Backend: off, Reason: ports.Refused}},
	})
}

func TestCheck(t *testing.T) {
	for _, s := range []*Sim{{}, {Kind: "toaster"}, {Kind: Noise, Rate: -1}, {Kind: Boot, Speed: -1}} {
		err := s.Check()
		if err == nil {
			t.Errorf("%+v was accepted", s)
		}
		if _, opens := s.Open(t.Context()); ports.ReasonOf(opens) != ports.Failed {
			t.Errorf("%+v was opened", s)
		}
	}
	for _, kind := range []string{Boot, Panic, Switch, Echo, Noise} {
		if err := (&Sim{Kind: kind}).Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestEcho(t *testing.T) {
	play(t, &Sim{Kind: Echo}, func(p *player) {
		p.typed("a\x00\xff\n\rb")
		p.expect("a\x00\xff\n\r\nb")
		long := strings.Repeat("0123456789", 10_000)
		go p.port.Write([]byte(long + "."))
		got := ""
		buf := make([]byte, 777)
		for !strings.HasSuffix(got, ".") {
			n, err := p.port.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += string(buf[:n])
		}
		if got != long+"." {
			t.Errorf("%d bytes came back of %d", len(got), len(long)+1)
		}
	})
}

// Whatever a machine is at, Close ends it at once, and all calls with it.
func TestCloseAtAnyTime(t *testing.T) {
	for _, kind := range []string{Boot, Panic, Switch, Echo, Noise} {
		for after := time.Duration(0); after < 20*time.Second; after += 700 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				port, err := (&Sim{Kind: kind, Rate: 20_000}).Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				reads := make(chan error)
				go func() {
					_, err := io.Copy(io.Discard, port)
					reads <- err
				}()
				time.Sleep(after)
				start := time.Now()
				port.Close()
				if err := <-reads; !errors.Is(err, net.ErrClosed) && ports.ReasonOf(err) != ports.Closed {
					t.Errorf("read: %v", err)
				}
				if took := time.Since(start); took > 0 {
					t.Errorf("%s: close after %v takes %v", kind, after, took)
				}
			})
		}
	}
}

// A machine that nobody reads waits, and Close ends it all the same.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, kind := range []string{Boot, Switch, Noise} {
			port, err := (&Sim{Kind: kind}).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			l := port.(*line)
			l.mu.Lock()
			if len(l.out) > l.size || cap(l.out) > 2*l.size {
				t.Errorf("%s: %d bytes wait, in %d", kind, len(l.out), cap(l.out))
			}
			l.mu.Unlock()
			port.Close()
		}
	})
}

// An idle machine costs a goroutine and little else.
func TestIdleIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("measures memory")
	}
	const machines = 200
	for _, kind := range []string{Boot, Switch, Echo} {
		memory := func() uint64 {
			runtime.GC()
			runtime.GC() // the first one shrinks stacks for the second
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc + m.StackInuse
		}
		before := memory()
		open := make([]ports.Port, machines)
		for i := range open {
			port, err := (&Sim{Kind: kind, Speed: 1e6}).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			open[i] = port
		}
		buf := make([]byte, 4096)
		for _, port := range open {
			if kind != Echo {
				p := &player{t: t, port: port}
				p.expect(map[string]string{Boot: "login: ", Switch: "get started"}[kind])
			}
			for n := 1; n > 0; {
				n, _ = port.(ports.TryReader).TryRead(buf)
			}
		}
		each := (memory() - before) / machines
		t.Logf("%s: %d bytes each", kind, each)
		if each > 16<<10 {
			t.Errorf("%s: %d bytes each", kind, each)
		}
		for _, port := range open {
			port.Close()
		}
	}
}
