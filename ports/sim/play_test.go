package sim

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
)

// A player sits at a simulated console within a bubble, as a person would.
type player struct {
	t    *testing.T
	port ports.Port
	seen string // since the last thing that was expected
}

// play opens s in a bubble and has do play with it.
func play(t *testing.T, s *Sim, do func(p *player)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		port, err := s.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		do(&player{t: t, port: port})
		port.Close()
	})
}

// expect reads until each text came, in this order. An hour of the bubble's
// time is enough for any.
func (p *player) expect(texts ...string) {
	p.t.Helper()
	stop := time.AfterFunc(time.Hour, func() { p.port.Close() })
	defer stop.Stop()
	buf := make([]byte, 4096)
	for _, text := range texts {
		for !strings.Contains(p.seen, text) {
			n, err := p.port.Read(buf)
			p.seen += string(buf[:n])
			if err != nil {
				p.t.Fatalf("expecting %q: %v after:\n%s", text, err, p.seen)
			}
		}
		_, p.seen, _ = strings.Cut(p.seen, text)
	}
}

func (p *player) typed(text string) {
	p.t.Helper()
	if n, err := p.port.Write([]byte(text)); n != len(text) || err != nil {
		p.t.Fatalf("typing %q: %d, %v", text, n, err)
	}
}

// rest reads what comes until the machine waits for a key.
func (p *player) rest() string {
	p.t.Helper()
	buf := make([]byte, 4096)
	for {
		synctest.Wait()
		n, err := p.port.(ports.TryReader).TryRead(buf)
		if err != nil {
			p.t.Fatal(err)
		}
		if n == 0 {
			text := p.seen
			p.seen = ""
			return text
		}
		p.seen += string(buf[:n])
	}
}

func (p *player) sendBreak() {
	p.t.Helper()
	if err := p.port.(ports.Breaker).Break(250 * time.Millisecond); err != nil {
		p.t.Fatal(err)
	}
}
