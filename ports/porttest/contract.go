package porttest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"consoled/ports"
)

// Options describe a backend and its real counterpart to Run.
type Options struct {
	// Start readies a counterpart for one open: a listener, a pair of
	// pseudo-terminals. The backend reaches it, and accept, called once after the
	// open, is its end: what is written there the port reads, and the other way
	// round; Close there ends the line. It is closed by Run. What else it needs
	// ends by t.Cleanup.
	Start func(t *testing.T) (backend ports.Backend, accept func() io.ReadWriteCloser)

	// End is the reason of a line that its counterpart has ended.
	End ports.Reason

	// LosesLast says that the end of the line takes with it what was not yet
	// read, as unplugging does.
	LosesLast bool

	// Absent are backends whose target is not there, or refuses.
	Absent []Absent

	// Silent is a backend whose Open waits for an answer that never comes; nil
	// where there is no such thing.
	Silent ports.Backend

	// HearBreak waits until the counterpart has seen a break; nil where it
	// cannot see one.
	HearBreak func(t *testing.T, peer io.ReadWriteCloser)

	// Size is how many bytes are sent each way: 300 KiB if it is 0. It is for a
	// counterpart that is slow.
	Size int

	// Opens is how many opens the test for leaks makes: 1,000 if it is 0.
	Opens int
}

// An Absent is a backend that cannot be opened, and the reason to be given.
type Absent struct {
	Backend ports.Backend
	Reason  ports.Reason
}

// soon is what "at once" may take on a busy machine under the race detector,
// also where the counterpart is a program that has to be woken.
const soon = 30 * time.Second

// Run is the contract of a backend, each part of it a subtest.
func Run(t *testing.T, o Options) {
	t.Helper()
	t.Run("describes itself", o.describes)
	t.Run("8-bit clean", func(t *testing.T) { o.clean(t, readAll) })
	t.Run("close ends Read", func(t *testing.T) {
		o.closes(t, func(p ports.Port) error { return second(p.Read(make([]byte, 100))) })
	})
	t.Run("close ends Write", func(t *testing.T) { o.closes(t, writeUntilError) })
	t.Run("open honours its context", o.context)
	t.Run("end of the line", func(t *testing.T) { o.ends(t, ports.Port.Read) })
	t.Run("leaks nothing", o.leaks)
	for _, absent := range o.Absent {
		t.Run("absent "+absent.Backend.String(), absent.test)
	}

	var canBreak, canTry bool
	t.Run("abilities", func(t *testing.T) {
		port, _ := o.open(t)
		_, canBreak = port.(ports.Breaker)
		_, canTry = port.(ports.TryReader)
	})
	if canBreak {
		t.Run("break", o.breaks)
	}
	if canTry {
		t.Run("TryRead without waiting", o.tries)
		t.Run("8-bit clean by TryRead", func(t *testing.T) { o.clean(t, tryAll) })
		t.Run("close ends Wait", func(t *testing.T) {
			o.closes(t, func(p ports.Port) error { return waitForBytes(p.(ports.TryReader), make([]byte, 1)) })
		})
		t.Run("end of the line by TryRead", func(t *testing.T) { o.ends(t, waitAndTry) })
	}
}

// open opens a port and its counterpart, which the end of the test closes.
func (o Options) open(t *testing.T) (ports.Port, io.ReadWriteCloser) {
	t.Helper()
	backend, accept := o.Start(t)
	port, err := backend.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	peer := accept()
	t.Cleanup(func() { peer.Close() })
	return port, peer
}

func (o Options) describes(t *testing.T) {
	backend, _ := o.Start(t)
	if err := backend.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	if text := backend.String(); text == "" || strings.ContainsAny(text, "\n\x00") {
		t.Errorf("String: %q", text)
	}
}

// payload is n bytes that hold every value beside every other one in time.
func payload(n int) []byte {
	p := make([]byte, n)
	state := uint32(1)
	for i := range p {
		if i < 512 {
			p[i] = byte(i) // first all of them in order
			continue
		}
		state = state*1664525 + 1013904223
		p[i] = byte(state >> 24)
	}
	return p
}

// clean sends payloads both ways at the same time.
func (o Options) clean(t *testing.T, read func(p ports.Port, into []byte) error) {
	port, peer := o.open(t)
	size := cmp.Or(o.Size, 300<<10+7)
	down, up := payload(size), payload(size+1)
	gotDown, gotUp := make([]byte, len(down)), make([]byte, len(up))
	results := make(chan error, 4)
	begun := make(chan struct{}) // when what both ends agree on before any data is settled
	go func() { results <- writeOdd(peer, down) }()
	go func() {
		<-begun
		results <- writeOdd(port, up)
	}()
	go func() {
		err := read(port, gotDown[:1])
		close(begun)
		if err == nil {
			err = read(port, gotDown[1:])
		}
		results <- err
	}()
	go func() { _, err := io.ReadFull(peer, gotUp); results <- err }()
	limit := time.After(60 * time.Second)
	for range 4 {
		select {
		case err := <-results:
			if err != nil {
				t.Fatal(err)
			}
		case <-limit:
			t.Fatal("bytes are missing")
		}
	}
	same(t, "read", gotDown, down)
	same(t, "written", gotUp, up)
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for got[i] == want[i] {
		i++
	}
	t.Errorf("%s: byte %d is %#02x and not %#02x (after % x)", what, i, got[i], want[i], want[max(0, i-8):i])
}

