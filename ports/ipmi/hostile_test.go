package ipmi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
	"consoled/ports/ipmi"
	"consoled/ports/ipmi/bmctest"
	"consoled/ports/ipmi/wire"
)

// shown reads what p has to show by now.
func shown(p ports.Port) string {
	synctest.Wait()
	buf := make([]byte, 1<<10)
	n, _ := p.(ports.TryReader).TryRead(buf)
	return string(buf[:n])
}

// forger makes the codec of somebody who guesses at the session's key.
func forger(t *testing.T, suite int) *wire.Codec {
	t.Helper()
	c, err := wire.NewCodec(&wire.Suites[suite], []byte("a guess"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestForged: nothing is ever shown, acknowledged or obeyed that is not sealed,
// fresh, and of this session.
func TestForged(t *testing.T) {
	forged := wire.AppendSOL(nil, wire.SOLPacket{Sequence: 1, Data: []byte("FORGED")})
	ended := wire.AppendSOL(nil, wire.SOLPacket{Flags: wire.Deactivated})
	for suite := range wire.Suites {
		for name, attack := range map[string]func(t *testing.T, b *bmctest.BMC, taped [][]byte){
			"in clear, outside the session": func(_ *testing.T, b *bmctest.BMC, _ [][]byte) {
				b.Inject(wire.AppendPlain(nil, wire.SOL, forged))
				b.Inject(wire.AppendPlain(nil, wire.SOL, ended))
			},
			"in clear, with the session's ID": func(_ *testing.T, b *bmctest.BMC, _ [][]byte) {
				for _, payload := range [][]byte{forged, ended} {
					p := wire.AppendPlain(nil, wire.SOL, payload)
					id := b.Session()
					p[6], p[7], p[8], p[9] = byte(id), byte(id>>8), byte(id>>16), byte(id>>24)
					p[10] = 99
					b.Inject(p)
				}
			},
			"flags without substance": func(_ *testing.T, b *bmctest.BMC, taped [][]byte) {
				for flags := 0; flags < 0xc0; flags += 0x40 { // of the true packet, one claim less
					for _, p := range taped {
						p = bytes.Clone(p)
						p[5] = p[5]&0x3f | byte(flags)
						b.Inject(p)
					}
				}
			},
			"sealed with another key": func(t *testing.T, b *bmctest.BMC, _ [][]byte) {
				for i, payload := range [][]byte{forged, ended} {
					b.Inject(forger(t, suite).Seal(nil, wire.Packet{Type: wire.SOL, Session: b.Session(), Sequence: uint32(90 + i), Payload: payload}))
				}
			},
			"each byte of a true packet changed": func(_ *testing.T, b *bmctest.BMC, taped [][]byte) {
				for _, p := range taped {
					for i := range p {
						for _, bit := range []byte{1, 0x80} {
							q := bytes.Clone(p)
							q[i] ^= bit
							if i == 1 || i == 2 { // reserved bytes of RMCP, which no code covers
								continue
							}
							b.Inject(q)
						}
					}
				}
			},
			"a true packet cut and lengthened": func(_ *testing.T, b *bmctest.BMC, taped [][]byte) {
				for _, p := range taped {
					for n := range p {
						b.Inject(bytes.Clone(p[:n]))
					}
					for n := range 40 {
						b.Inject(append(bytes.Clone(p), make([]byte, n+1)...))
					}
					b.Inject(append(bytes.Clone(p), make([]byte, 1400)...))
				}
			},
			"of another session": func(_ *testing.T, b *bmctest.BMC, _ [][]byte) {
				b.Misdirect(wire.SOLPacket{Sequence: 1, Data: []byte("FORGED")})
				b.Misdirect(wire.SOLPacket{Flags: wire.Deactivated})
			},
			"replayed": func(_ *testing.T, b *bmctest.BMC, taped [][]byte) {
				for range 3 {
					for _, p := range taped {
						b.Inject(bytes.Clone(p))
					}
				}
			},
		} {
			t.Run(fmt.Sprintf("suite %d %s", wire.Suites[suite].ID, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var taped [][]byte
					hold := false
					bmc := &bmctest.BMC{}
					bmc.Sealed = func(p []byte) []byte {
						if hold {
							taped = append(taped, bytes.Clone(p))
							if name != "replayed" {
								return nil // the attacker alone has it
							}
						}
						return p
					}
					p := mustOpen(t, bmc, func(s *ipmi.IPMI) { s.Cipher = wire.Suites[suite].ID })
					synctest.Wait()
					hold = true
					for n := range 3 {
						bmc.InjectSOL(wire.SOLPacket{Sequence: byte(5 + n), Data: []byte("taped ")})
					}
					first := shown(p)
					hold = false
					packets := bmc.Log().Packets
					attack(t, bmc, taped)
					if text := shown(p); text != "" {
						t.Errorf("shown: %q after %q", text, first)
					}
					if n := bmc.Log().Packets - packets; n != 0 {
						t.Errorf("%d answers to forged packets", n)
					}
					time.Sleep(time.Second) // what the brake on useless packets held up
					bmc.InjectSOL(wire.SOLPacket{Sequence: 9, Data: []byte("true")})
					time.Sleep(10 * time.Second)
					if text := shown(p); text != "true" {
						t.Errorf("%q where the BMC says \"true\"", text)
					}
				})
			})
		}
	}
}

// TestDowngrade: a BMC, or whoever stands before it, answers with algorithms
// that were not proposed. No name and no proof is sent.
func TestDowngrade(t *testing.T) {
	for name, change := range map[string]func(b []byte){
		"suite 0":             func(b []byte) { b[16], b[24], b[32] = 0, 0, 0 },
		"authentication none": func(b []byte) { b[16] = 0 },
		"integrity none":      func(b []byte) { b[24] = 0 },
		"encryption none":     func(b []byte) { b[32] = 0 },
		"suite 3 for 17":      func(b []byte) { b[16], b[24] = 1, 1 },
		"suite 2":             func(b []byte) { b[16], b[24], b[32] = 1, 1, 0 },
		"MD5":                 func(b []byte) { b[16], b[24] = 2, 2 },
		"payloads swapped":    func(b []byte) { b[12], b[20] = 1, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			var sent []wire.Payload
			bmc := &bmctest.BMC{Plain: func(kind wire.Payload, b []byte) []byte {
				sent = append(sent, kind)
				if kind == wire.OpenReply {
					change(b)
				}
				return b
			}}
			s := serve(t, bmc)
			_, err := s.Open(t.Context())
			if e := failure(t, err); e.Reason != ports.Failed || !strings.Contains(err.Error(), "not proposed") {
				t.Errorf("%v", err)
			}
			if proofs := bmc.Log().Proofs; proofs != 0 || !slices.Equal(sent, []wire.Payload{wire.OpenReply}) {
				t.Errorf("it went on after the answer: % x", sent)
			}
		})
	}
}

