//go:build darwin || freebsd || openbsd

package ports

import (
	"errors"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)

// stickParity is what makes parity mark or space, where there is such a flag.
const stickParity = 0

// queued asks how many bytes the driver still has to send.
const queued = unix.TIOCOUTQ

// flushOutput drops what was not sent yet.
func flushOutput(fd int) { unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, unix.TCOFLUSH) }

// setMode sets speed and frame by the serial library, which knows each system's
// way and is closed again: it would cost three descriptors a port. What was set stays
// while the device is open.
func (s Serial) setMode(fd int, path string) error {
	port, err := serial.Open(path, s.mode())
	if err != nil {
		if e, ok := errors.AsType[*serial.PortError](err); ok && e.Code() == serial.PortBusy {
			return syscall.EBUSY
		}
		return err
	}
	port.Close()
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	s.shape(t)
	return unix.IoctlSetTermios(fd, setTermios, t)
}

// tookSpeed: these systems say the speed that was asked for.
func (l *line) tookSpeed(int, *unix.Termios) error { return nil }
