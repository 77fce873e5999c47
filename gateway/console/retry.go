package console

import (
	"math/rand/v2"
	"time"

	"consoled/ports"
)

// stable is how long a line must have been up for the next outage to be tried
// again at once; a line that flaps goes on backing off.
const stable = 10 * time.Second

// Reconnect bounds the wait between two attempts to open a line. Zero values
// stand for the caps of the reason.
type Reconnect struct {
	First time.Duration // the first wait that is not zero; 100 ms
	Max   time.Duration
}

// beat is what waits end on, but for the first short ones, so that many lines that are
// down are tried in a row: waking the machine for each by itself costs twice what
// trying it does.
const beat = 200 * time.Millisecond

// wait is how long to wait before the attempt after n unsuccessful ones, n
// counting from 0: at once, then doubling up to the reason's cap, and from the
// reason's floor on. A quarter of jitter, a sixteenth where the wait is long,
// keeps a thousand lines from coming back in step.
func (r Reconnect) wait(reason ports.Reason, n int, now time.Time) time.Duration {
	floor := retryFloor(reason)
	if n == 0 && floor == 0 {
		return 0
	}
	first, cap := r.First, r.Max
	if first <= 0 {
		first = 100 * time.Millisecond
	}
	if cap <= 0 {
		cap = retryCap(reason)
	}
	first, cap = max(first, floor), max(cap, floor, first)
	if floor > 0 {
		n++ // the first wait is the floor, not none
	}
	d := cap
	if n < 24 && first <= cap>>(n-1) { // else the shift passes the cap, or the type
		d = first << (n - 1)
	}
	if d < 2*beat {
		return d - rand.N(d/4+1)
	}
	d -= rand.N(d/16 + 1)
	return now.Add(d).Round(beat).Sub(now.Round(0))
}

// retryFloor is the shortest wait for what does harm when it is tried again:
// accounts are locked after a few wrong passwords.
func retryFloor(reason ports.Reason) time.Duration {
	switch reason {
	case ports.Authentication, ports.WrongHostKey:
		return time.Minute
	}
	return 0
}

// retryCap is the longest wait for a reason: short for what comes back by
// itself, long for what dies again at once or locks an account.
func retryCap(reason ports.Reason) time.Duration {
	switch reason {
	case ports.Gone:
		return time.Second
	case ports.InUse, ports.Denied:
		return 5 * time.Second
	case ports.Exited, ports.Unsupported, ports.Dialogue, ports.WrongCertificate:
		return time.Minute
	case ports.Authentication, ports.WrongHostKey:
		return 5 * time.Minute
	}
	return 1800 * time.Millisecond
}
