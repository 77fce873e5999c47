package ports_test

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"consoled/ports"
	"consoled/ports/porttest"
)

// listen is the counterpart of a backend that dials.
func listen(t testing.TB, network, address string, backend func(address string) ports.Backend) (ports.Backend, func() io.ReadWriteCloser) {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return backend(listener.Addr().String()), func() io.ReadWriteCloser {
		defer listener.Close()
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

func tcp(address string) ports.Backend    { return ports.TCP{Address: address} }
func socket(address string) ports.Backend { return ports.Unix{Path: address} }

// refusing is an address at which nobody listens any more.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.83.1.2:0") // which nobody else takes meanwhile
	if err != nil {                                    // only Linux has it by itself
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestTCP(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			probe, err := net.Listen("tcp", address)
			if err != nil {
				missing(t, "this machine has no IPv6: %v", err)
			}
			probe.Close()
			porttest.Run(t, porttest.Options{
				Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
					return listen(t, "tcp", address, tcp)
				},
				End:    ports.Closed,
				Silent: ports.TCP{Address: silent(t)},
				Absent: []porttest.Absent{
					{Backend: ports.TCP{Address: refusing(t)}, Reason: ports.Refused},
					{Backend: ports.TCP{Address: "no..such.host:23"}, Reason: ports.NameNotFound}, // which no server is asked for
				},
			})
		})
	}
}

func TestUnix(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			return listen(t, "unix", filepath.Join(dir, "s"), socket)
		},
		End: ports.Closed,
		Absent: []porttest.Absent{
			{Backend: ports.Unix{Path: filepath.Join(dir, "none")}, Reason: ports.Gone},
			{Backend: ports.Unix{Path: stale}, Reason: ports.Refused},
		},
	})
}
