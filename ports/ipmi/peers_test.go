//go:build linux

package ipmi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/ipmi"
	"consoled/ports/ipmi/bmctest"
	"consoled/ports/porttest"
)

// A peer is a real BMC, or what is taken for one in its place: a program of
// other people's.
type peer struct {
	name     string
	settings ipmi.IPMI
	machine  io.ReadWriter // the machine's end of the serial line
	breaks   string        // what a break looks like at that end; empty if it does not show
	suite    string        // for ipmitool
	power    string        // patterns of the chassis' log, _ for a blank
	log      func() string // of the chassis' commands
}

// program finds a program that these tests need.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin", filepath.Join("..", "..", ".cache", "bin")} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			path, err = filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	missing(t, "%s is missing", name)
	return ""
}

// start runs a server until the end of the test.
func start(t testing.TB, cmd *exec.Cmd) *output {
	t.Helper()
	out := &output{changed: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	return out
}

// startTTY starts a client on a terminal, until the end of the test.
func startTTY(t testing.TB, cmd *exec.Cmd) *os.File {
	t.Helper()
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); tty.Close(); cmd.Wait() })
	return tty
}

// An output is what a program said so far.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

// find waits until what was said matches, and returns the first group.
func (o *output) find(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		text, changed := o.text.String(), o.changed
		o.mu.Unlock()
		if found := re.FindStringSubmatch(text); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%q does not come after %q", pattern, text)
		}
	}
}

// freeUDP is a port that nobody listens on.
func freeUDP(t testing.TB) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	return port
}

// ready waits until a BMC at address answers, and ends every session's SOL.
func ready(t testing.TB, s ipmi.IPMI) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 500 {
		_, err := s.Chassis(t.Context(), ipmi.PowerStatus)
		if ports.ReasonOf(err) != ports.Refused {
			return
		}
		<-again.C
	}
	t.Fatal("the BMC does not come up")
}

// startSim starts ipmi_sim, which does suite 3 and connects its serial line to
// a listener of the test's.
func startSim(t testing.TB) *peer { return startSimAt(t, "127.0.0.1", freeUDP(t)) }

