package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/gateway/command"
)

// A bench runs small verbs that show what a session brings.
type bench struct {
	lost   chan bool     // whether the connection was lost, of "lost"
	ends   chan error    // the cause of the end, of "hold"
	panics chan struct{} // lets "panic" go on
}

func newBench() *bench {
	return &bench{lost: make(chan bool, 8), ends: make(chan error, 8), panics: make(chan struct{})}
}

func (b *bench) run(ctx context.Context, s *command.Session) int {
	t := s.Terminal
	verb, rest, _ := strings.Cut(s.Line, " ")
	switch verb {
	case "exit":
		code, _ := strconv.Atoi(rest)
		return code
	case "env":
		for _, name := range slices.Sorted(maps.Keys(t.Env)) {
			fmt.Fprintf(t.Out, "%s=%s\n", name, t.Env[name])
		}
	case "cat":
		io.Copy(t.Out, t.In)
	case "err":
		io.WriteString(t.Err, "for the error stream")
	case "break":
		io.WriteString(t.Out, "ready\n")
		fmt.Fprintln(t.Out, <-t.Breaks)
		io.Copy(io.Discard, t.In) // its end must not overtake the answer to the request
	case "size":
		for range 3 {
			cols, rows := t.Size()
			fmt.Fprintf(t.Out, "%s %v %dx%d\n", t.Term, t.PTY, cols, rows)
			io.ReadFull(t.In, make([]byte, 1))
		}
	case "lost":
		io.WriteString(t.Out, "ready\n")
		io.Copy(io.Discard, t.In)
		b.lost <- t.Lost()
	case "hold":
		io.WriteString(t.Out, "ready\n")
		<-ctx.Done()
		fmt.Fprintln(t.Out, context.Cause(ctx))
		b.ends <- context.Cause(ctx)
	case "interrupt":
		time.AfterFunc(10*time.Millisecond, t.Interrupt)
		n, err := io.Copy(io.Discard, t.In)
		_, again := t.In.Read(make([]byte, 1))
		fmt.Fprintln(t.Out, n, err, again)
	case "stuck":
		if rest != "forever" {
			time.AfterFunc(10*time.Millisecond, t.Abort)
		}
		for {
			if _, err := t.Out.Write(make([]byte, 1<<15)); err != nil {
				b.ends <- err
				return 1
			}
		}
	case "panic":
		<-b.panics
		panic("as asked")
	default:
		return told(ctx, s)
	}
	return 0
}

func benchGateway(t *testing.T) (*fixture, *bench, gossh.Signer) {
	t.Helper()
	b, key := newBench(), signer(t, "alice")
	f := start(t, line(`user="alice",consoles="admin=@all"`, key), nil, b.run)
	return f, b, key
}

