package console

import "consoled/ports"

// A line that nobody watches rests: it has no goroutine and no buffer, and the
// rounds of the Set collect what it says.
//
//	        nobody attached (any more)
//	reader ─────────────────────────► rounds
//	  ▲                                 │
//	  └── attach, output without pause ─┘
//
// One goroutine at a time reads the port: the reader ends before the rounds
// begin, and the next reader waits until the rounds have let go.

// rest gives the line into the rounds, where nobody is attached, and reports
// whether that was done: its reader then ends.
func (c *Console) rest(l *line) bool {
	p, can := l.port.(ports.Polled)
	if !can || p.Descriptor() == nil || c.rounds == nil || c.eyes.Load() > 0 {
		return false
	}
	leave, ok := c.rounds().Join(l.port, func() { c.collect(l) })
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.eyes.Load() > 0 || l.stopped {
		leave()
		return false
	}
	l.leave = leave
	return true
}

// unseenLocked is called when somebody has ceased to watch: the line's reader, which
// waits for output, is to look whether it may rest.
func (c *Console) unseenLocked(l *line) {
	if p, can := l.port.(ports.Polled); can && c.rounds != nil && l.leave == nil && c.eyes.Load() == 0 {
		p.Rouse()
	}
}

// rouseLocked starts a reader for a line that rests, after a read that brought
// so much.
func (c *Console) rouseLocked(l *line, last int) {
	if l.leave == nil || l.stopped {
		return
	}
	leave := l.leave
	l.leave = nil
	l.readers.Go(func() {
		leave()
		l.settle()
		c.read(l, last)
	})
}

// settle waits until the rounds have let go of a line that has left them.
func (l *line) settle() {
	l.collecting.Lock()
	defer l.collecting.Unlock()
}

// resting reports whether the line is the rounds' to read. Its collecting is held.
func (c *Console) resting(l *line) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.leave != nil
}

// collect reads once a line that rests. One that has more to say than fits into
// a good part of a buffer is read on by a reader of its own.
func (c *Console) collect(l *line) {
	if !l.collecting.TryLock() {
		return // it is being closed
	}
	defer l.collecting.Unlock()
	if !c.resting(l) {
		return
	}
	n, err := c.collectOnce(l)
	switch {
	case err != nil:
		l.end(err)
	case n >= full:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.rouseLocked(l, n)
	}
}

func (c *Console) collectOnce(l *line) (_ int, err error) {
	defer c.caught("read", &err)
	return c.readOnce(l, l.port.(ports.TryReader))
}

// withdraw takes a line that is closed out of the rounds.
func (c *Console) withdraw(l *line) {
	c.mu.Lock()
	leave := l.leave
	l.leave = nil
	c.mu.Unlock()
	if leave != nil {
		leave()
		l.settle()
	}
}
