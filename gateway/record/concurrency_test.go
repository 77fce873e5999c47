package record

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// Readers of every kind against one appender, the disk failing at times: nothing
// is read wrongly, and what is jumped over is exactly what is missing.
func TestManyCursors(t *testing.T) {
	const total = 4 << 20
	sent := stream(0, total)
	for name, failing := range map[string]bool{"healthy": false, "failing": true} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			r := openMemory(t, m, nil)
			var readers sync.WaitGroup
			for i := range 50 {
				cursor := r.Cursor(0)
				readers.Go(func() {
					c := cursor
					defer func() { c.Close() }()
					buf := make([]byte, 1+rand.IntN(32<<10))
					for {
						n, err := c.Read(buf)
						skipped := c.Skipped()
						if skipped > 0 && !failing {
							t.Errorf("jumped over %d", skipped)
						}
						if from := c.Offset() - int64(n); !bytes.Equal(buf[:n], sent[from:][:n]) {
							t.Errorf("read at %d differs", from)
							return
						}
						if errors.Is(err, io.EOF) {
							if c.Offset() != total {
								t.Errorf("ended at %d", c.Offset())
							}
							return
						}
						if err != nil {
							t.Error(err)
							return
						}
						if n == 0 {
							if err := c.Wait(t.Context()); err != nil && err != io.EOF {
								t.Error(err)
								return
							}
						}
						if i%10 == 0 { // come and go, look around
							r.LastLines(10, 4096)
							r.OffsetAt(r.LastTime())
							next := r.Cursor(c.Offset())
							c.Close()
							c = next
						}
					}
				})
			}
			for at := int64(0); at < total; {
				p := sent[at:][:min(total-at, 1+rand.Int64N(64<<10))]
				if failing && rand.IntN(20) == 0 {
					m.mu.Lock()
					m.room[logName] = r.size + rand.Int64N(10000)
					m.mu.Unlock()
				}
				if rand.IntN(20) == 0 {
					m.heal()
					r.w.Lock()
					r.writer.lastTry = r.writer.lastTry.Add(-retryEvery)
					r.w.Unlock()
				}
				at = r.Append(p) + int64(len(p))
				if rand.IntN(50) == 0 {
					r.Sync()
				}
			}
			m.heal()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			readers.Wait()
		})
	}
}
