package gateway

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/config"
	"consoled/ports/ssh"
)

// TestRefusalsAreLogged shows that every way to be refused leaves one line, which
// says who it was and holds nothing that ends it or makes it long.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	keys, text := loginKeys(t)
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	old, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, text+line(`user="old"`, old), nil, told)
	cert := &gossh.Certificate{Key: keys[0].PublicKey(), CertType: gossh.UserCert, ValidBefore: gossh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, keys[2]); err != nil {
		t.Fatal(err)
	}
	offer := func(r *raw, name, algorithm string, key gossh.PublicKey, more ...[]byte) {
		signed := byte(0)
		if len(more) > 0 {
			signed = 1
		}
		if letIn(r.auth(name, "publickey", []byte{signed}, str(algorithm), str(key.Marshal()), cat(more...))) {
			t.Errorf("%s: let in", name)
		}
	}
	tests := []struct {
		name  string // also the login name, unless the attempt uses another
		login func(*raw)
		want  []string
	}{
		{"none", func(r *raw) { r.none("none") }, []string{"no key was offered"}},
		{"password", func(r *raw) { r.password("password", "canary") }, []string{"no key was offered"}},
		{
			"other-key", func(r *raw) { offer(r, "other-key", "ssh-ed25519", keys[2].PublicKey()) },
			[]string{gossh.FingerprintSHA256(keys[2].PublicKey()) + " (no such key)", "no key is authorised"},
		},
		{"forged", func(r *raw) {
			sig, err := keys[2].Sign(rand.Reader, []byte("something else"))
			if err != nil {
				t.Fatal(err)
			}
			offer(r, "forged", "ssh-ed25519", keys[0].PublicKey(), str(gossh.Marshal(sig)))
		}, []string{"signature"}},
		{"sha1", func(r *raw) {
			sig, err := old.Sign(rand.Reader, []byte("whatever"))
			if err != nil {
				t.Fatal(err)
			}
			offer(r, "sha1", "ssh-rsa", old.PublicKey(), str(gossh.Marshal(sig)))
		}, []string{"ssh-rsa", "not accepted"}},
		{"sha1-within-sha2", func(r *raw) {
			sig, err := old.Sign(rand.Reader, []byte("whatever"))
			if err != nil {
				t.Fatal(err)
			}
			offer(r, "sha1-within-sha2", "rsa-sha2-256", old.PublicKey(), str(gossh.Marshal(sig)))
		}, []string{"ssh-rsa", "not accepted"}},
		{
			"certificate", func(r *raw) { offer(r, "certificate", cert.Type(), cert) },
			[]string{gossh.FingerprintSHA256(keys[0].PublicKey()) + " (certificates are not accepted)"},
		},
		{"two-names", func(r *raw) { r.none("two-names"); r.none("admin") }, []string{"login name changed"}},
		{
			"forging", func(r *raw) { r.none("forging\nlevel=ERROR msg=forged\x1b[2J" + strings.Repeat("x", 20000)) },
			[]string{`login="forging\nlevel=ERROR msg=forged\x1b[2Jxxx`, "..."},
		},
	}
	for _, tt := range tests {
		r := dialRaw(t, f.addr)
		tt.login(r)
		r.close()
		var found []string
		await(t, "a line about "+tt.name, func() bool {
			found = nil
			for l := range strings.Lines(f.logged.String()) {
				if strings.Contains(l, `msg="login refused"`) && (strings.Contains(l, "login="+tt.name+" ") || strings.Contains(l, `login="`+tt.name)) {
					found = append(found, l)
				}
			}
			return len(found) > 0
		})
		if len(found) != 1 || len(found[0]) > 1000 || !strings.Contains(found[0], "client=127.0.0.1:") {
			t.Errorf("%s: %.2000q", tt.name, found)
		}
		for _, want := range tt.want {
			if !strings.Contains(found[0], want) {
				t.Errorf("%s: no %q in %s", tt.name, want, found[0])
			}
		}
	}
	if log := f.logged.String(); strings.Contains(log, "canary") || strings.Contains(log, "\nlevel=ERROR msg=forged") {
		t.Error("the log holds a password, or a line that somebody else wrote")
	}
}

// TestRefusalsAreBounded shows that neither a stranger nor somebody who has
// logged in fills the log.
func TestRefusalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log, r := slog.New(slog.NewTextHandler(&b, nil)), newRefusals()
		for range 10_000 {
			r.tell(log, "login refused")
		}
		if n := strings.Count(b.String(), "\n"); n != 100 {
			t.Errorf("%d lines of 10000 refusals at once", n)
		}
		time.Sleep(time.Second)
		r.tell(log, "login refused")
		if !strings.Contains(b.String(), "unsaid=9900") {
			t.Error("no line says how many were left out")
		}
	})

	f, _, key := benchGateway(t)
	c := f.login("gw", key)
	for range 100 {
		if _, _, err := c.OpenChannel("direct-tcpip", nil); err == nil {
			t.Fatal("a relay")
		}
		if ok, _, _ := c.SendRequest("tcpip-forward", true, nil); ok {
			t.Fatal("a relay")
		}
	}
	got := f.logged.String()
	if n := strings.Count(got, "refused"); n == 0 || n > complaints {
		t.Errorf("%d lines about 200 refusals", n)
	}
	for _, want := range []string{`msg="channel refused"`, "type=direct-tcpip", `msg="forwarding refused"`, "who=alice"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in the log", want)
		}
	}
}

// TestLoginIsLogged shows who came in, also where no session follows.
func TestLoginIsLogged(t *testing.T) {
	f, _, key := benchGateway(t)
	f.login("node1", key)
	want := "login=node1 who=alice key=" + gossh.FingerprintSHA256(key.PublicKey())
	if got := f.logged.String(); strings.Count(got, `msg="logged in"`) != 1 || !strings.Contains(got, want) {
		t.Errorf("no line with %s:\n%s", want, got)
	}
}

// TestGreedyKey shows that one key cannot take all connections: what has logged
// in is never turned out, so that nobody else could come in any more.
func TestGreedyKey(t *testing.T) {
	greedy, other := signer(t, "greedy"), signer(t, "other")
	f := start(t, line(`user="greedy",consoles="r=@all"`, greedy)+line(`user="other",consoles="r=@all"`, other),
		func(c *config.Config) { c.Limits.Connections = 10 }, told)
	in, said := 0, ""
	show := func(_, instruction string, _ []string, _ []bool) ([]string, error) {
		said = instruction
		return nil, nil
	}
	for range 12 {
		if _, err := f.dial("gw", gossh.PublicKeys(greedy), gossh.KeyboardInteractive(show)); err == nil {
			in++
		}
	}
	if in != 5 || !strings.Contains(said, "half of all connections") {
		t.Errorf("let in %d times, then told %q", in, said)
	}
	if _, err := newSession(t, f.login("gw", other)).Output("x"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if !strings.Contains(f.logged.String(), errShare.Error()) {
		t.Error("nothing in the log")
	}
}

// TestCheapKeyExchange keeps out the key exchanges that let a stranger spend our
// CPU time: a packet of the classic groups costs us up to 80 ms, and its sender nothing.
func TestCheapKeyExchange(t *testing.T) {
	for _, k := range ssh.Algorithms().KeyExchanges {
		if strings.HasPrefix(k, "diffie-hellman") {
			t.Errorf("%s is offered", k)
		}
	}
}
