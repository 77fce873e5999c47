//go:build unix

package ports

import (
	"errors"
	"net"
	"os"
)

// below is the socket as the record layer sees it.
type below struct {
	net.Conn
	try    *tryReader
	trying bool // reads do not wait; the reader's own
}

// Read tells the record layer of a time-out where nothing is there: it keeps
// what it has of a record, and goes on from there the next time.
func (b *below) Read(p []byte) (int, error) {
	if !b.trying {
		return b.Conn.Read(p)
	}
	n, err := b.try.tryRead(p)
	if n == 0 && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// Wait blocks until there is something to read.
func (p *secured) Wait() error {
	if p.more {
		_, err := p.try.ready()
		return p.failed("read ", err)
	}
	return p.stream.Wait()
}

// TryRead reads what has arrived, record by record. It returns 0, nil while a
// record is not whole.
func (p *secured) TryRead(buf []byte) (int, error) {
	n := p.takeEarly(buf)
	if n == len(buf) {
		return n, nil
	}
	if ready, _ := p.try.ready(); !ready && !p.more { // the record layer would allocate
		return 0, nil
	}
	p.below.trying = true
	defer func() { p.below.trying = false }()
	for {
		m, err := p.conn.Read(buf[n:])
		n += m
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.more = false
			return n, nil
		case err != nil: // told at once: nothing new may come from the socket
			p.more = true
			return n, p.failed("read ", err)
		case n == len(buf):
			p.more = true
			return n, nil
		}
	}
}
