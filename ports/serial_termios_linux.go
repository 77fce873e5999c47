package ports

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The termios2 calls keep speeds that have no name of their own.
const (
	getTermios = unix.TCGETS2
	setTermios = unix.TCSETS2
)

// stickParity is what makes parity mark or space.
const stickParity = unix.CMSPAR

// queued asks how many bytes the driver still has to send.
const queued = unix.TIOCOUTQ

// flushOutput drops what was not sent yet.
func flushOutput(fd int) { unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) }

// setMode sets everything in one step, so that no byte meets half of it.
func (s Serial) setMode(fd int, _ string) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if errors.Is(err, unix.EIO) { // a name that the driver keeps for a UART that is not there
		return &Error{Reason: Gone, Op: "open " + s.String(), Err: errors.New("the driver finds no hardware behind it")}
	}
	if err != nil {
		return err
	}
	t.Cflag = uint32(s.flags()) | unix.CREAD | unix.CLOCAL | speedFlag(s.baud())
	t.Ispeed, t.Ospeed = uint32(s.baud()), uint32(s.baud())
	s.shape(t)
	return unix.IoctlSetTermios(fd, setTermios, t)
}

// speedFlag is the name of a speed. Drivers go by the number; the name is what
// other programs see, of which old ones take BOTHER for 0.
func speedFlag(baud int) uint32 {
	if flag, ok := named[baud]; ok {
		return flag
	}
	return unix.BOTHER
}

var named = map[int]uint32{
	50: unix.B50, 75: unix.B75, 110: unix.B110, 134: unix.B134, 150: unix.B150, 200: unix.B200,
	300: unix.B300, 600: unix.B600, 1200: unix.B1200, 1800: unix.B1800, 2400: unix.B2400,
	4800: unix.B4800, 9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400,
	57600: unix.B57600, 115200: unix.B115200, 230400: unix.B230400, 460800: unix.B460800,
	500_000: unix.B500000, 576_000: unix.B576000, 921_600: unix.B921600,
	1_000_000: unix.B1000000, 1_152_000: unix.B1152000, 1_500_000: unix.B1500000,
	2_000_000: unix.B2000000, 2_500_000: unix.B2500000, 3_000_000: unix.B3000000,
	3_500_000: unix.B3500000, 4_000_000: unix.B4000000,
}

// A serialInfo is struct serial_struct of linux/serial.h.
type serialInfo struct {
	kind     int32
	_        [6]int32 // line, port, interrupt, flags, size of the FIFO, a divisor of one's own
	baudBase int32    // the highest speed, of which the others are whole parts
	_        [64]byte
}

// The kinds that divide baudBase by a whole number. Others have dividers
// of their own, or none.
const firstDividing, lastDividing = 1, 4 // 8250, 16450, 16550, 16550A

// tookSpeed compares what the driver says it does. A driver that takes a speed
// as it stands may still have a chip that only comes near to it; then that is remarked.
func (l *line) tookSpeed(fd int, got *unix.Termios) error {
	want := l.setting.baud()
	if !near(want, int(got.Ospeed)) {
		return &Error{
			Reason: Unsupported, Op: "open " + l.what,
			Err: fmt.Errorf("the device does not do %d baud: asked for it, it does %d", want, got.Ospeed),
		}
	}
	var info serialInfo
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGSERIAL, uintptr(unsafe.Pointer(&info)))
	if errno != 0 || info.kind < firstDividing || info.kind > lastDividing {
		return nil
	}
	base := int(info.baudBase)
	if real := base / max(1, (base+want/2)/want); !near(want, real) {
		l.remark = fmt.Sprintf("the UART cannot divide its clock to %d baud; it does %d", want, real)
	}
	return nil
}
