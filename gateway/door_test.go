package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/config"
)

// TestDoor says who goes when there are too many.
func TestDoor(t *testing.T) {
	f := prepare(t, "", nil, nil)
	come := func(addr string, keyed bool) *connection {
		_, far := pipe()
		c := f.newConnection(far)
		c.origin = origin(netip.MustParseAddr(addr))
		c.keyed.Store(keyed)
		return c
	}
	limits := config.Limits{Connections: 5, HalfOpen: 4, PerAddress: 2}
	var d door
	in := func(c *connection) []*connection {
		t.Helper()
		victims, err := d.admit(c, limits)
		if err != nil {
			t.Fatal(err)
		}
		return victims
	}
	a1, a2, a3 := come("192.0.2.1", true), come("192.0.2.1", false), come("192.0.2.1", false)
	b, c, e := come("192.0.2.2", true), come("192.0.2.3", true), come("192.0.2.4", true)
	for _, step := range []struct {
		who  *connection
		want []*connection
	}{
		{a1, nil}, {a2, nil}, {a3, []*connection{a2}}, // the oldest of the address that has done no work
		{b, nil}, {c, nil}, {e, []*connection{a3}}, // the oldest of all that has done no work
	} {
		if got := in(step.who); !slices.Equal(got, step.want) {
			t.Fatalf("%v had to go, want %v", got, step.want)
		}
	}
	known := func(c *connection, key string) {
		t.Helper()
		if err := d.known(c, key, limits); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []*connection{a1, b, c, e} {
		known(c, []string{"k1", "k2"}[i%2])
	}
	g := come("192.0.2.5", false)
	if victims := in(g); len(victims) > 0 {
		t.Errorf("%v had to go for the fifth", victims)
	}
	if victims := in(come("192.0.2.6", false)); !slices.Equal(victims, []*connection{g}) {
		t.Errorf("%v had to go for the sixth, want the half-open one", victims)
	}
	if err := d.known(d.half[0], "k1", limits); !errors.Is(err, errShare) {
		t.Errorf("a key that has more than half: %v", err)
	}
	known(d.half[0], "k3")
	if _, err := d.admit(come("192.0.2.7", false), limits); !errors.Is(err, errFull) {
		t.Errorf("a connection too many: %v", err)
	}
	d.left(b)
	if _, err := d.admit(come("192.0.2.7", false), limits); err != nil {
		t.Errorf("after one left: %v", err)
	}
	d.close()
	if _, err := d.admit(come("192.0.2.8", false), limits); !errors.Is(err, errClosed) {
		t.Errorf("a closed door: %v", err)
	}
}

// TestDoorStages shows that a flood which stops at some stage of the login
// displaces itself, and nobody who goes on.
func TestDoorStages(t *testing.T) {
	f := prepare(t, "", nil, nil)
	limits := config.Limits{Connections: 100, HalfOpen: 20, PerAddress: 20}
	taken := []int64{silent: 0, greeted: 20, offering: 1500, keyed: 3000}
	come := func(d *door, stage int) *connection {
		t.Helper()
		_, far := pipe()
		c := f.newConnection(far)
		victims, err := d.admit(c, limits)
		if err != nil || len(victims) > 1 {
			t.Fatal(victims, err)
		}
		for _, v := range victims {
			v.cancel(errCrowded)
		}
		c.wire.taken.Store(taken[stage])
		c.keyed.Store(stage == keyed)
		return c
	}
	for stage := silent; stage < keyed; stage++ {
		var d door
		for range 100 {
			come(&d, stage)
		}
		// Somebody who has taken three steps before the flood has filled all places anew.
		person := come(&d, silent)
		for at := silent; at <= keyed; at++ {
			person.wire.taken.Store(taken[at])
			person.keyed.Store(at == keyed)
			for range 6 {
				come(&d, stage)
			}
			if person.ctx.Err() != nil {
				t.Errorf("a flood that stops at stage %d drove out a login at stage %d", stage, at)
				break
			}
		}
	}
}

// TestDoorKnowsItsOwn shows that a flood quick enough to displace every stage
// displaces nobody who comes from where somebody is logged in, as long as they are.
func TestDoorKnowsItsOwn(t *testing.T) {
	f := prepare(t, "", nil, nil)
	limits := config.Limits{Connections: 100, HalfOpen: 20, PerAddress: 20}
	var d door
	come := func(addr string) *connection {
		t.Helper()
		_, far := pipe()
		c := f.newConnection(far)
		c.origin = origin(netip.MustParseAddr(addr))
		victims, err := d.admit(c, limits)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range victims {
			v.cancel(errCrowded)
		}
		return c
	}
	flood := func() {
		for i := range 100 {
			c := come(fmt.Sprintf("192.0.2.%d", 1+i%100))
			c.wire.taken.Store([]int64{0, 20, 1500}[i%3])
		}
	}
	first := come("198.51.100.1")
	if err := d.known(first, "k", limits); err != nil {
		t.Fatal(err)
	}
	second := come("198.51.100.1")
	flood()
	if second.ctx.Err() != nil {
		t.Error("a flood drove out somebody from where somebody is logged in")
	}
	d.left(first)
	flood()
	if second.ctx.Err() == nil || len(d.homes) != 0 {
		t.Errorf("an address is still known after its last login has left: %v", d.homes)
	}
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "2001:db8::1": "2001:db8::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := origin(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
	if origin(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address counts as one")
	}
}

// TestHalfOpenFlood logs in through a crowd of connections that do nothing.
func TestHalfOpenFlood(t *testing.T) {
	key := signer(t, "alice")
	f := start(t, line(`user="alice",consoles="r=@all"`, key), nil, told)
	var idle []net.Conn
	for i := range 200 {
		nc, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if i%2 == 0 {
			fmt.Fprint(nc, "SSH-2.0-idle\r\n")
		}
		idle = append(idle, nc)
	}
	for range 5 {
		if out, err := newSession(t, f.login("gw", key)).Output("x"); err != nil || len(out) == 0 {
			t.Fatalf("login in a crowd: %v", err)
		}
	}
	if err := idle[0].SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, idle[0]); errors.Is(err, errTimeout(err)) {
		t.Error("the oldest is still there")
	}
	await(t, "no more half-open ones than allowed", func() bool { return f.Health().Connections <= 10+5 })
}

