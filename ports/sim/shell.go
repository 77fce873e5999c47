package sim

import (
	"fmt"
	"strings"
	"time"
)

const motd = `
  This is a simulated server; nothing here can be broken.
  help lists the commands. Enter ~B in ssh sends a BREAK: then h is for SysRq's help.

`

// shell reads and runs commands until logout or reboot.
func (m *machine) shell() {
	edit := editor{actor: m.actor, key: m.listen}
	sign := "$"
	if m.user == "root" {
		sign = "#"
	}
	for !m.over() {
		m.sayf("\x1b[01;32m%s@%s\x1b[00m:\x1b[01;34m~\x1b[00m%s ", m.user, m.host, sign)
		line, ok := edit.line()
		if m.over() {
			return
		}
		words := strings.Fields(line)
		if !ok {
			m.say("logout\r\n")
			return
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "exit" || words[0] == "logout" {
			m.say("logout\r\n")
			return
		}
		m.run(words[0], words[1:])
	}
}

// run runs a command.
func (m *machine) run(command string, args []string) {
	arg := strings.Join(args, " ")
	switch command {
	case "help":
		m.lines("cat clear date df dmesg echo exit free help hostname id ls ping reboot uname uptime whoami\n")
	case "uname":
		m.uname(arg)
	case "uptime":
		m.uptime()
	case "dmesg":
		for at, text := range m.log(normal) {
			m.say(stamped(at, text))
		}
	case "ls":
		m.ls(arg)
	case "cat":
		m.cat(args)
	case "whoami":
		m.lines(m.user + "\n")
	case "hostname":
		m.lines(m.host + "\n")
	case "id":
		if m.user == "root" {
			m.lines("uid=0(root) gid=0(root) groups=0(root)\n")
			return
		}
		m.lines(fmt.Sprintf("uid=1000(%[1]s) gid=1000(%[1]s) groups=1000(%[1]s),20(dialout),27(sudo)\n", m.user))
	case "date":
		m.lines(time.Now().Format("Mon Jan _2 15:04:05 MST 2006") + "\n")
	case "echo":
		m.lines(arg + "\n")
	case "clear":
		m.say("\x1b[H\x1b[2J")
	case "free":
		m.lines("               total        used        free      shared  buff/cache   available\n" +
			"Mem:        65703424     1182104    63328468        1876     1192852    64521320\n" +
			"Swap:              0           0           0\n")
	case "df":
		m.lines("Filesystem     1K-blocks     Used Available Use% Mounted on\n" +
			"/dev/nvme0n1p2 921476120 14812492 859781276   2% /\n" +
			"/dev/nvme0n1p1    523248     8924    514324   2% /boot/efi\n")
	case "ping":
		m.ping(args)
	case "reboot":
		m.reboot()
	default:
		m.lines("-bash: " + command + ": command not found\n")
	}
}

func (m *machine) uname(flags string) {
	switch flags {
	case "":
		m.lines("Linux\n")
	case "-r":
		m.lines(kernel + "\n")
	case "-n":
		m.lines(m.host + "\n")
	default:
		m.lines("Linux " + m.host + " " + kernel + " " + built + " x86_64 GNU/Linux\n")
	}
}

func (m *machine) uptime() {
	up := time.Since(m.up)
	minutes := int(up.Minutes())
	long := fmt.Sprintf("%d min", minutes)
	if minutes >= 60 {
		long = fmt.Sprintf("%d:%02d", minutes/60%24, minutes%60)
	}
	if days := minutes / 60 / 24; days > 0 {
		long = fmt.Sprintf("%d days, %s", days, long)
	}
	m.lines(fmt.Sprintf(" %s up %s,  1 user,  load average: 0.08, 0.03, 0.01\n", time.Now().Format(time.TimeOnly), long))
}

func (m *machine) ls(flags string) {
	if !strings.HasPrefix(flags, "-l") {
		m.lines("backup.log  notes.txt  \x1b[01;32mrestore.sh\x1b[0m\n")
		return
	}
	m.lines("total 12\n")
	for _, f := range []struct {
		mode, name string
		size       int
	}{{"-rw-r--r--", "backup.log", 163}, {"-rw-r--r--", "notes.txt", 101}, {"-rwxr-xr-x", "\x1b[01;32mrestore.sh\x1b[0m", 48}} {
		m.lines(fmt.Sprintf("%s 1 %s %s %3d Sep 20 09:14 %s\n", f.mode, m.user, m.user, f.size, f.name))
	}
}

func (m *machine) cat(names []string) {
	for _, name := range names {
		switch name {
		case "/etc/motd":
			m.lines(motd)
		case "/etc/hostname":
			m.lines(m.host + "\n")
		case "/etc/os-release":
			m.lines("PRETTY_NAME=\"" + system + " 13 (trixie)\"\nNAME=\"" + system + "\"\nVERSION_ID=\"13\"\nID=debian\n")
		case "/proc/uptime":
			up := time.Since(m.up).Seconds()
			m.lines(fmt.Sprintf("%.2f %.2f\n", up, up*15.8))
		case "notes.txt":
			m.lines("The BMC is on 10.20.0.17. Disk nvme1 was replaced in March.\nThe serial console is at 115200 8n1.\n")
		case "backup.log":
			m.lines("2025-09-18 02:00 backup of / to vault7: 14.1 GB in 6 min\n2025-09-19 02:00 backup of / to vault7: 14.1 GB in 6 min\n2025-09-20 02:00 backup of / to vault7: 14.1 GB in 7 min\n")
		case "restore.sh":
			m.lines("#!/bin/sh\nexec ssh vault7 restore \"$(hostname)\" /\n")
		default:
			m.lines("cat: " + name + ": No such file or directory\n")
		}
	}
}

// ping sends three, one a second; Control-C ends it.
func (m *machine) ping(args []string) {
	if len(args) == 0 {
		m.lines("ping: usage error: Destination address required\n")
		return
	}
	host := args[len(args)-1]
	m.lines("PING " + host + " (10.20.1.1) 56(84) bytes of data.\n")
	rng := m.rng()
	for seq := 1; seq <= 3; seq++ {
		m.lines(fmt.Sprintf("64 bytes from %s: icmp_seq=%d ttl=64 time=0.%03d ms\n", host, seq, 200+rng.IntN(200)))
		if m.key(time.Second) == 'C'&0x1f {
			m.lines("^C\n")
			return
		}
	}
}

// reboot stops what runs, and the script, which begins again.
func (m *machine) reboot() {
	for _, text := range []string{"Stopping session-1.scope - Session 1 of User " + m.user + "...", "Stopping cron.service - Regular background program processing daemon...", "Stopping ssh.service - OpenBSD Secure Shell server..."} {
		m.lines("         " + text + "\n")
		m.pause(80 * time.Millisecond)
	}
	for _, text := range []string{"Stopped ssh.service - OpenBSD Secure Shell server.", "Reached target umount.target - Unmount All Filesystems.", "Reached target reboot.target - System Reboot."} {
		m.lines("[\x1b[0;32m  OK  \x1b[0m] " + text + "\n")
		m.pause(120 * time.Millisecond)
	}
	m.say(stamped(time.Since(m.up), "reboot: Restarting system"))
	m.pause(time.Second)
	m.stop()
}
