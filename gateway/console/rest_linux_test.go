package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"consoled/gateway/dialogue"
	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
)

// restful is a console on a TCP line in a Set, and its device.
func restful(t *testing.T, connect ...dialogue.Step) (c *Console, device net.Conn, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.83.1.3:0") // which nobody else takes when it is closed
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dir := t.TempDir() // which is to go after the consoles
	ctx, cancel := context.WithCancelCause(t.Context())
	s := NewSet(ctx)
	stop = func() {
		cancel(errStop)
		s.Wait()
	}
	t.Cleanup(stop)
	err = s.Apply(Difference{Add: []Options{{
		Subject: names.Subject{Name: "node1"}, Backend: ports.TCP{Address: listener.Addr().String()},
		Record: record.Options{Dir: dir, Group: -1}, Connect: dialogue.Script{Steps: connect},
	}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	c, _ = s.Get("node1")
	if device, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return c, device, stop
}

// recorded waits until the record ends with a text.
func recorded(t *testing.T, c *Console, text string) {
	t.Helper()
	cursor := c.Record().Cursor(0)
	defer cursor.Close()
	var all []byte
	for buf := make([]byte, 64<<10); !bytes.HasSuffix(all, []byte(text)); {
		if err := cursor.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := cursor.Read(buf)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		all = append(all, buf[:n]...)
	}
}

// rests waits until the line has, or has not, a reader of its own.
func rests(t *testing.T, c *Console, want bool) {
	t.Helper()
	for {
		c.mu.Lock()
		now := c.line != nil && c.line.leave != nil
		c.mu.Unlock()
		if now == want {
			return
		}
		runtime.Gosched()
	}
}

func TestRest(t *testing.T) {
	c, device, stop := restful(t)
	rests(t, c, true)
	io.WriteString(device, "unwatched ")
	recorded(t, c, "unwatched ")
	place := c.Attach(Client{Session: "1", Name: "alice", Kind: Interactive})
	rests(t, c, false)
	io.WriteString(device, "watched ")
	recorded(t, c, "watched ")
	place.Leave(false)
	rests(t, c, true) // though nothing comes
	io.WriteString(device, "left ")
	recorded(t, c, "left ")
	for range 100 { // whoever comes and goes, at whatever moment
		c.Attach(Client{Session: "1", Name: "alice", Kind: Interactive}).Leave(false)
	}
	rests(t, c, true)
	// What has come is recorded even when the gateway stops, and all of it.
	io.WriteString(device, "last")
	stop()
	if size := c.Record().End(); size != int64(len("unwatched watched left last")) {
		t.Errorf("%d bytes are recorded", size)
	}
}

// TestRestAfterDialogue: a line that was logged in to rests, though it says
// nothing more.
func TestRestAfterDialogue(t *testing.T) {
	c, device, _ := restful(t, dialogue.Step{Expect: regexp.MustCompile("=> ")})
	io.WriteString(device, "=> ")
	rests(t, c, true)
	io.WriteString(device, "more")
	recorded(t, c, "=> more")
}

// TestRestless: a line that speaks without a pause is read on at once, and the
// record has all of it.
func TestRestless(t *testing.T) {
	c, device, _ := restful(t)
	rests(t, c, true)
	text := strings.Repeat("0123456789abcde\n", 1<<18) // 4 MiB, far beyond what a turn leaves to the kernel
	go io.WriteString(device, text)
	recorded(t, c, text)
}

// TestRestEnds: a line that ends while it rests is down.
func TestRestEnds(t *testing.T) {
	c, device, _ := restful(t)
	rests(t, c, true)
	io.WriteString(device, "bye")
	device.Close()
	recorded(t, c, "bye")
	for c.Status().State == Up {
		runtime.Gosched()
	}
	if st := c.Status(); st.Reason != ports.Closed && st.Reason != ports.Refused {
		t.Errorf("down for %q", st.Reason)
	}
}
