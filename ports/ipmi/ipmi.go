// Package ipmi is the backend for consoles behind a BMC: IPMI 2.0 serial over
// LAN, by RMCP+ with the cipher suites 17 and 3 and no others. It also has
// the BMC's chassis commands: power, the next boot's device, the identify light.
//
// The BMC, and everybody who can send datagrams to it or to us, is taken to be
// hostile. In a session nothing is believed that is not encrypted, authenticated
// and fresh. The password never leaves: the BMC has to show that it knows it before we do,
// so that a wrong one is noticed here and counts as no attempt there.
//
// Each open line has one socket and one goroutine, which owns the session and
// which Close waits for. Nothing is polled: an idle console sends its keepalive and
// holds no buffer but the one of the socket.
package ipmi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"consoled/ports"
)

// IPMI is a console behind a BMC, by serial over LAN.
type IPMI struct {
	Address   string        // host or host:port; an IPv6 address with a port in brackets
	User      string        // at most 16 bytes
	Password  ports.Secret  // at most 20 bytes
	KG        ports.Secret  // the BMC's own key, where it has one: 20 bytes, or 0x and 40 hexadecimal digits; may be nil
	Cipher    int           // 17 or 3; 0 is 17, and 3 where the BMC does not do 17
	Privilege string        // user, operator or administrator; operator if empty
	TakeOver  string        // always, ask or never: what happens to another's session; ask if empty
	Keepalive time.Duration // 30 s if 0
}

// What TakeOver says.
const (
	takeAlways = "always"
	takeAsk    = "ask"
	takeNever  = "never"
)

// privileges are the levels by name (table 6-4).
var privileges = map[string]byte{"": 3, "user": 2, "operator": 3, "administrator": 4}

// The most that the protocol carries (tables 13-11 and 22-30).
const (
	maxUser   = 16
	maxSecret = 20
)

const (
	usualPort      = "623"
	usualKeepalive = 30 * time.Second
	// Most BMCs end a session that has been silent for a minute (6.12.15).
	maxKeepalive = 50 * time.Second
	minKeepalive = time.Second
)

// Check says what is wrong with the settings.
func (b IPMI) Check() error {
	if err := ports.CheckAddress(b.address()); err != nil {
		return err
	}
	_, known := privileges[b.Privilege]
	switch {
	case b.User == "":
		return errors.New("ipmi: no user")
	case len(b.User) > maxUser:
		return fmt.Errorf("ipmi: the user has %d bytes and %d is the most that IPMI carries", len(b.User), maxUser)
	case b.Password == nil:
		return errors.New("ipmi: no password")
	case b.Cipher != 0 && b.Cipher != 3 && b.Cipher != 17:
		return fmt.Errorf("ipmi: cipher %d is none of 17 and 3, the ones that both encrypt and authenticate", b.Cipher)
	case !known:
		return fmt.Errorf("ipmi: privilege %q is none of user, operator and administrator", b.Privilege)
	case b.TakeOver != "" && b.TakeOver != takeAlways && b.TakeOver != takeAsk && b.TakeOver != takeNever:
		return fmt.Errorf("ipmi: take_over %q is none of always, ask and never", b.TakeOver)
	case b.Keepalive != 0 && (b.Keepalive < minKeepalive || b.Keepalive > maxKeepalive):
		return fmt.Errorf("ipmi: keepalive %v is not from %v to %v; a BMC ends a session after a minute of silence", b.Keepalive, minKeepalive, maxKeepalive)
	}
	return nil
}

// Host is the BMC's name or address.
func (b IPMI) Host() string { return ports.HostOf(b.address()) }

// String is "ipmi node42-bmc".
func (b IPMI) String() string { return "ipmi " + b.Address }

// address is the host with a port.
func (b IPMI) address() string {
	if _, _, err := net.SplitHostPort(b.Address); err == nil {
		return b.Address
	}
	return net.JoinHostPort(strings.Trim(b.Address, "[]"), usualPort)
}

func (b IPMI) keepalive() time.Duration {
	if b.Keepalive == 0 {
		return usualKeepalive
	}
	return b.Keepalive
}

// Open opens the console. What happens when somebody else has it is said by
// TakeOver.
func (b IPMI) Open(ctx context.Context) (ports.Port, error) {
	return b.open(ctx, b.TakeOver == takeAlways)
}

// Take opens the console and takes it from whoever has it, unless TakeOver is
// never.
func (b IPMI) Take(ctx context.Context) (ports.Port, error) {
	return b.open(ctx, b.TakeOver != takeNever)
}

func (b IPMI) open(ctx context.Context, take bool) (ports.Port, error) {
	conn, err := b.dial(ctx, "open "+b.String())
	if err != nil {
		return nil, err
	}
	return b.openOn(ctx, conn, take)
}

// openOn opens the console on a socket, which is closed when that fails.
func (b IPMI) openOn(ctx context.Context, conn net.Conn, take bool) (ports.Port, error) {
	s, err := b.begin(ctx, conn, "open "+b.String())
	if err != nil {
		return nil, err
	}
	p, err := b.activate(ctx, s, take)
	if err != nil {
		s.leave(ctx)
		return nil, s.failed(ctx, err)
	}
	return p, nil
}

// dial opens a socket. It is connected: the kernel drops what comes from
// another address, and tells us when nobody listens.
func (b IPMI) dial(ctx context.Context, op string) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, ports.Ended(ctx, op)
	}
	if err := b.Check(); err != nil {
		return nil, &ports.Error{Reason: ports.Failed, Op: op, Err: err}
	}
	dialer := net.Dialer{Timeout: 10 * time.Second} // of the name server
	conn, err := dialer.DialContext(ctx, "udp", b.address())
	switch {
	case ctx.Err() != nil:
		if err == nil {
			conn.Close()
		}
		return nil, ports.Ended(ctx, op)
	case err != nil:
		return nil, ports.Classify(op, err)
	}
	return conn, nil
}

// begin logs in on a socket, which is closed when that fails.
func (b IPMI) begin(ctx context.Context, conn net.Conn, op string) (*session, error) {
	s := &session{conn: conn, op: op}
	if err := b.logIn(ctx, s); err != nil {
		s.leave(ctx)
		return nil, s.failed(ctx, err)
	}
	return s, nil
}
