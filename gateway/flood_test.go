package gateway

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/config"
)

// descriptors counts the open files of this process; ok is false where the
// system does not tell.
func descriptors() (n int, ok bool) {
	entries, err := os.ReadDir("/proc/self/fd")
	return len(entries), err == nil
}

// asServedHandshake is shorter than the 30 seconds of a gateway in use; that
// the limit holds to the moment is TestHandshakeLimit's.
const asServedHandshake = 5 * time.Second

// asServed gives a gateway the limits that it has by default, but for that.
func asServed(c *config.Config) {
	c.Limits = config.Limits{
		Connections: 2000, HalfOpen: 200, PerAddress: 50, Sessions: 10,
		Handshake: asServedHandshake, Keepalive: 30 * time.Second, KeepaliveCount: 3, AuthTries: 20,
	}
}

// TestHalfOpenFloodOfThousands logs in while ten thousand connections from two
// hundred addresses do nothing, each at one of three stages.
func TestHalfOpenFloodOfThousands(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems have one address on loopback")
	}
	const flood, fresh, logins, during, quiet = 10_000, 50, 20, 10, 5
	if allowed, ok := descriptorsAllowed(); ok && allowed < flood+logins*fresh+1000 {
		t.Fatalf("%d open files are allowed; the flood needs %d", allowed, flood+logins*fresh+1000)
	}
	key := signer(t, "alice")
	f := start(t, line(`user="alice",consoles="r=@all"`, key), asServed, told)
	before, _ := descriptors()
	heap := memory()
	login := func(from byte) time.Duration {
		began := time.Now()
		c, err := f.dialFrom(net.IPv4(127, 0, 0, from), "gw", gossh.PublicKeys(key))
		if err != nil {
			t.Fatalf("login: %v", err)
		}
		if out, err := newSession(t, c).Output("x"); err != nil || len(out) == 0 {
			t.Fatalf("login: %v", err)
		}
		took := time.Since(began)
		if from > 1 {
			c.Close()
			await(t, "its leave", func() bool { return !f.door.lives(origin(netip.AddrFrom4([4]byte{127, 0, 0, from}))) })
		}
		return took
	}
	// A second is promised on a machine that is ours. Where a login without a
	// flood takes long already, others have the processors.
	limit := time.Second
	for range quiet {
		limit = max(limit, 20*login(1))
	}

	idle := make([]net.Conn, flood, flood+logins*fresh)
	open := func(i int) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, 0, byte(1+i%200))}}
		nc, err := d.DialContext(t.Context(), "tcp", f.addr)
		if err == nil {
			// One that was turned out already takes nothing.
			_, _ = io.WriteString(nc, []string{"", "SSH-2.0-idle\r\n", "SSH-2.0-idle\r\n\x00\x00\x05\x00\x04\x14" + strings.Repeat("x", 500)}[i%3])
		}
		return nc, err
	}
	var opened atomic.Int64
	var flooding sync.WaitGroup
	const hands = 8
	for hand := range hands {
		flooding.Go(func() {
			for i := hand; i < flood; i += hands {
				nc, err := open(i)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				idle[i] = nc
				opened.Add(1)
			}
		})
	}
	// While it comes, as quickly as this machine can make it with both ends on it,
	// logins get through from where somebody is logged in.
	for n := range during {
		await(t, "more of the flood", func() bool { return opened.Load() >= int64(n+1)*flood/during || t.Failed() })
		login(1)
	}
	flooding.Wait()
	// When it has come and goes on, they do so from anywhere, and in time.
	var slowest time.Duration
	for n := range logins {
		for i := range fresh {
			nc, err := open(n*fresh + i)
			if err != nil {
				t.Fatal(err)
			}
			idle = append(idle, nc)
		}
		slowest = max(slowest, login(2))
	}
	more := int64(memory()) - int64(heap)
	t.Logf("%d of %d logins, the slowest took %s of %s; %d KiB more memory, both ends of the flood together", logins, logins, slowest, limit, more>>10)
	if slowest > limit {
		t.Errorf("a login took %s, more than %s", slowest, limit)
	}
	if more > 128<<20 {
		t.Errorf("%d MiB more memory", more>>20)
	}
	if n := f.Health().Connections; n > 200+quiet+during+logins {
		t.Errorf("%d connections are held", n)
	}

	// The oldest went, and a newcomer was never turned away.
	if strings.Contains(f.logged.String(), "connection refused") {
		t.Error("a connection was refused")
	}
	// What is left goes by itself when its time to log in is over: not because the other end closes.
	began := time.Now()
	await(t, "no half-open connection", func() bool { return f.Health().Connections <= quiet+during+logins })
	if took := time.Since(began); took > asServedHandshake+5*time.Second {
		t.Errorf("the last of them went after %s", took)
	}
	for _, nc := range idle {
		nc.Close()
	}
	const slack = 2*(quiet+during+logins) + 10 // both ends of the logins that stay
	if _, ok := descriptors(); ok {
		await(t, "the descriptors are back", func() bool { n, _ := descriptors(); return n <= before+slack })
	}
}

// memory is what the process has taken from the system for objects and stacks.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestNothingIsLeft connects ten thousand times, leaving at every stage of the
// login and behind it: no goroutine and no descriptor stays.
func TestNothingIsLeft(t *testing.T) {
	const connects = 10_000
	key := signer(t, "alice")
	f := start(t, line(`user="alice",consoles="r=@all"`, key), asServed, told)
	leave := func(i int) error {
		if i%100 == 0 {
			c := f.login("gw", key)
			defer c.Close()
			_, err := newSession(t, c).Output("x")
			return err
		}
		if i%100 == 50 {
			r := dialRaw(t, f.addr)
			defer r.close()
			switch i / 100 % 4 {
			case 0:
				r.sign("gw", signer(t, fmt.Sprint("stranger", i))) // one that is refused again and again waits
			case 1:
				r.sign("gw", key)
				r.open("session")
			case 2:
				r.sign("gw", key)
				r.open("session")
				r.request("exec", str("x"))
			}
			return nil
		}
		nc, err := net.Dial("tcp", f.addr)
		if err != nil {
			return err
		}
		defer nc.Close()
		// Whoever leaves in the middle does not mind an error.
		_, _ = io.WriteString(nc, []string{"", "GET / HTTP/1.0\r\n\r\n", "SSH-2.0-x\r\n", "SSH-2.0-x\r\n\x00\x00\x01\x00\x04\x14"}[i%4])
		if i%8 > 3 {
			_, _ = nc.Read(make([]byte, 1))
		}
		return nil
	}
	settle := func() { await(t, "no connection is left", func() bool { return f.Health().Connections == 0 }) }
	for i := range 200 { // whatever is made once
		if err := leave(i); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	goroutines := runtime.NumGoroutine()
	open, countable := descriptors()
	for i := range connects {
		if err := leave(i); err != nil {
			t.Fatalf("connect %d: %v", i, err)
		}
	}
	settle()
	await(t, "the goroutines are back", func() bool { return runtime.NumGoroutine() <= goroutines })
	if countable {
		await(t, "the descriptors are back", func() bool { n, _ := descriptors(); return n <= open })
	}
	if n := f.Health().Panics; n != 0 {
		t.Errorf("%d panics", n)
	}
}
