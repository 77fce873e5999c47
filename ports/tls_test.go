package ports_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

// serveTLS is a server of TLS with a certificate; it says hello to whoever
// gets through the handshake.
func serveTLS(t testing.TB, pair porttest.Pair, change func(*tls.Config)) string {
	t.Helper()
	own, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{own}}
	if change != nil {
		change(config)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			secured := tls.Server(conn, config)
			io.WriteString(secured, "hello")
			io.Copy(io.Discard, secured)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return listener.Addr().String()
}

// hear opens a port and reads what the server says.
func hear(t *testing.T, backend ports.TCP) (string, error) {
	t.Helper()
	if err := backend.Check(); err != nil {
		t.Fatal(err)
	}
	port, err := backend.Open(t.Context())
	if err != nil {
		return "", err
	}
	defer port.Close()
	said := make([]byte, len("hello"))
	if _, err := io.ReadFull(port, said); err != nil {
		t.Errorf("opened, and then: %v", err) // people would be told of a line that is up
	}
	return string(said), nil
}

func TestTLSCertificates(t *testing.T) {
	ca, other := porttest.NewAuthority(t), porttest.NewAuthority(t)
	good := ca.Local(t)
	named := ca.Issue(t, "named", &x509.Certificate{DNSNames: []string{"ts1.example.org"}})
	expired := ca.Issue(t, "expired", &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	})
	nameless := ca.Issue(t, "127.0.0.1", &x509.Certificate{})
	foreign := other.Local(t)
	client := ca.Issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	authorities := x509.NewCertPool()
	text, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	authorities.AppendCertsFromPEM(text)
	mutual := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, authorities }
	old := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }
	twelve := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }

	for _, test := range []struct {
		name   string
		server porttest.Pair
		change func(*tls.Config)
		tls    ports.TLS
		reason ports.Reason // empty: it works
		fix    string
	}{
		{name: "private authority", server: good, tls: ports.TLS{CA: ca.File}},
		{name: "TLS 1.2", server: good, change: twelve, tls: ports.TLS{CA: ca.File}},
		{name: "TLS 1.1", server: good, change: old, tls: ports.TLS{CA: ca.File}, reason: ports.Failed},
		{name: "pinned", server: good, tls: ports.TLS{CA: good.Cert}},
		{name: "name given", server: named, tls: ports.TLS{CA: ca.File, Name: "ts1.example.org"}},
		{name: "wrong name", server: named, tls: ports.TLS{CA: ca.File}, reason: ports.WrongCertificate, fix: "as name under tls"},
		{name: "pinned under another name", server: named, tls: ports.TLS{CA: named.Cert}, reason: ports.WrongCertificate, fix: "as name under tls"},
		{name: "name in the subject only", server: nameless, tls: ports.TLS{CA: ca.File}, reason: ports.WrongCertificate, fix: "subjectAltNames"},
		{name: "expired", server: expired, tls: ports.TLS{CA: ca.File}, reason: ports.WrongCertificate, fix: "renew"},
		{name: "foreign authority", server: foreign, tls: ports.TLS{CA: ca.File}, reason: ports.WrongCertificate, fix: "as ca under tls"},
		{name: "authority unknown to the system", server: good, reason: ports.WrongCertificate, fix: "as ca under tls"},
		{name: "client's certificate", server: good, change: mutual, tls: ports.TLS{CA: ca.File, Cert: client.Cert, Key: client.Key}},
		{name: "no client's certificate", server: good, change: mutual, tls: ports.TLS{CA: ca.File}, reason: ports.Authentication, fix: "cert and key"},
		{name: "no client's certificate in 1.2", server: good, change: func(c *tls.Config) { mutual(c); twelve(c) }, tls: ports.TLS{CA: ca.File}, reason: ports.Failed, fix: "cert and key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.tls.On = true
			backend := ports.TCP{Address: serveTLS(t, test.server, test.change), Network: ports.Network{TLS: test.tls}}
			said, err := hear(t, backend)
			if test.reason == "" {
				if said != "hello" || err != nil {
					t.Errorf("%q, %v", said, err)
				}
				return
			}
			e, ok := errors.AsType[*ports.Error](err)
			if !ok || e.Reason != test.reason || !strings.Contains(e.Fix, test.fix) || said != "" {
				t.Errorf("%q, %+v", said, err)
			}
			if ok && !strings.Contains(e.Error(), " tcp "+backend.Address+": ") {
				t.Errorf("%v does not name the target", e)
			}
		})
	}
}

