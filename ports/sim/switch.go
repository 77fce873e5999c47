package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A networkSwitch is a simulated network switch. BREAK stops what it does and
// leads to its boot loader.
type networkSwitch struct {
	*actor
	seed    uint64
	running settings
	startup settings
	mode    mode
	port    int // being configured
	up      time.Time
	edit    editor
}

// settings are what configuration changes; copies share nothing that is written.
type settings struct {
	host  string
	ports []portSettings
}

type portSettings struct {
	description string
	shutdown    bool
}

// Where in its command line a switch is.
type mode uint8

const (
	user mode = 1 << iota
	enabled
	configure
	configurePort
)

// The interfaces: 24 copper ports and 2 uplinks.
const (
	copper    = 24
	allPorts  = copper + 2
	pageLines = 23
)

func newNetworkSwitch(a *actor, host string, seed uint64) *networkSwitch {
	n := &networkSwitch{actor: a, seed: seed}
	n.startup = settings{host: host, ports: make([]portSettings, allPorts)}
	n.startup.ports[0].description = "uplink of node1"
	n.startup.ports[6].shutdown = true
	n.startup.ports[copper].description = "to core1"
	n.edit = editor{actor: a, key: func() int { return a.key(0) }, help: n.help, prompt: n.prompt}
	return n
}

func (s settings) clone() settings {
	s.ports = slices.Clone(s.ports)
	return s
}

// play boots the switch and runs it, and its boot loader after each break.
func (n *networkSwitch) play() {
	loader := false
	for n.next(!loader, true) {
		switch {
		case loader:
			n.loader()
		default:
			n.boot()
			// What was typed during the boot is lost; a break is not.
			if !n.over() {
				n.next(false, true)
				n.commands()
			}
		}
		loader = n.over()
	}
}

// boot is what the console shows from power on to the command line.
func (n *networkSwitch) boot() {
	n.running, n.mode = n.startup.clone(), user
	n.lines("\nBoot loader (SW2400-BOOT) version 4.1(2), built 12-Feb-24 14:02\nSW-2424G with 524288K bytes of memory\n\n")
	n.pause(400 * time.Millisecond)
	n.lines("Press BREAK to stop here.\n")
	n.pause(800 * time.Millisecond)
	n.say("Loading \"flash:/sw2400-k9.15.2.bin\"...")
	for range 48 {
		n.say("@")
		n.pause(30 * time.Millisecond)
	}
	n.lines("\nVerifying signature... ok\n")
	n.pause(300 * time.Millisecond)
	n.say("Uncompressing ")
	for range 32 {
		n.say("#")
		n.pause(25 * time.Millisecond)
	}
	n.lines(" [OK]\n\n")
	n.pause(300 * time.Millisecond)
	n.lines("SW-OS Software, SW2400 Software, Version 15.2(7), release software\n\n")
	for _, test := range []string{"Power-on self-test: CPU", "Power-on self-test: memory", "Power-on self-test: switching ASIC", "Power-on self-test: ports 1-26"} {
		n.sayf("%-40s", test)
		n.pause(200 * time.Millisecond)
		n.lines("passed\n")
	}
	n.lines("\n" + copper24 + "\n")
	n.pause(500 * time.Millisecond)
	n.up = time.Now()
	n.lines("Press RETURN to get started!\n\n")
	for i := range allPorts {
		if n.link(i) {
			n.pause(60 * time.Millisecond)
			n.event(fmt.Sprintf("%%LINK-3-UPDOWN: Interface %s, changed state to up", portName(i)))
		}
	}
}

const copper24 = "24 Gigabit Ethernet interfaces\n2 Ten Gigabit Ethernet interfaces\n"

// event is a line of the switch's own log, with the time since it started.
func (n *networkSwitch) event(text string) {
	since := time.Since(n.up).Round(time.Second)
	n.lines(fmt.Sprintf("*%02d:%02d:%02d: %s\n", int(since.Hours()), int(since.Minutes())%60, int(since.Seconds())%60, text))
}

func portName(i int) string {
	if i < copper {
		return fmt.Sprintf("GigabitEthernet1/0/%d", i+1)
	}
	return fmt.Sprintf("TenGigabitEthernet1/0/%d", i-copper+1)
}

func (n *networkSwitch) rng(i int) *rand.Rand { return rand.New(rand.NewPCG(n.seed, uint64(i))) }

// link reports whether something is plugged into a port that is on.
func (n *networkSwitch) link(i int) bool {
	return !n.running.ports[i].shutdown && (i == 0 || i == copper || n.rng(i).IntN(3) == 0)
}

func (n *networkSwitch) mac(i int) string {
	v := n.rng(-1).Uint32()
	return fmt.Sprintf("5254.00%02x.%04x", byte(v>>16), uint16(v)+uint16(i))
}

// promptText says where one is.
func (n *networkSwitch) promptText() string {
	switch n.mode {
	case enabled:
		return n.running.host + "#"
	case configure:
		return n.running.host + "(config)#"
	case configurePort:
		return n.running.host + "(config-if)#"
	default:
		return n.running.host + ">"
	}
}

func (n *networkSwitch) prompt() { n.say(n.promptText()) }

// commands is the command line, until a break or a reload.
func (n *networkSwitch) commands() {
	for k := n.key(0); k != '\r' && k != '\n' && k != none; {
		k = n.key(0)
	}
	n.say("\r\n")
	for !n.over() {
		n.prompt()
		line, ok := n.edit.line()
		if n.over() {
			return
		}
		if !ok {
			n.say("\r\n")
			continue
		}
		if n.run(line) {
			return
		}
	}
}

// page says text a screen at a time.
func (n *networkSwitch) page(text string) {
	const more = " --More-- "
	left := pageLines
	for line := range linesOf(text) {
		if left == 0 {
			n.say(more)
			key := n.key(0)
			n.say(strings.Repeat("\b", len(more)) + strings.Repeat(" ", len(more)) + strings.Repeat("\b", len(more)))
			switch key {
			case ' ':
				left = pageLines
			case '\r', '\n':
				left = 1
			default:
				return
			}
		}
		n.say(line + "\r\n")
		left--
	}
}

// loader is the boot loader's prompt, which a break leads to.
func (n *networkSwitch) loader() {
	n.lines("\n\nThe system has been interrupted from the console.\nType boot to load the operating system, help for the list of commands.\n\n")
	edit := editor{actor: n.actor, key: n.edit.key}
	for !n.over() {
		n.say("switch: ")
		line, ok := edit.line()
		if n.over() {
			return
		}
		words := strings.Fields(line)
		switch {
		case !ok:
			n.say("\r\n")
		case len(words) == 0:
		case words[0] == "boot":
			return
		case words[0] == "reset":
			n.say("Are you sure you want to reset the system (y/n)? ")
			if answer, _ := edit.line(); strings.HasPrefix(strings.ToLower(answer), "y") {
				n.lines("System resetting...\n")
				n.pause(time.Second)
				return
			}
		case words[0] == "dir":
			n.lines("Directory of flash:/\n\n" +
				"    2  -rwx   24812544  sw2400-k9.15.2.bin\n" +
				"    3  -rwx       1904  config.text\n" +
				"    4  -rwx       3096  multiple-fs\n\n" +
				"93218816 bytes available (24817544 bytes used)\n")
		case words[0] == "help" || words[0] == "?":
			n.lines("  boot   load the operating system\n  dir    list the files in flash:\n  help   this list\n  reset  start the system again\n")
		default:
			n.lines(fmt.Sprintf("unknown command %q; help lists them\n", words[0]))
		}
	}
}
