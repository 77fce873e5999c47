package ipmi

import (
	"context"
	"net"

	"consoled/ports"
)

// OpenOn opens the console on a socket of the test's.
func (b IPMI) OpenOn(ctx context.Context, conn net.Conn) (ports.Port, error) {
	return b.openOn(ctx, conn, b.TakeOver == takeAlways)
}

// Unread is how much waits for the reader of a port.
func Unread(p ports.Port) int {
	q := p.(*port)
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.unread)
}

const MaxUnread = maxUnread
