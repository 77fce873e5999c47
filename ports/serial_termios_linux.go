package ports

import "golang.org/x/sys/unix"

// The termios2 calls keep speeds that have no name of their own.
const (
	getTermios = unix.TCGETS2
	setTermios = unix.TCSETS2
)

// stickParity is what makes parity mark or space.
const stickParity = unix.CMSPAR

// queued asks how many bytes the driver still has to send.
const queued = unix.TIOCOUTQ

// flushOutput drops what was not sent yet.
func flushOutput(fd int) { unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) }
