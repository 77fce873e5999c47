//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A fleet is the simulated devices: one listener each, on successive ports of
// loopback, and one connection each.
type fleet struct {
	first   int // port of the first device
	devices []*device
	up      atomic.Int64
	newest  atomic.Int64 // unix ns of the newest connection

	tasks     sync.WaitGroup
	listeners []net.Listener
}

// A device is one end of a console's line. It says its first line when it is
// first connected, and from then on what a load makes it say.
type device struct {
	fleet *fleet
	id    int

	mu    sync.Mutex // guards conn
	conn  *net.TCPConn
	raw   syscall.RawConn
	took  func(fd uintptr) bool // bound once: a closure each write would be an allocation
	n     int
	err   error
	next  uint64 // number of the line to be said next; the load's alone
	rest  []byte // said, and not yet taken by the kernel; the load's alone
	bytes int64  // taken by the kernel; the load's alone
}

// openFleet listens for n consoles. The ports lie below the kernel's own range, so
// that no outgoing connection takes one while the devices are away.
func openFleet(n int) (*fleet, error) {
	var err error
	for range 50 {
		f := &fleet{first: 10000 + rand.IntN(22000-n)}
		for id := range n {
			f.devices = append(f.devices, &device{fleet: f, id: id})
		}
		if err = f.listen(); err == nil {
			return f, nil
		}
	}
	return nil, err
}

// freePort finds a port for a server.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 10000 + rand.IntN(22000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// listen lets all devices be connected to.
func (f *fleet) listen() error {
	for _, d := range f.devices {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(f.first+d.id)))
		if err != nil {
			f.away()
			return err
		}
		f.listeners = append(f.listeners, l)
		f.tasks.Go(func() { d.accept(l) })
	}
	return nil
}

// away closes every line and refuses new ones.
func (f *fleet) away() {
	for _, l := range f.listeners {
		l.Close() // nothing is lost with a listener
	}
	f.listeners = nil
	for _, d := range f.devices {
		d.hangUp()
	}
	f.tasks.Wait()
}

// connected waits until every device is, and returns when that was.
func (f *fleet) connected(ctx context.Context, limit time.Duration) (time.Time, error) {
	err := until(ctx, limit, func() bool { return f.up.Load() == int64(len(f.devices)) })
	if err != nil {
		err = fmt.Errorf("%d of %d devices connected: %w", f.up.Load(), len(f.devices), err)
	}
	return time.Unix(0, f.newest.Load()), err
}

// bytes is what all devices have said.
func (f *fleet) bytes() (total int64) {
	for _, d := range f.devices {
		total += d.bytes
	}
	return total
}

// accept takes one caller after the other until the listener is closed.
func (d *device) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			d.hangUp() // one that came in between
			return
		}
		if err := d.connect(conn.(*net.TCPConn)); err != nil {
			conn.Close()
			continue
		}
		d.fleet.newest.Store(time.Now().UnixNano())
		d.fleet.up.Add(1)
		d.fleet.tasks.Go(func() {
			io.Copy(io.Discard, conn) // until the other side, or we, hang up
			d.mu.Lock()
			if d.conn == conn {
				d.conn = nil
			}
			d.mu.Unlock()
			conn.Close()
			d.fleet.up.Add(-1)
		})
	}
}

// connect makes a caller the line, and greets the first.
func (d *device) connect(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		return errors.New("connected already")
	}
	d.conn, d.raw = conn, raw
	d.took = d.take
	if d.next == 0 {
		d.say()
		return d.flush()
	}
	return nil
}

func (d *device) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		d.conn.Close() // the reader tells that it has ended
	}
}

// say makes the next line.
func (d *device) say() {
	d.rest = appendLine(d.rest, d.id, d.next)
	d.next++
}

// flush writes what the kernel takes at once, as a device without flow control
// has to; what it does not take waits.
func (d *device) flush() error {
	if len(d.rest) == 0 {
		return nil
	}
	d.n, d.err = 0, nil
	if err := d.raw.Write(d.took); err != nil {
		return err
	}
	d.bytes += int64(d.n)
	d.rest = d.rest[:copy(d.rest, d.rest[d.n:])]
	return d.err
}

// take always says that it is done: a full buffer is an answer too.
func (d *device) take(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), d.rest)
		switch err {
		case nil:
			d.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			d.err = err
		}
		return true
	}
}
