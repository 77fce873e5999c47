//go:build unix

package ports

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How a program is ended.
const (
	execNatural = 250 * time.Millisecond  // between the end of its terminal and its own end
	execGrace   = time.Second             // between SIGHUP and SIGKILL
	execWait    = 1500 * time.Millisecond // what Close waits at most: nothing ends a program that the kernel holds
)

// A program is the Port of an Exec. While it runs no goroutine belongs to it:
// the kernel hangs up the terminal when the leader of a session exits, so the end
// of the terminal tells its end. Then end runs, and ends at the latest soon
// after SIGKILL.
//
//	running ──terminal ends or Close──► ending (SIGHUP, SIGKILL) ──► exited ──group is gone──► done
type program struct {
	file *os.File
	cmd  *exec.Cmd
	what string
	try  tryReader

	closeOnce  sync.Once
	closing    chan struct{} // closed by Close
	endOnce    sync.Once
	foreground int           // process group that had the terminal at Close; 0 if none. Set before closing is closed
	exited     chan struct{} // closed when the program was waited for
	status     string        // how it ended; set before exited is closed
	done       chan struct{} // closed when the process group is gone too
}

func (p *program) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	return n, p.failed("read ", err)
}

func (p *program) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	return n, p.failed("write ", err)
}

// Wait blocks until there is something to read.
func (p *program) Wait() error { return p.failed("read ", p.try.wait()) }

// TryRead reads what has arrived.
func (p *program) TryRead(b []byte) (int, error) {
	n, err := p.try.tryRead(b)
	return n, p.failed("read ", err)
}

// Patience is none: a pseudo-terminal holds some kilobytes, and a program
// writes them in no time.
func (p *program) Patience() time.Duration { return 0 }

// failed says how the program ended where err is the end of its terminal: EIO
// on Linux, the end of the file elsewhere.
func (p *program) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if !errors.Is(err, syscall.EIO) && !errors.Is(err, io.EOF) {
		return Classify(op+p.what, err)
	}
	p.endOnce.Do(func() { go p.end() })
	select {
	case <-p.exited:
		return &Error{Reason: Exited, Op: p.what, Err: errors.New(p.status)}
	case <-p.closing:
		return Classify(op+p.what, os.ErrClosed)
	}
}

// Close ends Read and Write at once and hangs up. It waits for the program to
// be gone, so that none outlives the gateway; what ignores the hangup is killed a
// second later.
func (p *program) Close() error {
	p.closeOnce.Do(func() {
		p.foreground = p.foregroundGroup()
		close(p.closing)
		p.file.Close()
		p.endOnce.Do(func() { go p.end() })
	})
	limit := time.NewTimer(execWait)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
	}
	return nil
}

// foregroundGroup is the job that has the terminal. A shell gives each job a
// process group, and one that ignores SIGHUP would outlive its terminal.
func (p *program) foregroundGroup() int {
	group := 0
	control(p.try.raw, func(fd int) error {
		if id, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && id > 1 {
			group = id
		}
		return nil
	})
	return group
}

// end sees the program to its end: it waits for it, so that no zombie stays,
// and signals whatever of its process group goes on.
func (p *program) end() {
	defer close(p.done)
	go func() { // ended by SIGKILL at the latest
		p.cmd.Wait()
		p.status = describe(p.cmd.ProcessState)
		close(p.exited)
	}()
	select {
	case <-p.exited:
	case <-p.closing:
	case <-time.After(execNatural):
	}
	p.signal(syscall.SIGHUP)
	p.signal(syscall.SIGCONT) // a stopped one does not see the other
	p.gone(execGrace)
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// gone waits until the program and its process group are gone, limit at most.
// A group sends no word of its end, so it is asked for.
func (p *program) gone(limit time.Duration) {
	over := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	select {
	case <-p.exited:
	case <-over:
		return
	}
	for p.groupLives() {
		select {
		case <-tick.C:
		case <-over:
			return
		}
	}
}

// groupLives reports whether any process of the program's group or of the job
// that had the terminal is there.
func (p *program) groupLives() bool {
	return p.owns(p.cmd.Process.Pid) && unix.Kill(-p.cmd.Process.Pid, 0) == nil ||
		p.ownsForeground() && unix.Kill(-p.foregroundOf(), 0) == nil
}

// signal reaches the group of the program and the job that had the terminal.
func (p *program) signal(sig syscall.Signal) {
	if p.owns(p.cmd.Process.Pid) {
		unix.Kill(-p.cmd.Process.Pid, sig)
	}
	if p.ownsForeground() {
		unix.Kill(-p.foregroundOf(), sig)
	}
}

// owns reports whether the process group pid is still the program's. Its
// number cannot be given away while the program is not waited for or a process is in
// the group; so after that a process of this number is a stranger.
func (p *program) owns(pid int) bool {
	select {
	case <-p.exited:
		return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
	default:
		return true
	}
}

// foregroundOf is the job's group, once Close has told it.
func (p *program) foregroundOf() int {
	select {
	case <-p.closing:
		return p.foreground
	default:
		return 0
	}
}

// ownsForeground reports whether that group belongs to the program's session,
// as far as the group's leader is there to ask.
func (p *program) ownsForeground() bool {
	group := p.foregroundOf()
	if group == 0 || group == p.cmd.Process.Pid {
		return false
	}
	session, err := unix.Getsid(group)
	return err == nil && session == p.cmd.Process.Pid
}

// describe is "exit status 3" or "killed by SIGKILL".
func describe(state *os.ProcessState) string {
	if state == nil {
		return "unknown exit status"
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		name := unix.SignalName(status.Signal())
		if name == "" {
			name = fmt.Sprintf("signal %d", int(status.Signal()))
		}
		return "killed by " + name
	}
	return fmt.Sprintf("exit status %d", state.ExitCode())
}
