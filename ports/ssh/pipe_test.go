package ssh

import (
	"errors"
	"io"
	"net"
	"sync"
)

// A pipe is one end of a connection in memory. It has some room, unlike that
// of package net: both ends of SSH begin by writing.
type pipe struct {
	*wire
	in, out *pool
}

// newPipe is both ends.
func newPipe() (net.Conn, net.Conn) {
	a, b := newPool(), newPool()
	here, there := &pipe{in: a, out: b}, &pipe{in: b, out: a}
	here.wire, there.wire = newWire(nil, "here"), newWire(nil, "there")
	return here, there
}

func (p *pipe) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *pipe) Write(b []byte) (int, error) { return p.out.write(b) }
func (p *pipe) Close() error                { p.in.close(); p.out.close(); return nil }

// A pool is what is under way in one direction.
type pool struct {
	mu     sync.Mutex
	change sync.Cond
	text   []byte
	closed bool
}

const poolSize = 64 << 10

func newPool() *pool {
	p := &pool{}
	p.change.L = &p.mu
	return p
}

func (p *pool) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.text) == 0 {
		if p.closed {
			return 0, io.EOF
		}
		p.change.Wait()
	}
	n := copy(b, p.text)
	p.text = p.text[n:]
	p.change.Broadcast()
	return n, nil
}

func (p *pool) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := 0; ; p.change.Wait() {
		if p.closed {
			return n, errors.New("closed pipe")
		}
		m := min(len(b)-n, poolSize-len(p.text))
		p.text = append(p.text, b[n:n+m]...)
		if n += m; m > 0 {
			p.change.Broadcast()
		}
		if n == len(b) {
			return n, nil
		}
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Broadcast()
}
