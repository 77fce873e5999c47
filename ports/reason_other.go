//go:build !windows

package ports

import "syscall"

// reasonOfErrno is what an error number says about a line; empty for those
// that say nothing in general.
func reasonOfErrno(errno syscall.Errno) Reason {
	switch errno {
	case syscall.ECONNREFUSED:
		return Refused
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.ETIMEDOUT:
		return Unreachable
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
		return Closed
	case syscall.ENOENT, syscall.ENXIO, syscall.EIO, syscall.ENODEV:
		return Gone
	case syscall.EBUSY:
		return InUse
	case syscall.EACCES, syscall.EPERM:
		return Denied
	case syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT:
		return Unsupported
	}
	return ""
}
