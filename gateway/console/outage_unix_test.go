//go:build unix

package console

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
)

// BenchmarkOutage is what many targets that are down cost, in percent of a core:
// a thousand that refuse, and five hundred that hang up on whoever connects.
func BenchmarkOutage(b *testing.B) {
	b.Run("refused", func(b *testing.B) {
		listener := listenHere(b)
		listener.Close()
		costOfOutage(b, 1000, listener.Addr().String())
	})
	b.Run("flapping", func(b *testing.B) {
		listener := listenHere(b)
		var serving sync.WaitGroup
		serving.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		})
		costOfOutage(b, 500, listener.Addr().String())
		listener.Close()
		serving.Wait()
	})
}

func listenHere(b *testing.B) net.Listener {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return listener
}

// settling is how long it takes until the waits are as long as they get.
const settling = 6 * time.Second

func costOfOutage(b *testing.B, n int, address string) {
	b.Helper()
	ctx, cancel := context.WithCancelCause(b.Context())
	set := NewSet(ctx)
	var d Difference
	dir := b.TempDir()
	for i := range n {
		name := fmt.Sprintf("node%d", i)
		d.Add = append(d.Add, Options{
			Subject: names.Subject{Name: name}, Backend: ports.TCP{Address: address},
			Record: record.Options{Dir: dir + "/" + name, Group: -1},
		})
	}
	if err := set.Apply(d, ""); err != nil {
		b.Fatal(err)
	}
	time.Sleep(settling)
	before, began := processor(b), time.Now()
	for b.Loop() {
		time.Sleep(time.Second)
	}
	b.ReportMetric(100*(processor(b)-before).Seconds()/time.Since(began).Seconds(), "%core")
	b.StopTimer()
	cancel(errStop)
	set.Wait()
}

// processor is the time of the processor that the process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
