//go:build unix

package ports

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A tryReader looks at a non-blocking descriptor of the runtime's poller
// without a buffer of its own and without allocating. One goroutine uses it, as one
// reads a Port. The callbacks are bound once because a closure a call would
// be an allocation a call.
type tryReader struct {
	raw  syscall.RawConn
	till func(time.Time) error // sets the time until which reads wait
	look func(fd uintptr) bool
	peek func(fd uintptr) bool
	take func(fd uintptr) bool

	poll [1]unix.PollFd
	is   bool // what peek saw
	p    []byte
	n    int
	err  error

	mu     sync.Mutex // guards what follows
	roused bool       // till is in the past
}

// init is called once, before the first use.
func (t *tryReader) init(c any) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return syscall.EINVAL
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	t.raw, t.look, t.peek, t.take = raw, t.looking, t.peeking, t.taking
	t.till = func(time.Time) error { return os.ErrNoDeadline }
	if d, ok := c.(interface{ SetReadDeadline(time.Time) error }); ok {
		t.till = d.SetReadDeadline
	}
	return nil
}

// rouse makes wait return, now or when it is called next. Any goroutine may call it.
func (t *tryReader) rouse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.roused = t.till(time.Unix(1, 0)) == nil
}

// read is raw.Read; again tells that it did nothing but to be roused.
func (t *tryReader) read(f func(fd uintptr) bool) (again bool, err error) {
	if err = t.raw.Read(f); !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.roused {
		return false, err
	}
	t.roused = false
	return true, t.till(time.Time{})
}

// wait parks until a read would return something. The runtime's poller tells
// edges and forgets the last one when a RawConn.Read begins, so each round asks
// the kernel for the state of things before it parks.
func (t *tryReader) wait() error {
	_, err := t.read(t.look)
	return err
}

func (t *tryReader) looking(fd uintptr) bool {
	for {
		t.poll[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, err := unix.Poll(t.poll[:], 0)
		if err != unix.EINTR {
			return n != 0 || err != nil // an error or a hangup is told by the read that follows
		}
	}
}

// ready reports whether a read would return something, an error among them,
// and what keeps it from looking.
func (t *tryReader) ready() (bool, error) {
	again, err := t.read(t.peek)
	for again && err == nil {
		again, err = t.read(t.peek)
	}
	return err != nil || t.is, err
}

func (t *tryReader) peeking(fd uintptr) bool {
	t.is = t.looking(fd)
	return true
}

func (t *tryReader) tryRead(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	t.p = p
	again, err := t.read(t.take)
	for again && err == nil {
		again, err = t.read(t.take)
	}
	n := t.n
	if err == nil {
		err = t.err
	}
	t.p, t.n, t.err = nil, 0, nil
	return n, err
}

// taking always says that it is done: nothing there is an answer too.
func (t *tryReader) taking(fd uintptr) bool {
	for {
		n, err := syscall.Read(int(fd), t.p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
		case err != nil:
			t.err = os.NewSyscallError("read", err)
		case n == 0:
			t.err = io.EOF
		default:
			t.n = n
		}
		return true
	}
}

// control runs f on a descriptor that cannot be closed meanwhile.
func control(raw syscall.RawConn, f func(fd int) error) error {
	var result error
	if err := raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return err
	}
	return result
}
