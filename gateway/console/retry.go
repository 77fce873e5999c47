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

// wait is how long to wait before the attempt after n unsuccessful ones, n
// counting from 0: at once, then doubling up to the reason's cap, with a
// quarter of jitter, so that a thousand lines do not come back in step.
func (r Reconnect) wait(reason ports.Reason, n int) time.Duration {
	if n == 0 {
		return 0
	}
	first, cap := r.First, r.Max
	if first <= 0 {
		first = 100 * time.Millisecond
	}
	if cap <= 0 {
		cap = retryCap(reason)
	}
	d := cap
	if n < 24 { // beyond it the shift has long passed every cap
		d = min(cap, first<<(n-1))
	}
	return d - rand.N(d/4+1)
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
