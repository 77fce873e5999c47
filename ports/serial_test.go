package ports

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSerialCheck(t *testing.T) {
	for _, test := range []struct {
		serial Serial
		want   string
	}{
		{Serial{Path: "/dev/ttyS0"}, ""},
		{Serial{Path: "/dev/ttyS0", Baud: 31250, Data: 7, Parity: "odd", Stop: "2", DTR: "off", RTS: "on"}, ""},
		{Serial{Path: "/dev/ttyS0", Data: 5, Stop: "1.5"}, ""},
		{Serial{}, "serial: no device"},
		{Serial{Path: ".."}, `serial: ".." is no path of a device`},
		{Serial{Path: "/dev/\x1b"}, `serial: "/dev/\x1b" is no path of a device`},
		{Serial{Path: "a", Baud: 49}, `serial "a": speed 49 is not from 50 to 20000000`},
		{Serial{Path: "a", Baud: -1}, `serial "a": speed -1 is not from 50 to 20000000`},
		{Serial{Path: "a", Data: 9}, `serial "a": 9 data bits are not from 5 to 8`},
		{Serial{Path: "a", Parity: "n"}, `serial "a": parity "n" is not none, odd, even, mark or space`},
		{Serial{Path: "a", Stop: "3"}, `serial "a": "3" stop bits are not 1, 1.5 or 2`},
		{Serial{Path: "a", Stop: "1.5"}, `serial "a": 1.5 stop bits go with 5 data bits only`},
		{Serial{Path: "a", Flow: "xon"}, `serial "a": flow control "xon" is not none, software or hardware`},
		{Serial{Path: "a", DTR: "true"}, `serial "a": dtr "true" is not on or off`},
		{Serial{Path: "a", RTS: "on", Flow: "hardware"}, `serial "a": hardware flow control moves rts itself; leave it out`},
	} {
		got := ""
		if err := test.serial.Check(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %s", test.serial, got)
		}
	}
}

func TestSerialString(t *testing.T) {
	for want, serial := range map[string]Serial{
		"serial /dev/ttyUSB0 115200 8n1":        {Path: "/dev/ttyUSB0"},
		"serial usb-A 9600 7e2 software":        {Path: "usb-A", Baud: 9600, Data: 7, Parity: "even", Stop: "2", Flow: "software"},
		"serial /dev/ttyS1 50 5m1.5 hardware":   {Path: "/dev/ttyS1", Baud: 50, Data: 5, Parity: "mark", Stop: "1.5", Flow: "hardware"},
		"serial /dev/ttyS1 3000000 8s1":         {Path: "/dev/ttyS1", Baud: 3000000, Parity: "space", Stop: "1"},
		"serial /dev/ttyS1 115200 8o1 software": {Path: "/dev/ttyS1", Parity: "odd", Flow: "software"},
	} {
		if got := serial.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestSerialCharacter(t *testing.T) {
	for _, test := range []struct {
		serial Serial
		want   time.Duration
	}{
		{Serial{Baud: 1000}, 10 * time.Millisecond},
		{Serial{Baud: 1000, Parity: "even", Stop: "2"}, 12 * time.Millisecond},
		{Serial{Baud: 1000, Data: 5}, 7 * time.Millisecond},
	} {
		if got := test.serial.character(); got != test.want {
			t.Errorf("%v: %v, not %v", test.serial, got, test.want)
		}
	}
}

func TestFindByID(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"usb-hub-port-1-if00", "usb-hub-port-10-if00", "usb-hub-port-11-if00",
		"usb-FTDI_FT232R_USB_UART_A64NMAJS-if00-port0", "usb-FTDI_FT232R_USB_UART_A64XYZ01-if00-port0",
		"exact", "exact-1", "twin-if00", "twin-if01",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		want, found string
		reason      Reason
	}{
		{"exact", "exact", ""},
		{"usb-hub-port-1", "usb-hub-port-1-if00", ""},
		{"usb-hub-port-11", "usb-hub-port-11-if00", ""},
		{"A64NMAJS", "usb-FTDI_FT232R_USB_UART_A64NMAJS-if00-port0", ""},
		{"usb-FTDI_FT232R_USB_UART_A64X", "usb-FTDI_FT232R_USB_UART_A64XYZ01-if00-port0", ""},
		{"usb-FTDI", "", Failed},
		{"twin", "", Failed},
		{"none", "", Gone},
	} {
		found, err := findByID(dir, test.want)
		if found != test.found || ReasonOf(err) != test.reason {
			t.Errorf("%s: %q, %v", test.want, found, err)
		}
		var e *Error
		if test.reason == Failed && (!errors.As(err, &e) || e.Fix == "") {
			t.Errorf("%s: no fix in %#v", test.want, err)
		}
	}
	if _, err := findByID(filepath.Join(dir, "nowhere"), "exact"); ReasonOf(err) != Gone {
		t.Error(err)
	}
	if _, err := findByID(filepath.Join(dir, "nowhere"), "null"); err.(*Error).Fix != "write /dev/null to mean that device" {
		t.Error(err)
	}
}
