package ssh_test

import (
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"consoled/ports"
)

// clear are the packets that a client sends in clear on its way to a host key:
// KEXINIT and its half of the key exchange. NEWKEYS would follow, and then who it is.
var clear = []byte{20, 30}

func TestHostKey(t *testing.T) {
	ed, ec, rsa, other := newKey(t, "ed25519"), newKey(t, "ecdsa"), newKey(t, "rsa"), newKey(t, "ed25519")
	authority := newKey(t, "ecdsa")
	certify := func(change func(*gossh.Certificate)) gossh.Signer {
		cert := &gossh.Certificate{
			Key: ed.PublicKey(), CertType: gossh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
			ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		}
		change(cert)
		if err := cert.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		signer, err := gossh.NewCertSigner(cert, ed)
		if err != nil {
			t.Fatal(err)
		}
		return signer
	}
	valid := certify(func(*gossh.Certificate) {})
	line := func(pattern string, key gossh.Signer) string {
		return pattern + " " + string(gossh.MarshalAuthorizedKey(key.PublicKey()))
	}
	// A pattern of HOST stands for the server's own name and port.
	const host = "HOST"
	for _, test := range []struct {
		name  string
		keys  []gossh.Signer
		known string
		want  []string // in the error; nil: it is let in
	}{
		{"known", []gossh.Signer{ed}, line(host, ed), nil},
		{"hashed", []gossh.Signer{ed}, line("HASHED", ed), nil},
		{"by pattern", []gossh.Signer{ed}, line("example,[127.0.?.*]:*", ed), nil},
		{"by name without the port", []gossh.Signer{ed}, line("127.0.0.1", ed), nil},
		{"one of several", []gossh.Signer{ed, ec, rsa}, line(host, rsa), nil},
		{"two are known", []gossh.Signer{ec}, line(host, other) + line(host, ec), nil},
		{"among comments and others", []gossh.Signer{ed}, "# c\n\nbroken.example nonsense\n" + line("x", other) + line(host, ed), nil},
		{"certificate", []gossh.Signer{valid}, line("@cert-authority "+host, authority), nil},
		{"certificate by pattern without the port", []gossh.Signer{valid}, line("@cert-authority *", authority), nil},
		{"plain key where only others have an authority", []gossh.Signer{valid, ed}, line("@cert-authority x", authority) + line(host, ed), nil},

		{"changed", []gossh.Signer{other}, line(host, ed), []string{"expected ", gossh.FingerprintSHA256(ed.PublicKey()), "known_hosts:1", "offered ", gossh.FingerprintSHA256(other.PublicKey())}},
		{"changed kind", []gossh.Signer{ec}, line(host, ed), []string{gossh.FingerprintSHA256(ed.PublicKey()), gossh.FingerprintSHA256(ec.PublicKey())}},
		{"unknown", []gossh.Signer{ed}, line("x", ed), []string{"is not in ", gossh.FingerprintSHA256(ed.PublicKey())}},
		{"ruled out", []gossh.Signer{ed}, line("*,!"+host+",!127.0.0.1", ed), []string{"is not in "}},
		{"other port", []gossh.Signer{ed}, line("[127.0.0.1]:1", ed), []string{"is not in "}},
		{"revoked", []gossh.Signer{ed}, line(host, ed) + line("@revoked *", ed), []string{"revoked", "known_hosts:2"}},
		{"broken line", []gossh.Signer{ed}, "HOST ssh-ed25519 AAAA\n", []string{"line 1"}},
		{"authority's key as the host's own", []gossh.Signer{authority}, line("@cert-authority "+host, authority), []string{"expected a certificate"}},
		{"another authority", []gossh.Signer{valid}, line("@cert-authority "+host, other), []string{"expected one of", gossh.FingerprintSHA256(other.PublicKey()), gossh.FingerprintSHA256(authority.PublicKey())}},
		{"authority revoked", []gossh.Signer{valid}, line("@cert-authority "+host, authority) + line("@revoked *", authority), []string{"revoked"}},
		{"certified key revoked", []gossh.Signer{valid}, line("@cert-authority "+host, authority) + line("@revoked *", ed), []string{"revoked"}},
		{
			"certificate of another host",
			[]gossh.Signer{certify(func(c *gossh.Certificate) { c.ValidPrincipals = []string{"x"} })},
			line("@cert-authority "+host, authority),
			[]string{"principal"},
		},
		{
			"certificate of no host",
			[]gossh.Signer{certify(func(c *gossh.Certificate) { c.ValidPrincipals = nil })},
			line("@cert-authority "+host, authority),
			[]string{"names no host"},
		},
		{
			"certificate expired",
			[]gossh.Signer{certify(func(c *gossh.Certificate) { c.ValidBefore = 1 })},
			line("@cert-authority "+host, authority),
			[]string{"expired"},
		},
		{
			"certificate of a person",
			[]gossh.Signer{certify(func(c *gossh.Certificate) { c.CertType = gossh.UserCert })},
			line("@cert-authority "+host, authority),
			[]string{"a person's"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newServer(test.keys...)
			server.NoClientAuth = false
			server.PasswordCallback = func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) { return nil, nil }
			server.serve(t)
			_, port, _ := net.SplitHostPort(server.address())
			at := "[127.0.0.1]:" + port
			backend := server.backend(t, strings.NewReplacer("HASHED", knownhosts.HashHostname(at), host, at).Replace(test.known))
			password := newSecret("canary")
			backend.Password = password
			p, err := backend.Open(t.Context())
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				p.Close()
				return
			}
			e, ok := errors.AsType[*ports.Error](err)
			if !ok {
				t.Fatalf("%v where it has to be refused", err)
			}
			for _, part := range test.want {
				if !strings.Contains(e.Error(), part) {
					t.Errorf("%q lacks %q", e.Error(), part)
				}
			}
			if strings.Contains(test.name, "broken") {
				return // nobody was called
			}
			if e.Reason != ports.WrongHostKey || e.Fix == "" {
				t.Errorf("reason %q, fix %q", e.Reason, e.Fix)
			}
			if *password.revealed != 0 || server.logins != 0 {
				t.Errorf("the password was asked for %d times, %d logins", *password.revealed, server.logins)
			}
			// Not a byte after the host key: not even NEWKEYS, let alone who we are.
			if diff := cmp.Diff(clear, server.sent[0].packets()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
