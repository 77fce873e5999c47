package ssh_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
	"consoled/ports/ssh"
)

// opened opens a line to a server that lets everybody in.
func opened(t *testing.T, server *server, key gossh.Signer) ports.Port {
	t.Helper()
	p, err := server.serve(t).plain(t, key).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// ending reads a line to its end.
func ending(t *testing.T, p io.ReadCloser) (string, *ports.Error) {
	t.Helper()
	limit := time.AfterFunc(20*time.Second, func() { p.Close() })
	defer limit.Stop()
	text, err := io.ReadAll(p)
	e, ok := errors.AsType[*ports.Error](err)
	if !ok || !strings.HasPrefix(e.Op, "read ssh ") {
		t.Fatalf("after %q: %v is no end of a line", text, err)
	}
	return string(text), e
}

// TestEnds looks at how sessions end, also such as no honest host would end them.
func TestEnds(t *testing.T) {
	key := newKey(t, "ed25519")
	long := strings.Repeat("x", 3*32<<10)
	status := func(payload []byte) func(gossh.Channel) {
		return func(c gossh.Channel) { c.SendRequest("exit-status", false, payload) }
	}
	signal := gossh.Marshal(struct {
		Name string
		Core bool
		Text string
		Lang string
	}{"KILL\x1b]0;" + strings.Repeat("a", 1000), false, "", ""})
	for _, test := range []struct {
		name   string
		do     func(gossh.Channel)
		text   string
		reason ports.Reason
		detail string
	}{
		{"exit status", status(gossh.Marshal(struct{ N uint32 }{3})), "", ports.Exited, "exit status 3"},
		{"signal", func(c gossh.Channel) { c.SendRequest("exit-signal", false, signal) }, "", ports.Exited, "aaa..."},
		{"status before the last words", func(c gossh.Channel) {
			c.SendRequest("exit-status", false, []byte{0, 0, 0, 7})
			io.WriteString(c, long)
		}, long, ports.Exited, "exit status 7"},
		{"no status", func(c gossh.Channel) { io.WriteString(c, "x") }, "x", ports.Closed, ""},
		{"stderr", func(c gossh.Channel) { io.WriteString(c.Stderr(), long) }, long, ports.Closed, ""},
		{"status too short", status([]byte{0, 1}), "", ports.Closed, ""},
		{"status too long", status([]byte{0, 0, 0, 1, 0}), "", ports.Closed, ""},
		{"status empty", status(nil), "", ports.Closed, ""},
		{"signal cut off", func(c gossh.Channel) { c.SendRequest("exit-signal", false, signal[:20]) }, "", ports.Closed, ""},
		{"statuses without end", func(c gossh.Channel) {
			for range 90 {
				c.SendRequest("exit-status", false, []byte{0xff, 0xff, 0xff, 0xff})
			}
		}, "", ports.Exited, "exit status 4294967295"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newServer(key)
			server.session = func(c gossh.Channel, requests <-chan *gossh.Request) {
				for r := range requests {
					r.Reply(true, nil)
					if r.Type == "shell" {
						test.do(c)
						c.Close()
					}
				}
			}
			text, end := ending(t, opened(t, server, key))
			if text != test.text {
				t.Errorf("%d bytes of text, not %d", len(text), len(test.text))
			}
			if end.Reason != test.reason || !strings.Contains(end.Error(), test.detail) || len(end.Error()) > 400 {
				t.Errorf("%v, not %s with %q", end, test.reason, test.detail)
			}
		})
	}
}

// TestEndOfOutputAlone: a host that ends the output and keeps the session has said its last.
func TestEndOfOutputAlone(t *testing.T) {
	key := newKey(t, "ed25519")
	server := newServer(key)
	server.session = func(c gossh.Channel, requests <-chan *gossh.Request) {
		for r := range requests {
			r.Reply(true, nil)
			if r.Type == "shell" {
				io.WriteString(c, "bye")
				c.CloseWrite()
			}
		}
	}
	text, end := ending(t, opened(t, server, key))
	if text != "bye" || end.Reason != ports.Closed {
		t.Errorf("%q, %v", text, end)
	}
}

// TestConnectionLost: the connection ends under the session.
func TestConnectionLost(t *testing.T) {
	key := newKey(t, "ed25519")
	server := newServer(key)
	server.then = func(c *gossh.ServerConn) { c.Close() }
	p, err := server.serve(t).plain(t, key).Open(t.Context())
	if err == nil {
		defer p.Close()
		_, end := ending(t, p)
		err = end
	}
	if reason := ports.ReasonOf(err); reason != ports.Closed {
		t.Errorf("%v: reason %q", err, reason)
	}
}

// A turncoat is a host whose key changes while a connection lasts.
type turncoat struct {
	gossh.Signer
	other  gossh.Signer
	turned atomic.Bool
}

func (s *turncoat) now() gossh.Signer {
	if s.turned.Load() {
		return s.other
	}
	return s.Signer
}

func (s *turncoat) PublicKey() gossh.PublicKey { return s.now().PublicKey() }

func (s *turncoat) Sign(r io.Reader, data []byte) (*gossh.Signature, error) {
	return s.now().Sign(r, data)
}

// TestHostKeyChangesLater: a later key exchange with another key ends the line.
func TestHostKeyChangesLater(t *testing.T) {
	key := &turncoat{Signer: newKey(t, "ed25519"), other: newKey(t, "ed25519")}
	server := newServer(key)
	server.RekeyThreshold = 1 << 10
	p := opened(t, server, key.Signer)
	key.turned.Store(true)
	go func() {
		for {
			if _, err := p.Write(bytes.Repeat([]byte("x"), 1<<10)); err != nil {
				return
			}
		}
	}()
	_, end := ending(t, p)
	if end.Reason != ports.WrongHostKey || !strings.Contains(end.Error(), gossh.FingerprintSHA256(key.other.PublicKey())) {
		t.Errorf("%v", end)
	}
}

