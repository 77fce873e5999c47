//go:build !unix

package ports

import "os/exec"

// OwnGroup does nothing here, where there are no process groups: only the
// program itself is ended.
func OwnGroup(*exec.Cmd) {}

// EndGroup does nothing here either.
func EndGroup(*exec.Cmd) {}
