package ports

import (
	"context"
	"errors"
	"strings"
)

// A Secret is a password or a key that a backend needs, by reference: in a
// file, the environment, or what a program prints. The configuration binds it; a
// backend reveals it when it opens the line, and keeps it no longer than that.
type Secret interface {
	// Reveal fetches the secret. Its error names the reference and never holds
	// anything of the secret itself.
	Reveal(ctx context.Context) ([]byte, error)
	// String is the reference, such as "secret:bmc" or "{env: BMC_PASSWORD}". It
	// is safe to print.
	String() string
}

// Reveal fetches a secret for a backend. What its error says on a line of its
// own, which is what to do about it, is the Fix of an *Error.
func Reveal(ctx context.Context, s Secret) ([]byte, error) {
	text, err := s.Reveal(ctx)
	if err == nil {
		return text, nil
	}
	said, fix, _ := strings.Cut(err.Error(), "\nfix: ")
	return nil, &Error{Reason: Failed, Err: errors.New(said), Fix: fix}
}
