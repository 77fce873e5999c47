package ports

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// reasonOfErrno is what an error number says about a line; empty for those
// that say nothing in general.
func reasonOfErrno(errno syscall.Errno) Reason {
	switch errno {
	case windows.WSAECONNREFUSED:
		return Refused
	case windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTDOWN, windows.WSAENETDOWN, windows.WSAETIMEDOUT:
		return Unreachable
	case windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.ERROR_BROKEN_PIPE:
		return Closed
	case windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND, windows.ERROR_DEV_NOT_EXIST,
		windows.ERROR_GEN_FAILURE, windows.ERROR_BAD_COMMAND, windows.ERROR_DEVICE_NOT_CONNECTED:
		return Gone
	case windows.ERROR_SHARING_VIOLATION, windows.ERROR_BUSY:
		return InUse
	case windows.ERROR_ACCESS_DENIED, windows.WSAEACCES:
		return Denied
	case windows.WSAEAFNOSUPPORT, windows.WSAEPROTONOSUPPORT:
		return Unsupported
	}
	return ""
}