func startSimAt(t testing.TB, host, port string) *peer {
	path := program(t, "ipmi_sim")
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	_, line, _ := net.SplitHostPort(listener.Addr().String())
	chassis := filepath.Join(dir, "chassis")
	files := map[string]string{
		"lan.conf": fmt.Sprintf(`name "consoled"
set_working_mc 0x20
  startlan 1
    addr %s %s
    priv_limit admin
    allowed_auths_operator none md5
    allowed_auths_admin none md5
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "%s"
  sol "tcp:127.0.0.1:%s" 115200
  user 2 true "%s" "%s" admin 10 none md5
  user 3 true "other" "%s" admin 10 none md5
`, host, port, chassis, line, user, password, password),
		"cmd.emu": `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`,
		// It is called as: chassis get NAME..., or chassis set NAME VALUE.
		"chassis": `#!/bin/sh
echo "$@" >>` + dir + `/log
[ "$1" = get ] || exit 0
shift
for name; do echo "$name:1"; done
`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(path, "-c", "lan.conf", "-f", "cmd.emu", "-s", dir, "-n")
	cmd.Dir = dir
	start(t, cmd)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &peer{
		name: "ipmi_sim", settings: settings(net.JoinHostPort(host, port)), machine: conn, breaks: "\xff\xf3", suite: "3",
		power: "set_power_1 set_reset_1 set_power_0",
		log:   func() string { b, _ := os.ReadFile(filepath.Join(dir, "log")); return string(b) },
	}
	p.settings.Keepalive = time.Second // which finds out that SOL was taken: ipmi_sim says no word of it
	ready(t, p.settings)
	return p
}

// startGo starts goipmi-server, which does suites 17 and 3 and has a
// pseudo-terminal for a serial line.
func startGo(t testing.TB) *peer {
	path := program(t, "goipmi-server")
	port := freeUDP(t)
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "GOIPMI_SERVER_PORT="+port, "GOIPMI_SERVER_USER="+user, "GOIPMI_SERVER_PASS="+password,
		"GOIPMI_SERVER_CONSOLE=pty", "GOIPMI_SERVER_TRACE=1")
	out := start(t, cmd)
	tty, err := os.OpenFile(out.find(t, `pty slave: (/dev/pts/\d+)`), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	raw(t, tty)
	s := settings("127.0.0.1:" + port)
	s.Privilege = "administrator" // its SOL takes that
	ready(t, s)
	return &peer{name: "goipmi-server", settings: s, machine: tty, suite: "17", power: "Chassis_Control Set_System_Boot_Options", log: func() string {
		out.mu.Lock()
		defer out.mu.Unlock()
		return out.text.String()
	}}
}

// raw sets a terminal to carry bytes as they are.
func raw(t testing.TB, tty *os.File) {
	t.Helper()
	conn, err := tty.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.Control(func(fd uintptr) {
		var mode *unix.Termios
		if mode, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err != nil {
			return
		}
		mode.Iflag, mode.Oflag, mode.Lflag = 0, 0, 0
		mode.Cflag = mode.Cflag&^unix.CSIZE | unix.CS8
		mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(int(fd), unix.TCSETS, mode)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// eachPeer runs a test against either.
func eachPeer(t *testing.T, test func(t *testing.T, p *peer)) {
	for name, start := range map[string]func(testing.TB) *peer{"ipmi_sim": startSim, "goipmi-server": startGo} {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

// expect reads until text came.
func expect(t *testing.T, p ports.Port, text string) {
	t.Helper()
	stop := time.AfterFunc(20*time.Second, func() { p.Close() })
	defer stop.Stop()
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte(text)) {
		n, err := p.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			t.Fatalf("expecting %q: %v after %q", text, err, got)
		}
	}
}

// hear reads at the machine's end until text came.
func hear(t testing.TB, machine io.Reader, text string) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		var got []byte
		buf := make([]byte, 4096)
		for !bytes.Contains(got, []byte(text)) {
			n, err := machine.Read(buf)
			if err != nil {
				done <- fmt.Errorf("%w after %q", err, got)
				return
			}
			got = append(got, buf[:n]...)
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%q does not arrive", text)
	}
}

func mustOpenPeer(t testing.TB, s ipmi.IPMI) ports.Port {
	t.Helper()
	p, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestPeers: both ways, a break, the take-over, and again.
func TestPeers(t *testing.T) {
	eachPeer(t, func(t *testing.T, peer *peer) {
		p := mustOpenPeer(t, peer.settings)
		peer.machine.Write([]byte("login: "))
		expect(t, p, "login: ")
		if n, err := p.Write([]byte("root\r" + strings.Repeat("long ", 100) + "end\r")); err != nil {
			t.Fatal(n, err)
		}
		hear(t, peer.machine, "long end\r")
		if err := p.(ports.Breaker).Break(time.Second); err != nil {
			t.Fatal(err)
		}
		if peer.breaks != "" { // ipmi_sim passes it on with the next character
			p.Write([]byte("h"))
			hear(t, peer.machine, peer.breaks+"h")
		}

		other := peer.settings
		_, err := other.Open(t.Context())
		if e := failure(t, err); e.Reason != ports.InUse {
			t.Fatal(err)
		}
		q, err := other.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r := q.(ports.Remarker).Remark(); r == "" {
			t.Error("no remark of the take-over")
		}
		_, err = p.Read(make([]byte, 100))
		if r := failure(t, err).Reason; r != ports.Closed && r != ports.InUse {
			t.Error(err)
		}
		p.Close() // it does not end the other's
		peer.machine.Write([]byte("taken? "))
		expect(t, q, "taken? ")
		q.Close()
		mustOpenPeer(t, peer.settings) // nobody has it now
	})
}

// TestPeersWrong: wrong credentials, on real BMCs.
func TestPeersWrong(t *testing.T) {
	eachPeer(t, func(t *testing.T, peer *peer) {
		for name, change := range map[string]func(s *ipmi.IPMI){
			"password": func(s *ipmi.IPMI) { s.Password = secret("wrong") },
			"user":     func(s *ipmi.IPMI) { s.User = "nobody" },
			"key":      func(s *ipmi.IPMI) { s.KG = secret("wrong key") },
		} {
			s := peer.settings
			change(&s)
			_, err := s.Open(t.Context())
			if e := failure(t, err); e.Reason != ports.Authentication || e.Fix == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestPeersLossy: a bad network before a real BMC.
func TestPeersLossy(t *testing.T) {
	eachPeer(t, func(t *testing.T, peer *peer) {
		noise := func() *bmctest.Noise { return &bmctest.Noise{Lose: 0.05, Double: 0.05, Delay: 0.05} }
		address, stop, err := bmctest.Relay("127.0.0.1:0", peer.settings.Address, noise(), noise())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		if peer.suite == "17" { // this one drops what was not acknowledged after so many times
			peer.ipmitool(t, "sol", "set", "retry-count", "7")
		}
		s := peer.settings
		s.Address = address
		p := mustOpenPeer(t, s)
		up := text(2000)
		for i := range up {
			up[i] &= 0x7f
		}
		done := make(chan error, 1)
		go func() { done <- second(p.Write(up)) }()
		got := make([]byte, len(up))
		if _, err := io.ReadFull(peer.machine, got); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, up) {
			t.Error("the machine did not hear what was written")
		}
		down := text(2001)
		go peer.machine.Write(down)
		got = make([]byte, len(down))
		limit := time.AfterFunc(60*time.Second, func() { p.Close() })
		defer limit.Stop()
		if n, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, down) {
			t.Errorf("not what the machine said, in %d bytes: %v", n, err)
		}
	})
}

// ipmitool runs the reference with a command.
func (p *peer) ipmitool(t *testing.T, args ...string) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(p.settings.Address)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, "ipmitool"),
		append([]string{"-I", "lanplus", "-C", p.suite, "-H", host, "-p", port, "-U", user, "-E"}, args...)...)
	cmd.Env = append(os.Environ(), "IPMI_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("ipmitool %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestPeersAgree: the reference sees what we do, and the other way round.
func TestPeersAgree(t *testing.T) {
	eachPeer(t, func(t *testing.T, peer *peer) {
		p := mustOpenPeer(t, peer.settings)
		peer.ipmitool(t, "sol", "deactivate")
		_, err := p.Read(make([]byte, 100))
		if r := failure(t, err).Reason; r != ports.Closed {
			t.Errorf("after ipmitool's sol deactivate: %v", err)
		}
		p.Close()
		if out := peer.ipmitool(t, "sol", "deactivate"); !strings.Contains(out, "already de-activated") {
			t.Errorf("ipmitool finds SOL in use after Close: %s", out)
		}
	})
}

// TestPeersChassis: a real BMC does what the commands mean, and the reference
// sees it.
func TestPeersChassis(t *testing.T) {
	eachPeer(t, func(t *testing.T, peer *peer) {
		for _, c := range []ipmi.Command{ipmi.PowerStatus, ipmi.PowerOn, ipmi.PowerReset, ipmi.BootPXE, ipmi.BootNone, ipmi.PowerOff} {
			if _, err := peer.settings.Chassis(t.Context(), c); err != nil && ports.ReasonOf(err) != ports.Unsupported {
				t.Errorf("%s: %v", c, err)
			}
		}
		for pattern := range strings.FieldsSeq(peer.power) {
			if !regexp.MustCompile(strings.ReplaceAll(pattern, "_", " ")).MatchString(peer.log()) {
				t.Errorf("no %q in %s", pattern, peer.log())
			}
		}
	})
}

// TestPeersReference: ipmitool reaches the same consoles, so that what these
// tests say of ours does not hang on how the BMC is set up; and ours takes SOL from it.
func TestPeersReference(t *testing.T) {
	eachPeer(t, func(t *testing.T, peer *peer) {
		host, port, _ := net.SplitHostPort(peer.settings.Address)
		cmd := exec.Command(program(t, "ipmitool"), "-I", "lanplus", "-C", peer.suite, "-H", host, "-p", port, "-U", user, "-E", "sol", "activate")
		cmd.Env = append(os.Environ(), "IPMI_PASSWORD="+password)
		tty := startTTY(t, cmd)
		hear(t, tty, "SOL Session operational")
		peer.machine.Write([]byte("to ipmitool"))
		hear(t, tty, "to ipmitool")
		_, err := peer.settings.Open(t.Context())
		if e := failure(t, err); e.Reason != ports.InUse {
			t.Error(err)
		}
		p, err := peer.settings.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		peer.machine.Write([]byte("to us"))
		expect(t, p, "to us")
	})
}

// TestPeersSecondOpinion: freeipmi's ipmiconsole, an implementation that shares
// nothing with ipmitool's, takes SOL from us and loses it to us.
func TestPeersSecondOpinion(t *testing.T) {
	console := program(t, "ipmiconsole")
	// It knows no port but 623, so the BMC gets an address of its own.
	host := fmt.Sprintf("127.%d.%d.1", 1+rand.IntN(254), rand.IntN(256))
	probe, err := net.ListenPacket("udp", host+":623")
	if err != nil {
		missing(t, "no BMC on port 623: %v", err)
	}
	probe.Close()
	peer := startSimAt(t, host, "623")
	p := mustOpenPeer(t, peer.settings)

	// ipmi_sim repeats the privilege that was asked for where it should name the one it
	// gives, takes too large payloads, and crashes when asked which payloads a channel has.
	tty := startTTY(t, exec.Command(console, "-h", host, "-u", user, "-p", password, "-I", peer.suite,
		"-W", "opensesspriv,solpayloadsize,solchannelsupport"))
	hear(t, tty, "SOL established")
	_, err = p.Read(make([]byte, 100))
	if r := failure(t, err).Reason; r != ports.Closed && r != ports.InUse {
		t.Errorf("after ipmiconsole took SOL: %v", err)
	}
	peer.machine.Write([]byte("to ipmiconsole"))
	hear(t, tty, "to ipmiconsole")
	tty.Write([]byte("from ipmiconsole\r"))
	hear(t, peer.machine, "from ipmiconsole")
	_, err = peer.settings.Open(t.Context())
	if e := failure(t, err); e.Reason != ports.InUse {
		t.Error(err)
	}
	q, err := peer.settings.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	peer.machine.Write([]byte("to us"))
	expect(t, q, "to us")
}

// TestPeersContract: the contract of a backend, on a BMC that keeps its line as
// long as the machine does.
func TestPeersContract(t *testing.T) {
	peer := startSim(t)
	lines := peer.machine
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			s := peer.settings
			s.TakeOver = "always" // what a test before this one left open
			settle(t, s, lines.(net.Conn))
			return s, func() io.ReadWriteCloser { return &machine{lines.(net.Conn), s} }
		},
		End:       ports.Closed,
		LosesLast: true, // what the BMC had not sent when somebody took SOL goes to them
		Silent:    settings(quiet(t)),
		Absent: []porttest.Absent{
			{Backend: settings("127.0.0.1:" + freeUDP(t)), Reason: ports.Refused},
			{Backend: settings("no..such.host"), Reason: ports.NameNotFound},
		},
		HearBreak: func(*testing.T, io.ReadWriteCloser) {}, // ipmi_sim keeps it for the next character: see TestPeers
		Opens:     50,
	})
}

// settle has the BMC pass on what it keeps, such as a break, and reads that.
func settle(t *testing.T, s ipmi.IPMI, conn net.Conn) {
	t.Helper()
	p, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go p.Write([]byte("settled")) // behind what a test has left
	hear(t, conn, "settled")
	p.Close()
}

// quiet is the address of a BMC that says nothing.
func quiet(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

// A machine is one behind a BMC. Its line ends when somebody takes SOL.
type machine struct {
	net.Conn
	settings ipmi.IPMI
}

func (m *machine) Close() error {
	p, err := m.settings.Take(context.Background())
	if err != nil {
		return err
	}
	return p.Close()
}
