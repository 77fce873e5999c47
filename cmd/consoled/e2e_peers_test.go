//go:build e2e && linux

package main_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A device is what hangs at the far end of a serial line: socat makes a pty
// that the gateway opens as a serial port, and the script speaks for it.
type device struct {
	*process
	in   io.WriteCloser
	link string
	held *os.File // keeps the line while nobody has it open, as a real port does
}

func cmdDevice(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2, "device NAME plug|unplug|send TEXT|expect RE [LIMIT]")
	r, name, word, rest := rigOf(ts), args[0], args[1], args[2:]
	if word == "plug" {
		d, err := r.plug(ts.MkAbs(name))
		ts.Check(err)
		r.devices[name] = d
		return
	}
	d := r.devices[name]
	if d == nil {
		ts.Fatalf("no device %q", name)
	}
	switch word {
	case "unplug":
		ts.Check(d.held.Close())
		d.kill()
		if err := os.Remove(d.link); err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Check(err)
		}
	case "send":
		usage(ts, len(rest) == 1, "device NAME send TEXT")
		text, err := unescape(rest[0])
		ts.Check(err)
		_, err = io.WriteString(d.in, text)
		ts.Check(err)
	case "expect":
		usage(ts, len(rest) == 1 || len(rest) == 2, "device NAME expect RE [LIMIT]")
		_, err := d.out.expect(pattern(ts, rest[0]), limit(ts, rest[1:], usualLimit))
		ts.Check(err)
	default:
		ts.Fatalf("device: unknown word %q", word)
	}
}

func (r *rig) plug(link string) (*device, error) {
	cmd := exec.Command("socat", "PTY,link="+link+",rawer", "STDIO")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p, err := r.start(cmd)
	if err != nil {
		return nil, err
	}
	if err := r.poll(p, func() bool { _, err := os.Stat(link); return err == nil }); err != nil {
		return nil, fmt.Errorf("socat makes no pty: %w", err)
	}
	held, err := os.OpenFile(link, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	r.onCleanup(func() { _ = held.Close() })
	return &device{process: p, in: in, link: link, held: held}, nil
}

// poll waits until ready says yes, for what can be seen and not be waited for.
func (r *rig) poll(p *process, ready func() bool) error {
	deadline := time.After(usualLimit)
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, p.out.tail(1000))
		case <-deadline:
			return fmt.Errorf("not within %v", usualLimit)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// accepts tells whether somebody listens there. The connection is closed at
// once, so this is not for servers that take one caller only.
func accepts(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func cmdSer2net(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2 && len(args) <= 4, "ser2net VAR DEVICE [raw | CERT KEY]")
	r := rigOf(ts)
	port, err := freePort()
	ts.Check(err)
	accepter := "telnet(rfc2217),"
	switch len(args) {
	case 3:
		accepter = ""
	case 4:
		accepter += fmt.Sprintf("ssl(cert=%s,key=%s),", ts.MkAbs(args[2]), ts.MkAbs(args[3]))
	}
	file := ts.MkAbs(args[0] + ".yaml")
	ts.Check(os.WriteFile(file, fmt.Appendf(nil, `%%YAML 1.1
---
connection: &line
  accepter: %stcp,127.0.0.1,%s
  connector: serialdev,%s,115200n81,local
  options:
    kickolduser: true
`, accepter, port, ts.MkAbs(args[1])), 0o600))
	path, err := program("ser2net")
	ts.Check(err)
	cmd := exec.Command(path, "-n", "-d", "-c", file)
	p, err := r.start(cmd)
	ts.Check(err)
	ts.Check(r.poll(p, func() bool { return accepts("127.0.0.1:" + port) }))
	ts.Setenv(args[0], port)
}

// python is Debian's own, which has its modules.
const python = "/usr/bin/python3"

// cmdPyserial serves a guest's telnet line by RFC 2217. What the caller sets is
// what "said" looks for.
func cmdPyserial(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2, "pyserial VAR PORT | said RE")
	r := rigOf(ts)
	if args[0] == "said" {
		_, err := r.pyserial.out.expect(pattern(ts, args[1]), usualLimit)
		ts.Check(err)
		return
	}
	script, err := filepath.Abs(filepath.Join("..", "..", "ports", "telnet", "testdata", "rfc2217_server.py"))
	ts.Check(err)
	r.pyserial, err = r.start(exec.Command(python, script, "127.0.0.1:"+args[1], "--brk"))
	ts.Check(err)
	found, err := r.pyserial.out.expect(regexp.MustCompile(`port (\d+)`), usualLimit)
	ts.Check(err)
	ts.Setenv(args[0], found[1])
}