// TestSuites: 17 first, 3 where the BMC refuses 17 or is silent to it, and never
// another.
func TestSuites(t *testing.T) {
	for _, test := range []struct {
		cipher int
		does   []int
		silent bool
		opens  string // authentication algorithms proposed
		reason ports.Reason
	}{
		{0, nil, false, "\x03", ""},
		{0, []int{3}, false, "\x03\x01", ""},
		{0, []int{3}, true, "\x03\x03\x03\x01", ""},
		{17, []int{3}, false, "\x03", ports.Unsupported},
		{3, nil, false, "\x01", ""},
		{0, []int{0}, false, "\x03\x01", ports.Unsupported},
	} {
		synctest.Test(t, func(t *testing.T) {
			bmc := &bmctest.BMC{Suites: test.does}
			if test.silent {
				bmc.Plain = func(_ wire.Payload, b []byte) []byte {
					if b[1] != 0 {
						return nil
					}
					return b
				}
			}
			p, err := inMemory(t, bmc, nil, nil, func(s *ipmi.IPMI) { s.Cipher = test.cipher })
			if opens := string(bmc.Log().Opens); opens != test.opens || ports.ReasonOf(err) != test.reason {
				t.Errorf("%+v: proposed %q, %v", test, opens, err)
			}
			if err == nil {
				p.Close()
			}
		})
	}
}

