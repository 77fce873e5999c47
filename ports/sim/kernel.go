package sim

import (
	"iter"
	"strings"
	"time"
)

// kernelLog is the kernel's log: the time in milliseconds and the text, which
// holds %mac0, %mac1 and %cmdline. A time of . is a moment after the line before.
const kernelLog = `
0 Linux version 6.12.48+deb13-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)
0 Command line: %cmdline
0 BIOS-provided physical RAM map:
0 BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable
0 BIOS-e820: [mem 0x0000000000100000-0x000000006fffffff] usable
0 BIOS-e820: [mem 0x0000000070000000-0x000000007fffffff] reserved
0 BIOS-e820: [mem 0x0000000100000000-0x000000107fffffff] usable
0 NX (Execute Disable) protection: active
0 efi: EFI v2.9 by OpenPlatform
0 SMBIOS 3.5.0 present.
0 DMI: OpenPlatform R1200/R1200-MB, BIOS 2.14 03/11/2025
1 tsc: Detected 2900.000 MHz processor
. Memory: 65703424K/67108352K available (16384K kernel code, 2521K rwdata, 11780K rodata, 4148K init, 5004K bss, 1404928K reserved)
4 ACPI: RSDP 0x000000006FFFE014 000024 (v02 OPENPL)
. ACPI: SPCR: console: uart,io,0x3f8,115200
9 Kernel/User page tables isolation: disabled on command line or not needed
12 rcu: Hierarchical RCU implementation.
14 NR_IRQS: 524544, nr_irqs: 1096, preallocated irqs: 16
21 Console: colour dummy device 80x25
. printk: legacy console [ttyS0] enabled
120 Calibrating delay loop (skipped), value calculated using timer frequency.. 5800.00 BogoMIPS (lpj=11600000)
. pid_max: default: 32768 minimum: 301
. LSM: initializing lsm=lockdown,capability,landlock,yama,apparmor,tomoyo,bpf,ipe,ima,evm
131 Mount-cache hash table entries: 131072 (order: 8, 1048576 bytes, linear)
150 smpboot: CPU0: 16-core server processor (family: 0x6, model: 0x8f, stepping: 0x8)
162 smp: Bringing up secondary CPUs ...
. smpboot: x86: Booting SMP configuration:
. .... node  #0, CPUs:        #1  #2  #3  #4  #5  #6  #7  #8  #9 #10 #11 #12 #13 #14 #15
240 smp: Brought up 1 node, 16 CPUs
. smpboot: Total of 16 processors activated (92800.00 BogoMIPS)
262 devtmpfs: initialized
280 NET: Registered PF_NETLINK/PF_ROUTE protocol family
310 ACPI: bus type PCI registered
345 PCI: Using configuration type 1 for base access
410 ACPI: Interpreter enabled
428 ACPI: PCI Root Bridge [PC00] (domain 0000 [bus 00-14])
460 pci 0000:00:1f.0: [8086:a1ca] type 00 class 0x060100 conventional PCI endpoint
502 SCSI subsystem initialized
515 usbcore: registered new interface driver usbfs
540 clocksource: Switched to clocksource tsc-early
588 TCP: Hash tables configured (established 524288 bind 65536)
640 Unpacking initramfs...
790 Freeing initrd memory: 39216K
838 Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled
. 00:04: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A
. 00:05: ttyS1 at I/O 0x2f8 (irq = 3, base_baud = 115200) is a 16550A
905 rtc_cmos 00:01: registered as rtc0
960 Freeing unused kernel image (initmem) memory: 4148K
. Run /init as init process
1080 nvme nvme0: pci function 0000:01:00.0
. nvme nvme1: pci function 0000:02:00.0
1130 nvme nvme0: 16/0/0 default/read/poll queues
1160  nvme0n1: p1 p2 p3
1171  nvme1n1: p1
1240 igc 0000:03:00.0 eno1: PHC added
. igc 0000:03:00.0: MAC: %mac0
. igc 0000:04:00.0: MAC: %mac1
1302 usb 1-1: new high-speed USB device number 2 using xhci_hcd
1440 usb 1-1: New USB device found, idVendor=1d6b, idProduct=0107, bcdDevice= 1.00
. usb 1-1: Product: Virtual Keyboard and Mouse
1611 device-mapper: ioctl: 4.48.0-ioctl (2023-03-01) initialised: dm-devel@lists.linux.dev
1790 EXT4-fs (nvme0n1p2): mounted filesystem 6f0a4c5e-8f34-4c0e-9b52-1d0c3ae1b7f2 ro with ordered data mode. Quota mode: none.
1990 systemd[1]: systemd 257.8-1~deb13u2 running in system mode (+PAM +AUDIT +SELINUX +APPARMOR +IMA +IPE +SECCOMP)
. systemd[1]: Detected architecture x86-64.
2035 systemd[1]: Hostname set to <%host>.
2320 systemd[1]: Created slice system-getty.slice - Slice /system/getty.
2410 systemd[1]: Listening on systemd-journald.socket - Journal Sockets.
2505 EXT4-fs (nvme0n1p2): re-mounted 6f0a4c5e-8f34-4c0e-9b52-1d0c3ae1b7f2 r/w.
2660 systemd[1]: Started systemd-journald.service - Journal Service.
2890 igc 0000:03:00.0 eno1: NIC Link is Up 2500 Mbps Full Duplex, Flow Control: RX/TX
`

// units is what systemd tells of on its way to the login prompt.
const units = `Mounted boot-efi.mount - /boot/efi.
Finished systemd-tmpfiles-setup.service - Create System Files and Directories.
Reached target local-fs.target - Local File Systems.
Started systemd-timesyncd.service - Network Time Synchronization.
Reached target sysinit.target - System Initialization.
Listening on dbus.socket - D-Bus System Message Bus Socket.
Started cron.service - Regular background program processing daemon.
Started systemd-logind.service - User Login Management.
Finished networking.service - Raise network interfaces.
Reached target network-online.target - Network is Online.
Started ssh.service - OpenBSD Secure Shell server.
Started serial-getty@ttyS0.service - Serial Getty on ttyS0.
Reached target multi-user.target - Multi-User System.
`

// log is the kernel's log with its times, the same at each start of a machine.
func (m *machine) log(what choice) iter.Seq2[time.Duration, string] {
	return func(yield func(time.Duration, string) bool) {
		cmdline := "BOOT_IMAGE=/boot/vmlinuz-" + kernel + " root=/dev/nvme0n1p2 ro"
		if what == recovery {
			cmdline += " single"
		}
		values := strings.NewReplacer("%mac0", m.mac(0), "%mac1", m.mac(1), "%host", m.host, "%cmdline", cmdline+" console=tty0 console=ttyS0,115200n8")
		rng := m.rng()
		var now time.Duration
		for line := range linesOf(kernelLog[1:]) {
			when, text, _ := strings.Cut(line, " ")
			if when == "." {
				now += time.Duration(20+rng.IntN(900)) * time.Microsecond
			} else if ms, err := time.ParseDuration(when + "ms"); err == nil && ms > 0 {
				now = max(now, ms+time.Duration(rng.IntN(3000))*time.Microsecond)
			}
			if !yield(now, values.Replace(text)) {
				return
			}
		}
	}
}

// linesOf is the lines of text without their ends.
func linesOf(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if !yield(strings.TrimSuffix(line, "\n")) {
				return
			}
		}
	}
}
