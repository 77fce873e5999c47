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
	if ctx.Err() != nil { // a broken USB device takes seconds to answer
		l.Close()
		return nil, Ended(ctx, op)
	}
	return l, nil
}

// setUp sets mode and lines by the serial library, which is closed again: it
// would cost three descriptors a port. What was set stays while the device is
// open. The rest is what the library does not do.
func (l *line) setUp(path string) error {
	port, err := serial.Open(path, l.setting.mode())
	if err != nil {
		if e, ok := errors.AsType[*serial.PortError](err); ok && e.Code() == serial.PortBusy {
			return syscall.EBUSY
		}
		return err
	}
	err = l.setting.setLines(port)
	port.Close()
	if err != nil {
		return err
	}
	return control(l.try.raw, func(fd int) error {
		// The lock that the kernel itself keeps for those who are not root.
		unix.IoctlSetInt(fd, unix.TIOCEXCL, 0)
		return l.setting.setFlow(fd)
	})
}

// setLines raises and lowers DTR and RTS. A pseudo-terminal has none, which
// is as good as any state of them.
func (s Serial) setLines(port serial.Port) error {
	for _, set := range []struct {
		name, value string
		to          func(bool) error
	}{{"dtr", s.DTR, port.SetDTR}, {"rts", s.RTS, port.SetRTS}} {
		if set.value == "" {
			continue
		}
		if err := set.to(set.value == "on"); err != nil && !noLines(err) {
			return fmt.Errorf("%s %s: %w", set.name, set.value, err)
		}
	}
	return nil
}

// noLines reports whether err is what a device without modem lines answers.
func noLines(err error) bool {
	return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENODEV)
}

// setFlow sets flow control and what happens to the lines at the end, and asks the driver
// whether it did what it was told: a driver leaves out silently what its
// hardware lacks.
func (s Serial) setFlow(fd int) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IXON | unix.IXOFF | unix.IXANY
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
	if err := unix.IoctlSetTermios(fd, setTermios, t); err != nil {
		return err
	}
	got, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if _, err := unix.IoctlGetInt(fd, unix.TIOCMGET); err != nil {
		return nil // a pseudo-terminal: always 8 bits, whatever it is told
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
	return nil
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
