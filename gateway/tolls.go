package gateway

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// tollFree is how many logins in a row may fail with a key from an address
	// at no price: agents offer what they have, and people try again.
	tollFree = 10
	// tollFirst is the price of the next one; it doubles up to tollMost, which
	// leaves time for a login within the handshake limit.
	tollFirst, tollMost = 100 * time.Millisecond, 5 * time.Second
	// tollForgiven is how long it takes until one failure counts no more.
	tollForgiven = time.Minute
	// tollsKept is how many pairs of address and key each of the two halves of
	// the table has room for.
	tollsKept = 4096
)

// A payer is who is counted: a key, by its fingerprint, from an address. The
// empty key stands for attempts without any. Another key of the same address is
// somebody else: behind one address may be a whole office.
type payer struct {
	origin netip.Prefix
	key    string
}

// A debt is what has failed of late.
type debt struct {
	failed int
	since  time.Time // from when on the next one is being forgiven
}

// at is the debt as it stands at some time.
func (d debt) at(now time.Time) debt {
	if n := int(now.Sub(d.since) / tollForgiven); n > 0 {
		d.failed, d.since = max(0, d.failed-n), d.since.Add(time.Duration(n)*tollForgiven)
	}
	return d
}

// tolls make repeated failures slow. The table is bounded: when its newer half
// is full, the older one is forgotten.
type tolls struct {
	mu           sync.Mutex
	newer, older map[payer]debt
}

// fail counts a login that came to nothing.
func (t *tolls) fail(p payer, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.findLocked(p, now)
	if d.failed == 0 {
		d.since = now
	}
	d.failed++
	if _, ok := t.newer[p]; !ok && len(t.newer) >= tollsKept {
		t.older, t.newer = t.newer, nil
	}
	if t.newer == nil {
		t.newer = map[payer]debt{}
	}
	t.newer[p] = d
	delete(t.older, p)
}

// price is how long the next answer takes.
func (t *tolls) price(p payer, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := t.findLocked(p, now).failed - tollFree
	if over < 0 {
		return 0
	}
	price := tollFirst
	for ; over > 0 && price < tollMost; over-- {
		price *= 2
	}
	return min(price, tollMost)
}

func (t *tolls) findLocked(p payer, now time.Time) debt {
	d, ok := t.newer[p]
	if !ok {
		d = t.older[p]
	}
	return d.at(now)
}

// pay makes the refusal of a key wait where it has come to that again and again
// from this address. A key that would do never waits: public halves are
// known, and whoever shows somebody else's from the same address would slow its
// holder. An address from which somebody is logged in waits for nothing: it is a
// bastion's, or that of people who work here.
func (l *login) pay(key string) {
	price := l.c.g.tolls.price(payer{l.c.origin, key}, time.Now())
	if price == 0 || l.c.g.door.lives(l.c.origin) {
		return
	}
	wait := time.NewTimer(price)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-l.c.ctx.Done():
	}
}

// owe counts a connection that did not log in: once for each key that it was
// refused, or once without a key.
func (l *login) owe() {
	now := time.Now()
	if len(l.refused) == 0 && !l.shown {
		l.c.g.tolls.fail(payer{l.c.origin, ""}, now)
	}
	counted := map[string]bool{}
	for _, r := range l.refused {
		if !counted[r.fingerprint] {
			counted[r.fingerprint] = true
			l.c.g.tolls.fail(payer{l.c.origin, r.fingerprint}, now)
		}
	}
}
