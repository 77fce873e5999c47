package ports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"
)

// TCP is a raw TCP connection, as terminal servers, serial device servers and
// QEMU offer it, or the same through TLS.
type TCP struct {
	Address string // host:port; an IPv6 address in brackets
	Network Network
}

// Check says what is wrong with the settings.
func (t TCP) Check() error { return t.Network.Check(t.Address) }

// Open connects.
func (t TCP) Open(ctx context.Context) (Port, error) { return t.Network.Dial(ctx, "tcp", t.Address) }

// String is "tcp ts1:2001", with "tls" behind it where it is secured.
func (t TCP) String() string { return "tcp " + t.Address + t.Network.TLS.String() }

// CheckAddress says what is wrong with a host:port to connect to.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		if addr, ok := errors.AsType[*net.AddrError](err); ok {
			err = errors.New(addr.Err)
		}
		return fmt.Errorf("address %q: %w; write host:port, an IPv6 address in brackets", address, err)
	}
	if host == "" {
		return fmt.Errorf("address %q: no host before the colon", address)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return fmt.Errorf("address %q: %q is no name of a host", address, host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("address %q: port is not a number from 1 to 65535", address)
	}
	return nil
}