// TestGreetings: what answers at the port need not be a host at all.
func TestGreetings(t *testing.T) {
	key := newKey(t, "ed25519")
	for _, test := range []struct {
		name   string
		say    func(net.Conn)
		reason ports.Reason
	}{
		{"nothing", func(c net.Conn) { c.Close() }, ports.Closed},
		{"another protocol", func(c net.Conn) { io.WriteString(c, "220 mail ready\r\n"); c.Close() }, ports.Closed},
		{"a line without end", func(c net.Conn) { io.Copy(c, endless("x")) }, ports.Failed},
		{"lines without end", func(c net.Conn) { io.Copy(c, endless("x\n")) }, ports.Failed},
		{"a packet that is none", func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff"); c.Close() }, ports.Failed},
		{"packets of nothing", func(c net.Conn) {
			io.WriteString(c, "SSH-2.0-x\r\n")
			io.Copy(c, endless("\x00\x00\x00\x0c\x0a\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
		}, ports.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			said := make(chan struct{})
			go func() {
				defer close(said)
				if conn, err := listener.Accept(); err == nil {
					defer conn.Close()
					go io.Copy(io.Discard, conn)
					test.say(conn)
				}
			}()
			s := &server{listener: listener}
			_, err = s.plain(t, key).Open(t.Context())
			if reason := ports.ReasonOf(err); reason != test.reason {
				t.Errorf("%v: reason %q, not %q", err, reason, test.reason)
			}
			<-said
		})
	}
}

// endless repeats a text.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// TestBannerWithoutEnd: banners are counted and not kept, nor shown.
func TestBannerWithoutEnd(t *testing.T) {
	key := newKey(t, "ed25519")
	server := newServer(key)
	var banners gossh.ServerPreAuthConn
	server.PreAuthConnCallback = func(c gossh.ServerPreAuthConn) { banners = c }
	server.NoClientAuthCallback = func(gossh.ConnMetadata) (*gossh.Permissions, error) {
		for {
			if err := banners.SendAuthBanner(strings.Repeat("\x1b[2J", 1<<10)); err != nil {
				return nil, err
			}
		}
	}
	_, err := server.serve(t).plain(t, key).Open(t.Context())
	if ports.ReasonOf(err) != ports.Failed || !strings.Contains(err.Error(), "no login is made") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v", err)
	}
}

// TestFloods: a host that asks without end is answered slowly, costs no
// memory, and goes at once.
func TestFloods(t *testing.T) {
	for _, test := range []struct {
		name  string
		flood func(*gossh.ServerConn, gossh.Channel) error
	}{
		{"global requests", func(c *gossh.ServerConn, _ gossh.Channel) error {
			_, _, err := c.SendRequest("x", false, make([]byte, 1000))
			return err
		}},
		{"session requests", func(_ *gossh.ServerConn, c gossh.Channel) error {
			_, err := c.SendRequest("x", false, make([]byte, 1000))
			return err
		}},
		{"channels", func(c *gossh.ServerConn, _ gossh.Channel) error {
			_, _, err := c.OpenChannel("x11", nil) // as a host would that wants a display
			if _, refused := errors.AsType[*gossh.OpenChannelError](err); refused {
				return nil
			}
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := newKey(t, "ed25519")
			server := newServer(key)
			conn := make(chan *gossh.ServerConn, 1)
			server.then = func(c *gossh.ServerConn) { conn <- c }
			var asked atomic.Int64
			server.session = func(c gossh.Channel, requests <-chan *gossh.Request) {
				for r := range requests {
					r.Reply(true, nil)
					if r.Type == "shell" {
						break
					}
				}
				go gossh.DiscardRequests(requests)
				io.WriteString(c, "up")
				for sc := <-conn; test.flood(sc, c) == nil; {
					asked.Add(1)
				}
			}
			p := opened(t, server, key)
			if _, err := io.ReadFull(p, make([]byte, 2)); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			go io.Copy(io.Discard, p)
			for tick := time.NewTicker(10 * time.Millisecond); asked.Load() < 100; { // it is braked soon after
				<-tick.C
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
				t.Errorf("%d requests, %d bytes more", asked.Load(), grown)
			}
			start := time.Now()
			p.Close()
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

// TestCloseWithoutReader: a host that reads nothing does not keep Close.
func TestCloseWithoutReader(t *testing.T) {
	key := newKey(t, "ed25519")
	server := newServer(key)
	server.session = func(_ gossh.Channel, requests <-chan *gossh.Request) {
		for r := range requests {
			r.Reply(true, nil)
			if r.Type == "shell" {
				server.sent[0].stall()
			}
		}
	}
	p := opened(t, server, key)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for {
			if _, err := p.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}()
	for tick := time.NewTicker(10 * time.Millisecond); !stalled(server.sent[0]); {
		<-tick.C
	}
	start := time.Now()
	p.Close()
	<-written
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Close took %v", took)
	}
}

// TestLeaveConsoled: another gateway has the channel and the connection as they
// were for as long as it needs to see that we leave.
func TestLeaveConsoled(t *testing.T) {
	key := newKey(t, "ed25519")
	server := newServer(key)
	server.ServerVersion = ssh.Greeting
	seen := make(chan error, 1)
	server.session = func(ch gossh.Channel, requests <-chan *gossh.Request) {
		go grant(requests)
		io.Copy(io.Discard, ch)
		_, err := ch.SendRequest("are-you-there@test", true, nil)
		seen <- err
		ch.Close()
	}
	opened(t, server, key).Close()
	if err := <-seen; err != nil {
		t.Errorf("at the end of our input: %v", err)
	}
}
