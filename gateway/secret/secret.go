// Package secret is what the configuration binds to a reference to a password
// or a key: a file, a variable of the environment, what a program prints, or
// the text itself. Each is a ports.Secret. What they hold never stands in an
// error, a log or a command line.
package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// longest is the most that a secret may be, in bytes: a private key is the
// longest that there is.
const longest = 64 << 10

// A Text is a secret that stands in the configuration itself.
type Text string

// Reveal returns it.
func (t Text) Reveal(context.Context) ([]byte, error) { return []byte(t), nil }

// String hides it.
func (t Text) String() string { return "***" }

// GoString hides it from %#v too.
func (t Text) GoString() string { return "***" }

// An Env is a variable of the gateway's environment.
type Env string

// Reveal reads it.
func (e Env) Reveal(context.Context) ([]byte, error) {
	text, ok := os.LookupEnv(string(e))
	if !ok || text == "" {
		return nil, fmt.Errorf("secret %s: the variable is not set", e)
	}
	return []byte(text), nil
}

// String is "{env: NAME}".
func (e Env) String() string { return "{env: " + string(e) + "}" }

// A File is a file that holds the secret, and perhaps a line end behind it.
type File string

// Reveal reads it, each time anew: a password that was changed holds from the
// next connection on.
func (f File) Reveal(context.Context) ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(string(f))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", f, bare(err))
	}
	if text = cut(text); len(text) == 0 {
		return nil, fmt.Errorf("secret %s: the file is empty", f)
	}
	return text, nil
}

// Check says whether the file is there and kept from everybody else.
func (f File) Check() error {
	info, err := os.Stat(string(f))
	switch {
	case err != nil:
		return fmt.Errorf("secret %s: %w", f, bare(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("secret %s: not a regular file", f)
	case info.Size() > longest:
		return fmt.Errorf("secret %s: longer than %d KiB", f, longest>>10)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0:
		return &OpenError{Path: string(f), Mode: info.Mode().Perm()}
	}
	return nil
}

// String is "{file: PATH}".
func (f File) String() string { return "{file: " + string(f) + "}" }

// An OpenError is a file with a secret that everybody may read or write.
type OpenError struct {
	Path string
	Mode os.FileMode
}

// Error says the mode and what to do, on a line of its own.
func (e *OpenError) Error() string {
	return fmt.Sprintf("secret {file: %s}: mode %#o is open to everybody\nfix: chmod o-rwx %s", e.Path, e.Mode, e.Path)
}

// cut takes the line end off what was read.
func cut(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}

// bare takes off what repeats the path.
func bare(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}
