package gateway

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/command"
	"consoled/gateway/config"
	"consoled/gateway/names"
	"consoled/ports"
)

// patience bounds every wait of a test; nothing that works comes near it, on a
// machine that does ten other things either.
const patience = time.Minute

// signer makes a key that is the same at each run.
func signer(t testing.TB, name string) gossh.Signer {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	s, err := gossh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// line is an authorized_keys line for a signer's key.
func line(options string, s gossh.Signer) string {
	return options + " " + strings.TrimSpace(string(gossh.MarshalAuthorizedKey(s.PublicKey()))) + "\n"
}

// A mute is a line that is up and says nothing.
type mute struct{ name string }

func (m mute) Check() error   { return nil }
func (m mute) String() string { return "mute " + m.name }

func (m mute) Open(context.Context) (ports.Port, error) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	return mutePort{near}, nil
}

type mutePort struct{ net.Conn }

func (p mutePort) Break(time.Duration) error { return nil }

func (p mutePort) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err != nil {
		return n, &ports.Error{Reason: ports.Closed, Op: "read", Err: err}
	}
	return n, nil
}

// A fixture is a gateway that serves on loopback, and what a test may change.
type fixture struct {
	*Gateway
	t      testing.TB
	dir    string
	keys   string // file
	addr   string
	dialed func() (net.Conn, error) // connects to it
	logged *lockedBuffer
	conf   atomic.Pointer[config.Config]
	stop   context.CancelFunc
	ended  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type handler = func(context.Context, *command.Session) int

// prepare makes a gateway that is not served yet.
func prepare(t testing.TB, keys string, change func(*config.Config), run handler) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), logged: &lockedBuffer{}}
	f.keys = filepath.Join(f.dir, "authorized_keys")
	f.write(keys)
	c := &config.Config{
		Listen: []string{"127.0.0.1:0"}, StateDir: filepath.Join(f.dir, "state"),
		Auth: config.Auth{Keys: []string{f.keys}, Contact: "ops@example.org"},
		Log:  config.Log{Dir: filepath.Join(f.dir, "records")},
		Limits: config.Limits{
			Connections: 100, HalfOpen: 20, PerAddress: 10, Sessions: 3, Handshake: patience,
			Keepalive: time.Minute, KeepaliveCount: 3, AuthTries: 20,
		},
	}
	for _, name := range []string{"node1", "node2"} {
		c.Consoles = append(c.Consoles, config.Console{Subject: names.Subject{Name: name}, Backend: mute{name}})
	}
	if change != nil {
		change(c)
	}
	f.conf.Store(c)
	g, err := New(Options{
		Load:    func() (*config.Config, error) { return f.conf.Load(), nil },
		Log:     slog.New(slog.NewTextHandler(f.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	if run != nil {
		g.run = run
	}
	f.Gateway = g
	return f
}

func (f *fixture) write(keys string) {
	f.t.Helper()
	if err := os.WriteFile(f.keys, []byte(keys), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// start serves a gateway until the test ends.
func start(t testing.TB, keys string, change func(*config.Config), run handler) *fixture {
	t.Helper()
	return startWith(t, keys, change, run, nil)
}

// startWith is start with a configuration that comes from elsewhere.
func startWith(t testing.TB, keys string, change func(*config.Config), run handler, load func() (*config.Config, error)) *fixture {
	t.Helper()
	f := prepare(t, keys, change, run)
	if load != nil {
		f.options.Load = load
		s, err := f.load()
		if err != nil {
			t.Fatal(err)
		}
		f.site.Store(s)
	}
	f.serve()
	f.dialed = func() (net.Conn, error) { return net.Dial("tcp", f.addr) }
	return f
}

// hold serves a gateway over pipes until the test ends, in a bubble of time:
// make it inside the bubble.
func hold(t testing.TB, keys string, change func(*config.Config), run handler) *fixture {
	t.Helper()
	f := prepare(t, keys, change, run)
	l := &pipes{knocks: make(chan net.Conn), closed: make(chan struct{})}
	f.options.Listeners = []net.Listener{l}
	f.dialed = l.dial
	f.serve()
	return f
}

// serve begins to serve, and sees to the end.
func (f *fixture) serve() {
	t := f.t
	t.Helper()
	ready := make(chan []net.Addr, 1)
	f.options.Ready = func(a []net.Addr) { ready <- a }
	ctx, stop := context.WithCancel(context.Background())
	f.stop, f.ended = stop, make(chan error, 1)
	go func() { f.ended <- f.Serve(ctx) }()
	select {
	case a := <-ready:
		f.addr = a[0].String()
	case err := <-f.ended:
		t.Fatalf("serve: %v", err)
	case <-time.After(patience):
		t.Fatal("not ready")
	}
	t.Cleanup(func() {
		stop()
		select {
		case err := <-f.ended:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("did not stop")
		}
		if t.Failed() {
			t.Log(f.logged.String())
		}
	})
}

// Pipes are a listener of a bubble, whose clock waits for no socket.
type pipes struct {
	knocks chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial() (net.Conn, error) {
	near, far := pipe()
	select {
	case p.knocks <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case far := <-p.knocks:
		return far, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// dial logs in.
func (f *fixture) dial(user string, methods ...gossh.AuthMethod) (*gossh.Client, error) {
	nc, err := f.dialed()
	if err != nil {
		return nil, err
	}
	return f.begin(nc, user, methods...)
}

// dialFrom logs in from an address of this machine.
func (f *fixture) dialFrom(source net.IP, user string, methods ...gossh.AuthMethod) (*gossh.Client, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: source}}
	nc, err := d.Dial("tcp", f.addr)
	if err != nil {
		return nil, err
	}
	return f.begin(nc, user, methods...)
}

// begin logs in on a connection.
func (f *fixture) begin(nc net.Conn, user string, methods ...gossh.AuthMethod) (*gossh.Client, error) {
	conn, chans, reqs, err := gossh.NewClientConn(nc, f.addr, &gossh.ClientConfig{
		User: user, Auth: methods, HostKeyCallback: gossh.InsecureIgnoreHostKey(), // the test's own gateway
	})
	if err != nil {
		return nil, err
	}
	c := gossh.NewClient(conn, chans, reqs)
	f.t.Cleanup(func() { c.Close() })
	return c, nil
}

func (f *fixture) login(user string, s gossh.Signer) *gossh.Client {
	f.t.Helper()
	c, err := f.dial(user, gossh.PublicKeys(s))
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// await waits until ok is true.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}

// told is a handler that says what the session is and ends with code 0.
func told(_ context.Context, s *command.Session) int {
	fmt.Fprintf(s.Terminal.Out, "%s|%s|%s|%s", s.Who.Name, s.Who.Fingerprint, s.Login.Text, s.Line)
	return 0
}
