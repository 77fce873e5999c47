//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLimit is how long a server has to end when it is asked to.
const stopLimit = 10 * time.Second

// tick is the unit of CPU time in /proc/PID/stat (USER_HZ, which is 100 on
// every architecture that Go runs on).
const tick = 10 * time.Millisecond

// A process is a server with everything that it starts: one process group.
type process struct {
	cmd     *exec.Cmd
	group   int
	started time.Time
	ended   chan struct{}
	output  string // the file with what it said
}

// startProcess runs a server in a process group of its own.
func startProcess(output string, argv ...string) (*process, error) {
	file, err := os.Create(output)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = filepath.Dir(output)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{cmd: cmd, started: time.Now(), ended: make(chan struct{}), output: output}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.group = cmd.Process.Pid
	go func() {
		cmd.Wait() // how it ended is no news to stop, and anybody else sees that it has
		close(p.ended)
	}()
	return p, nil
}

// stop asks the whole group to end, and insists.
func (p *process) stop() error {
	err := syscall.Kill(-p.group, syscall.SIGTERM)
	gone := func() bool { return len(p.members()) == 0 }
	if until(context.Background(), stopLimit, gone) != nil {
		err = errors.Join(err, syscall.Kill(-p.group, syscall.SIGKILL))
	}
	<-p.ended
	if errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("server had ended by itself: %s", p.said())
	}
	return err
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// said is the end of what the server printed.
func (p *process) said() string {
	text, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-600):]))
}

// stat are the fields of /proc/PID/stat behind the program's name.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil // it has ended
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// members are the processes of the group.
func (p *process) members() (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Field 3 is the state, 5 the group (proc_pid_stat(5)).
		if f := stat(pid); len(f) > 14 && f[0] != "Z" && f[2] == strconv.Itoa(p.group) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// cpu is the CPU time of the group, in user and kernel mode, with what its
// first process has reaped.
func (p *process) cpu() (total time.Duration) {
	for _, pid := range p.members() {
		f := stat(pid)
		last := 13 // utime and stime are fields 14 and 15
		if pid == p.group {
			last = 15 // cutime and cstime follow
		}
		for i := 11; i < last && i < len(f); i++ {
			n, _ := strconv.ParseInt(f[i], 10, 64) // the kernel prints numbers
			total += time.Duration(n) * tick
		}
	}
	return total
}

// memory is the proportional set size of the group in bytes.
func (p *process) memory() (total int64) {
	for _, pid := range p.members() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
				n, _ := strconv.ParseInt(f[1], 10, 64) // the kernel prints numbers
				total += n << 10
			}
		}
	}
	return total
}
