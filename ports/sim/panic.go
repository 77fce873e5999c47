package sim

import "time"

// panicLog is a kernel's last words.
const panicLog = `BUG: kernel NULL pointer dereference, address: 0000000000000048
#PF: supervisor read access in kernel mode
#PF: error_code(0x0000) - not-present page
PGD 0 P4D 0 
Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI
CPU: 11 UID: 0 PID: 8127 Comm: kworker/11:2H Not tainted 6.12.48+deb13-amd64 #1  Debian 6.12.48-1
Hardware name: OpenPlatform R1200/R1200-MB, BIOS 2.14 03/11/2025
Workqueue: kblockd blk_mq_timeout_work
RIP: 0010:nvme_timeout+0x6a/0x3f0 [nvme]
Code: 00 00 48 8b 9f 10 01 00 00 4c 8b a3 78 02 00 00 49 8b 84 24 48 00 00 00 0f b7 40 48 66 85 c0
RSP: 0018:ffffb1c5c8a7fd58 EFLAGS: 00010246
RAX: 0000000000000000 RBX: ffff9a4a04d2c000 RCX: 0000000000000001
RDX: 0000000000000000 RSI: ffff9a4a0b5e4a00 RDI: ffff9a4a0b5e4a00
RBP: ffff9a4a0b5e4a00 R08: 0000000000000000 R09: 0000000000000000
CR2: 0000000000000048 CR3: 0000000118022003 CR4: 0000000000770ef0
Call Trace:
 <TASK>
 blk_mq_check_expired+0x61/0xa0
 bt_iter+0x8a/0xa0
 blk_mq_queue_tag_busy_iter+0x2c9/0x590
 blk_mq_timeout_work+0x159/0x1a0
 process_one_work+0x177/0x330
 worker_thread+0x252/0x390
 kthread+0xcf/0x100
 ret_from_fork+0x31/0x50
 ret_from_fork_asm+0x1a/0x30
 </TASK>
Modules linked in: tcp_diag inet_diag nls_ascii vfat fat igc ipmi_ssif ipmi_si ipmi_devintf ipmi_msghandler ext4 mbcache jbd2 dm_mod nvme nvme_core xhci_pci
---[ end trace 0000000000000000 ]---
RIP: 0010:nvme_timeout+0x6a/0x3f0 [nvme]
Kernel panic - not syncing: Fatal exception
Kernel Offset: 0x2a800000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)
---[ end Kernel panic - not syncing: Fatal exception ]---
`

// playPanic is the end of a boot, a panic, and the end of it all. It reports
// whether it came to that.
func (m *machine) playPanic() bool {
	if !m.next(true, false) {
		return false
	}
	m.kernel(normal)
	m.lines("\n" + system + " 13 " + m.host + " ttyS0\n\n" + m.host + " login: ")
	m.pause(2 * time.Second)
	m.say("\r\n")
	at := 41*24*time.Hour + 7*time.Hour + 12*time.Minute + 893*time.Millisecond
	m.say(stamped(at, "nvme nvme0: I/O tag 213 (50d5) QID 12 timeout, aborting req_op:READ(0) size:131072"))
	m.pause(500 * time.Millisecond)
	m.say(stamped(at+500*time.Millisecond, "nvme nvme0: Abort status: 0x371"))
	m.pause(time.Second)
	at += 1512 * time.Millisecond
	for text := range linesOf(panicLog) {
		at += 7 * time.Microsecond
		m.say(stamped(at, text))
		m.pause(15 * time.Millisecond)
	}
	m.pause(2 * time.Second)
	return !m.over()
}
