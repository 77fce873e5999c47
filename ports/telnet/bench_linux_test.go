package telnet_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/porttest"
	"consoled/ports/telnet"
)

// BenchmarkLine is what reading a line costs in CPU time of the reader alone,
// by what the line is.
func BenchmarkLine(b *testing.B) {
	ca := porttest.NewAuthority(b)
	pair := ca.Local(b)
	own, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		b.Fatal(err)
	}
	secured := ports.Network{TLS: ports.TLS{On: true, CA: ca.File}}
	for _, bench := range []struct {
		name    string
		backend func(address string) ports.Backend
		tls     bool
		opening string // what an RFC 2217 server agrees by
	}{
		{name: "tcp", backend: func(a string) ports.Backend { return ports.TCP{Address: a} }},
		{name: "tcp+tls", backend: func(a string) ports.Backend { return ports.TCP{Address: a, Network: secured} }, tls: true},
		{name: "telnet", backend: func(a string) ports.Backend { return telnet.Telnet{Address: a} }},
		{name: "rfc2217", backend: func(a string) ports.Backend { return telnet.Telnet{Address: a, RFC2217: true} }, opening: "\xff\xfd\x2c"},
		{
			name: "rfc2217+tls", backend: func(a string) ports.Backend { return telnet.Telnet{Address: a, Network: secured, RFC2217: true} },
			tls: true, opening: "\xff\xfd\x2c",
		},
	} {
		b.Run(bench.name, func(b *testing.B) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				if bench.tls {
					conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{own}})
				}
				io.WriteString(conn, bench.opening)
				line := bytes.Repeat([]byte("[    1.234567] usb 1-1: new high-speed USB device number 2 using xhci_hcd\r\n"), 400)
				for err == nil {
					_, err = conn.Write(line)
				}
				conn.Close()
			}()
			b.Cleanup(func() { listener.Close(); <-ended })
			port, err := bench.backend(listener.Addr().String()).Open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer port.Close()
			// The reader keeps its thread, whose time is then its own.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var before, after unix.Rusage
			unix.Getrusage(unix.RUSAGE_THREAD, &before)
			try := port.(ports.TryReader)
			buf := make([]byte, 64<<10)
			total := 0
			for b.Loop() {
				for read := 0; read < 1<<20; {
					if err := try.Wait(); err != nil {
						b.Fatal(err)
					}
					n, err := try.TryRead(buf)
					if err != nil {
						b.Fatal(err)
					}
					read += n
					total += n
				}
			}
			unix.Getrusage(unix.RUSAGE_THREAD, &after)
			spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			b.ReportMetric(float64(spent)/float64(total), "cpu-s/GB")
			b.ReportMetric(0, "ns/op")
		})
	}
}
