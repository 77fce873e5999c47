//go:build uart

package ports_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/porttest"
)

// These tests run as root in a guest of QEMU's, which TestUART in cmd/consoled
// boots. They hold the backend to Linux's driver of a 16550A: a pseudo-terminal has no
// speed, no frame, no lines and no break. What the driver says of itself
// is compared with what is in the chip's registers, which QEMU tells.
const (
	uart    = "/dev/ttyS1" // joined with the peer's
	peer    = "/dev/ttyS2"
	monitor = "/dev/ttyS3" // QEMU's own, of the machine that the tests run in
	none    = "/dev/ttyS5" // a name without a chip
	dead    = "/dev/ttyS4" // on PCI; nothing is plugged in: no carrier, and never clear to send
)

// A qmp is the machine seen from outside: what its chips hold, a break on a
// line (QEMU Machine Protocol, version 2).
type qmp struct {
	mu    sync.Mutex
	file  *os.File
	lines *bufio.Scanner
	last  int
}

// machine is opened once. What the machine greeted with may have been echoed
// to it, before the line was raw: a byte that JSON does not know has it forget that.
var machine = sync.OnceValues(func() (*qmp, error) {
	file, err := raw(monitor)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(file, "\xff\n"); err != nil {
		return nil, err
	}
	m := &qmp{file: file, lines: bufio.NewScanner(file)}
	m.lines.Buffer(nil, 1<<20)
	_, err = m.execute("qmp_capabilities", nil)
	return m, err
})

// execute runs one command and returns what it returns.
func (m *qmp) execute(name string, arguments map[string]any) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	command := map[string]any{"execute": name, "id": m.last}
	if arguments != nil {
		command["arguments"] = arguments
	}
	text, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	if _, err := m.file.Write(append(text, '\n')); err != nil {
		return nil, err
	}
	m.file.SetReadDeadline(time.Now().Add(30 * time.Second))
	for m.lines.Scan() {
		var answer struct {
			ID     int
			Return any
			Error  *struct{ Desc string }
		}
		if json.Unmarshal(m.lines.Bytes(), &answer) != nil || answer.ID != m.last {
			continue // the greeting, of which the start may be lost, or an event
		}
		if answer.Error != nil {
			return nil, fmt.Errorf("%s: %s", name, answer.Error.Desc)
		}
		return answer.Return, nil
	}
	return nil, fmt.Errorf("%s: no answer: %w", name, m.lines.Err())
}

