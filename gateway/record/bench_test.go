package record

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 32 << 10} {
		for _, cursors := range []int{0, 1, 100} {
			b.Run(fmt.Sprintf("bytes=%d/cursors=%d", size, cursors), func(b *testing.B) {
				r := mustOpen(b, b.TempDir())
				ctx, cancel := context.WithCancelCause(b.Context())
				var readers sync.WaitGroup
				for range cursors {
					c := r.Cursor(0)
					readers.Go(func() {
						defer c.Close()
						buf := make([]byte, 32<<10)
						for c.Wait(ctx) == nil {
							for n := 1; n > 0 && ctx.Err() == nil; {
								n, _ = c.Read(buf)
								if r.End()-c.Offset() > 256<<10 { // as a watcher does that cannot keep up
									c.SeekTo(r.End())
								}
							}
						}
					})
				}
				p := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					r.Append(p)
				}
				b.StopTimer()
				cancel(errors.New("done"))
				readers.Wait()
				r.Close()
			})
		}
	}
}

// BenchmarkOpen opens 4,000 records that spoke before, as a start of the gateway does.
func BenchmarkOpen(b *testing.B) {
	const count = 4000
	dir := b.TempDir()
	for i := range count {
		r := mustOpen(b, filepath.Join(dir, fmt.Sprint(i)))
		r.Append([]byte("login: "))
		r.flush(nil)
		r.log.close()
		r.idx.close()
	}
	for b.Loop() {
		records := make([]*Record, count)
		before := heap()
		for i := range records {
			records[i] = mustOpen(b, filepath.Join(dir, fmt.Sprint(i)))
		}
		b.ReportMetric(float64(heap()-before)/count, "B/idle-record")
		for _, r := range records {
			r.Close()
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
