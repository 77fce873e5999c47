//go:build !linux

package ports

import "syscall"

// connectEarly is for Linux alone: other systems do not say on a second call
// what became of the first.
var connectEarly func(network, address string, c syscall.RawConn) error
