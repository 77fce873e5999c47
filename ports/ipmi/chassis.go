package ipmi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consoled/ports"
	"consoled/ports/ipmi/wire"
)

// A Command is something that the BMC does to the machine.
type Command string

// The commands. Those of boot hold for the next boot alone.
const (
	PowerStatus Command = "status"
	PowerOn     Command = "on"
	PowerOff    Command = "off" // at once
	PowerCycle  Command = "cycle"
	PowerReset  Command = "reset"
	PowerSoft   Command = "soft" // asks the operating system, by ACPI
	PowerDiag   Command = "diag" // a diagnostic interrupt: NMI
	BootPXE     Command = "boot pxe"
	BootDisk    Command = "boot disk"
	BootBIOS    Command = "boot bios"
	BootNone    Command = "boot none" // as the machine itself would
	IdentifyOn  Command = "identify on"
	IdentifyOff Command = "identify off"
)

// group is what an error calls the command: "power cycle", "boot pxe".
func (c Command) group() string {
	if strings.Contains(string(c), " ") {
		return string(c)
	}
	return "power " + string(c)
}

// controls are the commands of Chassis Control (28.3).
var controls = map[Command]byte{PowerOff: 0, PowerOn: 1, PowerCycle: 2, PowerReset: 3, PowerDiag: 4, PowerSoft: 5}

// bootFlags are the first two bytes of the boot flags (table 28-14): valid for the next
// boot, and the device.
var bootFlags = map[Command][2]byte{BootPXE: {0x80, 0x04}, BootDisk: {0x80, 0x08}, BootBIOS: {0x80, 0x18}, BootNone: {}}

// identifyFor is how long the light stays on where the BMC cannot leave it on:
// the longest that the command has, in seconds.
const identifyFor = 255

// A Status is the machine's, as the BMC sees it (28.2).
type Status struct {
	On         bool
	Overload   bool // power was cut by an overload
	Interlock  bool // power was cut by an open case
	Fault      bool // of the main power
	Identify   bool // the light is on
	CanTell    bool // Identify is known
	DriveFault bool
	FanFault   bool
}

// String is the status in words, such as "power on, identify light on".
func (s Status) String() string {
	words := []string{"power off"}
	if s.On {
		words[0] = "power on"
	}
	for _, w := range []struct {
		so   bool
		word string
	}{
		{s.Overload, "cut by an overload"},
		{s.Interlock, "cut by an open case"},
		{s.Fault, "power fault"},
		{s.DriveFault, "drive fault"},
		{s.FanFault, "fan fault"},
		{s.CanTell && s.Identify, "identify light on"},
	} {
		if w.so {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

// chassisLimit bounds a command, with the session that is opened for it.
const chassisLimit = 30 * time.Second

// Chassis has the BMC carry out a command, in a session of its own, and returns
// the machine's status after it. A power command is over when the BMC has accepted
// it; the status may be the one before for some seconds more.
func (b IPMI) Chassis(ctx context.Context, c Command) (Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, chassisLimit, errors.New("the BMC takes too long"))
	defer cancel()
	op := fmt.Sprintf("%s %s", c.group(), b)
	conn, err := b.dial(ctx, op)
	if err != nil {
		return Status{}, err
	}
	s, err := b.begin(ctx, conn, op)
	if err != nil {
		return Status{}, err
	}
	defer s.leave(ctx)
	if err := s.carryOut(ctx, c); err != nil {
		return Status{}, s.failed(ctx, err)
	}
	status, err := s.chassisStatus(ctx)
	if err != nil {
		return Status{}, s.failed(ctx, err)
	}
	return status, nil
}

func (s *session) carryOut(ctx context.Context, c Command) error {
	if control, ok := controls[c]; ok {
		return s.chassis(ctx, cmdControl, control)
	}
	if flags, ok := bootFlags[c]; ok {
		return s.boot(ctx, flags)
	}
	switch c {
	case PowerStatus:
		return nil
	case IdentifyOff:
		return s.chassis(ctx, cmdIdentify, 0)
	case IdentifyOn:
		const on = 1
		err := s.chassis(ctx, cmdIdentify, 0, on)
		if code, ok := errors.AsType[*codeError](err); ok && code.code != codeNoPrivilege {
			return s.chassis(ctx, cmdIdentify, identifyFor) // a BMC of IPMI 1.5's days
		}
		return err
	}
	return &ports.Error{Reason: ports.Unsupported, Err: fmt.Errorf("%q is no command of a chassis", c)}
}

func (s *session) chassis(ctx context.Context, command byte, data ...byte) error {
	_, err := s.command(ctx, patience[:], wire.Chassis, command, data...)
	return err
}

// boot sets the device of the next boot (28.12): it marks the options as being
// set, says that the BIOS has not seen them yet, sets them, and ends the marking, whatever
// happened. A BMC need not know the marking.
func (s *session) boot(ctx context.Context, flags [2]byte) error {
	const inProgress, acknowledge, bootFlags = 0, 4, 5
	s.chassis(ctx, cmdSetBoot, inProgress, 1)
	defer s.chassis(context.WithoutCancel(ctx), cmdSetBoot, inProgress, 0)
	s.chassis(ctx, cmdSetBoot, acknowledge, 1, 1)
	return s.chassis(ctx, cmdSetBoot, bootFlags, flags[0], flags[1], 0, 0, 0)
}

// chassisStatus is Get Chassis Status.
func (s *session) chassisStatus(ctx context.Context) (Status, error) {
	b, err := s.command(ctx, patience[:], wire.Chassis, cmdChassisStatus)
	switch {
	case err != nil:
		return Status{}, err
	case len(b) < 3:
		return Status{}, errors.New("the BMC's status of the machine is too short")
	}
	power, misc := b[0], b[2]
	return Status{
		On: power&0x01 != 0, Overload: power&0x02 != 0, Interlock: power&0x04 != 0, Fault: power&0x08 != 0,
		DriveFault: misc&0x04 != 0, FanFault: misc&0x08 != 0, Identify: misc&0x30 != 0, CanTell: misc&0x40 != 0,
	}, nil
}
