package ports_test

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"consoled/ports"
)

// option reads a socket option of TCP.
func option(t *testing.T, port ports.Port, level, name int) (value int) {
	t.Helper()
	err := ports.Socket(port, func(fd int) (err error) {
		value, err = unix.GetsockoptInt(fd, level, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// A peer that is gone is found out within twice the idle time, whether
// something was under way to it or not.
func TestKeepAliveOptions(t *testing.T) {
	for _, test := range []struct {
		keepAlive             time.Duration
		on                    int
		idle, every, patience int
	}{
		{0, 1, 30, 10, 60_000},
		{30 * time.Second, 1, 30, 10, 60_000},
		{2 * time.Second, 1, 2, 1, 4_000},
		{-1, 0, 0, 0, 0},
	} {
		t.Run(test.keepAlive.String(), func(t *testing.T) {
			backend, accept := listen(t, "tcp", "127.0.0.1:0", func(address string) ports.Backend {
				return ports.TCP{Address: address, Network: ports.Network{KeepAlive: test.keepAlive}}
			})
			port, err := backend.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			defer accept().Close()
			if got := option(t, port, unix.SOL_SOCKET, unix.SO_KEEPALIVE); got != test.on {
				t.Errorf("keepalive is %d", got)
			}
			if got := option(t, port, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); got != test.patience {
				t.Errorf("user timeout is %d", got)
			}
			if test.on == 0 {
				return
			}
			idle := option(t, port, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
			every := option(t, port, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)
			count := option(t, port, unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
			if idle != test.idle || every != test.every || count != 3 {
				t.Errorf("idle %d, interval %d, count %d", idle, every, count)
			}
		})
	}
}

// A peer that falls silent without a word ends the line: on a network of the
// test's own, whose only link is taken down.
func TestSilentPeerIsFoundOut(t *testing.T) {
	for _, words := range []string{"", "typed into the void"} {
		t.Run(fmt.Sprintf("%d bytes under way", len(words)), func(t *testing.T) {
			// The thread stays in its network, and ends with this goroutine.
			type result struct{ missing, failed error }
			done := make(chan result)
			go func() {
				runtime.LockOSThread()
				var r result
				defer func() { done <- r }()
				if r.missing = unix.Unshare(unix.CLONE_NEWNET); r.missing == nil {
					r.failed = silence(t, words)
				}
			}()
			r := <-done
			if r.missing != nil {
				missing(t, "no network of its own: %v", r.missing)
			}
			if r.failed != nil {
				t.Error(r.failed)
			}
		})
	}
}

func silence(t *testing.T, words string) error {
	if err := setLoopback(true); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	// The address is a number and the dial has no rival, so it is made on this thread.
	port, err := ports.TCP{Address: listener.Addr().String(), Network: ports.Network{KeepAlive: time.Second}}.Open(t.Context())
	if err != nil {
		return err
	}
	defer port.Close()
	peer, err := listener.Accept()
	if err != nil {
		return err
	}
	defer peer.Close()
	if err := setLoopback(false); err != nil {
		return err
	}
	if _, err := port.Write([]byte(words)); err != nil {
		return err
	}
	stop := time.AfterFunc(20*time.Second, func() { port.Close() })
	defer stop.Stop()
	if _, err = port.Read(make([]byte, 1)); ports.ReasonOf(err) != ports.Unreachable {
		return errors.Join(errors.New("the silence does not show"), err)
	}
	return nil
}

// setLoopback takes the link of the thread's network up or down.
func setLoopback(up bool) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	link, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if up {
		link.SetUint16(unix.IFF_UP)
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, link)
}

func TestSource(t *testing.T) {
	for _, test := range []struct{ listen, source, want string }{
		{"127.0.0.1:0", "127.0.0.7", "127.0.0.7"},
		{"[::1]:0", "::1", "::1"},
	} {
		listener, err := net.Listen("tcp", test.listen)
		if err != nil {
			missing(t, "%v", err)
		}
		defer listener.Close()
		port, err := ports.TCP{Address: listener.Addr().String(), Network: ports.Network{Source: test.source}}.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer port.Close()
		peer, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		if got := peer.RemoteAddr().(*net.TCPAddr).IP.String(); got != test.want {
			t.Errorf("from %s, want %s", got, test.want)
		}
	}
	foreign := ports.TCP{Address: "127.0.0.1:1", Network: ports.Network{Source: "192.0.2.1"}}
	_, err := foreign.Open(t.Context())
	if e, ok := errors.AsType[*ports.Error](err); !ok || e.Fix == "" {
		t.Errorf("%+v", err)
	}
	foreign.Network.Source = "eth0"
	if err := foreign.Check(); err == nil || err.Error() != `source "eth0" is not an IP address` {
		t.Error(err)
	}
}
