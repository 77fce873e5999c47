package ports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  *Error
		want string
	}{
		{&Error{Reason: Closed, Op: "read tcp a:1"}, "read tcp a:1: closed by the other end"},
		{&Error{Reason: Exited, Op: "exec sh", Err: errors.New("exit status 3")}, "exec sh: program exited: exit status 3"},
		{&Error{Reason: Refused, Op: "open tcp a:1", Err: errors.New("connection refused")}, "open tcp a:1: connection refused"},
		{&Error{Reason: Failed, Op: "open x", Err: errors.New("odd")}, "open x: odd"},
		{&Error{Reason: Failed}, "failed"},
		{&Error{Reason: Gone, Op: "open x", Err: os.ErrNotExist, Fix: "plug it in"}, "open x: device gone: file does not exist"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, not %q", got, test.want)
		}
	}
}

func TestClassify(t *testing.T) {
	cause := errors.New("cause")
	for _, test := range []struct {
		err    error
		reason Reason
		text   string
	}{
		{&net.DNSError{Err: "no such host", Name: "a", IsNotFound: true}, NameNotFound, "op: name not found: lookup a: no such host"},
		{&net.DNSError{Err: "server misbehaving", Name: "a", IsTemporary: true}, Unreachable, "op: unreachable: lookup a: server misbehaving"},
		{&net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}, Failed, "op: use of closed network connection"},
		{io.EOF, Closed, "op: closed by the other end"},
		{os.ErrDeadlineExceeded, Unreachable, "op: unreachable: i/o timeout"},
		{context.Canceled, Failed, "op: context canceled"},
		{&os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, Denied, "op: permission denied"},
		{fmt.Errorf("around: %w", os.ErrNotExist), Gone, "op: device gone: around: file does not exist"},
		{cause, Failed, "op: cause"},
	} {
		err := Classify("op", test.err)
		if ReasonOf(err) != test.reason || err.Error() != test.text {
			t.Errorf("%v: %q, %v", test.err, ReasonOf(err), err)
		}
		if ReasonOf(test.err) != test.reason {
			t.Errorf("%v by itself: %q", test.err, ReasonOf(test.err))
		}
		if test.reason == Denied && err.(*Error).Fix == "" {
			t.Errorf("%v: no fix", test.err)
		}
	}
	if Classify("op", nil) != nil || ReasonOf(nil) != "" {
		t.Error("no error is one")
	}
	already := &Error{Reason: InUse}
	if wrapped := fmt.Errorf("x: %w", already); Classify("op", wrapped) != wrapped || ReasonOf(wrapped) != InUse {
		t.Error("classified twice")
	}
}

func TestEnded(t *testing.T) {
	goodbye := errors.New("goodbye")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(goodbye)
	if err := Ended(ctx, "open x"); !errors.Is(err, goodbye) || err.Error() != "open x: goodbye" {
		t.Error(err)
	}
}

func TestCheckAddress(t *testing.T) {
	for address, want := range map[string]string{
		"ts1:2001":     "",
		"[fe80::1]:23": "",
		"10.0.0.1:1":   "",
		"ts1":          `address "ts1": missing port in address; write host:port, an IPv6 address in brackets`,
		"fe80::1:23":   `address "fe80::1:23": too many colons in address; write host:port, an IPv6 address in brackets`,
		":23":          `address ":23": no host before the colon`,
		"ts1:telnet":   `address "ts1:telnet": port is not a number from 1 to 65535`,
		"ts1:0":        `address "ts1:0": port is not a number from 1 to 65535`,
		"ts1:65536":    `address "ts1:65536": port is not a number from 1 to 65535`,
		"ts1\x1bc:23":  `address "ts1\x1bc:23": "ts1\x1bc" is no name of a host`,
		"two words:23": `address "two words:23": "two words" is no name of a host`,
	} {
		got := ""
		if err := (TCP{Address: address}).Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s", address, got)
		}
	}
}

func TestUnixCheck(t *testing.T) {
	for path, want := range map[string]string{
		"/run/vm1/serial.sock":         "",
		"":                             "unix socket: no path",
		"a\x00":                        `unix socket "a\x00": NUL in the path`,
		"/" + strings.Repeat("a", 103): "the path has 104 bytes and 103 is the most that a socket can have",
	} {
		err := Unix{Path: path}.Check()
		if (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
