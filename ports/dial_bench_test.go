//go:build unix

package ports_test

import (
	"io"
	"testing"

	"consoled/ports"
)

// BenchmarkStream is what a look at a line costs, by what is there.
func BenchmarkStream(b *testing.B) {
	for _, bench := range []struct {
		name string
		look func(b *testing.B, port ports.Port, peer io.Writer, buf []byte)
	}{
		{"TryRead/silent", func(b *testing.B, port ports.Port, _ io.Writer, buf []byte) {
			try := port.(ports.TryReader)
			for b.Loop() {
				try.TryRead(buf)
			}
		}},
		{"WaitTryRead/1KiB", func(b *testing.B, port ports.Port, peer io.Writer, buf []byte) {
			try := port.(ports.TryReader)
			b.SetBytes(1024)
			for b.Loop() {
				peer.Write(buf[:1024])
				for n := 0; n < 1024; {
					try.Wait()
					m, _ := try.TryRead(buf)
					n += m
				}
			}
		}},
		{"Read/1KiB", func(b *testing.B, port ports.Port, peer io.Writer, buf []byte) {
			b.SetBytes(1024)
			for b.Loop() {
				peer.Write(buf[:1024])
				io.ReadFull(port, buf[:1024])
			}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			port, peer := connected(b)
			b.ReportAllocs()
			bench.look(b, port, peer, make([]byte, 32<<10))
		})
	}
}

// connected is a TCP port and its peer.
func connected(b *testing.B) (ports.Port, io.Writer) {
	b.Helper()
	backend, accept := listen(b, "tcp", "127.0.0.1:0", tcp)
	port, err := backend.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { port.Close() })
	peer := accept()
	b.Cleanup(func() { peer.Close() })
	return port, peer
}
