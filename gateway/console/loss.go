package console

import (
	"fmt"
	"time"

	"consoled/ports"
)

// lossEvery bounds how often a line is told of that loses output: the other
// end may say so with every packet.
const lossEvery = 10 * time.Second

// A loss is what was told of output that never got here. The line's reader has it.
type loss struct {
	counted int
	told    time.Time
}

// miss tells that output was lost on its way, behind what has come of it.
func (c *Console) miss(l *line) {
	p, ok := l.port.(ports.Lossy)
	if !ok {
		return
	}
	n := p.Losses()
	now := time.Now()
	if n == l.loss.counted || now.Sub(l.loss.told) < lossEvery {
		return
	}
	more := n - l.loss.counted
	l.loss = loss{n, now}
	c.tell(Event{Kind: KindLoss, Why: fmt.Sprintf("output was lost on its way here, %d times since the last such word", more)})
}
