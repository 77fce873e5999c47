//go:build darwin || freebsd || openbsd

package ports

import "golang.org/x/sys/unix"

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
