//go:build linux

package ipmi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"consoled/ports"
	"consoled/ports/ipmi/bmctest"
)

// fleetRole has the test's program serve so many BMCs in place of testing, so
// that a benchmark does not count them as its own.
const fleetRole = "CONSOLED_TEST_BMCS"

func TestMain(m *testing.M) {
	n, err := strconv.Atoi(os.Getenv(fleetRole))
	if err != nil {
		os.Exit(m.Run())
	}
	var addresses []string
	for range n {
		bmc := &bmctest.BMC{User: user, Password: password}
		address, _, err := bmc.Listen()
		if err != nil {
			panic(err)
		}
		addresses = append(addresses, address)
	}
	json.NewEncoder(os.Stdout).Encode(addresses)
	io.Copy(io.Discard, os.Stdin) // until the test has ended
}

// tool runs ipmitool on a terminal and returns when it shows the console.
func tool(b *testing.B, p *peer) (line *os.File, pid int) {
	b.Helper()
	host, port, _ := strings.Cut(p.settings.Address, ":")
	cmd := exec.Command(program(b, "ipmitool"), "-I", "lanplus", "-C", p.suite, "-H", host, "-p", port, "-U", user, "-E", "sol", "activate")
	cmd.Env = append(os.Environ(), "IPMI_PASSWORD="+password)
	tty, err := pty.Start(cmd)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Signal(syscall.SIGKILL); tty.Close(); cmd.Wait() })
	raw(b, tty) // lest the terminal echoes
	hear(b, tty, "SOL Session operational")
	return tty, cmd.Process.Pid
}

// eachLine runs a benchmark on either BMC, by ours and by ipmitool.
func eachLine(b *testing.B, run func(b *testing.B, p *peer, line io.ReadWriter)) {
	for name, start := range map[string]func(testing.TB) *peer{"ipmi_sim": startSim, "goipmi-server": startGo} {
		b.Run(name+"/ours", func(b *testing.B) {
			p := start(b)
			run(b, p, mustOpenPeer(b, p.settings))
		})
		b.Run(name+"/ipmitool", func(b *testing.B) {
			p := start(b)
			line, _ := tool(b, p)
			run(b, p, line)
		})
	}
}

// BenchmarkEcho is a key and its echo by the machine: the median.
func BenchmarkEcho(b *testing.B) {
	eachLine(b, func(b *testing.B, p *peer, line io.ReadWriter) {
		go io.Copy(p.machine, p.machine)
		var took []time.Duration
		buf := make([]byte, 1)
		for b.Loop() {
			began := time.Now()
			line.Write([]byte("k"))
			if _, err := io.ReadFull(line, buf); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	})
}

// BenchmarkOutput is how fast the machine's output comes.
func BenchmarkOutput(b *testing.B) {
	eachLine(b, func(b *testing.B, p *peer, line io.ReadWriter) {
		text := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog, again and again. \n"), 64)
		b.SetBytes(int64(len(text)))
		buf := make([]byte, len(text))
		for b.Loop() {
			go p.machine.Write(text)
			if _, err := io.ReadFull(line, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInput is how fast a paste goes in, beside a character a round trip.
func BenchmarkInput(b *testing.B) {
	for name, start := range map[string]func(testing.TB) *peer{"ipmi_sim": startSim, "goipmi-server": startGo} {
		for _, size := range []int{1, 1024} {
			b.Run(name+"/"+strconv.Itoa(size), func(b *testing.B) {
				p := start(b)
				line := mustOpenPeer(b, p.settings)
				go io.Copy(io.Discard, p.machine)
				text := bytes.Repeat([]byte("x"), size)
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := line.Write(text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// used is the CPU time of a process and its memory (PSS) in KiB.
func used(b *testing.B, pid int) (cpu time.Duration, pss int) {
	b.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, ticks := range f[11:13] {
		n, _ := strconv.Atoi(ticks)
		cpu += time.Duration(n) * 10 * time.Millisecond
	}
	maps, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	for line := range strings.Lines(string(maps)) {
		if g := strings.Fields(line); len(g) == 3 && g[0] == "Pss:" {
			pss, _ = strconv.Atoi(g[1])
		}
	}
	return cpu, pss
}

// BenchmarkIdle is what a thousand idle consoles cost in one process, beside
// an ipmitool for each (of which ten are measured).
func BenchmarkIdle(b *testing.B) {
	const n, tools, span = 1000, 10, 40 * time.Second
	fleet := exec.Command(os.Args[0])
	fleet.Env = append(os.Environ(), fleetRole+"="+strconv.Itoa(n))
	fleet.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := fleet.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := fleet.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := fleet.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); fleet.Wait() })
	var addresses []string
	if err := json.NewDecoder(out).Decode(&addresses); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, before := used(b, os.Getpid())
		lines := make([]ports.Port, 0, n)
		for _, address := range addresses {
			p, err := settings(address).Open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			lines = append(lines, p)
		}
		cpu, _ := used(b, os.Getpid())
		<-time.After(span)
		after, memory := used(b, os.Getpid())
		b.ReportMetric(float64(memory-before)/n, "KiB/console")
		b.ReportMetric(100*float64(after-cpu)/float64(span), "%cpu")
		for _, p := range lines {
			go p.Close()
		}
		for _, p := range lines {
			p.Close()
		}
	}
	b.StopTimer()
	var spent time.Duration
	memory := 0
	var pids []int
	for _, address := range addresses[:tools] {
		s := settings(address)
		p := &peer{settings: s, suite: "17"}
		_, pid := tool(b, p)
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		cpu, pss := used(b, pid)
		spent, memory = spent-cpu, memory+pss
	}
	<-time.After(span)
	for _, pid := range pids {
		cpu, _ := used(b, pid)
		spent += cpu
	}
	b.ReportMetric(float64(memory)/tools, "KiB/ipmitool")
	b.ReportMetric(100*float64(spent)/float64(span)*n/tools, "%cpu/1000-ipmitools")
}
