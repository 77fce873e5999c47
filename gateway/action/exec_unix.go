//go:build unix

package action

import (
	"errors"
	"os/exec"
	"syscall"
)

// ownGroup makes the program the leader of a process group, and SIGTERM to the
// group what its context's end does.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// endGroup kills what is left of the group once its leader was waited for. Its
// number is not given away while the group has a process; a process that has
// the number is a stranger.
func endGroup(cmd *exec.Cmd) {
	group := cmd.Process.Pid
	if errors.Is(syscall.Kill(group, 0), syscall.ESRCH) {
		syscall.Kill(-group, syscall.SIGKILL)
	}
}
