//go:build !unix

package ports

import (
	"context"
	"errors"
	"runtime"
)

func execSupported() error {
	return &Error{Reason: Unsupported, Op: "exec", Err: errors.New("there is no pseudo-terminal on " + runtime.GOOS)}
}

// Open says that there is no pseudo-terminal here.
func (e Exec) Open(context.Context) (Port, error) { return nil, execSupported() }
