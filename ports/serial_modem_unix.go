//go:build unix

package ports

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Modem asks the driver for the modem lines.
func (l *line) Modem() (Lines, error) {
	bits := 0
	err := control(l.try.raw, func(fd int) (err error) {
		bits, err = unix.IoctlGetInt(fd, unix.TIOCMGET)
		return err
	})
	if noLines(err) {
		return Lines{}, &Error{Reason: Unsupported, Op: "modem lines of " + l.what, Err: errors.New("the device has none")}
	}
	if err != nil {
		return Lines{}, l.failed("modem lines of ", err)
	}
	return modemLines(bits), nil
}

func modemLines(bits int) Lines {
	return Lines{
		DTR: bits&unix.TIOCM_DTR != 0, RTS: bits&unix.TIOCM_RTS != 0, CTS: bits&unix.TIOCM_CTS != 0,
		DSR: bits&unix.TIOCM_DSR != 0, DCD: bits&unix.TIOCM_CD != 0, RI: bits&unix.TIOCM_RI != 0,
	}
}

// SoftwareFlow reports whether XON and XOFF stop and start the line.
func (l *line) SoftwareFlow() bool {
	on := false
	control(l.try.raw, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, getTermios)
		on = err == nil && t.Iflag&unix.IXON != 0
		return err
	})
	return on
}

// SetSoftwareFlow has the driver obey and send XON and XOFF, or pass them on
// as bytes. A line that an XOFF has stopped goes on where it is switched off.
func (l *line) SetSoftwareFlow(on bool) error {
	return l.failed("set flow control of ", control(l.try.raw, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, getTermios)
		if err != nil {
			return err
		}
		t.Iflag &^= unix.IXON | unix.IXOFF | unix.IXANY
		if on {
			t.Iflag |= unix.IXON | unix.IXOFF
		}
		return unix.IoctlSetTermios(fd, setTermios, t)
	}))
}
