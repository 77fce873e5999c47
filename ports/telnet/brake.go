package telnet

import "time"

// What a peer gets besides data. An opening takes a few dozen bytes and
// answers; nobody who is in order comes near these.
const (
	answerBurst = 128      // answers at once
	answerRate  = 8        // answers a second after that
	maxAnswers  = 2 << 10  // bytes of answers that wait for a peer that does not read
	spendBurst  = 64 << 10 // bytes of protocol at once
	spendRate   = 64 << 10 // bytes of protocol a second after that
)

// A brake slows the reading of a peer that sends protocol in place of data: an
// option bomb or an endless subnegotiation then costs next to nothing, and
// the peer's own connection fills up. It is the reader's own.
type brake struct {
	at    time.Time // of the last account
	debt  float64   // bytes of protocol above what spendRate allowed so far
	part  float64   // of an answer earned
	until time.Time // reading pauses until then; zero if it does not
}

// account counts spent bytes of protocol at the time now, and returns the
// credit for answers with what the time since the last account earned.
func (b *brake) account(now time.Time, spent, credit int) int {
	if !b.at.IsZero() {
		passed := now.Sub(b.at).Seconds()
		b.debt = max(0, b.debt-passed*spendRate)
		b.part = min(b.part+passed*answerRate, answerBurst)
	}
	b.at = now
	b.debt += float64(spent)
	if over := b.debt - spendBurst; over > 0 {
		b.until = now.Add(time.Duration(over / spendRate * float64(time.Second)))
	}
	whole := int(b.part)
	b.part -= float64(whole)
	return min(credit+whole, answerBurst)
}

// on reports whether reading pauses now. The clock is asked only when it may.
func (b *brake) on(now func() time.Time) bool {
	if b.until.IsZero() {
		return false
	}
	if now().Before(b.until) {
		return true
	}
	b.until = time.Time{}
	return false
}

// wait waits until reading goes on, or done.
func (b *brake) wait(done <-chan struct{}) {
	if !b.on(time.Now) {
		return
	}
	timer := time.NewTimer(time.Until(b.until))
	defer timer.Stop()
	select {
	case <-timer.C:
		b.until = time.Time{}
	case <-done:
	}
}
