package ssh_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports/ssh"
)

// A server is a host that does what the test wants, and keeps what clients
// have sent before it was encrypted.
type server struct {
	gossh.ServerConfig
	listener net.Listener
	session  func(gossh.Channel, <-chan *gossh.Request) // nil: what is asked is granted, what is sent comes back
	then     func(*gossh.ServerConn)                    // after the login
	open     func(gossh.NewChannel)                     // nil: any session

	mu     sync.Mutex
	sent   []*recorder
	logins int
}

// newServer has the host keys and lets everybody in; serve starts it.
func newServer(keys ...gossh.Signer) *server {
	s := &server{ServerConfig: gossh.ServerConfig{NoClientAuth: true}}
	for _, key := range keys {
		s.AddHostKey(key)
	}
	return s
}

// A recorder keeps what is read from a connection.
type recorder struct {
	net.Conn
	mu   sync.Mutex
	text []byte
	stop chan struct{} // once it is there nothing is read until it is closed
}

// stall stops the reading until the connection is closed.
func (r *recorder) stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = make(chan struct{})
}

func stalled(r *recorder) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop != nil
}

func (r *recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop != nil {
		close(r.stop)
		r.stop = nil
	}
	return r.Conn.Close()
}

func (r *recorder) Read(p []byte) (int, error) {
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	if stop != nil {
		<-stop
	}
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, p[:n]...)
	return n, err
}

// packets are the types of what came in clear: a version line, then packets
// (RFC 4253, 6) up to the first that is no longer one.
func (r *recorder) packets() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, rest, _ := bytes.Cut(r.text, []byte("\n"))
	var types []byte
	for len(rest) > 5 {
		n := int(binary.BigEndian.Uint32(rest))
		types = append(types, rest[5])
		if n > len(rest)-4 {
			break
		}
		rest = rest[4+n:]
	}
	return types
}

func (s *server) serve(t testing.TB) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = listener
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r := &recorder{Conn: conn}
			s.mu.Lock()
			s.sent = append(s.sent, r)
			s.mu.Unlock()
			serving.Go(func() { s.handle(r) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.mu.Lock()
		for _, r := range s.sent {
			r.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

func (s *server) handle(conn net.Conn) {
	defer conn.Close()
	c, channels, requests, err := gossh.NewServerConn(conn, &s.ServerConfig)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { gossh.DiscardRequests(requests) })
	if s.then != nil {
		work.Go(func() { s.then(c) })
	}
	for channel := range channels {
		if s.open != nil {
			work.Go(func() { s.open(channel) })
			continue
		}
		ch, asked, err := channel.Accept()
		if err != nil {
			return
		}
		if s.session != nil {
			work.Go(func() { s.session(ch, asked) })
			continue
		}
		work.Go(func() { grant(asked) })
		work.Go(func() { io.Copy(ch, ch) })
	}
}

// grant says yes to every request.
func grant(requests <-chan *gossh.Request) {
	for r := range requests {
		r.Reply(true, nil)
	}
}

func (s *server) address() string { return s.listener.Addr().String() }

// known is a line of known_hosts for the server.
func (s *server) known(key gossh.PublicKey) string {
	_, port, _ := net.SplitHostPort(s.address())
	return "[127.0.0.1]:" + port + " " + string(gossh.MarshalAuthorizedKey(key))
}

// backend reaches the server with such a known_hosts file.
func (s *server) backend(t testing.TB, known string) ssh.SSH {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	write(t, file, known)
	return ssh.SSH{To: "root@" + s.address(), KnownHosts: file}
}

// plain reaches a server by its only key.
func (s *server) plain(t testing.TB, key gossh.Signer) ssh.SSH {
	return s.backend(t, s.known(key.PublicKey()))
}

// newKey makes a key of a kind: "ed25519", "ecdsa" or "rsa".
func newKey(t testing.TB, kind string) gossh.Signer {
	t.Helper()
	var key any
	var err error
	switch kind {
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// A secret is a password that knows whether it was asked for.
type secret struct {
	text     string
	revealed *int
}

func newSecret(text string) secret { return secret{text, new(int)} }

func (s secret) Reveal(context.Context) ([]byte, error) { *s.revealed++; return []byte(s.text), nil }
func (s secret) String() string                         { return "secret:test" }

func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeKey makes a key pair and keeps the private half in the file.
func writeKey(t testing.TB, file string) gossh.PublicKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(pem.EncodeToMemory(block)))
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey()
}

// missing skips a test for want of something, which is a failure where
// everything has to be there.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
