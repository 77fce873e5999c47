package telnet

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

func TestContract(t *testing.T) {
	refusing := listen(t)
	refusing.Close()
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			listener := listen(t)
			return Telnet{Address: listener.Addr().String()}, func() io.ReadWriteCloser {
				conn, err := listener.Accept()
				if err != nil {
					t.Fatal(err)
				}
				listener.Close()
				return &server{Conn: conn}
			}
		},
		End:       ports.Closed,
		Absent:    []porttest.Absent{{Backend: Telnet{Address: refusing.Addr().String()}, Reason: ports.Refused}},
		HearBreak: func(t *testing.T, p io.ReadWriteCloser) { p.(*server).hearBreak(t) },
		Opens:     300,
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// A server is a telnet server of the simplest kind: it agrees to what it is
// asked for, just before it says or hears anything else.
type server struct {
	net.Conn
	agree   sync.Once
	raw     [4096]byte
	pending []byte // read and not yet taken apart
}

func (s *server) agreed() {
	s.agree.Do(func() {
		io.ReadFull(s.Conn, make([]byte, len(opening)))
		io.WriteString(s.Conn, will+sga+do+sga+will+binary+do+binary)
	})
}

func (s *server) Write(p []byte) (int, error) {
	s.agreed()
	if _, err := s.Conn.Write(bytes.ReplaceAll(p, []byte{0xff}, []byte{0xff, 0xff})); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *server) Read(p []byte) (int, error) {
	s.agreed()
	n := 0
	for n == 0 {
		if len(s.pending) < 2 {
			m, err := s.Conn.Read(s.raw[:])
			s.pending = append(s.pending, s.raw[:m]...)
			if err != nil && m == 0 {
				return 0, err
			}
		}
		for n < len(p) && len(s.pending) > 0 {
			b := s.pending[0]
			if b == 0xff {
				if len(s.pending) < 2 {
					break
				}
				s.pending = s.pending[1:] // the second of two
			}
			s.pending = s.pending[1:]
			p[n] = b
			n++
		}
	}
	return n, nil
}

// hearBreak waits for a break that comes before any data.
func (s *server) hearBreak(t *testing.T) {
	t.Helper()
	s.agreed()
	got := make([]byte, 2)
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(s.Conn, got); err != nil || string(got) != "\xff\xf3" {
		t.Errorf("%q, %v in place of a break", got, err)
	}
}
