package console

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
)

// BenchmarkOutage is what a thousand targets that refuse cost: percent of a
// core, with the waits between attempts as long as they get.
func BenchmarkOutage(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancelCause(b.Context())
	set := NewSet(ctx)
	var d Difference
	dir := b.TempDir()
	for i := range 1000 {
		name := fmt.Sprintf("node%d", i)
		d.Add = append(d.Add, Options{
			Subject: names.Subject{Name: name}, Backend: ports.TCP{Address: address},
			Record: record.Options{Dir: dir + "/" + name, Group: -1},
		})
	}
	if err := set.Apply(d, ""); err != nil {
		b.Fatal(err)
	}
	time.Sleep(6 * time.Second)
	before := cpu()
	began := time.Now()
	for b.Loop() {
		time.Sleep(time.Second)
	}
	b.ReportMetric(100*(cpu()-before).Seconds()/time.Since(began).Seconds(), "%core")
	b.StopTimer()
	cancel(errStop)
	set.Wait()
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