// run is a command that the machine has to obey.
func run(t *testing.T, name string, arguments map[string]any) any {
	t.Helper()
	m, err := machine()
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.execute(name, arguments)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// human is a command of the monitor that people use.
func human(t *testing.T, line string) string {
	t.Helper()
	text, _ := run(t, "human-monitor-command", map[string]any{"command-line": line}).(string)
	return strings.TrimSpace(text)
}

// raw opens a serial device beside the product: nothing of what is read or
// written is touched.
func raw(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	conn.Control(func(fd uintptr) {
		var t *unix.Termios
		if t, err = unix.IoctlGetTermios(int(fd), unix.TCGETS2); err != nil {
			return
		}
		t.Iflag, t.Oflag, t.Lflag = unix.IGNBRK, 0, 0
		t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(int(fd), unix.TCSETS2, t)
	})
	return file, err
}

// A register of a 16550A, by its offset.
const (
	divisorLow   = 0 // where lineControl has divisorLatch
	divisorHigh  = 1
	lineControl  = 3
	modemControl = 4

	parityOn     = 0x08
	parityKind   = 0x30
	breakOn      = 0x40
	divisorLatch = 0x80

	base = 0x2f8 // of the port under test
)

// register reads a chip's register from outside.
func register(t *testing.T, offset int) int {
	t.Helper()
	// i /1xb 0x2fb is answered by portb[0x02fb] = 0x03.
	_, value, _ := strings.Cut(human(t, fmt.Sprintf("i /1xb %#x", base+offset)), "= ")
	n, err := strconv.ParseInt(value, 0, 16)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// frame is the line control register, without the kind of a parity that is off.
func frame(t *testing.T) int {
	t.Helper()
	got := register(t, lineControl)
	if got&parityOn == 0 {
		got &^= parityKind
	}
	return got
}

// divisor is what the speed of the chip is divided by, of a line that is quiet.
func divisor(t *testing.T) int {
	t.Helper()
	frame := register(t, lineControl)
	human(t, fmt.Sprintf("o /1xb %#x %#x", base+lineControl, frame|divisorLatch))
	defer human(t, fmt.Sprintf("o /1xb %#x %#x", base+lineControl, frame))
	return register(t, divisorHigh)<<8 | register(t, divisorLow)
}

// open is a port of the backend, on the device under test unless s names one.
func open(t *testing.T, s ports.Serial) ports.Port {
	t.Helper()
	if s.Path == "" {
		s.Path = uart
	}
	port, err := located{s, "", t.TempDir()}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	return port
}

// openRaw is a device beside the backend.
func openRaw(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := raw(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// getTermios is what the driver says that it does.
func getTermios(t *testing.T, path string) *unix.Termios {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	got, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func setTermios(t *testing.T, path string, to *unix.Termios) {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, to); err != nil {
		t.Fatal(err)
	}
}

// A driver is bound to a port's device, or is not: the device is then gone.
type driver struct{ folder, device string }

func driverOf(t *testing.T, path string) driver {
	t.Helper()
	device, err := filepath.EvalSymlinks(filepath.Join("/sys/class/tty", filepath.Base(path), "device"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Join(device, "driver"))
	if err != nil {
		t.Fatal(err)
	}
	return driver{folder, filepath.Base(device)}
}

func (d driver) unbind() error { return d.tell("unbind") }
func (d driver) bind() error   { return d.tell("bind") }

func (d driver) tell(what string) error {
	return os.WriteFile(filepath.Join(d.folder, what), []byte(d.device), 0)
}

// far is the peer's end. To close it unplugs the port and plugs it in again.
type far struct {
	*os.File
	driver driver
	once   sync.Once
}

func (f *far) Close() error {
	var err error
	f.once.Do(func() { err = errors.Join(f.File.Close(), f.driver.unbind(), f.driver.bind()) })
	return err
}

func TestUARTContract(t *testing.T) {
	d := driverOf(t, uart)
	locks := t.TempDir()
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			return located{ports.Serial{Path: uart}, "", locks}, func() io.ReadWriteCloser {
				file, err := raw(peer)
				if err != nil {
					t.Fatal(err)
				}
				return &far{File: file, driver: d}
			}
		},
		End:       ports.Gone,
		LosesLast: true,
		Size:      16_000,
		Opens:     100,
	})
}

// TestUARTMode: the settings are in the chip, and the driver says so.
func TestUARTMode(t *testing.T) {
	for _, test := range []struct {
		serial  ports.Serial
		frame   int // of the line control register: length, stop, parity
		divisor int
		cflag   uint32
	}{
		{ports.Serial{}, 0x03, 1, unix.CS8},
		{ports.Serial{Baud: 57600}, 0x03, 2, unix.CS8},
		{ports.Serial{Baud: 9600, Data: 7, Parity: "even"}, 0x1a, 12, unix.CS7 | unix.PARENB},
		{ports.Serial{Baud: 9600, Data: 7, Parity: "odd", Stop: "2"}, 0x0e, 12, unix.CS7 | unix.PARENB | unix.PARODD | unix.CSTOPB},
		{ports.Serial{Baud: 1200, Data: 7, Parity: "mark"}, 0x2a, 96, unix.CS7 | unix.PARENB | unix.PARODD | unix.CMSPAR},
		{ports.Serial{Baud: 50, Data: 8, Parity: "space"}, 0x3b, 2304, unix.CS8 | unix.PARENB | unix.CMSPAR},
		{ports.Serial{Baud: 110, Data: 6, Stop: "2"}, 0x05, 1047, unix.CS6 | unix.CSTOPB},
		{ports.Serial{Baud: 300, Data: 5, Stop: "1.5"}, 0x04, 384, unix.CS5 | unix.CSTOPB},
		{ports.Serial{Baud: 14400}, 0x03, 8, unix.CS8},
		{ports.Serial{Baud: 74}, 0x03, 1557, unix.CS8},
		{ports.Serial{Baud: 10472}, 0x03, 11, unix.CS8},
		{ports.Serial{Flow: "hardware"}, 0x03, 1, unix.CS8 | unix.CRTSCTS},
		{ports.Serial{Flow: "software", HUPCL: true}, 0x03, 1, unix.CS8 | unix.HUPCL},
	} {
		test.serial.Path = uart
		t.Run(test.serial.String(), func(t *testing.T) {
			open(t, test.serial)
			if got := frame(t); got != test.frame {
				t.Errorf("line control %#02x, not %#02x", got, test.frame)
			}
			if got := divisor(t); got != test.divisor {
				t.Errorf("divisor %d, not %d", got, test.divisor)
			}
			got := getTermios(t, uart)
			if got.Ospeed != uint32(cmp.Or(test.serial.Baud, 115200)) {
				t.Errorf("the driver says %d baud", got.Ospeed)
			}
			const mode = unix.CSIZE | unix.CSTOPB | unix.PARENB | unix.PARODD | unix.CMSPAR | unix.CRTSCTS | unix.HUPCL
			if got.Cflag&mode != test.cflag {
				t.Errorf("c_cflag %#o, not %#o", got.Cflag&mode, test.cflag)
			}
			if on := got.Iflag&(unix.IXON|unix.IXOFF) != 0; on != (test.serial.Flow == "software") {
				t.Errorf("c_iflag %#o", got.Iflag)
			}
		})
	}
}

// TestUARTSpeedBeyond: a speed that the chip does not come near to is refused where the driver tells,
// and remarked where only the chip's clock does.
func TestUARTSpeedBeyond(t *testing.T) {
	for _, test := range []struct {
		baud          int
		refused, said string
	}{
		{115200, "", ""},
		{117000, "", ""}, // 1.5 % from what the clock gives
		{230400, "does not do 230400 baud: asked for it, it does 115200", ""},
		{4_000_000, "does not do 4000000 baud: asked for it, it does 115200", ""},
		{5_000_001, "does not do 5000001 baud: asked for it, it does 115200", ""},
		{100_000, "", "cannot divide its clock to 100000 baud; it does 115200"},
		{80_000, "", "cannot divide its clock to 80000 baud; it does 115200"},
		{60_000, "", "cannot divide its clock to 60000 baud; it does 57600"},
		{14_700, "", ""}, // 2 %
		{31_250, "", "cannot divide its clock to 31250 baud; it does 28800"},
	} {
		t.Run(strconv.Itoa(test.baud), func(t *testing.T) {
			port, err := located{ports.Serial{Path: uart, Baud: test.baud}, "", t.TempDir()}.Open(t.Context())
			if test.refused != "" {
				if ports.ReasonOf(err) != ports.Unsupported || !strings.Contains(fmt.Sprint(err), test.refused) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			if said := port.(ports.Remarker).Remark(); !strings.Contains(said, test.said) || (said == "") != (test.said == "") {
				t.Errorf("%q, not %q", said, test.said)
			}
		})
	}
}

// TestUARTWithoutHardware: the driver keeps names for what is not there.
func TestUARTWithoutHardware(t *testing.T) {
	port, err := located{ports.Serial{Path: none}, "", t.TempDir()}.Open(t.Context())
	if err == nil {
		port.Close()
	}
	if ports.ReasonOf(err) != ports.Gone || !strings.Contains(fmt.Sprint(err), "the driver finds no hardware") {
		t.Errorf("%v", err)
	}
}

// TestUARTBreakOut: a break lasts as asked, after what was written before it.
func TestUARTBreakOut(t *testing.T) {
	port := open(t, ports.Serial{Baud: 9600})
	file := openRaw(t, peer)
	if _, err := port.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	const length = 500 * time.Millisecond
	start := time.Now()
	done := sendBreak(port, length)
	until(t, "a break", func() bool { return frame(t) == breakOn|0x03 })
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < length {
		t.Errorf("a break of %v took %v", length, took)
	}
	if got := frame(t); got != 0x03 {
		t.Errorf("line control %#02x after the break", got)
	}
	hears(t, file, "before")

	done = sendBreak(port, time.Minute)
	until(t, "a break", func() bool { return frame(t) == breakOn|0x03 })
	port.Close()
	if err := <-done; err == nil {
		t.Error("a break that was cut short is none")
	}
	if register(t, lineControl)&breakOn != 0 {
		t.Error("the break goes on without the port")
	}
}

func sendBreak(port ports.Port, length time.Duration) chan error {
	done := make(chan error, 1)
	go func() { done <- port.(ports.Breaker).Break(length) }()
	return done
}

// until asks again and again for what has to come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !is(); {
		if time.Now().After(limit) {
			t.Fatalf("%s never came", what)
		}
	}
}

// hears wants the next bytes to be these.
func hears(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		b := make([]byte, len(want))
		n, err := io.ReadFull(r, b)
		if err != nil {
			b = fmt.Appendf(b[:n], " and then %v", err)
		}
		got <- string(b)
	}()
	select {
	case b := <-got:
		if b != want {
			t.Errorf("heard %q, not %q", b, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("never heard %q", want)
	}
}

// TestUARTBreakIn: a break that comes in is counted, and leaves nothing among the bytes.
func TestUARTBreakIn(t *testing.T) {
	for _, s := range []ports.Serial{{Path: uart}, {Path: uart, Flow: "software"}, {Path: uart, Data: 7, Parity: "even"}} {
		t.Run(s.String(), func(t *testing.T) {
			port := open(t, s)
			file := openRaw(t, peer)
			for range 3 {
				said(t, file, "<")
				hears(t, port, "<")
				run(t, "chardev-send-break", map[string]any{"id": "one"})
				said(t, file, ">")
				hears(t, port, ">")
			}
			if got, err := port.(ports.Receiver).Received(); err != nil || got != (ports.Receptions{Breaks: 3}) {
				t.Errorf("received %+v, %v", got, err)
			}
		})
	}
}

// said writes.
func said(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// The lines of our side: bits of the modem control register.
const dtrOn, rtsOn = 0x01, 0x02

// TestUARTLines: the lines are as configured, whatever speed the device was left
// at, and go down at the end only where they are to.
func TestUARTLines(t *testing.T) {
	for _, test := range []struct {
		serial     ports.Serial
		up, closed int
	}{
		{ports.Serial{}, dtrOn | rtsOn, dtrOn | rtsOn},
		{ports.Serial{DTR: "on", RTS: "on"}, dtrOn | rtsOn, dtrOn | rtsOn},
		{ports.Serial{DTR: "off"}, rtsOn, rtsOn},
		{ports.Serial{RTS: "off"}, dtrOn, dtrOn},
		{ports.Serial{DTR: "off", RTS: "off"}, 0, 0},
		{ports.Serial{DTR: "off", RTS: "on", HUPCL: true}, rtsOn, 0},
		{ports.Serial{HUPCL: true}, dtrOn | rtsOn, 0},
		{ports.Serial{Flow: "hardware"}, dtrOn | rtsOn, dtrOn | rtsOn},
		{ports.Serial{DTR: "off", Flow: "hardware"}, rtsOn, rtsOn},
	} {
		s := test.serial
		t.Run(fmt.Sprintf("dtr %q rts %q hupcl %v %s", s.DTR, s.RTS, s.HUPCL, s.Flow), func(t *testing.T) {
			// Speed 0 lowers the lines, and to leave it raises them.
			for _, left := range []uint32{unix.B9600, unix.B0, unix.B9600 | unix.CRTSCTS} {
				setTermios(t, uart, &unix.Termios{Cflag: unix.CS8 | unix.CLOCAL | left})
				port := open(t, s)
				if got := register(t, modemControl) & (dtrOn | rtsOn); got != test.up {
					t.Errorf("after %#o: lines %#x, not %#x", left, got, test.up)
				}
				want := ports.Lines{DTR: test.up&dtrOn != 0, RTS: test.up&rtsOn != 0, CTS: true, DSR: true, DCD: true}
				if got, err := port.(ports.Modem).Modem(); err != nil || got != want {
					t.Errorf("after %#o: %+v, %v", left, got, err)
				}
				port.Close()
				if got := register(t, modemControl) & (dtrOn | rtsOn); got != test.closed {
					t.Errorf("after %#o: lines %#x when closed, not %#x", left, got, test.closed)
				}
			}
		})
	}
}

// TestUARTLeftovers: what somebody else had set before does not matter.
func TestUARTLeftovers(t *testing.T) {
	for _, s := range []ports.Serial{{Path: uart}, {Path: uart, Flow: "software"}, {Path: uart, Flow: "hardware", Baud: 12345}} {
		t.Run(s.String(), func(t *testing.T) {
			d := driverOf(t, uart)
			if err := errors.Join(d.unbind(), d.bind()); err != nil {
				t.Fatal(err)
			}
			set := func() (unix.Termios, [2]int, int) {
				port := open(t, s)
				defer port.Close()
				got := *getTermios(t, uart)
				for i := range got.Cc { // the other characters are those of settings that are off
					if i != unix.VMIN && i != unix.VTIME && i != unix.VSTART && i != unix.VSTOP {
						got.Cc[i] = 0
					}
				}
				return got, [2]int{frame(t), register(t, modemControl)}, divisor(t)
			}
			fresh, freshChip, freshDivisor := set()
			setTermios(t, uart, &unix.Termios{
				Iflag: 0o17777, Oflag: 0o177777, Lflag: 0o177777 &^ unix.TOSTOP,
				Cflag: unix.CS5 | unix.CSTOPB | unix.PARENB | unix.PARODD | unix.CMSPAR | unix.HUPCL | unix.CRTSCTS |
					unix.B300 | unix.B600<<16,
				Ispeed: 600, Ospeed: 300,
				Cc: [19]uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20},
			})
			after, afterChip, afterDivisor := set()
			if after != fresh {
				t.Errorf("after somebody else's settings\n%+v\nand on a fresh device\n%+v", after, fresh)
			}
			if afterChip != freshChip || afterDivisor != freshDivisor {
				t.Errorf("after somebody else's settings %#x, %d; on a fresh device %#x, %d", afterChip, afterDivisor, freshChip, freshDivisor)
			}
		})
	}
}

// TestUARTFullSpeed reads no sooner than it has to.
func TestUARTFullSpeed(t *testing.T) {
	port := open(t, ports.Serial{})
	file := openRaw(t, peer)
	const half = 115200 / 10 / 2 // of a second
	sent := strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", half/36)
	wrote := make(chan error, 1)
	go func() {
		const pieces = 50
		tick := time.NewTicker(time.Second / 2 / pieces)
		defer tick.Stop()
		for i := range pieces {
			<-tick.C
			if _, err := io.WriteString(file, sent[i*len(sent)/pieces:(i+1)*len(sent)/pieces]); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	try := port.(ports.TryReader)
	if try.Patience() != 100*time.Millisecond {
		t.Errorf("patience %v", try.Patience())
	}
	var got []byte
	b := make([]byte, 8192)
	for len(got) < len(sent) {
		if err := try.Wait(); err != nil {
			t.Fatal(err)
		}
		<-time.After(try.Patience())
		n, err := try.TryRead(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if string(got) != sent {
		t.Error("not what was sent")
	}
	if met, err := port.(ports.Receiver).Received(); err != nil || met != (ports.Receptions{}) {
		t.Errorf("received %+v, %v", met, err)
	}
}

// TestUARTNoCarrier: a line without a carrier, left to someone who waits for one,
// opens; one that is never clear to send holds nobody up but the writer.
func TestUARTNoCarrier(t *testing.T) {
	setTermios(t, dead, &unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.B9600})
	port := open(t, ports.Serial{Path: dead, Flow: "hardware"})
	if got, err := port.(ports.Modem).Modem(); err != nil || got != (ports.Lines{DTR: true, RTS: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	heldUp(t, port)
}

// TestUARTXoff: the peer's XOFF holds the writer up and is no byte.
func TestUARTXoff(t *testing.T) {
	port := open(t, ports.Serial{Flow: "software"})
	file := openRaw(t, peer)
	said(t, file, "\x13.")
	hears(t, port, ".") // and not the XOFF
	heldUp(t, port)
	if got := getTermios(t, uart); got.Iflag&unix.IXON == 0 {
		t.Errorf("c_iflag %#o", got.Iflag)
	}
}

// soon is far below the 30 seconds for which the kernel waits to be rid of
// what flow control holds up.
const soon = 5 * time.Second

// heldUp has the port write until flow control holds it up, and closes it.
func heldUp(t *testing.T, port ports.Port) {
	t.Helper()
	wrote, read := make(chan error, 1), make(chan error, 1)
	go func() {
		for {
			if _, err := port.Write(make([]byte, 4096)); err != nil {
				wrote <- err
				return
			}
		}
	}()
	go func() { _, err := port.Read(make([]byte, 1)); read <- err }()
	select {
	case err := <-wrote:
		t.Fatal(err)
	case <-time.After(300 * time.Millisecond): // enough to fill the buffers first
	}
	closed := make(chan error, 1)
	go func() { closed <- port.Close() }()
	limit := time.After(soon)
	for what, result := range map[string]chan error{"Write": wrote, "Read": read, "Close": closed} {
		select {
		case err := <-result:
			if what == "Close" && err != nil || what != "Close" && !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		case <-limit:
			t.Fatalf("%s is held up", what)
		}
	}
}

// TestUARTThrottle: who does not read holds up the other end, and loses nothing.
func TestUARTThrottle(t *testing.T) {
	for flow, held := range map[string]func(t *testing.T, file *os.File) bool{
		"hardware": func(t *testing.T, _ *os.File) bool { return register(t, modemControl)&rtsOn == 0 },
		"software": func(t *testing.T, file *os.File) bool {
			file.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			b := []byte{0}
			n, _ := file.Read(b)
			return n == 1 && b[0] == 0x13
		},
	} {
		t.Run(flow, func(t *testing.T) {
			port := open(t, ports.Serial{Flow: flow})
			file := openRaw(t, peer)
			const piece = 256
			sent := 0
			until(t, "a hold", func() bool {
				said(t, file, strings.Repeat(string(rune('a'+sent%26)), piece))
				sent++
				return held(t, file)
			})
			for i := range sent {
				hears(t, port, strings.Repeat(string(rune('a'+i%26)), piece))
			}
			if flow == "hardware" {
				until(t, "the end of the hold", func() bool { return !held(t, file) })
			} else {
				file.SetReadDeadline(time.Time{})
				hears(t, file, "\x11")
			}
			if n := port.(ports.Lossy).Losses(); n != 0 {
				t.Errorf("%d losses", n)
			}
		})
	}
}

// TestUARTExclusive: an open device is ours alone.
func TestUARTExclusive(t *testing.T) {
	locks := t.TempDir()
	serial := located{ports.Serial{Path: uart}, "", locks}
	port, err := serial.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if text, err := os.ReadFile(filepath.Join(locks, "LCK..ttyS1")); err != nil || string(text) != fmt.Sprintf("%10d\n", os.Getpid()) {
		t.Errorf("lock file %q, %v", text, err)
	}
	if _, err := serial.Open(t.Context()); ports.ReasonOf(err) != ports.InUse {
		t.Errorf("a second time: %v", err)
	}
	if err := os.Chmod(uart, 0o666); err != nil {
		t.Fatal(err)
	}
	others := func() error {
		cat := exec.Command("stty", "-F", uart)
		cat.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
		out, err := cat.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := others(); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("another user's program: %v", err)
	}
	port.Close()
	if err := others(); err != nil {
		t.Errorf("another user's program, afterwards: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(locks, "*")); len(left) != 0 {
		t.Errorf("locks are left: %v", left)
	}
}

// TestUARTUnplugged: the driver lets go of the device under an open port, and has
// it again.
func TestUARTUnplugged(t *testing.T) {
	for _, path := range []string{uart, dead} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			serial := located{ports.Serial{Path: path}, "", t.TempDir()}
			d := driverOf(t, path)
			port, err := serial.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			read := make(chan error, 1)
			go func() { _, err := port.Read(make([]byte, 1)); read <- err }()
			if err := d.unbind(); err != nil {
				t.Fatal(err)
			}
			select {
			case err = <-read:
			case <-time.After(soon):
				t.Fatal("Read does not see it")
			}
			_, wrote := port.Write([]byte("x"))
			_, lines := port.(ports.Modem).Modem()
			_, count := port.(ports.Receiver).Received()
			port.Close()
			_, anew := serial.Open(t.Context())
			for what, err := range map[string]error{"Read": err, "Write": wrote, "Modem": lines, "Received": count, "Open": anew} {
				if ports.ReasonOf(err) != ports.Gone {
					t.Errorf("%s: %v", what, err)
				}
			}
			if err := d.bind(); err != nil {
				t.Fatal(err)
			}
			port, err = serial.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			if path == uart {
				file := openRaw(t, peer)
				said(t, file, "back")
				hears(t, port, "back")
				said(t, port, "again")
				hears(t, file, "again")
			}
		})
	}
}