// writeOdd writes in pieces of 1 to 8,191 bytes.
func writeOdd(w io.Writer, p []byte) error {
	for size := 1; len(p) > 0; size = size*7%8191 + 1 {
		n, err := w.Write(p[:min(size, len(p))])
		if err != nil {
			return fmt.Errorf("%d bytes before the end: %w", len(p)-n, err)
		}
		p = p[n:]
	}
	return nil
}

func readAll(p ports.Port, into []byte) error { return second(io.ReadFull(p, into)) }

func tryAll(p ports.Port, into []byte) error {
	for len(into) > 0 {
		n, err := waitAndTry(p, into[:min(len(into), 1000)])
		if err != nil {
			return err
		}
		into = into[n:]
	}
	return nil
}

// waitAndTry is a Read made of Wait and TryRead.
func waitAndTry(p ports.Port, b []byte) (int, error) {
	try := p.(ports.TryReader)
	for {
		if err := try.Wait(); err != nil {
			return 0, err
		}
		if n, err := try.TryRead(b); n > 0 || err != nil {
			return n, err
		}
	}
}

func second(_ int, err error) error { return err }

func writeUntilError(p ports.Port) error {
	full := payload(64 << 10)
	for {
		if _, err := p.Write(full); err != nil {
			return err
		}
	}
}

// closes has blocked wait for something that does not come, and closes the
// port from another goroutine, twice.
func (o Options) closes(t *testing.T, blocked func(ports.Port) error) {
	port, _ := o.open(t)
	result := make(chan error, 1)
	go func() { result <- blocked(port) }()
	select {
	case err := <-result:
		t.Fatalf("did not block: %v", err)
	case <-time.After(300 * time.Millisecond): // enough for what fills buffers first
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		port.Close()
		if err := port.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}()
	within(t, "Close", closed)
	select {
	case err := <-result:
		typed(t, err)
	case <-time.After(soon):
		t.Fatal("Close did not end it")
	}
	_, err := port.Write([]byte("x"))
	typed(t, err)
	_, err = port.Read(make([]byte, 1))
	typed(t, err)
	if try, ok := port.(ports.TryReader); ok {
		_, err = try.TryRead(make([]byte, 1))
		typed(t, err)
		typed(t, try.Wait())
	}
	if b, ok := port.(ports.Breaker); ok {
		typed(t, b.Break(time.Millisecond))
	}
}

func within(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatalf("%s takes more than %v", what, soon)
	}
}

// typed is what every error of a port has to be.
func typed(t *testing.T, err error) ports.Reason {
	t.Helper()
	e, ok := errors.AsType[*ports.Error](err)
	switch {
	case err == nil:
		t.Error("no error")
	case !ok:
		t.Errorf("%T %v is not an *ports.Error", err, err)
	case e.Reason == "" || e.Op == "":
		t.Errorf("reason or operation is missing: %+v", e)
	default:
		return e.Reason
	}
	return ""
}

func (o Options) context(t *testing.T) {
	goodbye := errors.New("the goodbye")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(goodbye)
	backend, _ := o.Start(t)
	if port, err := backend.Open(ended); err == nil {
		port.Close()
		t.Error("opened with a context that has ended")
	} else if typed(t, err); !errors.Is(err, goodbye) {
		t.Errorf("%v does not tell the cause", err)
	}
	if o.Silent == nil {
		return
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(goodbye) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		if port, err := o.Silent.Open(ctx); err == nil {
			port.Close()
			t.Error("what is silent was opened")
		} else if typed(t, err); !errors.Is(err, goodbye) {
			t.Errorf("%v does not tell the cause", err)
		}
	}()
	within(t, "the end of an open", done)
}

