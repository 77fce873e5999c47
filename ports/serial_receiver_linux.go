package ports

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An interruptCount is struct serial_icounter_struct of linux/serial.h: what the
// driver has counted since it was loaded.
type interruptCount struct {
	_                      [6]int32 // changes of CTS, DSR, RI and DCD; bytes in and out
	frame, overrun, parity int32
	brk                    int32
	bufferOverrun          int32 // the kernel's buffer, not the UART's
	_                      [9]int32
}

// count asks the driver what it has counted.
func (l *line) count() (Receptions, error) {
	var c interruptCount
	err := control(l.try.raw, func(fd int) error {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGICOUNT, uintptr(unsafe.Pointer(&c))); errno != 0 {
			return errno
		}
		return nil
	})
	if noLines(err) {
		return Receptions{}, &Error{Reason: Unsupported, Op: "receiver of " + l.what, Err: errors.New("the device does not count what it meets")}
	}
	if err != nil {
		return Receptions{}, l.failed("receiver of ", err)
	}
	return Receptions{
		Overruns: int(c.overrun + c.bufferOverrun), Parity: int(c.parity), Framing: int(c.frame), Breaks: int(c.brk),
	}, nil
}

// startCounting remembers what the driver had counted before the line was opened.
func (l *line) startCounting() {
	before, err := l.count()
	l.before, l.counts = before, err == nil
}

// Received is what the device's receiver met since the line was opened.
func (l *line) Received() (Receptions, error) {
	now, err := l.count()
	if err != nil {
		return Receptions{}, err
	}
	return Receptions{
		Overruns: now.Overruns - l.before.Overruns, Parity: now.Parity - l.before.Parity,
		Framing: now.Framing - l.before.Framing, Breaks: now.Breaks - l.before.Breaks,
	}, nil
}

// Losses is how often the receiver was overrun.
func (l *line) Losses() int {
	if !l.counts {
		return 0
	}
	met, err := l.Received()
	if err != nil {
		return 0 // the device is gone, which the reader learns by itself
	}
	return met.Overruns
}
