//go:build e2e && linux

package main_test

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// usualLimit is how long a script waits for what should come at once. It is
// long because the machine may be busy, and costs nothing where all is well.
const usualLimit = time.Minute

// A transcript is what a program has said so far. A writer adds to it while
// the script looks for patterns in it, each after the last one found.
type transcript struct {
	mu   sync.Mutex
	text []byte
	seen int           // end of the last match
	more chan struct{} // closed and replaced when text grows or the end comes
	over bool
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

// Write adds output.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.wakeLocked()
	return len(p), nil
}

func (t *transcript) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.wakeLocked()
}

func (t *transcript) wakeLocked() {
	close(t.more)
	t.more = make(chan struct{})
}

// expect waits for the pattern in what no expect has consumed yet and returns
// its groups.
func (t *transcript) expect(re *regexp.Regexp, limit time.Duration) ([]string, error) {
	deadline := time.After(limit)
	for {
		t.mu.Lock()
		rest := t.text[t.seen:]
		if m := re.FindSubmatchIndex(rest); m != nil {
			var groups []string
			for i := 0; i < len(m); i += 2 {
				group := ""
				if m[i] >= 0 {
					group = string(rest[m[i]:m[i+1]])
				}
				groups = append(groups, group)
			}
			t.seen += m[1]
			t.mu.Unlock()
			return groups, nil
		}
		more, over := t.more, t.over
		unseen := string(rest[max(0, len(rest)-2000):])
		t.mu.Unlock()
		if over {
			return nil, fmt.Errorf("ended without %q; since the last match: %q", re, unseen)
		}
		select {
		case <-more:
		case <-deadline:
			return nil, fmt.Errorf("no %q within %v; since the last match: %q", re, limit, unseen)
		}
	}
}

// rewind makes the next expect look from the start.
func (t *transcript) rewind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = 0
}

// holds tells whether the pattern occurs anywhere so far.
func (t *transcript) holds(re *regexp.Regexp) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return re.Match(t.text)
}

func (t *transcript) tail(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-n):])
}

// A process is a program that runs beside the script, in a process group of
// its own, so that all it started is stopped with it.
type process struct {
	cmd  *exec.Cmd
	out  *transcript
	done chan struct{} // closed when it was waited for
	err  error         // of Wait; read after done
}

// start runs cmd. What is nil of its outputs goes to the transcript.
func (r *rig) start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: newTranscript(), done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.out
	}
	// The second setting is for a test binary that is itself killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.own(p, nil)
	return p, nil
}

// own waits for a started process in a goroutine that ends with it, and ends
// it with the script. Where somebody else copies the output, drained tells when
// that is over.
func (r *rig) own(p *process, drained <-chan struct{}) {
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
		if drained != nil {
			<-drained
		}
		p.out.end()
	}()
	r.onCleanup(p.kill)
	// A script at its limit loses its processes; that ends what waits for them.
	go func() {
		select {
		case <-r.ctx.Done():
			p.signal(syscall.SIGKILL)
		case <-p.done:
		}
	}()
}

// signal reaches the whole group; a group that is gone is no mistake.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// kill ends the group at once and waits for the process.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// wait returns the exit code, -1 after a signal.
func (p *process) wait(limit time.Duration) (int, error) {
	select {
	case <-p.done:
	case <-time.After(limit):
		return 0, fmt.Errorf("%s still runs after %v", p.cmd.Path, limit)
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode(), nil
	}
	return 0, p.err
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
