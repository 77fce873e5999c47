package ipmi_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"consoled/ports"
	"consoled/ports/ipmi"
	"consoled/ports/ipmi/bmctest"
	"consoled/ports/ipmi/wire"
)

// TestChassis is what each command sends, in bytes of the specification, and
// that its session is closed.
func TestChassis(t *testing.T) {
	for command, want := range map[ipmi.Command]string{
		ipmi.PowerStatus: "",
		ipmi.PowerOff:    "02 00",
		ipmi.PowerOn:     "02 01",
		ipmi.PowerCycle:  "02 02",
		ipmi.PowerReset:  "02 03",
		ipmi.PowerDiag:   "02 04",
		ipmi.PowerSoft:   "02 05",
		ipmi.BootPXE:     "08 0001, 08 040101, 08 058004000000, 08 0000",
		ipmi.BootDisk:    "08 0001, 08 040101, 08 058008000000, 08 0000",
		ipmi.BootBIOS:    "08 0001, 08 040101, 08 058018000000, 08 0000",
		ipmi.BootNone:    "08 0001, 08 040101, 08 050000000000, 08 0000",
		ipmi.IdentifyOn:  "04 0001",
		ipmi.IdentifyOff: "04 00",
	} {
		var sent []string
		bmc := &bmctest.BMC{Reply: func(q wire.Request) (wire.Reply, bool) {
			if q.NetFn == wire.Chassis && q.Command != 0x01 {
				sent = append(sent, fmt.Sprintf("%02x %s", q.Command, hex.EncodeToString(q.Data)))
			}
			return wire.Reply{}, false
		}}
		status, err := serve(t, bmc).Chassis(t.Context(), command)
		if err != nil || !status.On || !status.CanTell || status.Fault {
			t.Errorf("%s: %+v, %v", command, status, err)
		}
		if l := bmc.Log(); l.Closed != 1 || strings.Join(sent, ", ") != want {
			t.Errorf("%s sends %q, not %q; %d sessions closed", command, sent, want, l.Closed)
		}
	}
}

func TestChassisRefused(t *testing.T) {
	for _, test := range []struct {
		command ipmi.Command
		code    byte
		reason  ports.Reason
		says    string
	}{
		{ipmi.PowerOff, 0xd4, ports.Denied, "power off ipmi "},
		{ipmi.PowerSoft, 0xc1, ports.Unsupported, "does not know the command"},
		{ipmi.PowerReset, 0xd5, ports.Failed, "the state of the machine does not allow it"},
		{ipmi.PowerDiag, 0x99, ports.Failed, "code 99h"},
		{"explode", 0, ports.Unsupported, `"explode" is no command`},
	} {
		s := serve(t, &bmctest.BMC{Reply: code(0x02, test.code)})
		_, err := s.Chassis(t.Context(), test.command)
		if e := failure(t, err); e.Reason != test.reason || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v (%s)", test.command, err, e.Reason)
		}
	}
}

// TestIdentifyOld: a BMC that cannot leave the light on has it on for as long as it can.
func TestIdentifyOld(t *testing.T) {
	var sent [][]byte
	bmc := &bmctest.BMC{Reply: func(q wire.Request) (wire.Reply, bool) {
		if q.Command != 0x04 || q.NetFn != wire.Chassis {
			return wire.Reply{}, false
		}
		sent = append(sent, slices.Clone(q.Data))
		return wire.Reply{Code: byte(len(q.Data)-1) * 0xc7}, true
	}}
	_, err := serve(t, bmc).Chassis(t.Context(), ipmi.IdentifyOn)
	bmc.Log() // what the BMC did is seen from here
	if err != nil || len(sent) != 2 || sent[1][0] != 255 {
		t.Errorf("% x, %v", sent, err)
	}
}

func TestCheck(t *testing.T) {
	right := settings("bmc1")
	for host, text := range map[string]string{"bmc1": "ipmi bmc1", "bmc1:6230": "ipmi bmc1:6230", "fd00::5": "ipmi fd00::5", "[fd00::5]:623": "ipmi [fd00::5]:623", "[fd00::5]": "ipmi [fd00::5]"} {
		s := right
		s.Address = host
		if err := s.Check(); err != nil || s.String() != text {
			t.Errorf("%s: %v, %s", host, err, s)
		}
	}
	for name, change := range map[string]func(*ipmi.IPMI){
		"no host":         func(s *ipmi.IPMI) { s.Address = "" },
		"host":            func(s *ipmi.IPMI) { s.Address = "a b" },
		"port":            func(s *ipmi.IPMI) { s.Address = "bmc1:0" },
		"no user":         func(s *ipmi.IPMI) { s.User = "" },
		"a long user":     func(s *ipmi.IPMI) { s.User = strings.Repeat("u", 17) },
		"no password":     func(s *ipmi.IPMI) { s.Password = nil },
		"suite 0":         func(s *ipmi.IPMI) { s.Cipher = 1 },
		"privilege":       func(s *ipmi.IPMI) { s.Privilege = "callback" },
		"take_over":       func(s *ipmi.IPMI) { s.TakeOver = "yes" },
		"short keepalive": func(s *ipmi.IPMI) { s.Keepalive = 1 },
		"long keepalive":  func(s *ipmi.IPMI) { s.Keepalive = 1 << 40 },
	} {
		s := right
		change(&s)
		if s.Check() == nil {
			t.Errorf("%s passes", name)
		}
		if _, err := s.Open(t.Context()); ports.ReasonOf(err) != ports.Failed {
			t.Errorf("%s is tried: %v", name, err)
		}
	}
}
