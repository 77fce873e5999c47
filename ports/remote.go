package ports

import "net"

// A Remote is a Backend that dials another machine. How many dials one host
// gets at once is bounded.
type Remote interface {
	Backend
	// Host is the machine's name or address, without a port.
	Host() string
}

// HostOf is the host of a host:port.
func HostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
