package ports_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"consoled/ports"
	"consoled/ports/porttest"
)

// pair is a serial device and its other end.
func pair(t *testing.T) (device string, other *os.File) {
	t.Helper()
	master, slave, err := ports.OpenPty()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	// A fresh pseudo-terminal echoes; nothing may come back from one that the
	// backend has not set up yet.
	defer slave.Close()
	return slave.Name(), master
}

func TestSerial(t *testing.T) {
	locks := t.TempDir()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	porttest.Run(t, porttest.Options{
		Start: func(t *testing.T) (ports.Backend, func() io.ReadWriteCloser) {
			device, other := pair(t)
			return located{ports.Serial{Path: device}, dir, locks}, func() io.ReadWriteCloser { return other }
		},
		End:       ports.Gone,
		LosesLast: true,
		Absent: []porttest.Absent{
			{Backend: ports.Serial{Path: "/dev/no-such-device"}, Reason: ports.Gone},
			{Backend: ports.Serial{Path: dangling}, Reason: ports.Gone},
			{Backend: ports.Serial{Path: "no-such-name"}, Reason: ports.Gone},
			{Backend: ports.Serial{Path: file}, Reason: ports.Failed},
			{Backend: ports.Serial{Path: "/dev/null"}, Reason: ports.Failed},
			{Backend: ports.Serial{Path: "/dev/null", Baud: 1}, Reason: ports.Failed},
		},
	})
	if left, _ := filepath.Glob(filepath.Join(locks, "*")); len(left) != 0 {
		t.Errorf("locks are left: %v", left)
	}
}

// located is a Serial with folders of the test's own.
type located struct {
	ports.Serial
	names, locks string
}

func TestSerialMode(t *testing.T) {
	locks := t.TempDir()
	for _, test := range []struct {
		serial ports.Serial
		speed  uint32
		flags  string
	}{
		{ports.Serial{}, 115200, "-ixon -ixoff -crtscts -hupcl"},
		{ports.Serial{Baud: 9600, Flow: "software", DTR: "on", RTS: "off"}, 9600, "ixon ixoff -crtscts -hupcl"},
		{ports.Serial{Baud: 250000, Flow: "hardware", HUPCL: true}, 250000, "-ixon -ixoff crtscts hupcl"},
		{ports.Serial{Baud: 300, Data: 7, Parity: "even", Stop: "2"}, 300, "-ixon -ixoff -crtscts -hupcl cstopb"},
	} {
		device, other := pair(t)
		test.serial.Path = device
		port, err := located{test.serial, "", locks}.Open(t.Context())
		if err != nil {
			t.Errorf("%v: %v", test.serial, err)
			continue
		}
		state := stty(t, other)
		for _, want := range append(strings.Fields(test.flags), "-icanon", "-echo", "-isig", "-opost", "-icrnl") {
			if !strings.Contains(" "+state+" ", " "+want+" ") {
				t.Errorf("%v: %s is missing in %s", test.serial, want, state)
			}
		}
		termios, err := unix.IoctlGetTermios(int(other.Fd()), unix.TCGETS2)
		if err != nil || termios.Ospeed != test.speed {
			t.Errorf("%v: %d baud, %v", test.serial, termios.Ospeed, err)
		}
		port.Close()
	}
}

// stty is the state of the terminal whose other end this is, in one line.
func stty(t *testing.T, other *os.File) string {
	t.Helper()
	cmd := exec.Command("stty", "-a")
	cmd.Stdin = other
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.FieldsFunc(string(out), func(r rune) bool { return r == ' ' || r == '\n' || r == ';' }), " ")
}

// unprivileged does something without the capabilities of root, as a service
// has none: on a thread that has given them up, and ends with its goroutine.
func unprivileged(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var none [2]unix.CapUserData
		if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
			panic(err)
		}
		do()
	}()
	<-done
}

