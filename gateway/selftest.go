package gateway

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports/ssh"
)

// selfTest tries to log in to this very gateway without being authorised, and
// refuses to serve if that works: one wrong setting of the SSH library opens
// the door to everybody, and nothing else would show it.
func (g *Gateway) selfTest(s *site, connections *sync.WaitGroup) error {
	logins := []string{"gw"}
	if len(s.config.Consoles) > 0 {
		logins = append(logins, s.config.Consoles[0].Subject.Name)
	}
	for _, login := range logins {
		err := probe(s.hostKeys[0], login, func(nc net.Conn) {
			c := g.newConnection(nc)
			c.log = slog.New(slog.DiscardHandler) // these refusals are no news
			connections.Go(c.serve)
		})
		if err != nil {
			return fmt.Errorf("self test: login as %s: %w", login, err)
		}
	}
	return nil
}

// probe tries every way to log in without being authorised. serve is handed
// the far end of each connection, and does not block.
func probe(hostKey gossh.Signer, login string, serve func(net.Conn)) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	stranger, err := gossh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	for _, attempt := range []struct {
		name string
		auth []gossh.AuthMethod
	}{
		{"no authentication", nil},
		{"a random key", []gossh.AuthMethod{gossh.PublicKeys(stranger)}},
		{"an empty password", []gossh.AuthMethod{gossh.Password("")}},
		{"empty answers", []gossh.AuthMethod{gossh.KeyboardInteractive(noAnswers)}},
	} {
		near, far := pipe()
		serve(far)
		err := knock(near, hostKey, login, attempt.auth)
		// The far end ends with it; there is nothing to be lost.
		_ = near.Close()
		if err != nil {
			return fmt.Errorf("with %s: %w", attempt.name, err)
		}
	}
	return nil
}

func noAnswers(_, _ string, questions []string, _ []bool) ([]string, error) {
	return make([]string, len(questions)), nil
}

// errOpen is what must never be.
var errOpen = errors.New("it was let in; not serving")

// knock returns nil if the other end of a connection refused the login as it should.
func knock(nc net.Conn, hostKey gossh.Signer, login string, auth []gossh.AuthMethod) error {
	conn, _, _, err := gossh.NewClientConn(nc, "", &gossh.ClientConfig{
		User: login, Auth: auth, Config: ssh.Algorithms(),
		HostKeyAlgorithms: hostKeyAlgorithms(hostKey),
		HostKeyCallback:   gossh.FixedHostKey(hostKey.PublicKey()),
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
