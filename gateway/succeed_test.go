package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/command"
	"consoled/gateway/config"
)

// TestLostKeyFile shows that a reload does not lock everybody out because a key
// file is away for a moment, and that emptying it does.
func TestLostKeyFile(t *testing.T) {
	key := signer(t, "alice")
	f := start(t, line(`user="alice",consoles="admin=@all"`, key), func(c *config.Config) {
		c.Auth.Keys = append(c.Auth.Keys, filepath.Join(filepath.Dir(c.StateDir), "never"))
	}, told)
	in := f.login("gw", key)
	away := f.keys + ".away"
	pattern := filepath.Join(f.dir, "keys.d", "*.pub")
	for name, tt := range map[string]struct{ lose, mend func() error }{
		"moved away": {func() error { return os.Rename(f.keys, away) }, func() error { return os.Rename(away, f.keys) }},
		"a folder":   {func() error { os.Rename(f.keys, away); return os.Mkdir(f.keys, 0o700) }, func() error { os.Remove(f.keys); return os.Rename(away, f.keys) }},
		"a name that is not there": {
			func() error { c := *f.conf.Load(); c.Auth.Keys = []string{f.keys + "x"}; f.conf.Store(&c); return nil },
			func() error { c := *f.conf.Load(); c.Auth.Keys = []string{f.keys}; f.conf.Store(&c); return nil },
		},
		"a pattern in a folder that is not there": {
			func() error { c := *f.conf.Load(); c.Auth.Keys = []string{pattern}; f.conf.Store(&c); return nil },
			func() error { c := *f.conf.Load(); c.Auth.Keys = []string{f.keys}; f.conf.Store(&c); return nil },
		},
	} {
		if err := tt.lose(); err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() (string, error){
			"reload": func() (string, error) { return f.Reload(t.Context(), "test") }, "check": f.Check,
		} {
			if _, err := do(); err == nil || !strings.Contains(err.Error(), "the keys in force stay\nfix: ") {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		if _, err := newSession(t, in).Output("x"); err != nil {
			t.Errorf("%s: who was in: %v", name, err)
		}
		f.login("gw", key).Close()
		if err := tt.mend(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Reload(t.Context(), "test"); err != nil {
			t.Fatalf("%s: reload when it is mended: %v", name, err)
		}
	}
	f.write("")
	if _, err := f.Reload(t.Context(), "test"); err != nil {
		t.Errorf("reload with an empty key file: %v", err)
	}
	if err := in.Wait(); err == nil {
		t.Error("the connection of a key that was taken away goes on")
	}
}

// TestVanishedKeyOfAPattern is how somebody's key is taken away: their file goes.
func TestVanishedKeyOfAPattern(t *testing.T) { synctest.Test(t, vanishedKey) }

func vanishedKey(t *testing.T) {
	key := signer(t, "bob")
	f := hold(t, "", func(c *config.Config) {
		dir := filepath.Join(filepath.Dir(c.StateDir), "keys.d")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "bob.pub"), []byte(line(`consoles="r=@all"`, key)), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Auth.Keys = []string{filepath.Join(dir, "*.pub")}
	}, told)
	in := f.login("gw", key)
	if err := os.Remove(filepath.Join(f.dir, "keys.d", "bob.pub")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := f.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if err := in.Wait(); err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("bob's connection ended by %v after %s", err, time.Since(began))
	}
}

// TestFixed shows that a reload does not half apply what only a start changes.
func TestFixed(t *testing.T) {
	f := start(t, "", nil, told)
	was, keys := *f.conf.Load(), fingerprints(f.site.Load().hostKeys)
	if err := os.Remove(filepath.Join(was.StateDir, "ssh_host_ed25519_key")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		summary, err := f.change(t, func(c *config.Config) {
			c.StateDir, c.Log.Dir = filepath.Join(f.dir, "other"), filepath.Join(f.dir, "elsewhere")
			c.Consoles = append(c.Consoles, config.Console{Backend: mute{"new"}})
			c.Consoles[len(c.Consoles)-1].Subject.Name = "new" + strings.Repeat("x", len(c.Consoles))
		})
		if err != nil || !strings.Contains(summary, "state_dir changed") || !strings.Contains(summary, "log changed") {
			t.Errorf("%s, %v", summary, err)
		}
	}
	for _, name := range []string{"other", "elsewhere"} {
		if _, err := os.Stat(filepath.Join(f.dir, name)); err == nil {
			t.Errorf("%s is there already", name)
		}
	}
	if _, err := os.Stat(filepath.Join(was.Log.Dir, "newxxx")); err != nil {
		t.Errorf("the new console's record: %v", err)
	}
	if got := fingerprints(f.site.Load().hostKeys); !slices.Equal(got, keys) {
		t.Errorf("host keys %q are now %q", keys, got)
	}
}

// TestUnknownRole warns of a key line whose role does not exist.
func TestUnknownRole(t *testing.T) {
	f := start(t, line(`user="alice",role="opps"`, signer(t, "alice")), nil, told)
	if got := strings.Join(f.Health().Warnings, "\n"); !strings.Contains(got, "authorized_keys:1: unknown role") {
		t.Errorf("warnings: %s", got)
	}
}

// TestNarrowed ends a command that goes on reading, when its caller may no
// longer read what it may be reading; nobody else's, and not for a gain.
func TestNarrowed(t *testing.T) {
	alice, bob, b := signer(t, "alice"), signer(t, "bob"), newBench()
	keys := func(a, b string) string {
		return line(`user="alice",consoles="`+a+`"`, alice) + line(`user="bob",consoles="`+b+`"`, bob)
	}
	f := start(t, keys("rw=node1", "rw=@all"), nil, b.run)
	begun(t, newSession(t, f.login("gw", alice)), "hold")
	out := begun(t, newSession(t, f.login("gw", bob)), "hold")
	f.write(keys("r=@all", "rw=@all"))
	if _, err := f.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	f.write(keys("r=@all", "rw=node2"))
	if _, err := f.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	until(t, out, errNarrowed.Error())
	if err := <-b.ends; !errors.Is(err, errNarrowed) {
		t.Errorf("ended by %v", err)
	}
	if len(b.ends) > 0 {
		t.Error("alice's command ended too")
	}
}

// TestStopDuringReload shows that a reload which hangs does not hold up a stop,
// and does nothing after it.
func TestStopDuringReload(t *testing.T) {
	t.Parallel()
	f := start(t, "", nil, func(context.Context, *command.Session) int { return 0 })
	load, inside, release, reloaded := f.options.Load, make(chan struct{}), make(chan struct{}), make(chan error, 1)
	f.options.Load = func() (*config.Config, error) {
		close(inside)
		<-release
		return load()
	}
	go func() {
		_, err := f.Reload(context.Background(), "test")
		reloaded <- err
	}()
	<-inside
	began := time.Now()
	f.stop()
	select {
	case err := <-f.ended:
		if err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("stopped by %v after %s", err, time.Since(began))
		}
		f.ended <- nil // for the clean-up
	case <-time.After(patience):
		t.Error("it waits for the reload")
	}
	close(release)
	if err := <-reloaded; err == nil {
		t.Error("a reload after the end")
	}
}
