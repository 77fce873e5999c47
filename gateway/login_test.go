package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/auth"
	"consoled/gateway/config"
)

// A request is one authentication request: none, or a query about or a
// signature by one of the keys.
type request struct {
	name   string
	method string // "none", "query", "sign"
	key    int
}

func (r request) String() string { return fmt.Sprintf("%s:%s%d", r.name, r.method, r.key) }

// requests are all of them, over three login names and three keys.
func requests() (all []request) {
	for _, name := range []string{"node1", "node2", "gw"} {
		all = append(all, request{name: name, method: "none"})
		for key := range 3 {
			all = append(all, request{name, "query", key}, request{name, "sign", key})
		}
	}
	return all
}

// expected is the reference: who is let in by a sequence, and under which name.
// Keys 0 and 1 are authorised.
func expected(sequence []request) (who, name string) {
	for _, r := range sequence {
		if r.name != sequence[0].name {
			return "", ""
		}
		if r.method == "sign" && r.key < 2 {
			return []string{"admin", "guest"}[r.key], r.name
		}
	}
	return "", ""
}

func loginKeys(t testing.TB) ([]gossh.Signer, string) {
	keys := []gossh.Signer{signer(t, "admin"), signer(t, "guest"), signer(t, "stranger")}
	return keys, line(`user="admin",consoles="admin=@all"`, keys[0]) + line(`user="guest",consoles="r=node1"`, keys[1])
}

// meta is the ConnMetadata of a request.
type meta struct{ user string }

func (m meta) User() string          { return m.user }
func (m meta) SessionID() []byte     { return []byte("id") }
func (m meta) ClientVersion() []byte { return []byte("SSH-2.0-test") }
func (m meta) ServerVersion() []byte { return []byte("SSH-2.0-consoled") }
func (m meta) RemoteAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
func (m meta) LocalAddr() net.Addr   { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 22} }

// ask drives a configuration as the SSH library does, its one remembered
// answer about a key included.
type asker struct {
	config    *gossh.ServerConfig
	user      string
	key       int
	perms     *gossh.Permissions
	result    error
	remembers bool
}

func (a *asker) ask(r request, keys []gossh.Signer) (*gossh.Permissions, error) {
	m := meta{r.name}
	if r.method == "none" {
		return a.config.NoClientAuthCallback(m)
	}
	if !a.remembers || a.user != r.name || a.key != r.key {
		a.perms, a.result = a.config.PublicKeyCallback(m, keys[r.key].PublicKey())
		a.user, a.key, a.remembers = r.name, r.key, true
	}
	if a.result != nil {
		return nil, a.result
	}
	if r.method == "query" {
		return nil, errQueried
	}
	return a.config.VerifiedPublicKeyCallback(m, keys[r.key].PublicKey(), a.perms, "ssh-ed25519")
}

var errQueried = errors.New("the key would do")

// TestLoginSequences tries every sequence of three requests.
func TestLoginSequences(t *testing.T) {
	keys, text := loginKeys(t)
	f := prepare(t, text, nil, nil)
	f.log = slog.New(slog.DiscardHandler)
	all, tried := requests(), 0
	for _, a := range all {
		for _, b := range all {
			for _, c := range all {
				sequence := []request{a, b, c}
				near, far := pipe()
				conn := f.newConnection(far)
				conn.limit = time.NewTimer(time.Hour)
				who, name := "", ""
				ask := asker{config: (&login{c: conn}).config(20)}
				for _, r := range sequence {
					perms, err := ask.ask(r, keys)
					if !errors.Is(err, errQueried) {
						ask.config.AuthLogCallback(meta{r.name}, r.method, err)
					}
					if err != nil {
						continue
					}
					p, ok := proven(perms)
					if !ok {
						t.Fatalf("%v: let in without a proof", sequence)
					}
					who, name = p.identity.Name, p.name
					break
				}
				if w, n := expected(sequence); who != w || name != n {
					t.Fatalf("%v: let in as %q at %q, want %q at %q", sequence, who, name, w, n)
				}
				near.Close()
				conn.limit.Stop()
				tried++
			}
		}
	}
	if tried != 9261 {
		t.Errorf("tried %d sequences", tried)
	}
}

