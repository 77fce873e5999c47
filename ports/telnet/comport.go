package telnet

import (
	wire "encoding/binary"
	"fmt"
	"strings"

	"consoled/ports"
)

// The commands of RFC 2217 that this package sends or acts on. What the peer
// says is comAnswer above the command that it is about.
const (
	comBaud       = 1
	comSize       = 2
	comParity     = 3
	comStop       = 4
	comControl    = 5
	comLineState  = 6 // a notification
	comModemState = 7 // another one
	comSuspend    = 8
	comResume     = 9
	comLineMask   = 10
	comModemMask  = 11
	comPurge      = 12

	comAnswer = 100
)

// The values of comControl.
const (
	askFlow      = 0
	flowNone     = 1
	flowSoftware = 2
	flowHardware = 3
	breakOn      = 5
	breakOff     = 6
	askDTR       = 7
	dtrOn        = 8
	dtrOff       = 9
	askRTS       = 10
	rtsOn        = 11
	rtsOff       = 12
)

// purgeInput is the value of comPurge for what waits to go to the device.
const purgeInput = 2

// The settings of a serial port at the peer's end, in the order in which they
// are asked for.
const (
	speed = iota
	dataBits
	parity
	stopBits
	flow
	dtr
	rts
	settings // how many there are
)

// The bits of comLineState and comLineMask that are asked for: those of the
// receiver. The others tell how full its buffers are, with every byte.
const (
	lineOverrun  = 0x02
	lineParity   = 0x04
	lineFraming  = 0x08
	lineBreak    = 0x10
	lineReceiver = lineOverrun | lineParity | lineFraming | lineBreak
)

// A mode is a value for each setting as RFC 2217 writes it, or 0, which no
// setting has: nothing asked, or nothing said.
type mode [settings]uint32

var (
	settingNames = [settings]string{"speed", "data bits", "parity", "stop bits", "flow control", "dtr", "rts"}
	parityNames  = []string{1: "none", 2: "odd", 3: "even", 4: "mark", 5: "space"}
	stopNames    = []string{1: "1", 2: "2", 3: "1.5"}
	flowNames    = []string{flowNone: "none", flowSoftware: "software", flowHardware: "hardware"}
	dtrNames     = []string{dtrOn: "on", dtrOff: "off"}
	rtsNames     = []string{rtsOn: "on", rtsOff: "off"}
	valueNames   = [settings][]string{parity: parityNames, stopBits: stopNames, flow: flowNames, dtr: dtrNames, rts: rtsNames}
)

// modeOf is what to ask for. What is not set is left as the peer has it.
func modeOf(s ports.Serial) mode {
	m := mode{speed: uint32(s.Baud), dataBits: uint32(s.Data)}
	for setting, value := range map[int]string{parity: s.Parity, stopBits: s.Stop, flow: s.Flow, dtr: s.DTR, rts: s.RTS} {
		for i, name := range valueNames[setting] {
			if name != "" && name == value {
				m[setting] = uint32(i)
			}
		}
	}
	return m
}

// shown is a value in the configuration's words.
func shown(setting int, value uint32) string {
	if names := valueNames[setting]; value < uint32(len(names)) && names[value] != "" {
		return names[value]
	}
	return fmt.Sprint(value)
}

// differences says in words which settings are not as asked, or not confirmed.
func (m mode) differences(said mode) string {
	var other, silent []string
	for i, asked := range m {
		switch {
		case asked == 0 || asked == said[i]:
		case said[i] == 0:
			silent = append(silent, settingNames[i])
		default:
			other = append(other, fmt.Sprintf("%s %s and not %s", settingNames[i], shown(i, said[i]), shown(i, asked)))
		}
	}
	var text []string
	if len(other) > 0 {
		text = append(text, "has "+strings.Join(other, ", "))
	}
	if len(silent) > 0 {
		text = append(text, "did not confirm "+strings.Join(silent, ", "))
	}
	return strings.Join(text, "; ")
}

// appendCom appends a command.
func appendCom(dst []byte, command byte, value ...byte) []byte {
	dst = append(dst, cmdIAC, cmdSB, optComPort, command)
	return append(appendData(dst, value, true), cmdIAC, cmdSE)
}

