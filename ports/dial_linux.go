package ports

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnacknowledged ends a connection whose peer acknowledges nothing for d.
// Keepalives are not sent while data is under way, and resending it would go on for a
// quarter of an hour. A peer that is there but takes nothing for so long is
// cut off too (tcp(7)).
func limitUnacknowledged(conn *net.TCPConn, d time.Duration) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds())))
	})
}
