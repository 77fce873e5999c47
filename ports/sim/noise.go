package sim

import (
	"fmt"
	"hash/crc32"
	"time"
)

// LineLength is how long a line of the kind noise is, with its CR LF.
const LineLength = 80

// Where the parts of a line lie: the number, text that depends on it, and the
// sum of all before it.
const (
	numberEnd = 12
	sumStart  = 70
	sumEnd    = LineLength - 2
)

// AppendLine appends line n of the kind noise, CR LF and all.
func AppendLine(dst []byte, n uint64) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "%0*d ", numberEnd, n)
	for i := len(dst) - start; i < sumStart-1; i++ {
		dst = append(dst, '!'+byte((n+uint64(i))%94))
	}
	dst = append(dst, ' ')
	return fmt.Appendf(dst, "%08x\r\n", crc32.ChecksumIEEE(dst[start:]))
}

// noise says numbered lines at rate bytes a second, some at a time. What the
// reader held up is not caught up on.
func (a *actor) noise(rate int) {
	const tick = 10 * time.Millisecond
	perTick := float64(rate) * tick.Seconds() * a.speed
	most := max(perTick*10, LineLength)
	ticker := time.NewTicker(max(tick, time.Duration(float64(LineLength)/perTick*float64(tick))))
	defer ticker.Stop()
	last := time.Now()
	a.next(true, false)
	var n uint64
	due := float64(LineLength)
	var buf []byte
	for !a.over() {
		for buf = buf[:0]; due >= LineLength && len(buf) < a.size-LineLength; due -= LineLength {
			buf = AppendLine(buf, n)
			n++
		}
		a.say(string(buf))
		if due < LineLength {
			select {
			case <-ticker.C:
			case <-a.done:
			}
		}
		now := time.Now()
		due = min(due+now.Sub(last).Seconds()*float64(rate)*a.speed, most)
		last = now
	}
}
