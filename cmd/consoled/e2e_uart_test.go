//go:build e2e && linux

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// uartTests hold the serial backend to Linux's driver of a 16550A. They run in
// a guest, and each of them is a test here.
var uartTests = filepath.Join("..", "..", "ports", "uart_linux_test.go")

// uartInit is the guest's first program. Its own line passes the tests' output
// as it is.
const uartInit = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
stty -F /dev/ttyS0 raw
ports.test -test.v=test2json -test.run '^TestUART' -test.timeout 3m </dev/null
echo "guest: the tests end with code $?"
poweroff -f
`

// TestUART boots the guest, and has a subtest for each of its tests and subtests.
func TestUART(t *testing.T) {
	if err := guestParts(); err != nil {
		skip(t, err.Error())
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), scriptLimit, errors.New("the guest took too long"))
	r := &rig{dir: t.TempDir(), ctx: ctx}
	t.Cleanup(func() {
		cancel()
		for i := len(r.cleanup) - 1; i >= 0; i-- {
			r.cleanup[i]()
		}
	})
	p, err := r.bootUARTs(t, buildUARTTests(t))
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	said := p.out.tail(16 << 20)
	if !strings.Contains(said, "guest: the tests end with code 0") {
		t.Errorf("the guest's tests did not end well: %v; its last words:\n%s", context.Cause(ctx), p.out.tail(8<<10))
	}
	results := readResults(t, said)
	for _, name := range declaredUARTTests(t) {
		if results.ended[name] == "" {
			t.Errorf("%s did not end in the guest", name)
		}
	}
	for _, name := range results.names {
		t.Run(name, func(t *testing.T) {
			t.Log(results.output[name])
			if how := results.ended[name]; how != "pass" {
				t.Errorf("in the guest: %q", how)
			}
		})
	}
}

// buildUARTTests builds the guest's tests as a static program.
func buildUARTTests(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ports.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-trimpath", "-ldflags", "-s -w", "-tags", "uart", "-o", path, "../../ports")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// bootUARTs starts a machine with five serial ports. It speaks on the first. The
// second and the third are joined with each other. The fourth ends at the machine's
// own monitor, so that the tests see what is in its chips. The fifth ends at a
// pseudo-terminal, which raises no line: neither a carrier nor clear to send.
// A sixth is a name of the driver's alone.
func (r *rig) bootUARTs(t *testing.T, tests string) (*process, error) {
	binary, err := os.ReadFile(tests)
	if err != nil {
		return nil, err
	}
	image, err := packGuest([]guestFile{
		{"init", 0o100755, uartInit},
		{"bin/ports.test", 0o100755, string(binary)},
	})
	if err != nil {
		return nil, err
	}
	initrd := filepath.Join(r.dir, "initrd")
	if err := os.WriteFile(initrd, image, 0o600); err != nil {
		return nil, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return nil, err
	}
	r.onCleanup(func() { master.Close(); slave.Close() })
	qemu, err := program("qemu-system-x86_64")
	if err != nil {
		return nil, err
	}
	// A socket's path has some 100 bytes, which a test's folder may exceed.
	cmd := exec.Command(qemu,
		"-M", "q35", "-accel", "tcg", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", absolute(t, kernel()), "-initrd", "initrd", "-append", "console=ttyS0,115200 tsc=unstable loglevel=1 panic=-1 8250.nr_uarts=6",
		"-serial", "stdio",
		"-chardev", "socket,id=one,server=on,wait=off,path=joined", "-serial", "chardev:one",
		"-chardev", "socket,id=two,path=joined", "-serial", "chardev:two",
		"-chardev", "socket,id=monitor,server=on,wait=off,path=monitor", "-mon", "chardev=monitor,mode=control",
		"-chardev", "socket,id=machine,path=monitor", "-serial", "chardev:machine",
		"-chardev", "serial,id=dead,path="+slave.Name(), "-device", "pci-serial,id=card,chardev=dead")
	cmd.Dir = r.dir
	return r.start(cmd)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// declaredUARTTests are the names of the tests that have to have run.
func declaredUARTTests(t *testing.T) (names []string) {
	t.Helper()
	source, err := os.ReadFile(uartTests)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^func (TestUART\w+)\(`).FindAllSubmatch(source, -1) {
		names = append(names, string(m[1]))
	}
	if len(names) == 0 {
		t.Fatalf("%s declares no test", uartTests)
	}
	return names
}

// results are what the guest's tests came to.
type results struct {
	names  []string          // in the order of their start
	output map[string]string // of each
	ended  map[string]string // pass, fail or skip; nothing for one that did not end
}

// readResults reads the output of tests.
func readResults(t *testing.T, said string) results {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "test2json")
	cmd.Stdin = strings.NewReader(said)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("test2json: %v", err)
	}
	r := results{output: map[string]string{}, ended: map[string]string{}}
	events := json.NewDecoder(bytes.NewReader(out))
	for {
		var event struct{ Action, Test, Output string }
		if err := events.Decode(&event); errors.Is(err, io.EOF) {
			return r
		} else if err != nil {
			t.Fatal(err)
		}
		switch {
		case event.Test == "":
		case event.Action == "run":
			r.names = append(r.names, event.Test)
		case event.Action == "output":
			r.output[event.Test] += event.Output
		case event.Action == "pass", event.Action == "fail", event.Action == "skip":
			r.ended[event.Test] = event.Action
		}
	}
}
