//go:build unix

package dialogue

import (
	"os/exec"
	"syscall"
)

// ownGroup has a program lead a process group, which is killed as a whole when
// the program's time is over.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// endGroup ends what the program left behind. The number of a group is given
// to nobody else while a process is in it; a process that has it is a stranger.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil && syscall.Kill(cmd.Process.Pid, 0) == syscall.ESRCH {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
