//go:build unix

package ssh_test

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"consoled/ports"
)

// BenchmarkBulk is what a gigabyte of output costs this side of a line, beside
// plain TCP. The other side is another process.
func BenchmarkBulk(b *testing.B) {
	const size = 256 << 20
	say := fmt.Sprintf("head -c %d /dev/zero", size)
	server := startSSHD(b)
	for _, line := range []struct {
		name string
		open func(b *testing.B) (ports.Port, error)
	}{
		{"ssh", func(b *testing.B) (ports.Port, error) {
			s := server.backend(say)
			s.NoPty = true
			return s.Open(b.Context())
		}},
		{"ssh on a terminal", func(b *testing.B) (ports.Port, error) { return server.backend(say).Open(b.Context()) }},
		{"tcp", func(b *testing.B) (ports.Port, error) { return openSocat(b, say) }},
	} {
		b.Run(line.name, func(b *testing.B) {
			b.SetBytes(size)
			var spent time.Duration
			for b.Loop() {
				p, err := line.open(b)
				if err != nil {
					b.Fatal(err)
				}
				before := cpu(b)
				if n := drainLine(p); n != size {
					b.Fatalf("%d bytes", n)
				}
				spent += cpu(b) - before
				p.Close()
			}
			b.ReportMetric(spent.Seconds()/float64(b.N)/(size/1e9), "cpu-s/GB")
		})
	}
}

// drainLine reads as a console does: without a buffer until there is something.
func drainLine(p ports.Port) int {
	try, buf, n := p.(ports.TryReader), make([]byte, 64<<10), 0
	for {
		if try.Wait() != nil {
			return n
		}
		m, err := try.TryRead(buf)
		if n += m; err != nil {
			return n
		}
	}
}

func openSocat(b *testing.B, say string) (ports.Port, error) {
	port := freePort(b)
	cmd := exec.Command("socat", "-b", "65536", "TCP-LISTEN:"+port+",bind=127.0.0.1,reuseaddr", "SYSTEM:"+say)
	if err := cmd.Start(); err != nil {
		missing(b, "no socat: %v", err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for {
		p, err := ports.TCP{Address: "127.0.0.1:" + port}.Open(context.Background())
		if ports.ReasonOf(err) != ports.Refused {
			return p, err
		}
	}
}

func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkIdle is what a silent line holds: heap and stacks, and goroutines.
func BenchmarkIdle(b *testing.B) {
	server := startSSHD(b)
	var before, after runtime.MemStats
	goroutines := runtime.NumGoroutine()
	runtime.GC()
	runtime.ReadMemStats(&before)
	lines := 0
	for b.Loop() {
		p, err := server.backend("exec cat").Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close() })
		go p.(ports.TryReader).Wait() // as the console does
		lines++
	}
	for range 3 { // stacks shrink by half at a time
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	held := float64(after.HeapAlloc+after.StackInuse) - float64(before.HeapAlloc+before.StackInuse)
	b.ReportMetric(held/float64(lines)/1024, "KiB/line")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/float64(lines), "goroutines/line")
}
