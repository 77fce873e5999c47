package sim

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestNoise(t *testing.T) {
	for _, rate := range []int{0, 40, 8_000, 123_457, 20_000_000} {
		synctest.Test(t, func(t *testing.T) {
			port, err := (&Sim{Kind: Noise, Rate: rate}).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			span := 2 * time.Second
			switch rate {
			case 0:
				rate = 1_000_000
			case 40:
				span = 20 * time.Second
			case 20_000_000:
				span = 100 * time.Millisecond
			}
			time.AfterFunc(span, func() { port.Close() })
			var rest []byte
			var next uint64
			total := 0
			buf := make([]byte, 10_007)
			for {
				n, err := port.Read(buf)
				if err != nil {
					break
				}
				total += n
				rest = append(rest, buf[:n]...)
				for {
					line, after, whole := bytes.Cut(rest, []byte("\r\n"))
					if !whole {
						break
					}
					if got, err := checkLine(line); err != nil || got != next {
						t.Fatalf("line %d: %d, %v", next, got, err)
					}
					next++
					rest = after
				}
			}
			want, tick := float64(rate)*span.Seconds(), float64(rate)/100
			if got := float64(total); got < want-tick-LineLength || got > want+tick+LineLength {
				t.Errorf("rate %d: %d bytes in %v", rate, total, span)
			}
			port.Close()
		})
	}
}

func TestCheckLine(t *testing.T) {
	line := AppendLine(nil, 123)
	if len(line) != LineLength {
		t.Fatalf("%d bytes", len(line))
	}
	line = line[:LineLength-2]
	if n, err := checkLine(line); n != 123 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for i := range line {
		bad := bytes.Clone(line)
		bad[i] ^= 1
		if _, err := checkLine(bad); err == nil {
			t.Errorf("byte %d may be changed: %q", i, bad)
		}
	}
	for _, bad := range [][]byte{nil, line[1:], append(bytes.Clone(line), 'x')} {
		if _, err := checkLine(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func BenchmarkNoise(b *testing.B) {
	port, err := (&Sim{Kind: Noise, Rate: 1 << 30}).Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer port.Close()
	buf := make([]byte, 64<<10)
	for b.Loop() {
		n, _ := port.Read(buf)
		b.SetBytes(int64(n))
	}
}

// checkLine checks a line of the kind noise, without its CR LF, and returns
// its number. They begin at 0 and count up by one.
func checkLine(line []byte) (n uint64, err error) {
	if len(line) != sumEnd {
		return 0, fmt.Errorf("line %q: %d bytes long instead of %d", line, len(line), sumEnd)
	}
	n, err = strconv.ParseUint(string(line[:numberEnd]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("line %q: %w", line, err)
	}
	if want := AppendLine(make([]byte, 0, LineLength), n); string(want[:sumEnd]) != string(line) {
		return n, fmt.Errorf("line %q: is not line %d, %q", line, n, want[:sumEnd])
	}
	return n, nil
}
