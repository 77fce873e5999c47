package ipmi_test

import (
	"context"
	"os"
	"testing"

	"consoled/ports"
	"consoled/ports/ipmi"
	"consoled/ports/ipmi/bmctest"
)

// A secret is one that is no secret.
type secret string

func (s secret) Reveal(context.Context) ([]byte, error) { return []byte(s), nil }
func (s secret) String() string                         { return "secret:bmc" }

const (
	user     = "console"
	password = "canary-Pa55word"
)

// missing skips a test for want of something, which is a failure where
// everything has to be there.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// settings reach a bmctest.BMC.
func settings(address string) ipmi.IPMI {
	return ipmi.IPMI{Address: address, User: user, Password: secret(password)}
}

// serve has a BMC listen on the loopback.
func serve(t testing.TB, b *bmctest.BMC) ipmi.IPMI {
	t.Helper()
	b.User, b.Password = user, password
	address, stop, err := b.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return settings(address)
}

// inMemory has a BMC serve one end of a pipe, and opens the other. The bubble
// that it is used in wants all closed at its end.
func inMemory(t *testing.T, b *bmctest.BMC, there, back *bmctest.Noise, change ...func(*ipmi.IPMI)) (ports.Port, error) {
	t.Helper()
	b.User, b.Password = user, password
	conn, far := bmctest.Pipe(there, back)
	done := make(chan struct{})
	go func() { defer close(done); b.Serve(far) }()
	t.Cleanup(func() { far.Close(); <-done })
	s := settings("bmc.invalid")
	for _, f := range change {
		f(&s)
	}
	p, err := s.OpenOn(t.Context(), conn)
	if err == nil {
		t.Cleanup(func() { p.Close() })
	}
	return p, err
}

// mustOpen is inMemory for a BMC that is in order.
func mustOpen(t *testing.T, b *bmctest.BMC, change ...func(*ipmi.IPMI)) ports.Port {
	t.Helper()
	p, err := inMemory(t, b, nil, nil, change...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// failure is what an error tells.
func failure(t testing.TB, err error) *ports.Error {
	t.Helper()
	e, ok := err.(*ports.Error)
	if !ok {
		t.Fatalf("%T %v is no *ports.Error", err, err)
	}
	return e
}
