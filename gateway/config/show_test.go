package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"consoled/ports/sim"
)

func TestChanged(t *testing.T) {
	const before = `consoles: { a: { serial: usb-1, tags: [x] } }`
	tests := []struct {
		name, after string
		keys        []string
		reopen      bool
	}{
		{"nothing", `consoles: { a: { serial: usb-1, tags: [x] } }`, nil, false},
		{"another way to write it", `defaults: { baud: 115200, grace: 30000ms, tags: x }
consoles: { a: { serial: { path: usb-1 }, escape: "^Ec" } }`, nil, false},
		{"speed", `consoles: { a: { serial: usb-1, tags: [x], baud: 9600 } }`, []string{"baud"}, true},
		{"kind", `consoles: { a: { unix: /run/a, tags: [x] } }`, []string{"serial", "baud", "data", "parity", "stop", "flow", "unix"}, true},
		{"description", `consoles: { a: { serial: usb-1, tags: [x], description: d } }`, []string{"description"}, false},
		{"access", `consoles: { a: { serial: usb-1, tags: [y], write: explicit } }
groups: { g: a }`, []string{"tags", "write", "groups"}, false},
		{"retry", `consoles: { a: { serial: usb-1, tags: [x], reconnect: { max: 1m } } }`, []string{"reconnect"}, false},
	}
	old := named(t, load(t, before), "a")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			keys, reopen := Changed(old, named(t, load(t, test.after), "a"))
			if diff := cmp.Diff(test.keys, keys); diff != "" || reopen != test.reopen {
				t.Errorf("reopen %v %s", reopen, diff)
			}
		})
	}
}

const everything = `
consoles:
  007: { serial: "usb ${name}", baud: 9600, lines: { dtr: off, hupcl: on } }
  a: { exec: [sh, -c, "echo $${HOME}; x: y # z", "", "null", "[1]"], env: { A: "", B: "null", C: "$$${" }, dir: /, user: me, size: 10x20, motd: "a\n\"b\"\t$${" }
  yes: { unix: "@x", aliases: [no, n1], tags: [b, a], description: " %@` + "`" + ` é ", reconnect: { first: 1s, max: 90s } }
  b: { tcp: "[::1]:23", write: explicit, idle_release: 0, grace: 0, force_reason: optional, force_cooldown: 1h }
  c: { telnet: "ts1:23", log: none, title: false, escape: none }
  f: { telnet: { address: "[fe80::1%eth0]:23", tls: true, source: "::1", keepalive: 0 } }
  g: { telnet: "ts1:24", rfc2217: true, baud: 9600, flow: hardware, lines: { dtr: off } }
  h: { tcp: "ts1:25", tls: { name: ts1.example.org }, keepalive: 90s }
  d: { sim: noise }
  i: { ssh: { to: "a@b@[::1]:2200", jump: [c, d@e], key: /k, agent: true, known_hosts: /h, command: "x: y # ${name}", pty: false, size: 10x20, keepalive: 0, legacy: true } }
  j: { ssh: { to: a, agent: /s, known_hosts: /h, jump: c } }
  e: { sim: { kind: noise, rate: 64KiB, name: "x${name}", seed: 7, speed: 2.5 } }
`

// TestYAML reads what --expand prints, and it must be the same console.
func TestYAML(t *testing.T) {
	first := load(t, everything)
	var b strings.Builder
	b.WriteString("consoles:\n")
	for _, c := range first.Consoles {
		for line := range strings.Lines(c.YAML()) {
			b.WriteString("  " + line)
		}
	}
	second := load(t, b.String())
	for i := range second.Consoles {
		second.Consoles[i].Place = first.Consoles[i].Place
	}
	if diff := cmp.Diff(first.Consoles, second.Consoles, cmpopts.IgnoreUnexported(sim.Sim{})); diff != "" {
		t.Errorf("%s\n%s", diff, b.String())
	}
}

func TestExpandForm(t *testing.T) {
	c := load(t, `
consoles:
  board[01-02]: { serial: "usb-hub-port-${n}", tags: [boards], description: "i.MX8 board ${n}" }
groups: { rack1: "@boards" }
`)
	want := `# consoled.yaml:3:3; in the groups rack1
board02:
  serial: usb-hub-port-02
  baud: 115200
  data: 8
  parity: none
  stop: 1
  flow: none
  tags: [boards]
  description: "i.MX8 board 02"
  write: on-key
  idle_release: 30m
  grace: 30s
  force_reason: required
  force_cooldown: 10s
  log: full
  title: true
  escape: ^Ec
`
	if diff := cmp.Diff(want, named(t, c, "board02").YAML()); diff != "" {
		t.Error(diff)
	}
}
