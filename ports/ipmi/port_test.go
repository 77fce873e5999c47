package ipmi_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
	"consoled/ports/ipmi"
	"consoled/ports/ipmi/bmctest"
	"consoled/ports/ipmi/wire"
)

func text(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestLossy: a network that loses, doubles and reorders takes nothing away and
// adds nothing, in either direction.
func TestLossy(t *testing.T) {
	for _, name := range []string{"lost", "doubled", "reordered", "all"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				noise := func() *bmctest.Noise {
					all := name == "all"
					n := &bmctest.Noise{}
					if all || name == "lost" {
						n.Lose = 0.05
					}
					if all || name == "doubled" {
						n.Double = 0.05
					}
					if all || name == "reordered" {
						n.Delay = 0.05
					}
					return n
				}
				bmc := &bmctest.BMC{}
				p, err := inMemory(t, bmc, noise(), noise())
				if err != nil {
					t.Fatal(err)
				}
				down, up := text(60_000), text(60_001)
				bmc.Say(down)
				written := make(chan error, 1)
				go func() { written <- second(p.Write(up)) }()
				got := make([]byte, len(down))
				if _, err := io.ReadFull(p, got); err != nil {
					t.Fatal(err)
				}
				if err := <-written; err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, down) {
					t.Error("what the machine said is not what was read")
				}
				if heard := bmc.Log().Heard; !bytes.Equal(heard, up) {
					t.Errorf("what was written is not what the machine heard: %d bytes, not %d", len(heard), len(up))
				}
			})
		})
	}
}

func second(_ int, err error) error { return err }

// TestManyInOne: what is written at once travels in packets as large as the
// BMC takes, and no larger.
func TestManyInOne(t *testing.T) {
	for room, longest := range map[int]int{32: 28, 64: 60, 255: 251, 4: 1, 0xffff: 255} {
		synctest.Test(t, func(t *testing.T) {
			bmc := &bmctest.BMC{Room: room}
			p := mustOpen(t, bmc)
			if n, err := p.Write(text(1000)); n != 1000 || err != nil {
				t.Fatal(n, err)
			}
			if l := bmc.Log(); l.Longest != longest || l.SOL != (1000+longest-1)/longest {
				t.Errorf("room %d: %d packets of %d", room, l.SOL, l.Longest)
			}
		})
	}
}

// TestTaking: what the BMC does not accept comes again, and nothing else does.
func TestTaking(t *testing.T) {
	for name, taking := range map[string]func() func([]byte) (int, byte){
		"partial": func() func([]byte) (int, byte) { return func(b []byte) (int, byte) { return min(len(b), 7), 0 } },
		"nack": func() func([]byte) (int, byte) {
			n := 0
			return func(b []byte) (int, byte) {
				if n++; n%3 != 0 {
					return 0, wire.Nack
				}
				return len(b), 0
			}
		},
		"partial nack": func() func([]byte) (int, byte) {
			return func(b []byte) (int, byte) {
				if len(b) > 1 {
					return len(b) / 2, wire.Nack
				}
				return len(b), 0
			}
		},
		"none, without a nack": func() func([]byte) (int, byte) {
			n := 0
			return func(b []byte) (int, byte) {
				if n++; n%2 != 0 {
					return 0, 0
				}
				return len(b), 0
			}
		},
		"a while unavailable": func() func([]byte) (int, byte) {
			start := time.Now()
			return func(b []byte) (int, byte) {
				if time.Since(start) < time.Minute {
					return 0, wire.Nack | wire.Unavailable
				}
				return len(b), 0
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bmc := &bmctest.BMC{Taking: taking()}
				p := mustOpen(t, bmc)
				want := text(500)
				if n, err := p.Write(want); n != len(want) || err != nil {
					t.Fatal(n, err)
				}
				if l := bmc.Log(); !bytes.Equal(l.Heard, want) {
					t.Errorf("heard %d bytes", len(l.Heard))
				}
			})
		})
	}
}

// TestHeldBack: a machine that takes nothing costs a packet a second, not a
// storm, and the BMC's word that it goes on is heard at once.
func TestHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := false
		bmc := &bmctest.BMC{}
		bmc.Taking = func(b []byte) (int, byte) {
			if open {
				return len(b), 0
			}
			return 0, wire.Nack
		}
		p := mustOpen(t, bmc)
		before := bmc.Log().Packets
		go p.Write([]byte("x"))
		time.Sleep(60 * time.Second)
		if n := bmc.Log().Packets - before; n > 75 {
			t.Errorf("%d packets in a minute", n)
		}
	})
}