// appendMode appends the commands that ask for a mode.
func appendMode(dst []byte, m mode) []byte {
	for i, value := range m {
		switch {
		case value == 0:
		case i == speed:
			dst = appendCom(dst, comBaud, wire.BigEndian.AppendUint32(nil, value)...)
		case i <= stopBits: // numbered as the commands are
			dst = appendCom(dst, comSize+byte(i-dataBits), byte(value))
		default:
			dst = appendCom(dst, comControl, byte(value))
		}
	}
	return dst
}

// appendStart appends what is sent when the peer has agreed. What an earlier
// connection typed and the device never took is purged, not delivered late. The
// state of our own lines and of flow control is asked for where it is not set. Of the
// peer's notifications those of the receiver are wanted, and those of the modem
// lines with their changes: a peer may leave out a state in which no bit is left.
func appendStart(dst []byte, m mode) []byte {
	dst = appendCom(dst, comPurge, purgeInput)
	dst = appendMode(dst, m)
	for _, own := range []struct {
		setting int
		ask     byte
	}{{flow, askFlow}, {dtr, askDTR}, {rts, askRTS}} {
		if m[own.setting] == 0 {
			dst = appendCom(dst, comControl, own.ask)
		}
	}
	dst = appendCom(dst, comLineMask, lineReceiver)
	return appendCom(dst, comModemMask, 0xff)
}

// A comPort is what the peer has said about its serial port.
type comPort struct {
	said      mode
	flows     uint8 // how often it has spoken of flow control, modulo 256
	modem     uint8 // as RFC 2217 has it in NOTIFY-MODEMSTATE
	told      bool  // modem is known
	received  ports.Receptions
	receives  bool // it tells what its receiver meets
	suspended bool // it wants no data
}

// hear takes in a subnegotiation, less the option. What it cannot be is passed
// over, and so is the peer's signature, of which nothing follows.
func (c *comPort) hear(sub []byte) {
	if len(sub) == 0 || sub[0] < comAnswer {
		return
	}
	command, value := sub[0]-comAnswer, sub[1:]
	switch {
	case command == comSuspend:
		c.suspended = true
	case command == comResume:
		c.suspended = false
	case command == comBaud && len(value) == 4:
		c.said[speed] = wire.BigEndian.Uint32(value)
	case len(value) != 1:
	case command == comSize || command == comParity || command == comStop:
		c.said[dataBits+int(command-comSize)] = uint32(value[0])
	case command == comControl:
		c.hearControl(value[0])
	case command == comLineState:
		c.hearLine(value[0])
	case command == comLineMask:
		c.receives = value[0]&lineReceiver != 0
	case command == comModemState:
		c.modem, c.told = value[0], true
	}
}

// hearLine counts what the receiver met.
func (c *comPort) hearLine(state byte) {
	for _, met := range []struct {
		bit   byte
		count *int
	}{
		{lineOverrun, &c.received.Overruns},
		{lineParity, &c.received.Parity},
		{lineFraming, &c.received.Framing},
		{lineBreak, &c.received.Breaks},
	} {
		if state&met.bit != 0 {
			*met.count++
			c.receives = true
		}
	}
}

func (c *comPort) hearControl(value byte) {
	switch value {
	case flowNone, flowSoftware, flowHardware:
		c.said[flow] = uint32(value)
		c.flows++
	case dtrOn, dtrOff:
		c.said[dtr] = uint32(value)
	case rtsOn, rtsOff:
		c.said[rts] = uint32(value)
	}
}

// lines is the state of the modem lines. Our own are taken to be raised until
// the peer says otherwise, as a serial port that is opened raises them.
func (c *comPort) lines() ports.Lines {
	return ports.Lines{
		DTR: c.said[dtr] != dtrOff, RTS: c.said[rts] != rtsOff,
		CTS: c.modem&0x10 != 0, DSR: c.modem&0x20 != 0, RI: c.modem&0x40 != 0, DCD: c.modem&0x80 != 0,
	}
}
