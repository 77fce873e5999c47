package gateway

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck returns what makes the kernel acknowledge at once until the next
// delayed chance; the kernel forgets it by itself, hence before every read.
func quickAck(c *net.TCPConn) func() {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	set := func(fd uintptr) {
		// A connection that just ended refuses; the read that follows says so.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	}
	return func() { _ = raw.Control(set) }
}
