//go:build e2e && linux

package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The guest is a machine that QEMU emulates: Debian's kernel, which .ci/install
// fetched, and busybox, on a q35 board (its reference timers make the boot
// certain; microvm has none and now and then stands still calibrating). It is at
// its login prompt after two to three seconds without any help from the hardware.
// It does without the time stamp counter, whose speed the kernel finds out and
// tells a second later, in the middle of what people type.
const guestInit = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
echo 1 >/proc/sys/kernel/sysrq
hostname guest
echo "guest: init runs"
exec init
`

// busybox's login asks for the password first and switches the echo off then,
// so that a password typed at once may show. Here it is off before.
const quietLogin = `#!/bin/sh
stty -echo
exec login "$@"
`

// A guestFile goes into a guest's initramfs.
type guestFile struct {
	name string
	mode uint32
	text string
}

// root's password is "consoled".
var guestFiles = []guestFile{
	{"init", 0o100755, guestInit},
	{"bin/quiet-login", 0o100755, quietLogin},
	{"etc/inittab", 0o100644, "ttyS0::respawn:/bin/getty -L -l /bin/quiet-login 115200 ttyS0 vt100\n::ctrlaltdel:/bin/reboot\n"},
	{"etc/passwd", 0o100644, "root:$1$lbwzgld1$RcswJzMmEAbc.eHOS5KrZ/:0:0:root:/root:/bin/sh\n"},
	{"etc/group", 0o100644, "root:x:0:\n"},
	{"etc/issue", 0o100644, "consoled test guest \\l\n"},
	{"etc/profile", 0o100644, "stty echo\nPS1='guest# '\n"},
	{"etc/shells", 0o100644, "/bin/sh\n"},
}

// kernel is where .ci/install puts it.
func kernel() string { return filepath.Join("..", "..", ".cache", "kernel", "vmlinuz") }

// guestParts says what a guest lacks to run.
func guestParts() error {
	_, qemu := program("qemu-system-x86_64")
	_, busybox := program("busybox")
	_, image := os.Stat(kernel())
	return errors.Join(qemu, busybox, image)
}

// initramfs is built once for all guests of the scripts.
var initramfs = sync.OnceValues(func() ([]byte, error) { return packGuest(guestFiles) })

// packGuest is an initramfs of busybox and files.
func packGuest(files []guestFile) ([]byte, error) {
	path, err := program("busybox")
	if err != nil {
		return nil, err
	}
	busybox, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var a cpio
	for _, dir := range []string{"bin", "dev", "etc", "proc", "root", "sys", "tmp"} {
		a.add(dir, 0o040755, nil)
	}
	// The kernel opens it for init before devtmpfs is there.
	a.addDevice("dev/console", 0o020600, 5, 1)
	a.add("bin/busybox", 0o100755, busybox)
	for _, applet := range []string{
		"sh", "mount", "hostname", "init", "getty", "login", "cat", "echo", "ls",
		"uname", "stty", "dmesg", "reboot", "poweroff", "true",
	} {
		a.add("bin/"+applet, 0o120777, []byte("busybox"))
	}
	for _, f := range files {
		a.add(f.name, f.mode, []byte(f.text))
	}
	return a.end(), nil
}

// A cpio is an archive in the "newc" format, which the kernel unpacks
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type cpio struct {
	buf   bytes.Buffer
	inode int
}

func (c *cpio) add(name string, mode uint32, data []byte) { c.entry(name, mode, data, 0, 0) }

func (c *cpio) addDevice(name string, mode uint32, major, minor int) {
	c.entry(name, mode, nil, major, minor)
}

func (c *cpio) entry(name string, mode uint32, data []byte, major, minor int) {
	c.inode++
	fmt.Fprintf(&c.buf, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name)
	c.pad()
	c.buf.Write(data)
	c.pad()
}

func (c *cpio) pad() {
	for c.buf.Len()%4 != 0 {
		c.buf.WriteByte(0)
	}
}

func (c *cpio) end() []byte {
	c.entry("TRAILER!!!", 0, nil, 0, 0)
	return c.buf.Bytes()
}

func cmdGuest(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2, "guest NAME telnet|tcp|unix VAR | stop | ended")
	r, name := rigOf(ts), args[0]
	switch args[1] {
	case "telnet", "tcp", "unix":
		usage(ts, len(args) == 3, "guest NAME telnet|tcp|unix VAR")
		ts.Check(r.boot(ts, name, args[1], args[2]))
		return
	}
	p := r.guests[name]
	if p == nil {
		ts.Fatalf("no guest %q", name)
	}
	switch args[1] {
	case "stop":
		p.kill()
	case "ended": // it powered itself off
		code, err := p.wait(usualLimit)
		ts.Check(err)
		if code != 0 {
			ts.Fatalf("guest ended with exit code %d: %s", code, p.out.tail(1000))
		}
	default:
		ts.Fatalf("guest: unknown word %q", args[1])
	}
}

var guestWaits = regexp.MustCompile("waiting for connection")

// boot starts the machine, with its monitor at NAME.monitor. It waits with its first instruction until its
// console is opened, so that nothing it says can be missed. VAR is then the port,
// or the socket's path, which can be connected to.
func (r *rig) boot(ts *testscript.TestScript, name, kind, variable string) error {
	image, err := initramfs()
	if err != nil {
		return err
	}
	initrd := filepath.Join(r.dir, name+".initrd")
	if err := os.WriteFile(initrd, image, 0o600); err != nil {
		return err
	}
	var where, line string
	if kind == "unix" {
		where = filepath.Join(r.dir, name+".sock")
		line = "path=" + where
	} else {
		if where, err = freePort(); err != nil {
			return err
		}
		line = "host=127.0.0.1,port=" + where
		if kind == "telnet" {
			line += ",telnet=on"
		}
	}
	path, err := program("qemu-system-x86_64")
	if err != nil {
		return err
	}
	p, err := r.start(exec.Command(path,
		"-M", "q35", "-accel", "tcg", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none",
		"-kernel", kernel(), "-initrd", initrd, "-append", "console=ttyS0,115200 tsc=unstable panic=1",
		"-monitor", "unix:"+filepath.Join(r.dir, name+".qemu")+",server=on,wait=off",
		"-chardev", "socket,id=console,server=on,wait=on,"+line, "-serial", "chardev:console"))
	if err != nil {
		return err
	}
	r.guests[name] = p
	if _, err := p.out.expect(guestWaits, usualLimit); err != nil {
		return err
	}
	ts.Setenv(variable, where)
	return r.serveMonitor(filepath.Join(r.dir, name+".monitor"), filepath.Join(r.dir, name+".qemu"))
}

// serveMonitor takes commands for QEMU's monitor at a socket, a line each, and
// answers. It hangs up when the last is done: QEMU itself never does, and may not
// look at what a caller sent who has hung up first.
func (r *rig) serveMonitor(socket, qemu string) error {
	monitor, err := net.Dial("unix", qemu)
	if err != nil {
		return err
	}
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return errors.Join(err, monitor.Close())
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		_, err := prompted(monitor)
		for err == nil {
			var conn net.Conn
			if conn, err = ln.Accept(); err == nil {
				err = command(monitor, conn)
				_ = conn.Close()
			}
		}
	})
	r.onCleanup(func() {
		_, _ = ln.Close(), monitor.Close()
		serving.Wait()
	})
	return nil
}

// command passes a caller's lines on and gives him the answers. The error is the
// monitor's; a caller who leaves is no mistake.
func command(monitor io.ReadWriter, caller net.Conn) error {
	_ = caller.SetDeadline(time.Now().Add(usualLimit))
	for lines := bufio.NewScanner(caller); lines.Scan(); {
		if _, err := fmt.Fprintln(monitor, lines.Text()); err != nil {
			return err
		}
		answer, err := prompted(monitor)
		if err != nil {
			return err
		}
		_, said, _ := bytes.Cut(answer, []byte("\n")) // after the echo
		_, _ = caller.Write(bytes.ReplaceAll(said, []byte("\r"), nil))
	}
	return nil
}

// prompted reads up to the monitor's prompt.
func prompted(monitor io.Reader) ([]byte, error) {
	var text []byte
	for buf := make([]byte, 4<<10); ; {
		n, err := monitor.Read(buf)
		text = append(text, buf[:n]...)
		if before, ok := bytes.CutSuffix(text, []byte("(qemu) ")); ok {
			return before, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
