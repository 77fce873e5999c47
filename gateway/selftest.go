package gateway

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	gossh "golang.org/x/crypto/ssh"
)

// selfTest tries to log in to this very gateway without being authorised, and
// refuses to serve if that works: one wrong setting of the SSH library opens
// the door to everybody, and nothing else would show it.
func (g *Gateway) selfTest(ctx context.Context, s *site, connections *sync.WaitGroup) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("self test: %w", err)
	}
	stranger, err := gossh.NewSignerFromKey(private)
	if err != nil {
		return fmt.Errorf("self test: %w", err)
	}
	logins := []string{"gw"}
	if len(s.config.Consoles) > 0 {
		logins = append(logins, s.config.Consoles[0].Subject.Name)
	}
	attempts := []struct {
		name string
		auth []gossh.AuthMethod
	}{
		{"no authentication", nil},
		{"a random key", []gossh.AuthMethod{gossh.PublicKeys(stranger)}},
		{"an empty password", []gossh.AuthMethod{gossh.Password("")}},
		{"empty answers", []gossh.AuthMethod{gossh.KeyboardInteractive(noAnswers)}},
	}
	for _, login := range logins {
		for _, a := range attempts {
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("self test: %w", err)
			}
			if err := g.tryLogin(s, connections, login, a.auth); err != nil {
				return fmt.Errorf("self test: login as %s with %s: %w", login, a.name, err)
			}
		}
	}
	return nil
}

func noAnswers(_, _ string, questions []string, _ []bool) ([]string, error) {
	return make([]string, len(questions)), nil
}

// errOpen is what must never be.
var errOpen = errors.New("it was let in; not serving")

// tryLogin returns nil if the gateway refused the login as it should.
func (g *Gateway) tryLogin(s *site, connections *sync.WaitGroup, login string, auth []gossh.AuthMethod) error {
	near, far := pipe()
	defer near.Close()
	c := g.newConnection(far)
	connections.Go(c.serve)
	known := gossh.FixedHostKey(s.hostKeys[0].PublicKey())
	conn, _, _, err := gossh.NewClientConn(near, "", &gossh.ClientConfig{
		User: login, Auth: auth, Config: algorithms(),
		HostKeyAlgorithms: hostKeyAlgorithms(s.hostKeys[0]),
		HostKeyCallback: func(_ string, _ net.Addr, key gossh.PublicKey) error {
			return known("", pipeAddr{}, key)
		},
	})
	switch {
	case err == nil:
		return errors.Join(errOpen, conn.Close())
	case !strings.Contains(err.Error(), "unable to authenticate"):
		// Something else failed: the door was not tried.
		return err
	}
	return nil
}

// hostKeyAlgorithms are the signatures that a host key can make.
func hostKeyAlgorithms(k gossh.Signer) []string {
	if m, ok := k.(gossh.MultiAlgorithmSigner); ok {
		return m.Algorithms()
	}
	return []string{k.PublicKey().Type()}
}
