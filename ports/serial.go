package ports

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"

	"go.bug.st/serial"
)

// Serial is a serial device of this machine. An empty or zero setting means
// the default: 115200 8n1, no flow control, lines as the driver raises them.
type Serial struct {
	Path   string // /dev/..., or a name below /dev/serial/by-id; on Windows COM3
	Baud   int    // any that the device can do
	Data   int    // 5 to 8
	Parity string // none odd even mark space
	Stop   string // 1 1.5 2
	Flow   string // none software hardware
	DTR    string // on off
	RTS    string // on off
	HUPCL  bool   // lower DTR and RTS when the port is closed, which resets some boards
}

const (
	minBaud = 50
	maxBaud = 20_000_000 // above what any UART does
)

var parities = map[string]serial.Parity{
	"": serial.NoParity, "none": serial.NoParity, "odd": serial.OddParity, "even": serial.EvenParity,
	"mark": serial.MarkParity, "space": serial.SpaceParity,
}

// Check says what is wrong with the settings, or that this operating system
// cannot set them.
func (s Serial) Check() error {
	if s.Path == "" {
		return errors.New("serial: no device")
	}
	if strings.ContainsFunc(s.Path, unicode.IsControl) || s.Path == "." || s.Path == ".." {
		return fmt.Errorf("serial: %q is no path of a device", s.Path)
	}
	if err := s.CheckMode(); err != nil {
		return fmt.Errorf("serial %q: %w", s.Path, err)
	}
	return s.supported()
}

// CheckMode says what is wrong with the settings, whatever they are to be set
// on: not every device can do what is right in itself.
func (s Serial) CheckMode() error {
	if baud := s.baud(); baud < minBaud || baud > maxBaud {
		return fmt.Errorf("speed %d is not from %d to %d", baud, minBaud, maxBaud)
	}
	if data := s.data(); data < 5 || data > 8 {
		return fmt.Errorf("%d data bits are not from 5 to 8", data)
	}
	if _, ok := parities[s.Parity]; !ok {
		return fmt.Errorf("parity %q is not none, odd, even, mark or space", s.Parity)
	}
	switch s.Stop {
	case "", "1", "2":
	case "1.5":
		if s.data() != 5 {
			return errors.New("1.5 stop bits go with 5 data bits only")
		}
	default:
		return fmt.Errorf("%q stop bits are not 1, 1.5 or 2", s.Stop)
	}
	switch s.Flow {
	case "", "none", "software", "hardware":
	default:
		return fmt.Errorf("flow control %q is not none, software or hardware", s.Flow)
	}
	for name, value := range map[string]string{"dtr": s.DTR, "rts": s.RTS} {
		if value != "" && value != "on" && value != "off" {
			return fmt.Errorf("%s %q is not on or off", name, value)
		}
	}
	if s.RTS != "" && s.Flow == "hardware" {
		return errors.New("hardware flow control moves rts itself; leave it out")
	}
	return nil
}

// String is "serial /dev/ttyUSB0 115200 8n1", with the flow control if there is any.
func (s Serial) String() string {
	text := fmt.Sprintf("serial %s %d %d%.1s%s", s.Path, s.baud(), s.data(), cmp.Or(s.Parity, "none"), cmp.Or(s.Stop, "1"))
	if s.flow() != "none" {
		text += " " + s.Flow
	}
	return text
}

func (s Serial) baud() int    { return cmp.Or(s.Baud, 115200) }
func (s Serial) data() int    { return cmp.Or(s.Data, 8) }
func (s Serial) flow() string { return cmp.Or(s.Flow, "none") }

// mode is what the serial library sets.
func (s Serial) mode() *serial.Mode {
	mode := &serial.Mode{BaudRate: s.baud(), DataBits: s.data(), Parity: parities[s.Parity]}
	switch s.Stop {
	case "2":
		mode.StopBits = serial.TwoStopBits
	case "1.5":
		mode.StopBits = onePointFive
	}
	return mode
}

// character is how long one takes on the line.
func (s Serial) character() time.Duration {
	bits := 1 + s.data() + 1
	if s.mode().Parity != serial.NoParity {
		bits++
	}
	if s.mode().StopBits != serial.OneStopBit {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(s.baud())
}

// unsupported is the error of a setting that this operating system lacks.
func (s Serial) unsupported(setting string) error {
	return &Error{Reason: Unsupported, Op: "serial " + s.Path, Err: fmt.Errorf("no %s on %s", setting, runtime.GOOS)}
}
