package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (n *networkSwitch) clock([]string) {
	n.lines(time.Now().UTC().Format("*15:04:05.000 UTC Mon Jan 2 2006") + "\n")
}

func (n *networkSwitch) version([]string) {
	up := time.Since(n.up)
	n.page(fmt.Sprintf(`SW-OS Software, SW2400 Software (SW2400-K9), Version 15.2(7), release software
Compiled Mon 12-Feb-24 14:02

ROM: Boot loader (SW2400-BOOT) version 4.1(2)

%s uptime is %d hours, %d minutes
System returned to ROM by power-on
System image file is "flash:/sw2400-k9.15.2.bin"

SW-2424G (PowerPC405) processor (revision C0) with 524288K bytes of memory.
Processor board ID SIM%08X
%sBase ethernet MAC Address : %s

Switch Ports Model        SW Version   SW Image
------ ----- -----        ----------   --------
*    1 26    SW-2424G     15.2(7)      SW2400-K9

`, n.running.host, int(up.Hours()), int(up.Minutes())%60, uint32(n.seed), copper24, n.mac(0)))
}

// interfaces is long: it is what paging is tried with.
func (n *networkSwitch) interfaces([]string) {
	var b strings.Builder
	for i, p := range n.running.ports {
		state, line, speed := "up", "up (connected)", "1000Mb/s"
		switch {
		case p.shutdown:
			state, line = "administratively down", "down (disabled)"
		case !n.link(i):
			state, line = "down", "down (notconnect)"
		}
		if i >= copper {
			speed = "10Gb/s"
		}
		fmt.Fprintf(&b, "%s is %s, line protocol is %s\n", portName(i), state, line)
		fmt.Fprintf(&b, "  Hardware is Ethernet, address is %s\n", n.mac(i+1))
		if p.description != "" {
			fmt.Fprintf(&b, "  Description: %s\n", p.description)
		}
		var in, out uint64
		if n.link(i) {
			rng := n.rng(i + 1000)
			in, out = rng.Uint64N(90_000_000), rng.Uint64N(90_000_000)
		}
		fmt.Fprintf(&b, "  MTU 1500 bytes, Full-duplex, %s\n", speed)
		fmt.Fprintf(&b, "  5 minute input rate %d bits/sec, output rate %d bits/sec\n", in/1000*8, out/1000*8)
		fmt.Fprintf(&b, "     %d packets input, %d bytes, 0 runts, 0 giants, 0 CRC\n", in, in*612)
		fmt.Fprintf(&b, "     %d packets output, %d bytes, 0 collisions\n", out, out*588)
	}
	n.page(b.String())
}

func (n *networkSwitch) status([]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-9s %-18s %-12s %-6s %-8s %s\n", "Port", "Name", "Status", "Vlan", "Duplex", "Speed")
	for i, p := range n.running.ports {
		name, status, duplex, speed := "Gi1/0/"+strconv.Itoa(i+1), "notconnect", "auto", "auto"
		if i >= copper {
			name = "Te1/0/" + strconv.Itoa(i-copper+1)
		}
		switch {
		case p.shutdown:
			status = "disabled"
		case n.link(i):
			status, duplex, speed = "connected", "a-full", "a-1000"
			if i >= copper {
				speed = "10G"
			}
		}
		fmt.Fprintf(&b, "%-9s %-18.18s %-12s %-6d %-8s %s\n", name, p.description, status, 10, duplex, speed)
	}
	n.page(b.String())
}

func (n *networkSwitch) config([]string) {
	var b strings.Builder
	b.WriteString("Building configuration...\n\n!\nversion 15.2\nservice timestamps log uptime\n!\n")
	fmt.Fprintf(&b, "hostname %s\n!\nspanning-tree mode rapid-pvst\n!\nvlan 10\n name servers\n!\n", n.running.host)
	for i, p := range n.running.ports {
		fmt.Fprintf(&b, "interface %s\n", portName(i))
		if p.description != "" {
			fmt.Fprintf(&b, " description %s\n", p.description)
		}
		if i < copper {
			b.WriteString(" switchport access vlan 10\n switchport mode access\n")
		} else {
			b.WriteString(" switchport mode trunk\n")
		}
		if p.shutdown {
			b.WriteString(" shutdown\n")
		}
		b.WriteString("!\n")
	}
	b.WriteString("line con 0\n speed 9600\n!\nend\n\n")
	n.page(b.String())
}

func (n *networkSwitch) save([]string) {
	n.lines("Building configuration...\n")
	n.pause(600 * time.Millisecond)
	n.startup = n.running.clone()
	n.lines("[OK]\n")
}

// enter begins the configuration of an interface: gi1/0/3, te1/0/1 or in full.
func (n *networkSwitch) enter(args []string) {
	letters := strings.TrimRight(args[0], "0123456789/")
	number, err := strconv.Atoi(strings.TrimPrefix(args[0][len(letters):], "1/0/"))
	letters = strings.ToLower(letters)
	first, last := 0, copper
	switch {
	case letters != "" && strings.HasPrefix("gigabitethernet", letters):
	case letters != "" && strings.HasPrefix("tengigabitethernet", letters):
		first, last = copper, allPorts
	default:
		last = 0
	}
	if err != nil || number < 1 || first+number > last {
		n.lines("% No such interface: " + args[0] + "\n\n")
		return
	}
	n.mode, n.port = configurePort, first+number-1
}

func (n *networkSwitch) describe(args []string) {
	if n.mode == configurePort {
		n.running.ports[n.port].description = strings.Join(args, " ")
	}
}

// shut switches the interface off or on, and tells what that does to the link.
func (n *networkSwitch) shut(off bool) {
	p := &n.running.ports[n.port]
	if p.shutdown == off {
		return
	}
	p.shutdown = off
	switch {
	case off:
		n.pause(300 * time.Millisecond)
		n.event("%LINK-5-CHANGED: Interface " + portName(n.port) + ", changed state to administratively down")
	case n.link(n.port):
		n.pause(900 * time.Millisecond)
		n.event("%LINK-3-UPDOWN: Interface " + portName(n.port) + ", changed state to up")
	}
}
