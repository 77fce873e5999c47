//go:build linux

package telnet_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/porttest"
	"consoled/ports/telnet"
)

// pyserial is the RFC 2217 server of Debian's python3-serial, before a listener
// of the test's; said is what it prints of the settings.
func pyserial(t *testing.T) (address string, said *bufio.Scanner, accept func() io.ReadWriteCloser) {
	t.Helper()
	python := program(t, "/usr/bin/python3")
	if err := exec.Command(python, "-c", "import serial").Run(); err != nil {
		lacking(t, "python3-serial")
	}
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { behind.Close() })
	cmd := exec.Command(python, "testdata/rfc2217_server.py", behind.Addr().String())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	said = bufio.NewScanner(out)
	said.Scan()
	port, ok := strings.CutPrefix(said.Text(), "port ")
	if !ok {
		t.Fatalf("the server says %q", said.Text())
	}
	return "127.0.0.1:" + port, said, func() io.ReadWriteCloser {
		behind.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
		conn, err := behind.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what + " is missing")
	}
	t.Skip(what + " is missing")
}

func TestPyserialContract(t *testing.T) {
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			address, said, accept := pyserial(t)
			go func() { // ends with the server
				for said.Scan() {
				}
			}()
			return telnet.Telnet{Address: address, RFC2217: true, Serial: ports.Serial{Baud: 9600}}, accept
		},
		End:   ports.Closed,
		Opens: 10,
	})
}

// next waits for the server to print what is wanted.
func next(t *testing.T, said *bufio.Scanner, want ...string) {
	t.Helper()
	for _, line := range want {
		if !said.Scan() || said.Text() != line {
			t.Fatalf("the server says %q and not %q", said.Text(), line)
		}
	}
}

func TestPyserialIsSet(t *testing.T) {
	address, said, accept := pyserial(t)
	backend := telnet.Telnet{Address: address, RFC2217: true, Serial: ports.Serial{
		Baud: 300, Data: 7, Parity: "even", Stop: "2", Flow: "software", RTS: "off",
	}}
	p, err := backend.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	defer accept().Close()
	next(t, said, "purge output", "baudrate 300", "bytesize 7", "parity E", "stopbits 2", "xonxoff True", "rts False")
	if remark := p.(ports.Remarker).Remark(); remark != "the terminal server did not confirm flow control" && remark != "" {
		t.Error(remark)
	}

	// The answers to what Open did not ask for come to whoever reads.
	reading := make(chan error)
	go func() {
		_, err := p.Read(make([]byte, 1))
		reading <- err
	}()
	start := time.Now()
	if err := p.(ports.Breaker).Break(300 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("a break of 300 ms took %v", took)
	}
	next(t, said, "break_condition True", "break_condition False")

	lines, err := p.(ports.Modem).Modem()
	if want := (ports.Lines{DTR: true, CTS: true, DSR: true, DCD: true}); lines != want || err != nil {
		t.Errorf("lines %+v, %v", lines, err)
	}
	flow := p.(ports.FlowSwitch)
	if err := flow.SetSoftwareFlow(false); err != nil || flow.SoftwareFlow() {
		t.Errorf("switched off: %v, on: %v", err, flow.SoftwareFlow())
	}
	next(t, said, "xonxoff False")
	if err := flow.SetSoftwareFlow(true); err != nil || !flow.SoftwareFlow() {
		t.Errorf("switched on: %v, on: %v", err, flow.SoftwareFlow())
	}
	next(t, said, "xonxoff True")
	p.Close()
	<-reading
}

// ser2net with rfc2217, as it is and behind TLS.
func TestSer2netContract(t *testing.T) {
	ca := porttest.NewAuthority(t)
	pair := ca.Local(t)
	for name, network := range map[string]ports.Network{
		"plain": {},
		"TLS":   {TLS: ports.TLS{On: true, CA: ca.File}},
	} {
		t.Run(name, func(t *testing.T) {
			accepter := "telnet(rfc2217=true),tcp"
			if network.TLS.On {
				accepter = fmt.Sprintf("telnet(rfc2217=true),ssl(cert=%s,key=%s),tcp", pair.Cert, pair.Key)
			}
			porttest.Run(t, porttest.Options{
				Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
					device, address := ser2netOn(t, accepter)
					backend := telnet.Telnet{Address: address, Network: network, RFC2217: true, Serial: ports.Serial{Baud: 9600}}
					return waiting{backend}, func() io.ReadWriteCloser { return device }
				},
				End:       ports.Closed,
				LosesLast: true,
				Opens:     10,
			})
		})
	}
}

// A waiting backend opens what may not listen yet.
type waiting struct{ telnet.Telnet }

func (w waiting) Open(ctx context.Context) (ports.Port, error) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 500 {
		p, err := w.Telnet.Open(ctx)
		if ports.ReasonOf(err) != ports.Refused {
			return p, err
		}
		<-again.C
	}
	return w.Telnet.Open(ctx)
}

// ser2net sets the terminal that it serves, and says so.
func TestSer2netIsSet(t *testing.T) {
	device, address := ser2netOn(t, "telnet(rfc2217=true),tcp")
	backend := waiting{telnet.Telnet{Address: address, RFC2217: true, Serial: ports.Serial{
		Baud: 19200, Data: 8, Parity: "none", Stop: "2", Flow: "software", // a terminal has no DTR
	}}}
	p, err := backend.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if remark := p.(ports.Remarker).Remark(); remark != "" {
		t.Error(remark)
	}
	set, err := unix.IoctlGetTermios(int(device.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if set.Cflag&unix.CBAUD != unix.B19200 || set.Cflag&unix.CSTOPB == 0 || set.Iflag&unix.IXON == 0 {
		t.Errorf("cflag %#o, iflag %#o", set.Cflag, set.Iflag)
	}
	start := time.Now()
	if err := p.(ports.Breaker).Break(100 * time.Millisecond); err != nil || time.Since(start) < 100*time.Millisecond {
		t.Errorf("break: %v after %v", err, time.Since(start))
	}
}

// A telnet server without the option leaves a plain line, and that is said.
func TestTelnetdRefuses(t *testing.T) {
	p, err := telnet.Telnet{Address: telnetd(t, "/bin/cat"), RFC2217: true, Serial: ports.Serial{Baud: 9600}}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if remark := p.(ports.Remarker).Remark(); !strings.HasPrefix(remark, "the terminal server refuses RFC 2217; ") {
		t.Error(remark)
	}
	if _, ok := p.(ports.Modem); ok {
		t.Error("there are modem lines")
	}
	send(t, p, "hello\r")
	expect(t, p, "hello\r\nhello\r\n")
}