// TestBeat: an idle console sends its keepalive and nothing else; one whose BMC
// falls silent ends in a bounded time.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := &bmctest.Noise{}
		bmc := &bmctest.BMC{}
		p, err := inMemory(t, bmc, nil, back)
		if err != nil {
			t.Fatal(err)
		}
		before := bmc.Log().Packets
		time.Sleep(time.Hour)
		if n := bmc.Log().Packets - before; n < 120 || n > 165 {
			t.Errorf("%d packets in an hour; 120 to 160 keepalives are due", n)
		}
		back.Cut(true)
		start := time.Now()
		_, err = p.Read(make([]byte, 1))
		if e := failure(t, err); e.Reason != ports.Unreachable {
			t.Error(err)
		}
		if took := time.Since(start); took > 41*time.Second {
			t.Errorf("found out after %v", took)
		}
	})
}

// TestNobodyAcknowledges: what is typed is sent again a few times and then ends
// the line; how much the BMC had accepted is told.
func TestNobodyAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := &bmctest.Noise{}
		bmc := &bmctest.BMC{}
		p, err := inMemory(t, bmc, nil, back)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte("heard")); err != nil {
			t.Fatal(err)
		}
		back.Cut(true)
		start := time.Now()
		n, err := p.Write([]byte("unheard"))
		if e := failure(t, err); n != 0 || e.Reason != ports.Unreachable {
			t.Error(n, err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 20*time.Second {
			t.Errorf("given up after %v", took)
		}
		if heard := string(bmc.Log().Heard); heard != "heardunheard" {
			t.Errorf("the machine heard %q: a repetition counted", heard)
		}
	})
}

func TestBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bmc := &bmctest.BMC{}
		p, err := inMemory(t, bmc, &bmctest.Noise{Lose: 0.3}, &bmctest.Noise{Lose: 0.3})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 10 {
			if err := p.(ports.Breaker).Break(time.Second); err != nil {
				t.Fatal(err)
			}
			p.Write([]byte("h"))
			if l := bmc.Log(); l.Breaks != n+1 || len(l.Heard) != n+1 {
				t.Fatalf("%d breaks, %q", l.Breaks, l.Heard)
			}
		}
	})
}

// TestBreakUnheard: a BMC that knows no break costs an error, not the line.
func TestBreakUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there := &bmctest.Noise{}
		bmc := &bmctest.BMC{}
		p, err := inMemory(t, bmc, there, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		there.Cut(true)
		err = p.(ports.Breaker).Break(0)
		if failure(t, err).Reason != ports.Failed || !strings.Contains(err.Error(), "does not acknowledge a break") {
			t.Error(err)
		}
		there.Cut(false)
		if _, err := p.Write([]byte("x")); err != nil {
			t.Error(err)
		}
	})
}

// TestUnread: nobody reads. What is kept is bounded, the BMC is not told that
// more was taken, and all of it is there in the end.
func TestUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bmc := &bmctest.BMC{Retries: 1 << 30}
		p := mustOpen(t, bmc)
		said := text(3 * ipmi.MaxUnread)
		bmc.Say(said)
		time.Sleep(time.Minute)
		if n := ipmi.Unread(p); n > ipmi.MaxUnread || n < ipmi.MaxUnread-256 {
			t.Errorf("%d bytes wait", n)
		}
		got := make([]byte, len(said))
		if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, said) {
			t.Errorf("not what was said: %v", err)
		}
	})
}

// TestNumberOfBefore: a BMC that remembers the numbers of the session before
// does not take what is typed first for a repetition.
func TestNumberOfBefore(t *testing.T) {
	for n := range 150 { // ours begin anywhere
		seen := byte(n % 16)
		synctest.Test(t, func(t *testing.T) {
			bmc := &bmctest.BMC{Seen: seen}
			p := mustOpen(t, bmc)
			p.Write([]byte("x"))
			if heard := string(bmc.Log().Heard); heard != "x" {
				t.Errorf("after %d the machine heard %q", seen, heard)
			}
		})
	}
}

// TestRepetitions: a BMC repeats a packet with more in it, and an old one comes
// late. Neither is doubled.
func TestRepetitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bmc := &bmctest.BMC{}
		p := mustOpen(t, bmc)
		for _, k := range []wire.SOLPacket{
			{Sequence: 1, Data: []byte("one ")},
			{Sequence: 1, Data: []byte("one ")},
			{Sequence: 1, Data: []byte("one and a half ")},
			{Sequence: 1, Data: []byte("on")},
			{Sequence: 1, Data: []byte("one and a half ")},
			{Sequence: 2, Data: []byte("two ")},
			{Sequence: 2},
			{Sequence: 2, Data: []byte("two ")},
			{Sequence: 3, Data: []byte("three")},
		} {
			bmc.InjectSOL(k)
		}
		synctest.Wait()
		got := make([]byte, 100)
		n, err := p.Read(got)
		if string(got[:n]) != "one and a half two three" || err != nil {
			t.Errorf("%q, %v", got[:n], err)
		}
	})
}

