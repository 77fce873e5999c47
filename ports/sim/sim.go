// Package sim is the backend of simulated consoles: a server that boots, one
// that has panicked, a network switch, an echo and a source of numbered lines. They
// are for trying things out, for documentation and for tests, need nothing
// outside the process, and keep to package time, so that a testing/synctest
// bubble holds them.
//
// Each open port is one goroutine that plays a script (see actor). An idle one
// holds no buffers.
package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"

	"consoled/ports"
)

// The kinds of simulated consoles.
const (
	Boot   = "boot"   // a server: firmware, a painted boot menu, a kernel's log, login and a small shell
	Panic  = "panic"  // the same, whose kernel panics; the line then ends and stays down
	Switch = "switch" // a network switch with paging and a boot loader that BREAK reaches
	Echo   = "echo"   // gives back what it gets, CR as CR LF
	Noise  = "noise"  // numbered lines at Rate
)

// Sim is a simulated console.
type Sim struct {
	Kind  string
	Name  string  // the host name in prompts; empty: node1, or sw1 for a switch
	Rate  int     // of Noise, in bytes a second; 0: 1,000,000
	Seed  uint64  // varies addresses, counters and the like; with the same seed and name all is the same
	Speed float64 // how much faster than life; 0: 1

	off uint32 // a panicked machine has switched itself off; atomic
}

// Check says what is wrong with the settings.
func (s *Sim) Check() error {
	switch s.Kind {
	case Boot, Panic, Switch, Echo, Noise:
	default:
		return fmt.Errorf("sim %q: no such kind; there are boot, panic, switch, echo and noise", s.Kind)
	}
	if s.Rate < 0 {
		return fmt.Errorf("sim %s: rate %d is negative", s.Kind, s.Rate)
	}
	if !(s.Speed >= 0 && s.Speed <= 1e6) {
		return fmt.Errorf("sim %s: speed %v is not from 0 to 1000000", s.Kind, s.Speed)
	}
	return nil
}

// String is "sim boot".
func (s *Sim) String() string { return "sim " + s.Kind }

// Open switches the machine on. A machine that panicked refuses.
func (s *Sim) Open(ctx context.Context) (ports.Port, error) {
	op := "open " + s.String()
	if ctx.Err() != nil {
		return nil, ports.Ended(ctx, op)
	}
	if err := s.Check(); err != nil {
		return nil, &ports.Error{Reason: ports.Failed, Op: op, Err: err}
	}
	if atomic.LoadUint32(&s.off) != 0 {
		return nil, &ports.Error{Reason: ports.Refused, Op: op, Err: errors.New("the machine is powered off")}
	}
	return s.start(), nil
}

// start sets the line up for the kind and begins the script.
func (s *Sim) start() *line {
	l := newLine(s.String())
	a := &actor{line: l, speed: s.Speed}
	if a.speed == 0 {
		a.speed = 1
	}
	var play func()
	switch s.Kind {
	case Boot, Panic:
		m := &machine{actor: a, host: s.name("node1"), seed: s.seed()}
		play = m.play
		if s.Kind == Panic {
			play = func() {
				if m.playPanic() {
					atomic.StoreUint32(&s.off, 1)
				}
			}
		}
	case Switch:
		play = newNetworkSwitch(a, s.name("sw1"), s.seed()).play
	case Echo:
		play = a.echo
	case Noise:
		rate := s.Rate
		if rate == 0 {
			rate = 1_000_000
		}
		// An eighth of a second, so that the line can be left alone meanwhile.
		l.size = min(max(rate/8, maxOut), 16*maxOut)
		l.patience = min(l.patience, time.Duration(l.size/2)*time.Second/time.Duration(rate))
		if l.patience < 5*time.Millisecond {
			l.patience = 0
		}
		play = func() { a.noise(rate) }
	}
	go func() {
		defer close(l.ended)
		play()
		l.finish(&ports.Error{Reason: ports.Closed, Op: "read " + l.what, Err: errors.New("the machine powered itself off")})
	}()
	return l
}

func (s *Sim) name(standard string) string {
	if s.Name == "" {
		return standard
	}
	// A name is printed by what it names, and nothing else than a name.
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, s.Name)
}

// seed makes machines of different names differ.
func (s *Sim) seed() uint64 {
	h := fnv.New64a()
	h.Write([]byte(s.Kind + s.Name))
	return h.Sum64() ^ s.Seed
}
