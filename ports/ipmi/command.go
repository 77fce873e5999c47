package ipmi

import (
	"fmt"

	"consoled/ports"
	"consoled/ports/ipmi/wire"
)

// The commands that are used (appendix G).
const (
	cmdSetPrivilege  = 0x3b
	cmdCloseSession  = 0x3c
	cmdCapabilities  = 0x38
	cmdActivate      = 0x48
	cmdDeactivate    = 0x49
	cmdSessionInfo   = 0x3d
	cmdInstance      = 0x4b
	cmdChassisStatus = 0x01
	cmdControl       = 0x02
	cmdIdentify      = 0x04
	cmdSetBoot       = 0x08
)

// A codeError is a completion code other than 0 (table 5-2, and the tables of
// the commands).
type codeError struct {
	netFn         wire.NetFn
	command, code byte
}

// commonCodes mean the same for every command.
var commonCodes = map[byte]string{
	0xc0: "the BMC is busy",
	0xc1: "the BMC does not know the command",
	0xc2: "the BMC does not know the command here",
	0xc3: "the BMC ran out of time",
	0xc4: "the BMC has no room left",
	0xc7: "the BMC expects another length",
	0xc8: "the BMC expects another length",
	0xc9: "the BMC finds a parameter out of range",
	0xcc: "the BMC finds a field wrong",
	0xcd: "the BMC does not allow the command here",
	0xcf: "the BMC takes it for a repetition",
	0xd2: "the BMC cannot reach what should do it",
	0xd4: "the privilege is too low, or the command is switched off",
	0xd5: "the state of the machine does not allow it",
	0xd6: "the command is switched off on the BMC",
	0xff: "the BMC does not say why",
}

// ownCodes are those of single commands, as group, command, code.
var ownCodes = map[[3]byte]string{
	{byte(wire.App), cmdActivate, codeActive}:       "somebody else has the BMC's SOL session",
	{byte(wire.App), cmdActivate, codeDisabled}:     "SOL is disabled on the BMC",
	{byte(wire.App), cmdActivate, 0x82}:             "the BMC has no SOL session left",
	{byte(wire.App), cmdActivate, 0x83}:             "the BMC does not encrypt SOL",
	{byte(wire.App), cmdActivate, 0x84}:             "the BMC wants SOL in clear",
	{byte(wire.App), cmdSetPrivilege, 0x80}:         "the user may not have this privilege level",
	{byte(wire.App), cmdSetPrivilege, 0x81}:         "the user or the channel may not have this privilege level",
	{byte(wire.Chassis), cmdSetBoot, 0x80}:          "the BMC does not know this boot option",
	{byte(wire.Chassis), cmdSetBoot, codeSetBooked}: "somebody else is setting boot options",
}

// The codes that are acted on.
const (
	codeActive      = 0x80 // of cmdActivate
	codeInactive    = 0x80 // of cmdDeactivate
	codeDisabled    = 0x81
	codeSetBooked   = 0x81 // of cmdSetBoot
	codeNoPrivilege = 0xd4
)

func (e *codeError) Error() string {
	if text, ok := ownCodes[[3]byte{byte(e.netFn), e.command, e.code}]; ok {
		return text
	}
	if text, ok := commonCodes[e.code]; ok {
		return text
	}
	return fmt.Sprintf("the BMC answers command %02xh with code %02xh", e.command, e.code)
}

// is reports whether this is the code of an App command.
func (e *codeError) is(command, code byte) bool {
	return e.netFn == wire.App && e.command == command && e.code == code
}

// reason sorts the codes.
func (e *codeError) reason() ports.Reason {
	switch {
	case e.is(cmdSetPrivilege, 0x80), e.is(cmdSetPrivilege, 0x81):
		return ports.Authentication
	case e.is(cmdActivate, codeActive), e.is(cmdActivate, 0x82):
		return ports.InUse
	case e.is(cmdActivate, codeDisabled), e.is(cmdActivate, 0x83), e.is(cmdActivate, 0x84):
		return ports.Unsupported
	case e.code == codeNoPrivilege:
		return ports.Denied
	case e.code == 0xc1 || e.code == 0xc2:
		return ports.Unsupported
	}
	return ports.Failed
}

// fix is what to do about it.
func (e *codeError) fix() string {
	switch {
	case e.is(cmdSetPrivilege, 0x80), e.is(cmdSetPrivilege, 0x81):
		return "give the user the privilege: ipmitool channel setaccess 1 ID privilege=3; or ask for less with privilege: user"
	case e.is(cmdActivate, codeDisabled):
		return "enable it: ipmitool sol set enabled true 1"
	case e.is(cmdActivate, 0x84):
		return "allow encryption on the BMC: ipmitool sol set force-encryption true 1"
	case e.is(cmdActivate, codeNoPrivilege):
		return "let the user have SOL: ipmitool sol payload enable 1 ID; or lower what it takes: ipmitool sol set privilege-level operator 1"
	case e.code == codeNoPrivilege:
		return "give the user the privilege on the BMC, and name it in privilege:"
	}
	return ""
}
