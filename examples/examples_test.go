// Package examples_test loads every example, as "consoled check" would.
package examples_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"consoled/gateway/config"
)

// TestExamples wants each file to be right and without a doubt, and to hold
// the consoles that its text promises.
func TestExamples(t *testing.T) {
	want := map[string]map[string]string{
		"everything.yaml": {
			"board": "serial usb-FTDI_FT232R_A64NMAJS 115200 8n1",
			"sw1":   "telnet ts1.lab:2001",
			"sw2":   "telnet ts1.lab:2002 rfc2217 9600 flow hardware",
			"sw3":   "telnet [fd00::17]:2003 tls rfc2217",
			"meter": "tcp moxa1.lab:4001",
			"pdu":   "tcp [fd00::18]:4002 tls",
			"node1": "ipmi node1-bmc.lab",
			"node2": "ssh root@node2-bmc.lab:2200",
			"vm1":   "unix /run/vm1/serial.sock",
			"vm2":   "exec virsh",
			"play":  "sim switch",
		},
		"homelab.yaml": {
			"router": "serial usb-FTDI_FT232R_A64NMAJS 115200 8n1",
			"nas":    "serial usb-FTDI_FT232R_A64XYZ01 115200 8n1",
			"vm1":    "unix /run/vm1/serial.sock",
		},
		"ssh.yaml": {
			"node07": "ssh root@node07-bmc.example.org:2200",
			"sw12":   "ssh admin:port12@ts1.example.org",
			"pdu1":   "ssh admin@pdu1.example.org",
			"oslo1":  "ssh oslo1+quiet+noreplay@consoles.oslo.example.org",
		},
		"lab.yaml": {
			"board01": "serial usb-hub-port-01 115200 8n1",
			"board12": "serial usb-hub-port-12 115200 8n1",
			"sw1":     "telnet ts1.lab:2001",
			"sw4":     "telnet ts1.lab:2004",
		},
		"terminal-server.yaml": {
			"node8": "telnet ts1.example.org:7008",
			"pdu1":  "telnet ts2.example.org:23",
			"sw1":   "telnet ts1.example.org:7009",
		},
		"rack.yaml": {
			"node001": "ipmi node001-bmc.example.org",
			"node500": "ipmi node500-bmc.example.org",
		},
	}
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if !slices.Contains(files, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			c, err := config.Load(file)
			if err != nil {
				t.Fatalf("\n%v", err)
			}
			for _, w := range c.Warnings {
				if !strings.Contains(w.Text, "no such file") { // of those that a site makes
					t.Errorf("\n%v", w)
				}
			}
			lines := make(map[string]string)
			for _, x := range c.Consoles {
				lines[x.Subject.Name] = x.Backend.String()
			}
			if len(lines) == 0 {
				t.Error("no console")
			}
			for name, line := range want[file] {
				if lines[name] != line {
					t.Errorf("%s is %q, want %q", name, lines[name], line)
				}
			}
		})
	}
}
