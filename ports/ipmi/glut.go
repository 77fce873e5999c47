package ipmi

import "time"

// What a peer may send besides what was waited for: a burst, then a number of
// packets a second.
const (
	glutBurst = 256
	glutRate  = 256
	glutPause = 20 * time.Millisecond
)

// A glut slows the reading of a peer that sends what nobody waits for: forged,
// damaged and repeated packets. The kernel then drops the rest, at no cost.
type glut struct {
	debt float64 // packets above what glutRate allowed so far
	at   time.Time
}

// count counts such a packet.
func (g *glut) count(now time.Time) {
	g.debt = g.owed(now) + 1
	g.at = now
}

// owed is what is left of the debt.
func (g *glut) owed(now time.Time) float64 {
	return max(0, g.debt-now.Sub(g.at).Seconds()*glutRate)
}

// wait pauses where there were too many; it is false when stop ended it.
func (g *glut) wait(now time.Time, stop <-chan struct{}) bool {
	if g.debt <= glutBurst || g.owed(now) <= glutBurst {
		return true
	}
	pause := time.NewTimer(glutPause)
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-stop:
		return false
	}
}
