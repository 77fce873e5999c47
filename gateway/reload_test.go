package gateway

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/attach"
	"consoled/gateway/command"
	"consoled/gateway/config"
	"consoled/gateway/console"
	"consoled/gateway/names"
)

// change reloads with a changed copy of the configuration.
func (f *fixture) change(t *testing.T, what func(*config.Config)) (string, error) {
	t.Helper()
	c := *f.conf.Load()
	c.Consoles = append([]config.Console(nil), c.Consoles...)
	what(&c)
	f.conf.Store(&c)
	return f.Reload(t.Context(), "alice")
}

// attached runs a session as verbs do: on the console that the login names.
func attached(f **fixture) handler {
	return func(ctx context.Context, s *command.Session) int {
		c, ok := (*f).Console(s.Login.Name)
		if !ok {
			return command.ExitUnknown
		}
		return (*f).Attach(ctx, s, c, attach.Options{})
	}
}

// join attaches to a console and waits until that is so.
func join(t *testing.T, f *fixture, name string, key gossh.Signer) (io.Reader, *gossh.Client) {
	t.Helper()
	client := f.login(name, key)
	s := newSession(t, client)
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := f.Console(name)
	before := len(c.Status().Clients)
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	await(t, "attached", func() bool { return len(c.Status().Clients) == before+1 })
	return out, client
}

func TestReload(t *testing.T) {
	var f *fixture
	key := signer(t, "alice")
	f = start(t, line(`user="alice",consoles="admin=@all"`, key), nil, attached(&f))
	_, stays := join(t, f, "node1", key)
	gone, _ := join(t, f, "node2", key)
	node1, _ := f.Console("node1")

	summary, err := f.change(t, func(c *config.Config) {
		c.Consoles[0].Description = "changed in place"
		c.Consoles[0].Settings = c.Consoles[0].Settings.With("description", "changed in place")
		c.Consoles[1] = config.Console{Subject: names.Subject{Name: "node3"}, Backend: mute{"node3"}}
		c.Listen = []string{"127.0.0.1:1"}
	})
	want := "warning: listen changed: in force after the next start\nadded 1, changed 1 (node1: description), removed 1; 1 person affected"
	if err != nil || summary != want {
		t.Errorf("summary %q, %v; want %q", summary, err, want)
	}
	if c, ok := f.Console("node1"); !ok || c != node1 || c.Options().Description != "changed in place" || len(c.Status().Clients) != 1 {
		t.Error("node1 did not stay with its client")
	}
	if _, ok := f.Console("node2"); ok {
		t.Error("node2 is still there")
	}
	if _, ok := f.Console("node3"); !ok {
		t.Error("node3 is not there")
	}
	if text := until(t, gone, "removed from the configuration"); !strings.Contains(text, "alice") {
		t.Errorf("told %q, without who did it", text)
	}
	if _, _, err := stays.SendRequest(keepaliveRequest, true, nil); err != nil {
		t.Errorf("the connection of node1's client: %v", err)
	}
}

// until reads until a text has come.
func until(t *testing.T, r io.Reader, want string) string {
	t.Helper()
	var got strings.Builder
	found := make(chan struct{})
	go func() {
		defer close(found)
		for buf := make([]byte, 1); !strings.Contains(got.String(), want); {
			n, err := r.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				return
			}
		}
		// The rest of the line.
		for buf := make([]byte, 1); ; {
			if n, err := r.Read(buf); err != nil || n == 1 && buf[0] == '\n' {
				return
			}
			got.Write(buf)
		}
	}()
	select {
	case <-found:
	case <-time.After(patience):
		t.Fatalf("never read %q", want)
	}
	if !strings.Contains(got.String(), want) {
		t.Fatalf("read %q, want %q", got.String(), want)
	}
	return got.String()
}