// cmdTLSFront puts OpenSSL, as socat uses it, before a port of 127.0.0.1. It
// wants a certificate of its callers, signed by CERT as its own is.
func cmdTLSFront(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 4, "tlsfront VAR PORT CERT KEY")
	r := rigOf(ts)
	port, err := freePort()
	ts.Check(err)
	path, err := program("socat")
	ts.Check(err)
	cert, key := ts.MkAbs(args[2]), ts.MkAbs(args[3])
	p, err := r.start(exec.Command(path,
		"OPENSSL-LISTEN:"+port+",bind=127.0.0.1,reuseaddr,fork,cert="+cert+",key="+key+",cafile="+cert+",verify=1",
		"TCP:127.0.0.1:"+args[1]))
	ts.Check(err)
	ts.Check(r.poll(p, func() bool { return accepts("127.0.0.1:" + port) }))
	ts.Setenv(args[0], port)
}

// cmdTelnetd serves each caller with a telnetd of its own, as inetd would.
func cmdTelnetd(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2, "telnetd VAR PROGRAM")
	r := rigOf(ts)
	path, err := program("telnetd")
	ts.Check(err)
	login := ts.MkAbs(args[1])
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
	// The rig belongs to the script's goroutine, so this one owns the servers
	// it starts: they end when it ends.
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serveTelnet(r, conn.(*net.TCPConn), path, login) })
		}
	})
	r.onCleanup(func() {
		_ = ln.Close()
		serving.Wait()
	})
}

func serveTelnet(r *rig, conn *net.TCPConn, path, login string) {
	defer conn.Close()
	socket, err := conn.File()
	if err != nil {
		return
	}
	defer socket.Close()
	cmd := exec.CommandContext(r.ctx, path, "-h", "-E", login)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, socket
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	_ = cmd.Run() // its end is the caller's end; how it ended does not matter
}

// A listener is the raw TCP port of a console server, with one caller at a
// time: the last one.
type listener struct {
	ln   net.Listener
	out  *transcript
	mu   sync.Mutex
	conn net.Conn
	came chan struct{} // closed when the first caller is there
	once sync.Once
}

func cmdListener(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2, "listener NAME listen VAR | send TEXT | expect RE [LIMIT] | hangup | close")
	r, name, word, rest := rigOf(ts), args[0], args[1], args[2:]
	if word == "listen" {
		usage(ts, len(rest) == 1, "listener NAME listen VAR")
		ts.Check(r.listen(ts, name, rest[0]))
		return
	}
	l := r.listened[name]
	if l == nil {
		ts.Fatalf("no listener %q", name)
	}
	switch word {
	case "send":
		usage(ts, len(rest) == 1, "listener NAME send TEXT")
		text, err := unescape(rest[0])
		ts.Check(err)
		ts.Check(l.send(text))
	case "expect":
		usage(ts, len(rest) == 1 || len(rest) == 2, "listener NAME expect RE [LIMIT]")
		_, err := l.out.expect(pattern(ts, rest[0]), limit(ts, rest[1:], usualLimit))
		ts.Check(err)
	case "hangup":
		l.hangup()
	case "close":
		ts.Check(l.close())
	default:
		ts.Fatalf("listener: unknown word %q", word)
	}
}

// listen opens the port; where VAR holds a port already, that very one, so that
// a line that was closed can come back.
func (r *rig) listen(ts *testscript.TestScript, name, variable string) error {
	port := ts.Getenv(variable)
	if port == "" {
		var err error
		if port, err = freePort(); err != nil {
			return err
		}
		ts.Setenv(variable, port)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	l := &listener{ln: ln, out: newTranscript(), came: make(chan struct{})}
	r.listened[name] = l
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			l.conn = conn
			l.mu.Unlock()
			l.once.Do(func() { close(l.came) })
			serving.Go(func() { _, _ = io.Copy(l.out, conn) })
		}
	})
	r.onCleanup(func() {
		_ = ln.Close()
		l.hangup()
		serving.Wait()
	})
	return nil
}

// close has nobody listen there any more when it returns: as in freePort, a
// program that is about to start would go on to.
func (l *listener) close() error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	defer l.hangup()
	return l.ln.Close()
}

// send waits for the caller first: the gateway may be on its way.
func (l *listener) send(text string) error {
	select {
	case <-l.came:
	case <-time.After(usualLimit):
		return errors.New("nobody connected")
	}
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	_, err := io.WriteString(conn, text)
	return err
}

func (l *listener) hangup() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
