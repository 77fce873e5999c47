package console

import "sync/atomic"

// flushes is how many records of a Set are forced to the disk at once. A
// thousand at a time take no less time, and each holds a thread of the
// operating system, of which a process has not ten thousand.
const flushes = 64

const (
	// staleBytes and staleAppends are how much a record may grow before it is
	// forced to the disk, which also spares the next start from reading the index so far.
	staleBytes   = 32 << 20
	staleAppends = 16 << 10
)

// A gate lets so many through at once.
type gate chan struct{}

func newGate(n int) gate { return make(gate, n) }

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }

func (g gate) tryEnter() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

// freshness is how far the disk is behind the record. Run's goroutine has
// it, but for busy.
type freshness struct {
	gate    gate
	bytes   int
	appends int
	busy    atomic.Bool
}

// grown counts what was appended, and has it forced to the disk once in a while.
func (c *Console) grown(n int) {
	f := &c.fresh
	f.bytes += n
	if f.appends++; f.bytes >= staleBytes || f.appends >= staleAppends {
		c.freshen()
	}
}

// freshen forces the record to the disk beside Run, which may not wait for the
// platters. It is an aid: where many others do so already, it waits for the next time.
func (c *Console) freshen() {
	f := &c.fresh
	if f.appends == 0 {
		return
	}
	f.bytes, f.appends = 0, 0
	if f.busy.Load() || !f.gate.tryEnter() {
		return
	}
	f.busy.Store(true)
	c.tasks.Go(func() {
		defer f.gate.leave()
		defer f.busy.Store(false)
		if err := c.sync(); err != nil {
			c.Options().Log.Warn("sync record", "err", err)
		}
	})
}

func (c *Console) sync() (err error) {
	defer c.caught("sync record", &err)
	return c.record.Sync()
}

// closeRecord forces the record to the disk and closes it.
func (c *Console) closeRecord() (err error) {
	defer c.caught("close record", &err)
	c.fresh.gate.enter()
	defer c.fresh.gate.leave()
	return c.record.Close()
}
