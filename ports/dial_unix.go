//go:build unix

package ports

import (
	"syscall"
	"time"
)

// Wait blocks until there is something to read.
func (s *stream) Wait() error { return s.failed("read ", s.try.wait()) }

// TryRead reads what has arrived.
func (s *stream) TryRead(p []byte) (int, error) {
	n, err := s.try.tryRead(p)
	return n, s.failed("read ", err)
}

// Descriptor is the socket's.
func (s *stream) Descriptor() syscall.RawConn { return s.try.raw }

// Rouse ends a Wait.
func (s *stream) Rouse() { s.try.rouse() }

// Patience is what a socket's receive buffer (128 KiB and more) allows with
// ease at the speed of any console.
func (s *stream) Patience() time.Duration { return 100 * time.Millisecond }