// ends has the counterpart say its last words and go.
func (o Options) ends(t *testing.T, read func(ports.Port, []byte) (int, error)) {
	port, peer := o.open(t)
	words := payload(1000)
	if _, err := peer.Write(words); err != nil {
		t.Fatal(err)
	}
	if !o.LosesLast {
		peer.Close()
	}
	got := make([]byte, len(words))
	result := make(chan error, 1)
	go func() {
		for n := 0; n < len(got); {
			m, err := read(port, got[n:])
			if err != nil {
				result <- fmt.Errorf("after %d of the last bytes: %w", n, err)
				return
			}
			n += m
		}
		result <- nil
		result <- second(read(port, make([]byte, 1)))
	}()
	for i := range 2 {
		if i == 1 && o.LosesLast {
			peer.Close()
		}
		select {
		case err := <-result:
			if i == 0 {
				if err != nil {
					t.Fatal(err)
				}
				same(t, "last words", got, words)
			} else if reason := typed(t, err); reason != o.End {
				t.Errorf("%v: reason %q, not %q", err, reason, o.End)
			}
		case <-time.After(soon):
			t.Fatal("the end does not show")
		}
	}
	if err := second(read(port, make([]byte, 1))); typed(t, err) != o.End {
		t.Errorf("the second time: %v", err)
	}
}

func (o Options) breaks(t *testing.T) {
	port, peer := o.open(t)
	b := port.(ports.Breaker)
	const length = 20 * time.Millisecond
	start := time.Now()
	if err := b.Break(length); err != nil {
		t.Fatal(err)
	}
	if o.HearBreak != nil {
		o.HearBreak(t, peer)
	} else if took := time.Since(start); took < length {
		t.Errorf("a break of %v took %v", length, took)
	}

	done := make(chan struct{})
	go func() { defer close(done); b.Break(time.Minute) }()
	select {
	case <-done: // a break that is sent as a command is over at once
	case <-time.After(50 * time.Millisecond):
	}
	port.Close()
	within(t, "the end of a break by Close", done)
}

// tries looks at the single steps of Wait and TryRead.
func (o Options) tries(t *testing.T) {
	port, peer := o.open(t)
	try := port.(ports.TryReader)
	if p := try.Patience(); p < 0 || p > 100*time.Millisecond {
		t.Errorf("patience %v", p)
	}
	buf := make([]byte, 100)
	for n := 1; n > 0; { // what a protocol says at its start is not ours
		var err error
		if n, err = try.TryRead(buf); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := try.TryRead(nil); n != 0 || err != nil {
		t.Errorf("TryRead into nothing: %d, %v", n, err)
	}
	if polled, ok := port.(ports.Polled); ok {
		polled.Rouse()
		if err := try.Wait(); err != nil { // returns, though nothing comes
			t.Errorf("Wait, roused: %v", err)
		}
		polled.Rouse()
		polled.Rouse()
		if n, err := try.TryRead(buf); n != 0 || err != nil {
			t.Errorf("TryRead, roused: %d, %v", n, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { try.TryRead(buf) }); n != 0 {
		t.Errorf("TryRead allocates %v times", n)
	}

	// Several rounds, because an edge that was lost would show in the second.
	for range 5 {
		waited := make(chan error, 1)
		go func() { waited <- waitForBytes(try, buf[:1]) }()
		select {
		case err := <-waited:
			t.Fatalf("Wait returned without bytes: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if _, err := peer.Write([]byte("ab")); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-waited:
			if err != nil || buf[0] != 'a' {
				t.Fatalf("got %q, %v", buf[0], err)
			}
		case <-time.After(soon):
			t.Fatal("Wait does not see the bytes")
		}
		// A byte is left: no new edge comes for it.
		if err := waitForBytes(try, buf[:1]); err != nil || buf[0] != 'b' {
			t.Fatalf("then %q, %v", buf[0], err)
		}
	}
}

// waitForBytes fills p, which is one byte long.
func waitForBytes(try ports.TryReader, p []byte) error {
	for {
		if err := try.Wait(); err != nil {
			return err
		}
		if n, err := try.TryRead(p); n > 0 || err != nil {
			return err
		}
	}
}

func (a Absent) test(t *testing.T) {
	port, err := a.Backend.Open(t.Context())
	if err == nil {
		port.Close()
		t.Fatal("opened")
	}
	if reason := typed(t, err); reason != a.Reason {
		t.Errorf("%v: reason %q, not %q", err, reason, a.Reason)
	}
}

// leaks opens and closes, and then wants goroutines and descriptors to be what
// they were.
func (o Options) leaks(t *testing.T) {
	n := o.Opens
	if n == 0 {
		n = 1000
	}
	round := func(t *testing.T) {
		backend, accept := o.Start(t)
		port, err := backend.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		peer := accept()
		port.Close()
		peer.Close()
	}
	t.Run("once", round) // what is made once, such as the poller, is no leak
	goroutines, files := runtime.NumGoroutine(), descriptors()
	t.Run("rounds", func(t *testing.T) {
		for range n {
			t.Run("", func(t *testing.T) { round(t) })
		}
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(soon)
	for runtime.NumGoroutine() > goroutines || descriptors() > files {
		select {
		case <-tick.C:
		case <-limit:
			stacks := make([]byte, 16<<10)
			t.Fatalf("after %d opens: %d goroutines instead of %d, %d descriptors instead of %d\n%s", n,
				runtime.NumGoroutine(), goroutines, descriptors(), files, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
