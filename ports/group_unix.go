//go:build unix

package ports

import (
	"errors"
	"os/exec"
	"syscall"
)

// OwnGroup has a program without a terminal lead a process group, to which its
// context's end sends SIGTERM. Give it a WaitDelay: who ignores that is killed
// after it, and the rest of the group by EndGroup.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// EndGroup kills what is left of the group once its leader was waited for. Its
// number is not given away while the group has a process; a process that has
// the number is a stranger.
func EndGroup(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return // it was not started
	}
	group := cmd.Process.Pid
	if errors.Is(syscall.Kill(group, 0), syscall.ESRCH) {
		syscall.Kill(-group, syscall.SIGKILL)
	}
}
