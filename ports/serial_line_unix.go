//go:build unix

package ports

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A line is an open serial device.
type line struct {
	file    *os.File
	what    string
	setting Serial
	lock    lockFile
	try     tryReader
	remark  string

	before Receptions // what the driver had counted before
	counts bool       // it counts

	closeOnce sync.Once
	closing   chan struct{} // closed by Close
	breaking  atomic.Bool
}

func (l *line) Read(p []byte) (int, error) {
	n, err := l.file.Read(p)
	return n, l.failed("read ", err)
}

func (l *line) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	return n, l.failed("write ", err)
}

// Remark is what became of the settings, where the driver did not refuse them
// and yet does something else.
func (l *line) Remark() string { return l.remark }

// Wait blocks until there is something to read.
func (l *line) Wait() error { return l.failed("read ", l.try.wait()) }

// TryRead reads what has arrived.
func (l *line) TryRead(p []byte) (int, error) {
	n, err := l.try.tryRead(p)
	return n, l.failed("read ", err)
}

// The kernel's line discipline holds 4 KiB. Half of it is left for the moment
// when everybody else is served first.
const (
	lineBuffer  = 4096
	maxPatience = 100 * time.Millisecond
	minPatience = 20 * time.Millisecond // looking more often than that saves nothing
)

// Descriptor is the device's.
func (l *line) Descriptor() syscall.RawConn { return l.try.raw }

// Rouse ends a Wait.
func (l *line) Rouse() { l.try.rouse() }

// Patience is what the kernel's buffer allows at the line's speed.
func (l *line) Patience() time.Duration {
	patience := l.setting.character() * lineBuffer / 2
	if patience < minPatience {
		return 0
	}
	return min(patience, maxPatience)
}

// failed says that the device is gone where err is the end of it: a hangup is
// an end of file in a read, and an input/output error in a write.
func (l *line) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Reason: Gone, Op: op + l.what}
	}
	return Classify(op+l.what, err)
}

// Break lets what was typed before leave the line, then holds it in the break
// state for d.
func (l *line) Break(d time.Duration) error {
	l.drain()
	err := control(l.try.raw, func(fd int) error {
		l.breaking.Store(true)
		return unix.IoctlSetInt(fd, unix.TIOCSBRK, 0)
	})
	if err != nil {
		return l.failed("break ", err)
	}
	closed := !l.pause(d)
	if err := control(l.try.raw, l.endBreak); err != nil {
		return l.failed("break ", err)
	}
	if closed {
		return l.failed("break ", os.ErrClosed)
	}
	return nil
}

func (l *line) endBreak(fd int) error {
	l.breaking.Store(false)
	return unix.IoctlSetInt(fd, unix.TIOCCBRK, 0)
}

// drainLimit bounds the wait for a line that flow control has stopped.
const drainLimit = time.Second

// drain waits until the driver's buffer is empty, and for as long as the
// UART's own, of at most some dozens of bytes, needs after that.
func (l *line) drain() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.Now().Add(drainLimit)
	for time.Now().Before(limit) {
		left := 0
		control(l.try.raw, func(fd int) (err error) {
			left, err = unix.IoctlGetInt(fd, queued)
			return err
		})
		if left <= 0 {
			break
		}
		select {
		case <-tick.C:
		case <-l.closing:
			return
		}
	}
	l.pause(min(32*l.setting.character(), drainLimit))
}

// pause reports whether d went by before Close.
func (l *line) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.closing:
		return false
	}
}

// Close gives up the device and its lock. What the device has not taken is
// dropped: otherwise the kernel waits for it up to 30 seconds where flow
// control has stopped the line. It is dropped when nobody writes any more, since a
// writer who waits fills the buffer again as soon as it is empty; so a second descriptor
// keeps the device open until then.
func (l *line) Close() error {
	l.closeOnce.Do(func() {
		close(l.closing)
		last := -1
		control(l.try.raw, func(fd int) (err error) {
			last, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil { // no descriptor is left
				last = -1
				l.end(fd)
			}
			return nil
		})
		if last < 0 {
			l.lock.release()
			l.file.Close()
			return
		}
		l.file.Close() // waits for calls under way
		l.end(last)
		l.lock.release()
		unix.Close(last)
	})
	return nil
}

// end leaves the device as somebody else may want it.
func (l *line) end(fd int) {
	if l.breaking.Load() {
		l.endBreak(fd)
	}
	flushOutput(fd)
	unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
}
