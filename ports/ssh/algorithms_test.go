package ssh_test

import (
	"errors"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
)

// TestLegacy: what is old is refused, with a way out where legacy is one.
func TestLegacy(t *testing.T) {
	key, rsa := newKey(t, "ed25519"), newKey(t, "rsa").(gossh.AlgorithmSigner)
	sha1, err := gossh.NewSignerWithAlgorithms(rsa, []string{gossh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		key    gossh.Signer
		config gossh.Config
		legacy bool // it helps
	}{
		{"group 14 with SHA-1", key, gossh.Config{KeyExchanges: []string{gossh.InsecureKeyExchangeDH14SHA1}}, true},
		{"HMAC with SHA-1", key, gossh.Config{Ciphers: []string{gossh.CipherAES128CTR}, MACs: []string{gossh.HMACSHA1}}, true},
		{"RSA with SHA-1", sha1, gossh.Config{}, true},
		{"group 1", key, gossh.Config{KeyExchanges: []string{gossh.InsecureKeyExchangeDH1SHA1}}, false},
		{"CBC", key, gossh.Config{Ciphers: []string{gossh.InsecureCipherAES128CBC, gossh.InsecureCipherTripleDESCBC}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newServer(test.key)
			server.Config = test.config
			backend := server.serve(t).plain(t, test.key)
			_, err := backend.Open(t.Context())
			e, ok := errors.AsType[*ports.Error](err)
			if !ok || e.Reason != ports.Failed || (e.Fix != "") != test.legacy {
				t.Errorf("%v, %+v", err, e)
			}
			backend.Legacy = true
			p, err := backend.Open(t.Context())
			if (err == nil) != test.legacy {
				t.Errorf("legacy: %v", err)
			}
			if err == nil {
				p.Close()
			}
		})
	}
}
