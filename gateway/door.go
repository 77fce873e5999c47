package gateway

import (
	"errors"
	"net/netip"
	"slices"
	"sync"

	"consoled/gateway/config"
)

// Why the door turns a connection away; the text is for the log.
var (
	errCrowded = errors.New("made room for a newer connection")
	errFull    = errors.New("connection limit reached")
	errClosed  = errors.New("gateway stops")
	errShare   = errors.New("the key has its share of the connections")
)

// A door counts the connections. Those that have not logged in yet are bounded
// in all and for each address; whoever comes when it is full is let in and an
// older one goes, so that a flood of half-open connections keeps nobody out.
type door struct {
	mu     sync.Mutex
	all    map[*connection]string // the key of whoever has logged in
	half   []*connection          // not logged in yet, oldest first
	homes  map[netip.Prefix]int   // how many have logged in from an address
	closed bool
}

// admit takes a connection in, or says why not. The victims are to be ended by the caller.
func (d *door) admit(c *connection, l config.Limits) (victims []*connection, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.all == nil {
		d.all = map[*connection]string{}
	}
	if len(d.all) >= l.Connections {
		v := d.pickLocked(func(*connection) bool { return true })
		if v == nil {
			return nil, errFull
		}
		victims = append(victims, v)
	}
	same := func(o *connection) bool { return o.origin == c.origin }
	if d.countLocked(same) >= l.PerAddress {
		victims = append(victims, d.pickLocked(same))
	}
	if len(d.half) >= l.HalfOpen {
		victims = append(victims, d.pickLocked(func(*connection) bool { return true }))
	}
	d.all[c] = ""
	d.half = append(d.half, c)
	return slices.DeleteFunc(victims, func(v *connection) bool { return v == nil }), nil
}

func (d *door) countLocked(which func(*connection) bool) (n int) {
	for _, c := range d.half {
		if which(c) {
			n++
		}
	}
	return n
}

// The stages of a login, as far as they can be told from outside.
const (
	silent   = iota // nothing has come
	greeted         // a version
	offering        // more than that: algorithms
	keyed           // keys are exchanged: real work was done
	stages
)

// versionMost is how long a version line is at most (RFC 4253 section 4.2).
const versionMost = 255

func (c *connection) stage() int {
	switch n := c.wire.taken.Load(); {
	case c.keyed.Load():
		return keyed
	case n > versionMost:
		return offering
	case n > 0:
		return greeted
	}
	return silent
}

// pickLocked forgets and returns the half-open connection that is to go: the
// oldest of the stage at which most of them are, and one that has exchanged keys
// only where there is no other. A flood is cheap as long as all of it stops at
// one stage; whoever means to log in passes that while the flood displaces itself.
// Whoever comes from where somebody is logged in is as safe: a flood that is quick
// enough would displace all stages before anybody has exchanged keys.
func (d *door) pickLocked(which func(*connection) bool) *connection {
	var oldest, many [stages]int
	for i, c := range d.half {
		if !which(c) {
			continue
		}
		at := c.stage()
		if d.homes[c.origin] > 0 {
			at = keyed
		}
		if many[at] == 0 {
			oldest[at] = i
		}
		many[at]++
	}
	most := keyed
	for at := range keyed {
		if many[at] > 0 && (most == keyed || many[at] > many[most]) {
			most = at
		}
	}
	if many[most] == 0 {
		return nil
	}
	c := d.half[oldest[most]]
	d.half = slices.Delete(d.half, oldest[most], oldest[most]+1)
	delete(d.all, c)
	return c
}

// oldest forgets and returns the half-open connection that is to go when
// descriptors run out; nil if there is none.
func (d *door) oldest() *connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pickLocked(func(*connection) bool { return true })
}

// known says by which key a connection has logged in. A key may have half of all
// connections: whoever has logged in is never turned out to make room, so that
// one key, lent or stolen, could otherwise keep everybody else out.
func (d *door) known(c *connection, key string, l config.Limits) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.all[c]; !ok {
		return nil // turned out meanwhile, or one of the self test's
	}
	n := 0
	for o, k := range d.all {
		if o != c && k == key {
			n++
		}
	}
	if n >= max(1, l.Connections/2) {
		return errShare
	}
	if d.all[c] == "" {
		if d.homes == nil {
			d.homes = map[netip.Prefix]int{}
		}
		d.homes[c.origin]++
	}
	d.all[c] = key
	d.half = slices.DeleteFunc(d.half, func(o *connection) bool { return o == c })
	return nil
}

// lives reports whether somebody is logged in from an address.
func (d *door) lives(from netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.homes[from] > 0
}

// left says that a connection has ended.
func (d *door) left(c *connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[c] != "" {
		if d.homes[c.origin]--; d.homes[c.origin] == 0 {
			delete(d.homes, c.origin)
		}
	}
	delete(d.all, c)
	d.half = slices.DeleteFunc(d.half, func(o *connection) bool { return o == c })
}

// close lets nobody in any more.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// connections lists those that are there now.
func (d *door) connections() []*connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*connection, 0, len(d.all))
	for c := range d.all {
		all = append(all, c)
	}
	return all
}

// origin is what the bound for an address counts by: the address, or for IPv6
// its /64, which one machine may well have for itself.
func origin(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address, as on a pipe
	}
	return p
}