// A target without TLS is not waited for until the limit, and is told apart.
func TestTLSWithoutTLS(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			io.WriteString(conn, "login: ")
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	_, err = ports.TCP{Address: listener.Addr().String(), Network: ports.Network{TLS: ports.TLS{On: true}}}.Open(t.Context())
	if e, ok := errors.AsType[*ports.Error](err); !ok || e.Reason != ports.Failed || !strings.Contains(e.Fix, "does not speak TLS") {
		t.Errorf("%+v", err)
	}
}

func TestTLSFiles(t *testing.T) {
	ca := porttest.NewAuthority(t)
	pair, another := ca.Local(t), ca.Issue(t, "another", &x509.Certificate{})
	dir := t.TempDir()
	open, empty := filepath.Join(dir, "open.key"), filepath.Join(dir, "empty")
	key, err := os.ReadFile(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(open, key, 0o600)
	os.Chmod(open, 0o640)
	os.WriteFile(empty, nil, 0o600)
	for _, test := range []struct {
		tls  ports.TLS
		want string
	}{
		{ports.TLS{CA: ca.File, Cert: pair.Cert, Key: pair.Key}, ""},
		{ports.TLS{CA: filepath.Join(dir, "none")}, "tls ca " + dir + "/none: no such file or directory"},
		{ports.TLS{CA: dir}, "tls ca " + dir + ": not a regular file"},
		{ports.TLS{CA: empty}, "tls ca " + empty + ": no certificate in it"},
		{ports.TLS{Cert: pair.Cert, Key: filepath.Join(dir, "none")}, "tls key " + dir + "/none: no such file or directory"},
		{ports.TLS{Cert: pair.Cert, Key: open}, "tls key " + open + ": mode 0640 lets others read it"},
		{ports.TLS{Cert: another.Cert, Key: pair.Key}, "tls cert " + another.Cert + " with key " + pair.Key + ": tls: private key does not match public key"},
	} {
		got := ""
		if _, err := test.tls.Load("ts1:1"); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.tls, got, test.want)
		}
	}
	for _, test := range []struct {
		tls  ports.TLS
		want string
	}{
		{ports.TLS{Name: "a"}, "tls is off and has settings"},
		{ports.TLS{On: true, Cert: "c"}, "tls has cert and no key"},
		{ports.TLS{On: true, Key: "k"}, "tls has key and no cert"},
	} {
		if err := (ports.TCP{Address: "ts1:1", Network: ports.Network{TLS: test.tls}}).Check(); err == nil || err.Error() != test.want {
			t.Errorf("%+v: %v, want %s", test.tls, err, test.want)
		}
	}
}

// TestTLSBroken: a record that is none ends the line, though it came behind good
// ones and the target then keeps still: nobody would look at the socket again.
func TestTLSBroken(t *testing.T) {
	ca := porttest.NewAuthority(t)
	pair := ca.Local(t)
	own, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sent := make(chan struct{})
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
		together := &held{Conn: conn}
		server := tls.Server(together, &tls.Config{Certificates: []tls.Certificate{own}})
		if server.Handshake() == nil {
			together.hold = true
			io.WriteString(server, "last words")
			conn.Write(append(together.kept, "\x17\x03\x03\x00\x20, and this is no record of a session"...))
		}
		close(sent)
	}()
	port, err := ports.TCP{Address: listener.Addr().String(), Network: ports.Network{TLS: ports.TLS{On: true, CA: ca.File}}}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	<-sent
	try := port.(ports.TryReader)
	said, buf := "", make([]byte, 1<<10)
	for len(said) < len("last words") && err == nil {
		var n int
		if err = try.Wait(); err == nil {
			n, err = try.TryRead(buf)
			said += string(buf[:n])
		}
	}
	if said != "last words" || err == nil {
		t.Errorf("read %q, and then %v", said, err)
	}
}

// A held connection keeps what is written while hold is set.
type held struct {
	net.Conn
	hold bool
	kept []byte
}

func (h *held) Write(p []byte) (int, error) {
	if h.hold {
		h.kept = append(h.kept, p...)
		return len(p), nil
	}
	return h.Conn.Write(p)
}
