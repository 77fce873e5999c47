package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
)

// Tests of what takes time, on a clock that they hold: the host is at the other
// end of a pipe.

// A peer is a host that the test plays.
type peer struct {
	pipe    net.Conn
	conn    *gossh.ServerConn
	channel gossh.Channel
	asked   <-chan *gossh.Request // of the session, after its start
	global  <-chan *gossh.Request
}

// over opens a session to a peer, inside a bubble.
func over(t *testing.T, s SSH) (*port, *peer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	here, there := newPipe()
	p := &peer{pipe: there}
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		config := &gossh.ServerConfig{NoClientAuth: true}
		config.AddHostKey(key)
		conn, channels, global, err := gossh.NewServerConn(there, config)
		if err != nil {
			t.Error(err)
			return
		}
		channel, asked, err := (<-channels).Accept()
		if err != nil {
			t.Error(err)
			return
		}
		p.conn, p.channel, p.asked, p.global = conn, channel, asked, global
		for range 2 { // the terminal and the shell
			(<-asked).Reply(true, nil)
		}
	}()
	id := &identity{known: known{keys: []knownKey{{"known_hosts:1", key.PublicKey()}}}, told: make(chan struct{})}
	link, err := s.login(t.Context(), &link{wire: newWire(here, "pipe"), identity: id}, &login{ssh: s})
	if err != nil {
		t.Fatal(err)
	}
	port, err := s.start(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	t.Cleanup(func() { port.Close(); there.Close() })
	return port, p
}

func TestKeepalive(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers int // before the host falls silent
		lost    time.Duration
	}{{"silent at once", 0, 4 * time.Minute}, {"silent after two answers", 2, 6 * time.Minute}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port, peer := over(t, SSH{To: "x@host", Keepalive: time.Minute})
				start := time.Now()
				go func() {
					for n := 0; ; n++ {
						r, ok := <-peer.global
						if !ok {
							return
						}
						if n < test.answers {
							r.Reply(false, nil)
						}
					}
				}()
				_, err := io.ReadAll(port)
				if ports.ReasonOf(err) != ports.Unreachable || time.Since(start) != test.lost {
					t.Errorf("%v after %v, not %v", err, time.Since(start), test.lost)
				}
			})
		})
	}
}

func TestNoKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, peer := over(t, SSH{To: "x@host"})
		time.AfterFunc(24*time.Hour, func() { peer.conn.Close() })
		_, err := io.ReadAll(port)
		if ports.ReasonOf(err) != ports.Closed {
			t.Errorf("%v", err)
		}
	})
}

func TestBreakAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, peer := over(t, SSH{To: "x@host"})
		line := &ptyPort{port}
		answers := make(chan bool, 2)
		go func() {
			for r := range peer.asked {
				if r.Type != "break" || string(r.Payload) != "\x00\x00\x01\xf4" { // 500 ms
					t.Errorf("%s %x", r.Type, r.Payload)
				}
				select {
				case yes := <-answers:
					r.Reply(yes, nil)
				default:
				}
			}
		}()
		const length = 500 * time.Millisecond
		answers <- true
		if err := line.Break(length); err != nil {
			t.Errorf("granted: %v", err)
		}
		answers <- false
		if err := line.Break(length); err == nil || !strings.Contains(err.Error(), "refuses a break") {
			t.Errorf("refused: %v", err)
		}
		start := time.Now()
		if err := line.Break(length); err == nil || time.Since(start) != length+breakAnswer {
			t.Errorf("not answered: %v after %v", err, time.Since(start))
		}
		if err := line.Break(length); err == nil || !strings.Contains(err.Error(), "the one before") {
			t.Errorf("again: %v", err)
		}
		// A line that is stuck with a break still works.
		go io.WriteString(peer.channel, "x")
		if n, err := line.Read(make([]byte, 10)); n != 1 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// TestBrake: beyond what an honest host asks, answers come at a steady pace.
func TestBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peer := over(t, SSH{To: "x@host"})
		start := time.Now()
		for range asksAtOnce + 5*asksPerSecond {
			if _, _, err := peer.conn.SendRequest("x", true, nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start).Round(time.Second); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestLoginLimit: a host that says nothing, or stops in the middle, is given up.
func TestLoginLimit(t *testing.T) {
	for _, said := range []string{"", "SSH-2.0-x\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			here, there := newPipe()
			defer there.Close()
			go io.Copy(io.Discard, there)
			go io.WriteString(there, said)
			start := time.Now()
			s := SSH{To: "x@host"}
			_, err := s.login(t.Context(), &link{wire: newWire(here, "pipe"), identity: &identity{told: make(chan struct{})}}, &login{ssh: s})
			if ports.ReasonOf(err) != ports.Unreachable || time.Since(start) != loginLimit {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

func TestMatchHost(t *testing.T) {
	for _, test := range []struct {
		patterns, name string
		want           bool
	}{
		{"a", "a", true},
		{"A", "a", true},
		{"a", "ab", false},
		{"a,b", "b", true},
		{"*", "anything", true},
		{"*.lab", "ts1.lab", true},
		{"*.lab", "lab", false},
		{"ts?.lab", "ts1.lab", true},
		{"ts?.lab", "ts.lab", false},
		{"*1*2*", "x1x2", true},
		{"*1*2*", "x2x1", false},
		{"!a,*", "a", false},
		{"*,!a", "a", false},
		{"!a", "b", false},
		{"[a]:2200", "[a]:2200", true},
		{"[*]:2200", "[a]:2200", true},
		{"", "", true},
		{"|1|", "a", false},
		{"|1|x|y", "a", false},
		{"|2|AAAA|AAAA", "a", false},
		{strings.Repeat("*a", 500), strings.Repeat("a", 1000) + "b", false},
	} {
		if got := matchHost(test.patterns, test.name); got != test.want {
			t.Errorf("%.50s for %.50s: %v", test.patterns, test.name, got)
		}
	}
}

// FuzzKnownHosts: whatever stands in the file, reading it neither fails by a
// panic nor knows a host that no line names.
func FuzzKnownHosts(f *testing.F) {
	const key = " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIf8DWVYYQnLqzOU/IbcH3qPjHC4mY2mT5uLJ4i3bVJb\n"
	for _, seed := range []string{"", "# c\n", "a" + key, "[a]:2200,!b" + key, "@cert-authority *" + key, "@revoked a" + key, "@x a" + key, "|1|AAAA|AAAA" + key, "a ssh-ed25519 AAAA", "\x00 \xff\n"} {
		f.Add([]byte(seed), "a")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		k, err := knownIn(data, "known_hosts", name)
		if err == nil && len(k.keys)+len(k.authorities) > 0 && !strings.ContainsAny(string(data), "*?|") && !strings.Contains(strings.ToLower(string(data)), name) {
			t.Errorf("%q is known by %q", name, data)
		}
	})
}

func TestLooseKnownHosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := lookUp(file, host{name: "a", port: "22"}); err == nil || !strings.Contains(err.Error(), "anybody") {
		t.Errorf("%v", err)
	}
}
