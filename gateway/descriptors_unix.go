//go:build unix

package gateway

import "golang.org/x/sys/unix"

// descriptorsAllowed is the soft limit, which Go's runtime has raised to the
// hard one by now.
func descriptorsAllowed() (uint64, bool) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return uint64(l.Cur), true
}