// TestLoginOnTheWire tries sequences with the real library in between: a part
// of those of two requests, and of three.
func TestLoginOnTheWire(t *testing.T) {
	t.Parallel()
	keys, text := loginKeys(t)
	f := start(t, text, func(c *config.Config) { c.Limits.HalfOpen, c.Limits.PerAddress = 100, 100 }, told)
	f.login("gw", keys[0]) // from an address where somebody is logged in no refusal waits
	all := requests()
	var sequences [][]request
	for i, a := range all {
		for j, b := range all {
			switch n := i*len(all) + j; {
			case n%5 == 0:
				sequences = append(sequences, []request{a, b})
			case n%13 == 0:
				sequences = append(sequences, []request{a, b, all[(i+3*j)%len(all)]})
			}
		}
	}
	for _, sequence := range sequences {
		c := dialRaw(t, f.addr)
		var who, name string
		for _, r := range sequence {
			in := false
			switch r.method {
			case "none":
				in = c.none(r.name)
			case "query":
				c.query(r.name, keys[r.key].PublicKey())
			case "sign":
				in = c.sign(r.name, keys[r.key])
			}
			if in {
				parts := strings.Split(c.exec("x"), "|")
				who, name = parts[0], parts[2]
				break
			}
		}
		c.close()
		if w, n := expected(sequence); who != w || name != n {
			t.Fatalf("%v: let in as %q at %q, want %q at %q", sequence, who, name, w, n)
		}
	}
}

// TestRefusalText is what somebody sees whose keys are all refused, once.
func TestRefusalText(t *testing.T) {
	keys, text := loginKeys(t)
	f := start(t, text, nil, told)
	other := signer(t, "other")
	tests := []struct {
		name string
		keys []gossh.Signer
		want string
	}{
		{"none", nil, "consoled: your client offered no key  Ask: ops@example.org"},
		{"one", keys[2:], "consoled: your key is not authorised here: " + gossh.FingerprintSHA256(keys[2].PublicKey()) + "  Ask: ops@example.org"},
		{"two", []gossh.Signer{keys[2], other}, "consoled: none of your 2 keys is authorised here: " +
			gossh.FingerprintSHA256(keys[2].PublicKey()) + " " + gossh.FingerprintSHA256(other.PublicKey()) + "  Ask: ops@example.org"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var told []string
			show := func(_, instruction string, questions []string, _ []bool) ([]string, error) {
				told = append(told, instruction)
				if len(questions) > 0 {
					t.Errorf("asked %q", questions)
				}
				return nil, nil
			}
			_, err := f.dial("node1", gossh.PublicKeys(tt.keys...),
				gossh.RetryableAuthMethod(gossh.KeyboardInteractive(show), 3))
			if err == nil {
				t.Fatal("let in")
			}
			if want := []string{tt.want}; !slices.Equal(told, want) {
				t.Errorf("told %q, want %q", told, want)
			}
		})
	}
	await(t, "a line about the refusal", func() bool {
		return strings.Contains(f.logged.String(), `msg="login refused"`) && strings.Contains(f.logged.String(), "no such key")
	})
}

// TestPassword shows that there is no password at all.
func TestPassword(t *testing.T) {
	_, text := loginKeys(t)
	f := start(t, text, nil, told)
	for _, password := range []string{"", "secret"} {
		c := dialRaw(t, f.addr)
		if c.password("node1", password) {
			t.Errorf("let in by password %q", password)
		}
		c.close()
	}
}