// TestBadReload shows that a mistake changes nothing.
func TestBadReload(t *testing.T) {
	key := signer(t, "alice")
	f := start(t, line(`user="alice",consoles="admin=@all"`, key), nil, told)
	before, conf := f.site.Load(), f.conf.Load()
	mistake := errors.New("consoled.yaml:3:5: unknown key")
	f.options.Load = func() (*config.Config, error) { return nil, mistake }
	if _, err := f.Reload(t.Context(), "test"); !errors.Is(err, mistake) {
		t.Errorf("reload: %v", err)
	}
	if _, err := f.Check(); !errors.Is(err, mistake) {
		t.Errorf("check: %v", err)
	}
	// A record that cannot be made: the last step that can fail.
	f.options.Load = func() (*config.Config, error) {
		c := *conf
		c.Consoles = []config.Console{{Subject: names.Subject{Name: "new"}, Backend: mute{"new"}}}
		return &c, nil
	}
	if err := os.WriteFile(filepath.Join(conf.Log.Dir, "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Reload(t.Context(), "test"); err == nil {
		t.Error("reload with a record that cannot be made")
	}
	if f.site.Load() != before || len(f.Consoles()) != 2 {
		t.Error("a refused reload changed something")
	}
	if err := newSession(t, f.login("gw", key)).Run("x"); err != nil {
		t.Error(err)
	}
}

// TestRevocation takes rights from people who are connected.
func TestRevocation(t *testing.T) { synctest.Test(t, revocation) }

func revocation(t *testing.T) {
	var f *fixture
	alice, bob, carol := signer(t, "alice"), signer(t, "bob"), signer(t, "carol")
	all := line(`user="alice",consoles="rw=@all"`, alice) + line(`user="bob",consoles="rw=@all"`, bob) + line(`user="carol",consoles="rw=@all"`, carol)
	f = hold(t, all, nil, attached(&f))
	_, aliceConn := join(t, f, "node1", alice)
	bobOut, bobConn := join(t, f, "node1", bob)
	carolOut, carolConn := join(t, f, "node1", carol)
	clients := func() map[string]console.Client {
		c, _ := f.Console("node1")
		m := map[string]console.Client{}
		for _, cl := range c.Status().Clients {
			m[cl.Name] = cl.Client
		}
		return m
	}
	if cl := clients()["alice"]; !cl.MayWrite {
		t.Fatalf("alice before: %+v", cl)
	}
	f.write(line(`user="alice",consoles="r=@all"`, alice) + line(`user="carol",consoles="r=node2"`, carol))
	began := time.Now()
	summary, err := f.Reload(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if want := "2 people affected"; !strings.HasSuffix(summary, want) {
		t.Errorf("summary %q, want %q at its end", summary, want)
	}
	if cl := clients()["alice"]; cl.Name == "" || cl.MayWrite || cl.MayBreak {
		t.Errorf("alice after: %+v", cl)
	}
	until(t, bobOut, errRevoked.Error())
	until(t, carolOut, "no longer read")
	if err := bobConn.Wait(); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("bob's connection ended by %v after %s", err, time.Since(began))
	}
	for name, c := range map[string]*gossh.Client{"alice": aliceConn, "carol": carolConn} {
		if _, _, err := c.SendRequest(keepaliveRequest, true, nil); err != nil {
			t.Errorf("%s's connection: %v", name, err)
		}
	}
	if _, err := f.dial("node1", gossh.PublicKeys(bob)); err == nil {
		t.Error("bob got in again")
	}
}

// TestExpiry ends the connection of a key that expires meanwhile, soon or later.
func TestExpiry(t *testing.T) {
	for _, left := range []time.Duration{10 * time.Millisecond, 90*time.Minute + time.Second} {
		t.Run(left.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { expiring(t, left) })
		})
	}
}

