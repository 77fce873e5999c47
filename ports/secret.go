package ports

import "context"

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