// errTimeout is err itself if it is a timeout.
func errTimeout(err error) error {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return err
	}
	return errors.New("no timeout")
}

// A gate is a connection that can be made to take nothing in.
type gate struct {
	net.Conn
	shut, ended chan struct{}
}

func (g *gate) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	select {
	case <-g.shut:
		<-g.ended // as a stopped process
		return 0, io.EOF
	default:
		return n, err
	}
}

// TestHandshakeLimit ends a connection that does not log in.
func TestHandshakeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubble(t, nil)
		near, far := pipe()
		began := time.Now()
		go f.newConnection(far).serve()
		if _, err := io.WriteString(near, "SSH-2.0-slow\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, near); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != patience {
			t.Errorf("ended after %s", took)
		}
		synctest.Wait()
	})
}

// bubble is a gateway in a bubble of time, reached by pipes.
func bubble(t *testing.T, run handler) *fixture {
	key := signer(t, "alice")
	f := prepare(t, line(`user="alice",consoles="r=@all"`, key), nil, run)
	s := *f.site.Load()
	if _, err := s.openHostKeys(); err != nil {
		// The state folder is made by Serve.
		s.hostKeys = []gossh.Signer{signer(t, "host")}
	}
	f.site.Store(&s)
	return f
}

// TestKeepalive keeps a client that answers, and gives one up that does not.
func TestKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		f := bubble(t, b.run)
		near, far := pipe()
		g := &gate{Conn: near, shut: make(chan struct{}), ended: make(chan struct{})}
		served := make(chan struct{})
		c := f.newConnection(far)
		go func() { c.serve(); close(served) }()
		conn, chans, reqs, err := gossh.NewClientConn(g, "", &gossh.ClientConfig{
			User: "node1", Auth: []gossh.AuthMethod{gossh.PublicKeys(signer(t, "alice"))},
			HostKeyCallback: gossh.InsecureIgnoreHostKey(), // the test's own gateway
		})
		if err != nil {
			t.Fatal(err)
		}
		client := gossh.NewClient(conn, chans, reqs)
		session := newSession(t, client)
		if _, err := session.StdinPipe(); err != nil { // which stays open
			t.Fatal(err)
		}
		begun(t, session, "lost")
		time.Sleep(24 * time.Hour)
		select {
		case <-served:
			t.Fatal("a client that answers was given up")
		default:
		}
		close(g.shut)
		began := time.Now()
		if lost := <-b.lost; !lost {
			t.Error("a dead client counts as gone by itself")
		}
		// One more interval may have begun before the client died.
		if took := time.Since(began); took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("given up after %s", took)
		}
		<-served
		close(g.ended)
	})
}

// TestIdleSession ends a session that asks for nothing, and not the one beside it.
func TestIdleSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubble(t, newBench().run)
		near, far := pipe()
		served := make(chan struct{})
		c := f.newConnection(far)
		go func() { c.serve(); close(served) }()
		conn, chans, reqs, err := gossh.NewClientConn(near, "", &gossh.ClientConfig{
			User: "node1", Auth: []gossh.AuthMethod{gossh.PublicKeys(signer(t, "alice"))},
			HostKeyCallback: gossh.InsecureIgnoreHostKey(), // the test's own gateway
		})
		if err != nil {
			t.Fatal(err)
		}
		client := gossh.NewClient(conn, chans, reqs)
		works := newSession(t, client)
		if _, err := works.StdinPipe(); err != nil { // which stays open
			t.Fatal(err)
		}
		begun(t, works, "hold")
		channel, requests, err := client.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		go gossh.DiscardRequests(requests)
		began := time.Now()
		if n, err := channel.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("read %d, %v", n, err)
		}
		if took := time.Since(began); took != patience {
			t.Errorf("ended after %s", took)
		}
		channel.Close()
		time.Sleep(time.Hour)
		if n := f.sessions.count(); n != 1 {
			t.Errorf("%d sessions are left", n)
		}
		client.Close()
		<-served
	})
}

// A poor listener has no descriptors left, once.
type poor struct {
	net.Listener
	tried bool
}

func (p *poor) Accept() (net.Conn, error) {
	if !p.tried {
		p.tried = true
		return nil, errors.New("too many open files")
	}
	return p.Listener.Accept()
}

// TestOutOfDescriptors makes room and goes on.
func TestOutOfDescriptors(t *testing.T) {
	f := prepare(t, "", nil, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	near, far := pipe()
	defer near.Close()
	half := f.newConnection(far)
	if _, err := f.door.admit(half, f.conf.Load().Limits); err != nil {
		t.Fatal(err)
	}
	var accepting, connections sync.WaitGroup
	accepting.Go(func() { f.accept(t.Context(), &poor{Listener: l}, &connections) })
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, make([]byte, len("SSH-2.0-consoled"))); err == nil {
		t.Error("a gateway without host keys spoke")
	}
	l.Close()
	nc.Close()
	accepting.Wait()
	connections.Wait()
	if !errors.Is(context.Cause(half.ctx), errCrowded) {
		t.Errorf("the half-open connection ended by %v", context.Cause(half.ctx))
	}
}