func expiring(t *testing.T, left time.Duration) {
	f := prepare(t, "", nil, nil)
	near, far := pipe()
	defer near.Close()
	c := f.newConnection(far)
	key := signer(t, "alice")
	f.write(line(`user="alice"`, key))
	s, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.policy.Identify(key.PublicKey(), c.source, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	k := *id.Key
	k.Expires = time.Now().Add(left)
	id.Key = &k
	c.become(id)
	time.Sleep(left - time.Millisecond)
	synctest.Wait()
	if c.ctx.Err() != nil {
		t.Fatalf("ended before: %v", context.Cause(c.ctx))
	}
	time.Sleep(time.Millisecond)
	<-c.ctx.Done()
	if !errors.Is(context.Cause(c.ctx), errExpired) {
		t.Errorf("ended by %v", context.Cause(c.ctx))
	}
}

// TestStop ends everything within five seconds, and tells everybody.
func TestStop(t *testing.T) { synctest.Test(t, stopping) }

func stopping(t *testing.T) {
	var f *fixture
	b := newBench()
	key := signer(t, "alice")
	f = hold(t, line(`user="alice",consoles="rw=@all"`, key), nil, func(ctx context.Context, s *command.Session) int {
		if s.Line != "" {
			return b.run(ctx, s)
		}
		return attached(&f)(ctx, s)
	})
	out, client := join(t, f, "node1", key)
	begun(t, newSession(t, f.login("gw", key)), "hold")
	nc, err := f.dialed()
	if err != nil {
		t.Fatal(err)
	}
	stuck := rawOver(t, nc) // takes nothing and never closes
	if !stuck.sign("gw", key) || !stuck.open("session") {
		t.Fatal("not let in")
	}
	if ok, _ := stuck.request("exec", str("stuck forever")); !ok {
		t.Fatal("did not run")
	}
	began := time.Now()
	f.stop()
	until(t, out, errStopping.Error())
	if err := <-b.ends; err != nil && !errors.Is(err, errStopping) && !errors.Is(err, io.EOF) {
		t.Errorf("told %v", err)
	}
	if err := client.Wait(); err == nil {
		t.Error("the connection stays")
	}
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
	f.ended <- nil // for the clean-up
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if _, err := f.Reload(t.Context(), "test"); err == nil {
		t.Error("reload after the end")
	}
}

// TestOneGateway shows that a state folder has one gateway.
func TestOneGateway(t *testing.T) {
	f := start(t, "", nil, told)
	g, err := New(Options{Load: func() (*config.Config, error) { return f.conf.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	err = g.Serve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("second gateway: %v", err)
	}
}

func TestHealth(t *testing.T) {
	f := start(t, "broken line\n", nil, told)
	await(t, "both consoles up", func() bool { return f.Health().Up == 2 })
	h := f.Health()
	if h.Version != "test" || h.Consoles != 2 || len(h.HostKeys) != 1 || !strings.HasPrefix(h.HostKeys[0], "SHA256:") ||
		len(h.Listen) != 1 || h.Listen[0] != f.addr || len(h.Warnings) != 2 || !strings.Contains(h.Warnings[0], "authorized_keys:1") {
		t.Errorf("health: %+v", h)
	}
	info, err := os.Stat(filepath.Join(f.conf.Load().StateDir, "ssh_host_ed25519_key"))
	if err == nil && info.Mode().Perm() != 0o600 {
		t.Errorf("host key has mode %v", info.Mode())
	}
}

func TestDescriptors(t *testing.T) {
	tests := []struct {
		consoles, connections int
		allowed               uint64
		room                  int
	}{
		{1000, 2000, 10000, 2000}, {1000, 2000, 4000, 4000 - 3064}, {1000, 2000, 3065, 1}, {1000, 2000, 3064, 0}, {1000, 2000, 1024, 0},
	}
	for _, tt := range tests {
		room, warnings, err := weighDescriptors(tt.consoles, tt.connections, tt.allowed)
		if room != tt.room || (len(warnings) > 0) != (room > 0 && room < tt.connections) || (err != nil) != (room == 0) {
			t.Errorf("%+v: room for %d, %q, %v", tt, room, warnings, err)
		}
		if err != nil && !strings.Contains(err.Error(), "fix:") {
			t.Errorf("%v says nothing about mending it", err)
		}
	}
}

// TestFitDescriptors counts with the descriptors that there are, also after a reload.
func TestFitDescriptors(t *testing.T) {
	const many = 1 << 30 // more than most machines allow
	want := many
	if allowed, ok := descriptorsAllowed(); ok {
		want = int(min(many, allowed-2*perConsole-reserve))
	}
	f := start(t, "", func(c *config.Config) { c.Limits.Connections = many }, told)
	if got := f.site.Load().config.Limits.Connections; got != want {
		t.Errorf("%d connections, want %d", got, want)
	}
	if _, err := f.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if got := f.site.Load().config.Limits.Connections; got != want {
		t.Errorf("%d connections after a reload, want %d", got, want)
	}
}
