package ports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// A Reason says in one of a few words why a line is down, for states, notices
// and the retry policy.
type Reason string

// The reasons a line is down for.
const (
	Refused          Reason = "connection refused"
	Unreachable      Reason = "unreachable"
	NameNotFound     Reason = "name not found"
	InUse            Reason = "in use"
	Gone             Reason = "device gone"
	Exited           Reason = "program exited"
	Closed           Reason = "closed by the other end"
	Denied           Reason = "permission denied"
	Authentication   Reason = "authentication refused"
	WrongHostKey     Reason = "wrong host key"
	WrongCertificate Reason = "wrong certificate"
	Dialogue         Reason = "login failed" // the target did not say what the dialogue on connect expects
	Unsupported      Reason = "not supported here"
	Failed           Reason = "failed" // none of the above; the detail says what
)

// An Error is why a line could not be opened or has ended.
type Error struct {
	Reason Reason
	Op     string // what was tried, such as "open serial /dev/ttyUSB0"
	Err    error  // the cause; may be nil
	Fix    string // what to do about it, on a line of its own; may be empty
}

// Error is the operation, the reason and the cause, where the cause does not
// say the reason by itself. The fix is not in it.
func (e *Error) Error() string {
	text := string(e.Reason)
	if e.Err != nil {
		cause := e.Err.Error()
		switch {
		case e.Reason == Failed, strings.Contains(cause, text):
			text = cause
		default:
			text += ": " + cause
		}
	}
	if e.Op == "" {
		return text
	}
	return e.Op + ": " + text
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf is the reason that err or anything it wraps carries; an error that
// is no *Error is classified as Classify does. It is empty for nil.
func ReasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	reason, _ := classify(err)
	return reason
}

// Classify turns an error of package net, os or syscall into an *Error that
// says what op met with. Layers that only repeat the operation and the address
// are taken off the cause. An error that is an *Error already comes back as
// it is, and nil as nil.
func Classify(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	reason, fix := classify(err)
	cause := bare(err)
	if reason == Closed && errors.Is(err, io.EOF) {
		cause = nil // "EOF" tells people nothing that the reason does not
	}
	return &Error{Reason: reason, Op: op, Err: cause, Fix: fix}
}

// Ended is the error of an Open whose context ended, with the context's cause.
func Ended(ctx context.Context, op string) error {
	return &Error{Reason: Failed, Op: op, Err: context.Cause(ctx)}
}

func classify(err error) (Reason, string) {
	if reason, fix := classifyTLS(err); reason != "" {
		return reason, fix
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return NameNotFound, ""
		}
		return Unreachable, "" // the name server did not answer
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) || errors.Is(err, context.Canceled) {
		return Failed, "" // our own doing
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Closed, ""
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		switch reason := reasonOfErrno(errno); reason {
		case "": // other errors may still be timeouts
		case Denied:
			return Denied, fixDenied(err)
		default:
			return reason, ""
		}
	}
	if errors.Is(err, os.ErrPermission) {
		return Denied, fixDenied(err)
	}
	if errors.Is(err, os.ErrNotExist) {
		return Gone, ""
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return Unreachable, ""
	}
	return Failed, ""
}

func fixDenied(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && !strings.HasPrefix(op.Net, "unix") {
		return "let the packet filter of this machine pass the connection"
	}
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Sprintf("give the user that the gateway runs as access to %q, by its group or mode", path.Path)
	}
	return "give the user that the gateway runs as access to it, by its group or mode"
}

// bare takes off the layers in which package net and os repeat what the
// operation of an Error says.
func bare(err error) error {
	for {
		var inner error
		switch e := err.(type) {
		case *net.OpError:
			inner = e.Err
		case *os.PathError:
			inner = e.Err
		case *os.SyscallError:
			inner = e.Err
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}