func TestSerialLock(t *testing.T) {
	device, _ := pair(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleeper.Wait()
	defer sleeper.Process.Kill()
	name := "LCK.." + strings.ReplaceAll(strings.TrimPrefix(device, "/dev/"), "/", "_")
	for _, test := range []struct {
		name, content string
		free          bool
	}{
		{"nobody's", "", true},
		{"a dead process's", fmt.Sprintf("%10d\n", dead.Process.Pid), true},
		{"a dead process's with names", fmt.Sprintf("%10d minicom root\n", dead.Process.Pid), true},
		{"our own from before a restart", fmt.Sprintf("%10d\n", os.Getpid()), true},
		{"a living process's", fmt.Sprintf("%10d\n", sleeper.Process.Pid), false},
		{"unreadable", "x\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			locks := t.TempDir()
			file := filepath.Join(locks, name)
			if test.content != "" {
				if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			port, err := located{ports.Serial{Path: device}, "", locks}.Open(t.Context())
			if !test.free {
				var e *ports.Error
				if !errors.As(err, &e) || e.Reason != ports.InUse || !strings.Contains(e.Fix, file) {
					t.Fatalf("%#v", err)
				}
				if test.name == "a living process's" && !strings.Contains(e.Error(), fmt.Sprintf(`in use: by process %d ("sleep")`, sleeper.Process.Pid)) {
					t.Error(e)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			if content, err := os.ReadFile(file); err != nil || string(content) != fmt.Sprintf("%10d\n", os.Getpid()) {
				t.Errorf("lock file: %q, %v", content, err)
			}
			// A second console on the device, by another name of it.
			link := filepath.Join(locks, "link")
			if err := os.Symlink(device, link); err != nil {
				t.Fatal(err)
			}
			for _, as := range []func(func()){func(do func()) { do() }, unprivileged} {
				as(func() { _, err = located{ports.Serial{Path: link}, "", locks}.Open(t.Context()) })
				if ports.ReasonOf(err) != ports.InUse || !strings.Contains(err.Error(), "another console of this gateway") {
					t.Errorf("second open: %v", err)
				}
			}
			port.Close()
			if left, _ := filepath.Glob(filepath.Join(locks, "L*")); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestSerialLockWithoutFolder: where lock files cannot be made, the device
// itself is locked.
func TestSerialLockWithoutFolder(t *testing.T) {
	device, _ := pair(t)
	serial := located{ports.Serial{Path: device}, "", "/proc/self/no-such-folder"}
	port, err := serial.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := serial.Open(t.Context()); ports.ReasonOf(err) != ports.InUse {
		t.Errorf("second open: %v", err)
	}

	other, _ := pair(t)
	flock := exec.Command("flock", "--no-fork", other, "sh", "-c", "echo; exec sleep 1000")
	out, err := flock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := flock.Start(); err != nil {
		missing(t, "flock: %v", err)
	}
	defer flock.Wait()
	defer flock.Process.Kill()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	serial.Path = other
	_, err = serial.Open(t.Context())
	if ports.ReasonOf(err) != ports.InUse || !strings.Contains(err.Error(), fmt.Sprintf("by process %d", flock.Process.Pid)) {
		t.Errorf("locked by flock: %v", err)
	}
}

// TestSerialSocat is a device that is unplugged and comes back under the same
// name, as the link that udev makes does.
func TestSerialSocat(t *testing.T) {
	if _, err := exec.LookPath("socat"); err != nil {
		missing(t, "socat: %v", err)
	}
	dir := t.TempDir()
	serial := located{ports.Serial{Path: "usb-Board"}, dir, dir}
	var last string
	for range 2 {
		link := filepath.Join(dir, "usb-Board_1-if00-port0")
		socat := exec.Command("socat", "PTY,raw,echo=0,link="+link, "EXEC:cat")
		if err := socat.Start(); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		port, err := serial.Open(t.Context())
		for range 500 {
			if err == nil {
				break
			}
			if ports.ReasonOf(err) != ports.Gone {
				t.Fatal(err)
			}
			<-tick.C
			port, err = serial.Open(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := port.(ports.Breaker).Break(time.Millisecond); err != nil {
			t.Error(err)
		}
		if _, err := port.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(port, got); err != nil || string(got) != "hello" {
			t.Fatalf("%q, %v", got, err)
		}
		socat.Process.Kill()
		socat.Wait()
		os.Remove(link)
		if _, err = port.Read(got); ports.ReasonOf(err) != ports.Gone {
			t.Errorf("unplugged: %v", err)
		}
		if _, err = port.Write(got); ports.ReasonOf(err) != ports.Gone {
			t.Errorf("written to what is unplugged: %v", err)
		}
		port.Close()
		last = err.Error()
	}
	if !strings.HasPrefix(last, "write serial usb-Board 115200 8n1: device gone") {
		t.Error(last)
	}
}

// TestSerialDescriptors: an open device costs one.
func TestSerialDescriptors(t *testing.T) {
	device, _ := pair(t)
	before := descriptors(t)
	port, err := located{ports.Serial{Path: device}, "", t.TempDir()}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if after := descriptors(t); after != before+1 {
		t.Errorf("%d descriptors", after-before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	n := 0
	for fd := range 1024 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			n++
		}
	}
	return n
}

// Open opens the device by the test's folders.
func (l located) Open(ctx context.Context) (ports.Port, error) {
	return l.OpenIn(ctx, l.names, l.locks)
}

// A pseudo-terminal has no modem lines and no receiver that counts, and says so.
func TestSerialModem(t *testing.T) {
	device, _ := pair(t)
	port, err := located{ports.Serial{Path: device}, "", t.TempDir()}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if lines, err := port.(ports.Modem).Modem(); ports.ReasonOf(err) != ports.Unsupported || lines != (ports.Lines{}) {
		t.Errorf("lines %v, %v", lines, err)
	}
	if met, err := port.(ports.Receiver).Received(); ports.ReasonOf(err) != ports.Unsupported || met != (ports.Receptions{}) {
		t.Errorf("received %v, %v", met, err)
	}
	if n := port.(ports.Lossy).Losses(); n != 0 {
		t.Errorf("%d losses", n)
	}
	port.Close()
	if _, err := port.(ports.Modem).Modem(); err == nil {
		t.Error("lines of a closed device")
	}
}

// What a driver answers is TIOCMGET's bits (tty_ioctl(4)).
func TestModemLines(t *testing.T) {
	for bits, want := range map[int]ports.Lines{
		0:                               {},
		unix.TIOCM_DTR | unix.TIOCM_CTS: {DTR: true, CTS: true},
		unix.TIOCM_RTS | unix.TIOCM_DSR: {RTS: true, DSR: true},
		unix.TIOCM_CD | unix.TIOCM_RI:   {DCD: true, RI: true},
		unix.TIOCM_ST:                   {},
	} {
		if got := ports.ModemLines(bits); got != want {
			t.Errorf("%#x: %+v, want %+v", bits, got, want)
		}
	}
}

func TestSerialFlowSwitch(t *testing.T) {
	device, other := pair(t)
	port, err := located{ports.Serial{Path: device}, "", t.TempDir()}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	flow := port.(ports.FlowSwitch)
	for _, on := range []bool{true, false} {
		if err := flow.SetSoftwareFlow(on); err != nil || flow.SoftwareFlow() != on {
			t.Errorf("switch to %v: %v, is %v", on, err, flow.SoftwareFlow())
		}
		if got := strings.Contains(" "+stty(t, other)+" ", " ixon "); got != on {
			t.Errorf("the terminal has ixon %v, not %v", got, on)
		}
	}
	port.Close()
	if flow.SetSoftwareFlow(true) == nil || flow.SoftwareFlow() {
		t.Error("flow control of a closed device")
	}
}
