//go:build unix

package ports

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// onePointFive is what the flag for two stop bits means with five data bits.
const onePointFive = serial.TwoStopBits

func (s Serial) supported() error {
	if s.Parity == "mark" || s.Parity == "space" {
		if stickParity == 0 {
			return s.unsupported(s.Parity + " parity")
		}
	}
	return nil
}

// Open opens the device, locks it and sets it up.
func (s Serial) Open(ctx context.Context) (Port, error) { return s.open(ctx, byID, lockFolders) }

func (s Serial) open(ctx context.Context, names string, folders []string) (Port, error) {
	op := "open " + s.String()
	if ctx.Err() != nil {
		return nil, Ended(ctx, op)
	}
	if err := s.Check(); err != nil {
		return nil, &Error{Reason: Failed, Op: op, Err: err}
	}
	path, err := s.device(names)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, Classify(op, err)
	}
	if info.Mode()&fs.ModeCharDevice == 0 {
		return nil, &Error{Reason: Failed, Op: op, Err: errors.New("not a device")}
	}
	// Another program's lock is looked at before the device is touched: opening
	// it moves its lines.
	lock := lockFile{device: path, folders: folders}
	if err := lock.free(); err != nil {
		return nil, inUse(op, err)
	}
	// Without O_NONBLOCK the open would wait for a carrier.
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EBUSY) { // the kernel keeps a device that is locked from all but root
		return nil, inUse(op, lock.held())
	}
	if err != nil {
		return nil, failedOpen(op, path, err)
	}
	l := &line{file: file, what: s.String(), setting: s, closing: make(chan struct{})}
	if err := l.try.init(file); err != nil {
		file.Close()
		return nil, Classify(op, err)
	}
	if err := lock.take(l.try.raw); err != nil {
		file.Close()
		return nil, inUse(op, err)
	}
	l.lock = lock
	if err := l.setUp(path); err != nil {
		l.Close()
		return nil, Classify(op, err)
	}
	l.startCounting()
	if ctx.Err() != nil { // a broken USB device takes seconds to answer
		l.Close()
		return nil, Ended(ctx, op)
	}
	return l, nil
}

// setUp sets mode and lines, and asks what became of it. The mode is first:
// until then the driver may echo what the target says, and a line that was at
// speed 0 gets its lines raised by it.
func (l *line) setUp(path string) error {
	return control(l.try.raw, func(fd int) error {
		if err := l.setting.setMode(fd, path); err != nil {
			return err
		}
		if err := l.setting.setLines(fd); err != nil {
			return err
		}
		// The lock that the kernel itself keeps for those who are not root.
		unix.IoctlSetInt(fd, unix.TIOCEXCL, 0)
		return l.took(fd)
	})
}

// shape is the mode but for speed and frame: every byte passes as it came,
// whoever set what before. A break is no byte, and one with the wrong parity is told by
// the driver's count and not by a NUL in its place.
func (s Serial) shape(t *unix.Termios) {
	t.Iflag, t.Oflag, t.Lflag = unix.IGNBRK, 0, 0
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = xon, xoff
	t.Cflag &^= unix.CRTSCTS | unix.HUPCL
	switch s.flow() {
	case "software":
		t.Iflag |= unix.IXON | unix.IXOFF
	case "hardware":
		t.Cflag |= unix.CRTSCTS
	}
	if s.HUPCL {
		t.Cflag |= unix.HUPCL
	}
}

// The characters of software flow control.
const xon, xoff = 0x11, 0x13

// setLines raises and lowers DTR and RTS, and touches no line that was not
// asked for. A pseudo-terminal has none, which is as good as any state of them.
func (s Serial) setLines(fd int) error {
	on, off := 0, 0
	for line, value := range map[int]string{unix.TIOCM_DTR: s.DTR, unix.TIOCM_RTS: s.RTS} {
		switch value {
		case "on":
			on |= line
		case "off":
			off |= line
		}
	}
	for request, lines := range map[uint]int{unix.TIOCMBIS: on, unix.TIOCMBIC: off} {
		if lines == 0 {
			continue
		}
		if err := unix.IoctlSetPointerInt(fd, request, lines); err != nil && !noLines(err) {
			return fmt.Errorf("set dtr and rts: %w", err)
		}
	}
	return nil
}

// noLines reports whether err is what a device without modem lines answers.
func noLines(err error) bool {
	return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENODEV)
}

// took asks the driver whether it did what it was told: it leaves out silently
// what its hardware lacks.
func (l *line) took(fd int) error {
	s := l.setting
	got, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if _, err := unix.IoctlGetInt(fd, unix.TIOCMGET); noLines(err) {
		return nil // a pseudo-terminal: always 8 bits, whatever it is told
	} else if err != nil {
		return err
	}
	for _, flag := range []struct {
		name string
		mask uint64
	}{
		{"data bits", unix.CSIZE},
		{"parity", unix.PARENB | unix.PARODD | stickParity},
		{"stop bits", unix.CSTOPB},
		{"flow control", unix.CRTSCTS},
	} {
		if uint64(got.Cflag)&flag.mask != s.flags()&flag.mask {
			return &Error{Reason: Unsupported, Op: "open " + s.String(), Err: fmt.Errorf("the device does not do these %s", flag.name)}
		}
	}
	return l.tookSpeed(fd, got)
}

// near is whether a speed serves for another. The two ends may be 5 % apart
// before the last bit of a byte is misread; each has half of that.
func near(baud, other int) bool {
	return max(baud, other)-min(baud, other) <= baud/40
}

// flags is what the mode looks like in c_cflag.
func (s Serial) flags() uint64 {
	flags := map[int]uint64{5: unix.CS5, 6: unix.CS6, 7: unix.CS7, 8: unix.CS8}[s.data()]
	switch s.Parity {
	case "odd":
		flags |= unix.PARENB | unix.PARODD
	case "even":
		flags |= unix.PARENB
	case "mark":
		flags |= unix.PARENB | unix.PARODD | stickParity
	case "space":
		flags |= unix.PARENB | stickParity
	}
	if s.mode().StopBits == serial.TwoStopBits {
		flags |= unix.CSTOPB
	}
	if s.flow() == "hardware" {
		flags |= unix.CRTSCTS
	}
	return flags
}

// failedOpen names the group that would help where the device refuses.
func failedOpen(op, path string, err error) error {
	if ReasonOf(err) != Denied {
		return Classify(op, err)
	}
	denied := &Error{Reason: Denied, Op: op, Err: bare(err), Fix: fixDenied(err)}
	info, statErr := os.Stat(path)
	if statErr != nil {
		return denied
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Gid == 0 || info.Mode().Perm()&0o060 != 0o060 {
		return denied // the group would not help, or is root's
	}
	name := strconv.Itoa(int(stat.Gid))
	if group, err := user.LookupGroupId(name); err == nil {
		name = group.Name
	}
	denied.Fix = "add the user that the gateway runs as to the group " + name + ", which owns the device"
	return denied
}

// inUse is the error of a lock that somebody else has.
func inUse(op string, err error) error {
	if held, ok := errors.AsType[*heldError](err); ok {
		return &Error{Reason: InUse, Op: op, Err: held, Fix: held.fix()}
	}
	return Classify(op, err)
}