// TestEnds: what the BMC says of the session's end, and what it leaves out.
func TestEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		end    func(b *bmctest.BMC)
		reason ports.Reason
	}{
		{"deactivated", func(b *bmctest.BMC) { b.InjectSOL(wire.SOLPacket{Flags: wire.Deactivated}) }, ports.Closed},
		{"taken, and the word lost", func(b *bmctest.BMC) { b.Occupy() }, ports.InUse},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bmc := &bmctest.BMC{}
				p := mustOpen(t, bmc)
				bmc.Say([]byte("last words"))
				synctest.Wait()
				test.end(bmc)
				buf := make([]byte, 100)
				if n, err := p.Read(buf); string(buf[:n]) != "last words" {
					t.Errorf("%q, %v", buf[:n], err)
				}
				_, err := p.Read(buf)
				if failure(t, err).Reason != test.reason {
					t.Error(err)
				}
				p.Close()
				if l := bmc.Log(); l.Closed != 1 {
					t.Errorf("%d sessions closed", l.Closed)
				}
			})
		})
	}
}

// TestOverrun: a BMC's word that it dropped output is counted with the packet
// that bears it, and once for all its repetitions.
func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bmc := &bmctest.BMC{}
		p := mustOpen(t, bmc)
		defer p.Close()
		lossy := p.(ports.Lossy)
		for _, step := range []struct {
			packet wire.SOLPacket
			losses int
		}{
			{wire.SOLPacket{Sequence: 1, Data: []byte("a")}, 0},
			{wire.SOLPacket{Sequence: 2, Data: []byte("b"), Flags: wire.Overrun}, 1},
			{wire.SOLPacket{Sequence: 2, Data: []byte("b"), Flags: wire.Overrun}, 1},
			{wire.SOLPacket{Sequence: 3, Data: []byte("c"), Flags: wire.Overrun}, 2},
			{wire.SOLPacket{Flags: wire.Overrun}, 3},
		} {
			bmc.InjectSOL(step.packet)
			synctest.Wait()
			if got := lossy.Losses(); got != step.losses {
				t.Errorf("%d losses after %+v, want %d", got, step.packet, step.losses)
			}
		}
	})
}

// TestInUse is the rule of take_over.
func TestInUse(t *testing.T) {
	for _, test := range []struct {
		rule         string
		opens, takes bool
	}{{"", false, true}, {"ask", false, true}, {"always", true, true}, {"never", false, false}} {
		t.Run("take_over "+test.rule, func(t *testing.T) {
			bmc := &bmctest.BMC{}
			s := serve(t, bmc)
			s.TakeOver = test.rule
			try := func(open func() (ports.Port, error), want bool) {
				t.Helper()
				bmc.Occupy()
				p, err := open()
				if (err == nil) != want {
					t.Fatalf("opened: %v, %v", err == nil, err)
				}
				if err != nil {
					e := failure(t, err)
					if e.Reason != ports.InUse || (e.Fix == "") || strings.Contains(e.Fix, "^Ec o") != test.takes {
						t.Errorf("%v, fix: %s", err, e.Fix)
					}
					return
				}
				defer p.Close()
				if r := p.(ports.Remarker).Remark(); r != "BMC had another SOL session; closed it and connected" {
					t.Errorf("remark %q", r)
				}
			}
			try(func() (ports.Port, error) { return s.Open(t.Context()) }, test.opens)
			try(func() (ports.Port, error) { return ports.Taker(s).Take(t.Context()) }, test.takes)
			if l := bmc.Log(); l.Closed != 2 {
				t.Errorf("%d of 2 sessions closed", l.Closed)
			}
		})
	}
}

// TestClose: it ends what waits at once, takes back what was typed, gives back
// SOL and the session, and does not wait for a BMC that is silent.
func TestClose(t *testing.T) {
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprintf("silent %t", silent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				back := &bmctest.Noise{}
				bmc := &bmctest.BMC{Taking: func([]byte) (int, byte) { return 0, 0 }}
				p, err := inMemory(t, bmc, nil, back)
				if err != nil {
					t.Fatal(err)
				}
				if silent {
					back.Cut(true)
				}
				results := make(chan time.Time, 2)
				go func() { p.Write([]byte("not accepted")); results <- time.Now() }()
				go func() { p.Read(make([]byte, 1)); results <- time.Now() }()
				time.Sleep(110 * time.Millisecond)
				start := time.Now()
				p.Close()
				if took := time.Since(start); took > time.Second {
					t.Errorf("took %v", took)
				}
				for range 2 {
					if at := <-results; at.After(start) {
						t.Errorf("Close ended it %v later", at.Sub(start))
					}
				}
				l := bmc.Log()
				if l.Closed != 1 || !slices.Contains(l.Commands, 0x49) || silent && l.Flushes != 1 {
					t.Errorf("closed %d, flushed %d, commands % x", l.Closed, l.Flushes, l.Commands)
				}
			})
		})
	}
}