// TestWrongSecrets: a wrong password is found out before it is proved with, so
// that no account is locked by it, and nothing of it is in the error.
func TestWrongSecrets(t *testing.T) {
	for _, test := range []struct {
		name   string
		bmc    *bmctest.BMC
		change func(*ipmi.IPMI)
		proofs int
		want   string
	}{
		{"password", &bmctest.BMC{}, func(s *ipmi.IPMI) { s.Password = secret("canary-wrong") }, 0, "another password"},
		{"user", &bmctest.BMC{}, func(s *ipmi.IPMI) { s.User = "nobody" }, 0, "does not know the user"},
		{"no key", &bmctest.BMC{Key: "canary-key"}, func(*ipmi.IPMI) {}, 1, "another key K_g"},
		{"key", &bmctest.BMC{Key: "canary-key"}, func(s *ipmi.IPMI) { s.KG = secret("canary-other") }, 1, "another key K_g"},
		{"code of RAKP 2", &bmctest.BMC{Plain: flip(wire.RAKP2, 41)}, func(*ipmi.IPMI) {}, 0, "another password"},
		{"code of RAKP 4", &bmctest.BMC{Plain: flip(wire.RAKP4, 9)}, func(*ipmi.IPMI) {}, 1, "another key K_g"},
		{"last byte of RAKP 4", &bmctest.BMC{Plain: flip(wire.RAKP4, 23)}, func(*ipmi.IPMI) {}, 1, "another key K_g"},
		{"privilege", &bmctest.BMC{Reply: code(0x3b, 0x81)}, func(*ipmi.IPMI) {}, 1, "may not have this privilege"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.bmc)
			test.change(&s)
			_, err := s.Open(t.Context())
			e := failure(t, err)
			if e.Reason != ports.Authentication || e.Fix == "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, fix: %s", err, e.Fix)
			}
			if strings.Contains(err.Error()+e.Fix, "canary") {
				t.Errorf("a secret shows in %v, fix: %s", err, e.Fix)
			}
			if n := test.bmc.Log().Proofs; n != test.proofs {
				t.Errorf("%d proofs of the password were sent, not %d", n, test.proofs)
			}
		})
	}
}

// flip changes a byte of one step.
func flip(of wire.Payload, i int) func(wire.Payload, []byte) []byte {
	return func(kind wire.Payload, b []byte) []byte {
		if kind == of {
			b[i] ^= 0x10
		}
		return b
	}
}

// code answers a command with a completion code.
func code(command, code byte) func(wire.Request) (wire.Reply, bool) {
	return func(q wire.Request) (wire.Reply, bool) { return wire.Reply{Code: code}, q.Command == command }
}

func TestKey(t *testing.T) {
	for given, key := range map[string]string{
		"twenty bytes, at most":         "twenty bytes, at most",
		"a key":                         "a key",
		"0x" + strings.Repeat("a0", 20): strings.Repeat("\xa0", 20),
	} {
		if len(key) > 20 {
			key, given = key[:20], given[:20]
		}
		s := serve(t, &bmctest.BMC{Key: key})
		s.KG = secret(given)
		p, err := s.Open(t.Context())
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		p.Close()
	}
}

// TestMutilated: each answer of the handshake at each length that it should not
// have. Nothing panics, nothing is let in, and it ends.
func TestMutilated(t *testing.T) {
	for _, of := range []wire.Payload{wire.OpenReply, wire.RAKP2, wire.RAKP4} {
		for size := range 120 {
			synctest.Test(t, func(t *testing.T) {
				right := false
				bmc := &bmctest.BMC{Plain: func(kind wire.Payload, b []byte) []byte {
					if kind != of {
						return b
					}
					right = size == len(b)
					if size < len(b) {
						return b[:size]
					}
					return append(b, make([]byte, size-len(b))...)
				}}
				p, err := inMemory(t, bmc, nil, nil)
				if err == nil {
					p.Close()
					// What stands after the algorithms is no part of what was agreed.
					if !right && of != wire.OpenReply {
						t.Errorf("let in with a payload %02xh of %d bytes", of, size)
					}
				} else if right {
					t.Error(err)
				}
			})
		}
	}
}

