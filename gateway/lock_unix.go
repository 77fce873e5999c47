//go:build unix

package gateway

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// noFollow refuses a link in place of the lock: whose file it leads to would be cut.
const noFollow = unix.O_NOFOLLOW

// alive reports whether a process exists, whoever it belongs to.
func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
