package gateway

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// noFollow is nothing here, where links need a privilege.
const noFollow = 0

// alive takes every number for one of a process.
func alive(int) bool { return true }

// lockFile locks a byte far behind the end, so that others can read who holds it.
func lockFile(f *os.File) error {
	at := &windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}
