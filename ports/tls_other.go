//go:build !unix

package ports

import "net"

// below is the socket as the record layer sees it.
type below struct {
	net.Conn
	try *tryReader
}