func newSession(t *testing.T, c *gossh.Client) *gossh.Session {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begun starts a verb that says when it is ready.
func begun(t *testing.T, s *gossh.Session, verb string) io.Reader {
	t.Helper()
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(verb); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExitStatus(t *testing.T) {
	f, _, key := benchGateway(t)
	c := f.login("gw", key)
	for _, code := range []int{0, 1, 64, 77, 255} {
		err := newSession(t, c).Run(fmt.Sprintf("exit %d", code))
		var exit *gossh.ExitError
		if errors.As(err, &exit) && exit.ExitStatus() != code || err == nil && code != 0 || err != nil && exit == nil {
			t.Errorf("exit %d: %v", code, err)
		}
	}
}

func TestSessionFacts(t *testing.T) {
	f, _, key := benchGateway(t)
	out, err := newSession(t, f.login("node1+ro", key)).Output("log -n 5")
	if want := "alice|" + gossh.FingerprintSHA256(key.PublicKey()) + "|node1+ro|log -n 5"; err != nil || string(out) != want {
		t.Errorf("session is %q, %v; want %q", out, err, want)
	}
	var stderr bytes.Buffer
	s := newSession(t, f.login("no\x01de", key))
	s.Stderr = &stderr
	var exit *gossh.ExitError
	if err := s.Run("x"); !errors.As(err, &exit) || exit.ExitStatus() != command.ExitUsage || !strings.Contains(stderr.String(), "consoled: login name") {
		t.Errorf("odd login name: %v, %q", err, stderr.String())
	}
}

// TestBytes shows that nothing between the verb and the client changes a byte.
func TestBytes(t *testing.T) {
	f, _, key := benchGateway(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	data := bytes.Repeat(all, 400)
	for _, pty := range []bool{false, true} {
		s := newSession(t, f.login("gw", key))
		if pty {
			if err := s.RequestPty("xterm", 24, 80, gossh.TerminalModes{gossh.ECHO: 1}); err != nil {
				t.Fatal(err)
			}
		}
		s.Stdin = bytes.NewReader(data)
		got, err := s.Output("cat")
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("pty %v: %d bytes came back of %d, %v", pty, len(got), len(data), err)
		}
	}
}

// TestStreams shows that notices stay in order on a PTY and apart without one.
func TestStreams(t *testing.T) {
	f, _, key := benchGateway(t)
	for _, pty := range []bool{false, true} {
		s := newSession(t, f.login("gw", key))
		if pty {
			if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
				t.Fatal(err)
			}
		}
		var out, stderr bytes.Buffer
		s.Stdout, s.Stderr = &out, &stderr
		if err := s.Run("err"); err != nil {
			t.Fatal(err)
		}
		if pty != (out.Len() > 0) || pty == (stderr.Len() > 0) {
			t.Errorf("pty %v: stdout %q, stderr %q", pty, out.String(), stderr.String())
		}
	}
}

func TestBreak(t *testing.T) {
	f, _, key := benchGateway(t)
	s := newSession(t, f.login("gw", key))
	if ok, err := s.SendRequest("break", true, u32(1)); ok || err != nil {
		t.Errorf("break before anything runs: %v, %v", ok, err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := begun(t, s, "break")
	if ok, err := s.SendRequest("break", true, u32(1000)); !ok || err != nil {
		t.Errorf("break: %v, %v", ok, err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(out); string(got) != "1s\n" || err != nil {
		t.Errorf("the verb had a break of %q, %v", got, err)
	}

	s = newSession(t, f.login("gw", key))
	begun(t, s, "hold")
	for i := range breaksHeld + 1 {
		if ok, err := s.SendRequest("break", true, u32(0)); ok != (i < breaksHeld) || err != nil {
			t.Errorf("break %d that nobody takes: %v, %v", i, ok, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	f, _, key := benchGateway(t)
	s := newSession(t, f.login("gw", key))
	tests := []struct {
		name, value string
		want        bool
	}{
		{"CONSOLED_QUIET", "1", true},
		{"LC_ALL", "C", true},
		{"LANG", "de_DE.UTF-8", true},
		{"NO_COLOR", "", true},
		{"LD_PRELOAD", "/x", false},
		{"PATH", "/x", false},
		{"CONSOLED_", "x", false},
		{"CONSOLED_a", "x", false},
		{"LC_X=Y", "x", false},
		{"LANG", "a\x00b", false},
		{"CONSOLED_LONG", strings.Repeat("x", maxValue+1), false},
		{"CONSOLED_" + strings.Repeat("N", maxName), "x", false},
	}
	for _, tt := range tests {
		if ok, err := s.SendRequest("env", true, cat(str(tt.name), str(tt.value))); ok != tt.want || err != nil {
			t.Errorf("env %.30q: %v, %v; want %v", tt.name, ok, err, tt.want)
		}
	}
	for i := range maxEnv + 10 {
		ok, err := s.SendRequest("env", true, cat(str(fmt.Sprintf("LC_%d", i)), str("x")))
		if want := i < maxEnv-4; ok != want || err != nil {
			t.Fatalf("variable %d: %v, %v", i, ok, err)
		}
	}
	out, err := s.Output("env")
	if got := bytes.Count(out, []byte("\n")); err != nil || got != maxEnv || !bytes.HasPrefix(out, []byte("CONSOLED_QUIET=1\nLANG=de_DE.UTF-8\n")) {
		t.Errorf("%d variables arrived: %.80q, %v", got, out, err)
	}
}

func TestWindow(t *testing.T) {
	f, _, key := benchGateway(t)
	s := newSession(t, f.login("gw", key))
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestPty("xterm\x1b[2J", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("size"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"dumb true 80x24\n", "dumb true 1000x1000\n", "dumb true 0x0\n"} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(out, got); err != nil || string(got) != want {
			t.Fatalf("size is %q, %v; want %q", got, err, want)
		}
		h, w := 1<<30, 1<<30
		if strings.Contains(want, "1000") {
			h, w = 0, 7
		}
		for range 200 { // nobody reads them, and nothing waits
			if err := s.WindowChange(h, w); err != nil {
				t.Fatal(err)
			}
		}
		// Its answer comes after the changes were taken.
		if _, err := s.SendRequest("unknown", true, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte{'x'}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProhibited tries to make a relay of the gateway.
func TestProhibited(t *testing.T) {
	f, _, key := benchGateway(t)
	c := f.login("gw", key)
	for _, kind := range []string{"direct-tcpip", "direct-streamlocal@openssh.com", "x11", "auth-agent@openssh.com", "tun@openssh.com", ""} {
		_, _, err := c.OpenChannel(kind, cat(str("127.0.0.1"), u32(22), str("127.0.0.1"), u32(1)))
		var refused *gossh.OpenChannelError
		if !errors.As(err, &refused) || refused.Reason != gossh.Prohibited {
			t.Errorf("channel %q: %v", kind, err)
		}
	}
	for _, kind := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "no-more-sessions@openssh.com"} {
		if ok, _, err := c.SendRequest(kind, true, cat(str("0.0.0.0"), u32(0))); ok || err != nil {
			t.Errorf("request %q: %v, %v", kind, ok, err)
		}
	}
	if ok, _, err := c.SendRequest(keepaliveRequest, true, nil); !ok || err != nil {
		t.Errorf("keepalive: %v, %v", ok, err)
	}
	s := newSession(t, c)
	for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req"} {
		if ok, err := s.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("session request %q: %v, %v", kind, ok, err)
		}
	}
}

func TestSubsystem(t *testing.T) {
	f, _, key := benchGateway(t)
	c := f.login("node1", key)
	for name, want := range map[string]string{"sftp": "files are not served", "odd\x1b[2J": `no subsystem "odd\x1b[2J"`} {
		ch, requests, err := c.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := ch.SendRequest("subsystem", true, str(name)); !ok || err != nil {
			t.Fatalf("subsystem: %v, %v", ok, err)
		}
		said, err := io.ReadAll(ch.Stderr())
		if err != nil || !strings.Contains(string(said), want) {
			t.Errorf("subsystem %q said %q, %v", name, said, err)
		}
		var status []byte
		for r := range requests {
			if r.Type == "exit-status" {
				status = r.Payload
			}
		}
		if !bytes.Equal(status, u32(command.ExitUsage)) {
			t.Errorf("subsystem %q ended with %x", name, status)
		}
	}
}

// TestPTYOfTheKey shows that a key without the right to a PTY gets none.
func TestPTYOfTheKey(t *testing.T) {
	key := signer(t, "ci")
	f := start(t, line(`user="ci",restrict,consoles="rw=@all"`, key), nil, told)
	if err := newSession(t, f.login("gw", key)).RequestPty("xterm", 24, 80, nil); err == nil {
		t.Error("a restricted key got a PTY")
	}
}

func TestSessionLimits(t *testing.T) {
	a, b, bch := signer(t, "a"), signer(t, "b"), newBench()
	f := start(t, line(`user="a",consoles="r=@all"`, a)+line(`user="b",max-sessions="2",consoles="r=@all"`, b), nil, bch.run)
	c := f.login("gw", a)
	var open []*gossh.Session
	for range 3 {
		open = append(open, newSession(t, c))
	}
	if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), "3 sessions") {
		t.Errorf("fourth session of a connection: %v", err)
	}
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "a place after one has ended", func() bool { _, err := c.NewSession(); return err == nil })

	newSession(t, f.login("gw", b))
	newSession(t, f.login("gw", b))
	if _, err := f.login("gw", b).NewSession(); err == nil || !strings.Contains(err.Error(), "your key") {
		t.Errorf("third session of a key that may have two: %v", err)
	}
}

// TestLost tells a clean leave from a lost line.
func TestLost(t *testing.T) {
	tests := []struct {
		name string
		end  func(*raw)
		want bool
	}{
		{"disconnect, reason 11", func(r *raw) { r.write(cat([]byte{1}, u32(11), str("disconnected by user"), str(""))); r.close() }, false},
		{"channel closed", func(r *raw) { r.write(cat([]byte{97}, u32(0))) }, false},
		{"end of input", func(r *raw) { r.write(cat([]byte{96}, u32(0))) }, false},
		{"end of file", func(r *raw) { r.close() }, true},
		{"reset", func(r *raw) { r.c.(*net.TCPConn).SetLinger(0); r.close() }, true},
	}
	f, b, key := benchGateway(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := dialRaw(t, f.addr)
			if !r.sign("gw", key) || !r.open("session") {
				t.Fatal("not let in")
			}
			if ok, _ := r.request("exec", str("lost")); !ok || r.next(94) == nil {
				t.Fatal("did not run")
			}
			tt.end(r)
			if got := <-b.lost; got != tt.want {
				t.Errorf("lost is %v", got)
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	f, _, key := benchGateway(t)
	s := newSession(t, f.login("gw", key))
	if _, err := s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if out, err := s.Output("interrupt"); err != nil || string(out) != "0 <nil> EOF\n" {
		t.Errorf("interrupted: %q, %v", out, err)
	}
}

// TestAbort frees a write to a client that takes nothing, and gives its session back.
func TestAbort(t *testing.T) {
	t.Parallel()
	f, b, key := benchGateway(t)
	r := dialRaw(t, f.addr) // its window is 1 MiB and never grows
	if !r.sign("gw", key) || !r.open("session") {
		t.Fatal("not let in")
	}
	if ok, _ := r.request("exec", str("stuck")); !ok {
		t.Fatal("did not run")
	}
	select {
	case <-b.ends:
	case <-time.After(patience):
		t.Fatal("still blocked")
	}
	await(t, "the session's end", func() bool { return f.sessions.count() == 0 })
}

func TestSignal(t *testing.T) {
	f, b, key := benchGateway(t)
	s := newSession(t, f.login("gw", key))
	out := begun(t, s, "hold")
	if err := s.Signal(gossh.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(gossh.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(out); string(got) != "your client sent TERM\n" {
		t.Errorf("told %q", got)
	}
	<-b.ends
}

// TestPanic shows that a panic harms its own connection alone.
func TestPanic(t *testing.T) {
	f, b, key := benchGateway(t)
	other := f.login("gw", key)
	s := newSession(t, other)
	s.Stdin = strings.NewReader("")
	victim := f.login("gw", key)
	if err := newSession(t, victim).Start("panic"); err != nil {
		t.Fatal(err)
	}
	close(b.panics)
	if err := victim.Wait(); err == nil {
		t.Error("the connection ended well")
	}
	if err := s.Run("exit 0"); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
	if n := f.Health().Panics; n != 1 {
		t.Errorf("%d panics counted", n)
	}
	if log := f.logged.String(); !strings.Contains(log, "as asked") || !strings.Contains(log, "session_test.go") {
		t.Error("the panic is not in the log with its place")
	}
}

// TestMalformed sends every request in every broken form, and what is no
// request at all. The connection may end; the process and others may not.
func TestMalformed(t *testing.T) {
	f, _, key := benchGateway(t)
	other := f.login("gw", key)
	wrap := u32(0xffffffff)
	good := cat(str("xterm"), u32(80), u32(24), u32(0), u32(0), str("\x00"))
	payloads := map[string][]byte{
		"empty": nil, "short": {0, 0}, "wrapping length": wrap, "wrapping length and more": cat(wrap, []byte("x")),
		"length past the end": cat(u32(100), []byte("x")), "wrap in the second string": cat(str("x"), wrap),
		"wrap after the sizes": cat(str("xterm"), u32(1), u32(1), u32(1), u32(1), wrap),
		"half the sizes":       cat(str("xterm"), u32(1), u32(1)),
		"junk behind":          cat(good, []byte("junk")), "zeros": make([]byte, 4096), "ones": bytes.Repeat([]byte{0xff}, 4096),
		"long": cat(u32(30000), make([]byte, 30000)),
	}
	kinds := []string{
		"pty-req", "env", "window-change", "break", "signal", "subsystem", "exec", "x11-req", "auth-agent-req@openssh.com",
		"exit-status", "eow@openssh.com", "", strings.Repeat("x", 20000), "shell\x00", "\xff\xfe",
	}
	for _, kind := range kinds {
		r := dialRaw(t, f.addr)
		if !r.sign("gw", key) || !r.open("session") {
			t.Fatal("not let in")
		}
		// What runs something closes the channel, after which nothing is answered: it comes last.
		for _, name := range append(slices.DeleteFunc(slices.Collect(maps.Keys(payloads)), func(n string) bool { return n == "long" }), "long") {
			p := payloads[name]
			ok, alive := r.request(kind, p)
			if !alive {
				t.Fatalf("%.20q with %s ended the connection", kind, name)
			}
			if runs := name == "long" && (kind == "exec" || kind == "subsystem"); ok != runs {
				t.Errorf("%.20q with %s: %v", kind, name, ok)
			}
		}
		r.close()
	}
	packets := [][]byte{
		{98},
		cat([]byte{98}, u32(0)), cat([]byte{98}, u32(0), wrap), cat([]byte{98}, u32(7), str("shell"), []byte{1}),
		{90},
		cat([]byte{90}, wrap), cat([]byte{90}, str("session"), u32(0), u32(0), u32(0)),
		cat([]byte{94}, u32(0), wrap), cat([]byte{94}, u32(9), str("x")), cat([]byte{95}, u32(0), u32(1), wrap),
		{93},
		cat([]byte{93}, u32(0), wrap),
		{80},
		cat([]byte{80}, wrap), cat([]byte{91}, u32(0)),
		{99},
		{0},
		{255},
		{20},
		{21},
		{30},
		{50},
		{5},
		{192},
	}
	for _, p := range packets {
		r := dialRaw(t, f.addr)
		if !r.sign("gw", key) || !r.open("session") {
			t.Fatal("not let in")
		}
		for range 3 {
			if r.write(p) != nil {
				break
			}
		}
		r.close()
	}
	hello := "SSH-2.0-x\r\n"
	for _, text := range []string{
		"", "\r\n", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("x", 1<<16), "SSH-1.5-x\r\n", hello,
		hello + "\xff\xff\xff\xff", hello + "\x00\x00\x00\x00", hello + string(binary.BigEndian.AppendUint32(nil, 12)) + "\xff\x14xxxxxxxxxxxx",
		hello + "\x00\x00\x01\x00\x04\x14" + strings.Repeat("\xff", 400),
	} {
		nc, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		// A connection that was refused already takes nothing more.
		_, _ = io.WriteString(nc, text)
		nc.Close()
	}
	before := [][]byte{{50}, cat([]byte{50}, wrap), {52}, {60}, {61}, {90}, {98}, {5}, cat([]byte{5}, wrap), {6}, {255}}
	for _, p := range before {
		r := dialRaw(t, f.addr)
		for range 3 {
			if r.write(p) != nil {
				break
			}
		}
		r.close()
	}
	for _, p := range [][]byte{nil, {0}, {1}, cat([]byte{1}, wrap), cat([]byte{0}, str("ssh-ed25519"), wrap), cat([]byte{1}, str("ssh-ed25519"), str(key.PublicKey().Marshal()), wrap)} {
		r := dialRaw(t, f.addr)
		if letIn(r.auth("gw", "publickey", p)) {
			t.Errorf("let in by %q", p)
		}
		r.close()
	}
	if err := newSession(t, other).Run("exit 0"); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
	if n := f.Health().Panics; n != 0 {
		t.Errorf("%d panics", n)
	}
}

// TestChannelFlood bounds the channels that a client opens without reading answers.
func TestChannelFlood(t *testing.T) {
	f := prepare(t, "", nil, nil)
	near, far := pipe()
	defer near.Close()
	c := f.newConnection(far)
	for i := range f.conf.Load().Limits.Sessions + pendingChannels {
		if !c.enter() || c.ctx.Err() != nil {
			t.Fatalf("ended at channel %d", i)
		}
	}
	c.enter()
	if !errors.Is(context.Cause(c.ctx), errHostile) {
		t.Errorf("a flood ended by %v", context.Cause(c.ctx))
	}
}

// TestLogKeepsSecrets shows that the log has the verb of a command and no more.
func TestLogKeepsSecrets(t *testing.T) {
	f, _, key := benchGateway(t)
	for _, line := range []string{"send --enter canary1", "Canary2", "canaryxcanaryxcanaryxcanary3"} {
		if err := newSession(t, f.login("gw", key)).Run(line); err != nil {
			t.Fatal(err)
		}
	}
	if log := f.logged.String(); strings.Contains(strings.ToLower(log), "canary") || !strings.Contains(log, "command=send") {
		t.Error("the log has what was typed, or not what was run")
	}
}