// TestSilences: how far the BMC comes says what it means that it falls silent.
func TestSilences(t *testing.T) {
	hush := func(of wire.Payload) *bmctest.BMC {
		return &bmctest.BMC{Plain: func(kind wire.Payload, b []byte) []byte {
			if kind == of {
				return nil
			}
			return b
		}}
	}
	for name, test := range map[string]struct {
		bmc    *bmctest.BMC
		lose   float64
		reason ports.Reason
	}{
		"from the start":      {&bmctest.BMC{}, 1, ports.Unreachable},
		"to the open request": {hush(wire.OpenReply), 0, ports.Unreachable},
		"to the user":         {hush(wire.RAKP2), 0, ports.Authentication},
		"to the proof":        {hush(wire.RAKP4), 0, ports.Authentication},
		"in the session":      {&bmctest.BMC{Sealed: func([]byte) []byte { return nil }}, 0, ports.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := inMemory(t, test.bmc, nil, &bmctest.Noise{Lose: test.lose})
				if failure(t, err).Reason != test.reason {
					t.Error(err)
				}
				if took := time.Since(start); took > 12*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// TestSilentGivenUp: whoever waits for a silent BMC may stop waiting.
func TestSilentGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := bmctest.Pipe(nil, nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		goodbye := errors.New("the goodbye")
		time.AfterFunc(700*time.Millisecond, func() { cancel(goodbye) })
		start := time.Now()
		_, err := settings("bmc.invalid").OpenOn(ctx, conn)
		if !errors.Is(err, goodbye) || time.Since(start) > 701*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestRefusals: what the BMC says becomes a reason and something to do.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		reply  func(wire.Request) (wire.Reply, bool)
		reason ports.Reason
		fix    string
	}{
		"SOL disabled":      {code(0x48, 0x81), ports.Unsupported, "ipmitool sol set enabled true 1"},
		"SOL not for him":   {code(0x48, 0xd4), ports.Denied, "ipmitool sol payload enable 1"},
		"no SOL at all":     {code(0x48, 0xc1), ports.Unsupported, ""},
		"SOL in clear only": {code(0x48, 0x83), ports.Unsupported, ""},
		"no session left":   {code(0x48, 0x82), ports.InUse, ""},
		"IPMI 1.5": {func(q wire.Request) (wire.Reply, bool) {
			return wire.Reply{Data: []byte{1, 0x04, 0, 0, 0, 0, 0, 0}}, q.Command == 0x38
		}, ports.Unsupported, ""},
		"take over refused": {func(q wire.Request) (wire.Reply, bool) {
			return wire.Reply{Code: map[byte]byte{0x48: 0x80, 0x49: 0xd4}[q.Command]}, q.Command == 0x48 || q.Command == 0x49
		}, ports.Denied, "give the user the privilege"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &bmctest.BMC{Reply: test.reply})
			s.TakeOver = "always"
			_, err := s.Open(t.Context())
			e := failure(t, err)
			if e.Reason != test.reason || !strings.Contains(e.Fix, test.fix) {
				t.Errorf("%v (%s), fix: %s", err, e.Reason, e.Fix)
			}
		})
	}
}

// TestBusy: a BMC that asks for patience gets it.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		bmc := &bmctest.BMC{Reply: func(q wire.Request) (wire.Reply, bool) {
			if q.Command != 0x48 {
				return wire.Reply{}, false
			}
			n++
			return wire.Reply{Code: 0xc0}, n < 4
		}}
		mustOpen(t, bmc)
		if n != 4 {
			t.Errorf("asked %d times", n)
		}
	})
}

// TestFlood: a peer that sends what nobody waits for, sealed or not, is read
// slowly and costs no memory, and the line goes on.
func TestFlood(t *testing.T) {
	for name, flood := range map[string]func(b *bmctest.BMC){
		"junk":               func(b *bmctest.BMC) { b.Inject(bytes.Repeat([]byte{6}, 1000)) },
		"oversized":          func(b *bmctest.BMC) { b.Inject(make([]byte, 60_000)) },
		"no characters":      func(b *bmctest.BMC) { b.InjectSOL(wire.SOLPacket{Sequence: 3}) },
		"acknowledgements":   func(b *bmctest.BMC) { b.InjectSOL(wire.SOLPacket{Ack: 7, Accepted: 255}) },
		"replies":            func(b *bmctest.BMC) { b.InjectPayload(wire.Message, wire.AppendReply(nil, wire.Reply{Command: 1})) },
		"unknown payloads":   func(b *bmctest.BMC) { b.InjectPayload(0x3f, []byte("x")) },
		"fragments":          func(b *bmctest.BMC) { b.InjectPayload(wire.Message, []byte{0x81}) },
		"SOL without header": func(b *bmctest.BMC) { b.InjectPayload(wire.SOL, []byte{1, 0, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			bmc := &bmctest.BMC{Echo: true}
			s := serve(t, bmc)
			p, err := s.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for range 20_000 {
				flood(bmc)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 1<<20 {
				t.Errorf("%d bytes more", more)
			}
			if n := ipmi.Unread(p); n != 0 {
				t.Errorf("%d bytes shown", n)
			}
			if _, err := p.Write([]byte("still there")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			if n, err := p.Read(buf); err != nil || n == 0 {
				t.Error(n, err)
			}
		})
	}
}

// TestFloodIsReadSlowly: of ten thousand useless packets a second few hundred
// are looked at.
func TestFloodIsReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bmc := &bmctest.BMC{}
		p := mustOpen(t, bmc)
		before := bmc.Log().Packets
		var flooding sync.WaitGroup
		flooding.Go(func() {
			for range 10_000 {
				for range 10 {
					bmc.InjectSOL(wire.SOLPacket{Sequence: 3}) // each is acknowledged
				}
				time.Sleep(time.Millisecond)
			}
		})
		flooding.Wait()
		if n := bmc.Log().Packets - before; n < 256 || n > 4000 {
			t.Errorf("%d packets were answered in ten seconds", n)
		}
		p.Close()
	})
}