// TestCertificate shows that a certificate is not taken for the key inside it.
func TestCertificate(t *testing.T) {
	keys, text := loginKeys(t)
	f := start(t, text, nil, told)
	cert := &gossh.Certificate{
		Key: keys[0].PublicKey(), CertType: gossh.UserCert, ValidPrincipals: []string{"node1"}, ValidBefore: gossh.CertTimeInfinity,
	}
	if err := cert.SignCert(strings.NewReader(strings.Repeat("r", 4096)), keys[2]); err != nil {
		t.Fatal(err)
	}
	s, err := gossh.NewCertSigner(cert, keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.dial("node1", gossh.PublicKeys(s)); err == nil {
		t.Error("let in by a certificate that nobody trusts")
	}
}

// TestSelfTest shows that a gateway which lets anybody in does not serve.
func TestSelfTest(t *testing.T) {
	_, text := loginKeys(t)
	f := start(t, text, nil, told)
	s := *f.site.Load()
	// An open door: the policy finds the random key that the self test makes.
	for _, open := range []func(*gossh.ServerConfig){
		func(c *gossh.ServerConfig) { c.NoClientAuthCallback = nil },
		func(c *gossh.ServerConfig) {
			c.PasswordCallback = func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) { return nil, nil }
		},
		func(c *gossh.ServerConfig) {
			c.PublicKeyCallback = func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error) { return nil, nil }
			c.VerifiedPublicKeyCallback = nil
		},
		func(c *gossh.ServerConfig) {
			c.KeyboardInteractiveCallback = func(gossh.ConnMetadata, gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
				return nil, nil
			}
		},
	} {
		err := probe(s.hostKeys[0], "gw", func(nc net.Conn) {
			c := (&login{c: f.newConnection(nc)}).config(20)
			c.AddHostKey(s.hostKeys[0])
			c.NoClientAuth = true
			open(c)
			go func() {
				if conn, _, _, err := gossh.NewServerConn(nc, c); err == nil {
					// The client closes it.
					_ = conn.Wait()
				}
			}()
		})
		if !errors.Is(err, errOpen) {
			t.Errorf("self test of an open door: %v", err)
		}
	}
	err := probe(s.hostKeys[0], "gw", func(nc net.Conn) { nc.Close() })
	if err == nil || errors.Is(err, errOpen) {
		t.Errorf("self test of a door that cannot be tried: %v", err)
	}
}

// TestIdentityOfAnOldSite keeps no rights: what an old identity may do is asked of the keys of now.
func TestIdentityOfAnOldSite(t *testing.T) {
	keys, text := loginKeys(t)
	f := start(t, text, nil, told)
	id, err := f.site.Load().policy.Identify(keys[0].PublicKey(), meta{}.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c, _ := f.Console("node1")
	if !f.Rights(id, c).Has(auth.Admin) {
		t.Fatalf("rights before: %s", f.Rights(id, c))
	}
	f.write(line(`user="admin",consoles="r=@all"`, keys[0]))
	if _, err := f.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if got := f.Rights(id, c); got != auth.Read {
		t.Errorf("rights after: %s", got)
	}
}

// A turncoat is a request during which something happens: at the given call of User.
type turncoat struct {
	meta
	calls *int
	at    int
	event func()
}

func (m turncoat) User() string {
	if *m.calls++; *m.calls == m.at {
		m.event()
	}
	return m.meta.User()
}

// TestRevokedMeanwhile takes a key away while its signature is being accepted:
// the reload has not seen the connection, and the connection not the reload.
func TestRevokedMeanwhile(t *testing.T) {
	keys, text := loginKeys(t)
	for at := 1; at <= 2; at++ {
		f := prepare(t, text, nil, nil)
		near, far := pipe()
		defer near.Close()
		c := f.newConnection(far)
		c.limit = time.NewTimer(time.Hour)
		l := &login{c: c, begun: true, name: "node1"}
		m := turncoat{meta: meta{"node1"}, calls: new(int), at: at, event: func() {
			f.write("")
			s, err := f.load()
			if err != nil {
				t.Fatal(err)
			}
			f.site.Store(s)
		}}
		if _, err := l.signed(m, keys[0].PublicKey(), nil, ""); err == nil {
			t.Errorf("let in by a key that was taken away at call %d", at)
		}
	}
}
