package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A machine is a simulated server: firmware, boot menu, kernel, login, shell.
type machine struct {
	*actor
	host string
	seed uint64
	user string
	up   time.Time // when the kernel started
	last time.Time // of the login before
}

const (
	system = "Debian GNU/Linux"
	kernel = "6.12.48+deb13-amd64"
	built  = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)"
)

// What a boot menu's entry starts.
type choice int

const (
	normal choice = iota
	recovery
	memtest
	firmware
)

// play boots again and again; only Close ends it.
func (m *machine) play() {
	for m.next(true, false) {
		m.firmware()
		m.next(false, false)
		what := m.menu()
		if what == firmware || m.over() {
			continue
		}
		if what == memtest {
			m.memtest()
			continue
		}
		m.next(true, false)
		m.kernel(what)
		m.next(false, false)
		if what == recovery {
			m.rescue()
		}
		for !m.over() {
			m.login()
		}
	}
}

// rng is what varies one machine from the other, the same at each start.
func (m *machine) rng() *rand.Rand { return rand.New(rand.NewPCG(m.seed, 1)) }

// firmware is what comes before the boot menu, in line flow.
func (m *machine) firmware() {
	m.say("\x1b[0m\r\n")
	m.lines("OpenPlatform UEFI firmware 2.14, built 2025-03-11\n")
	m.lines("Copyright (C) 2019-2025 The OpenPlatform authors\n\n")
	m.pause(400 * time.Millisecond)
	m.lines("CPU     16 cores at 2.90 GHz, microcode 0x2b000639\n")
	m.pause(200 * time.Millisecond)
	for gib := 8; gib <= 64; gib += 8 {
		m.sayf("\rMemory  %d GiB ", gib)
		m.pause(80 * time.Millisecond)
	}
	m.lines("OK, ECC on\n")
	m.lines("BMC     10.20.0.17, firmware 1.74\n")
	m.pause(200 * time.Millisecond)
	m.lines("Disks   nvme0n1 960 GB, nvme1n1 960 GB\n")
	m.lines("Network " + m.mac(0) + " 25 Gb/s, link up\n\n")
	m.pause(300 * time.Millisecond)
	m.lines("Boot0001* debian   NVMe0 EFI/debian/shimx64.efi\n")
	m.pause(500 * time.Millisecond)
}

// mac is the hardware address of an interface.
func (m *machine) mac(n int) string {
	v := m.rng().Uint32()
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", byte(v>>16), byte(v>>8), byte(v)+byte(n))
}

// kernel is the boot loader's last words, the kernel's log as it happens, and
// the services.
func (m *machine) kernel(what choice) {
	m.lines("Loading Linux " + kernel + " ...\n")
	m.pause(300 * time.Millisecond)
	m.lines("Loading initial ramdisk ...\n")
	m.pause(500 * time.Millisecond)
	m.up = time.Now()
	var passed time.Duration
	for at, text := range m.log(what) {
		m.pause(at - passed)
		passed = at
		m.say(stamped(at, text))
		if m.over() {
			return
		}
	}
	if what == recovery {
		return
	}
	m.lines("\nWelcome to \x1b[1m" + system + " 13 (trixie)\x1b[0m!\n\n")
	rng := m.rng()
	for unit := range linesOf(units) {
		m.pause(time.Duration(20+rng.IntN(140)) * time.Millisecond)
		m.say("[\x1b[0;32m  OK  \x1b[0m] " + unit + "\r\n")
	}
	m.pause(600 * time.Millisecond)
	m.say("\r\n")
}

// stamped is a line of the kernel's log.
func stamped(at time.Duration, text string) string {
	return fmt.Sprintf("[%12.6f] %s\r\n", at.Seconds(), text)
}

// sysrq is what a BREAK and a key do to a Linux kernel.
func (m *machine) sysrq(key int) {
	at := time.Since(m.up)
	switch key {
	case 'b':
		m.say(stamped(at, "sysrq: Resetting"))
		m.pause(500 * time.Millisecond)
		m.stop()
	case 's':
		m.say(stamped(at, "sysrq: Emergency Sync"))
		m.say(stamped(at+3*time.Millisecond, "Emergency Sync complete"))
	case 'm':
		m.say(stamped(at, "sysrq: Show Memory"))
		m.say(stamped(at, "Mem-Info:"))
		m.say(stamped(at, "active_anon:212 inactive_anon:48391 isolated_anon:0"))
		m.say(stamped(at, " free:15832117 free_pcp:14820 free_cma:0"))
	case 'w':
		m.say(stamped(at, "sysrq: Show Blocked State"))
	case none:
	default:
		m.say(stamped(at, "sysrq: HELP : reboot(b) sync(s) show-memory-usage(m) show-blocked-tasks(w)"))
	}
}

// listen takes a key at the console of a running kernel, which acts on SysRq.
func (m *machine) listen() int {
	for {
		k := m.key(0)
		if k != keyBreak {
			return k
		}
		m.sysrq(m.raw(5 * time.Second))
	}
}

// login is a session from the prompt to the logout.
func (m *machine) login() {
	m.lines("\n" + system + " 13 " + m.host + " ttyS0\n\n")
	m.lines("A simulated machine: any name and password log in; reboot shows the boot again.\n\n")
	edit := editor{actor: m.actor, key: m.listen}
	for {
		m.say(m.host + " login: ")
		name, ok := edit.line()
		if m.over() {
			return
		}
		name = strings.TrimSpace(name)
		if ok && name != "" {
			m.user = name
			break
		}
		if !ok {
			m.say("\r\n")
		}
	}
	edit.secret = true
	m.say("Password: ")
	edit.line()
	m.pause(300 * time.Millisecond)
	now := time.Now()
	m.lines("Linux " + m.host + " " + kernel + " " + built + " x86_64\n\n")
	m.lines(motd)
	if !m.last.IsZero() {
		m.lines("Last login: " + m.last.Format("Mon Jan _2 15:04:05 MST 2006") + " on ttyS0\n")
	}
	m.last = now
	m.shell()
}

// rescue is the recovery mode's shell, without login.
func (m *machine) rescue() {
	m.lines("\nYou are in rescue mode. Press Control-D or type exit to continue to the\nlogin prompt, or reboot.\n")
	m.user = "root"
	m.shell()
}
