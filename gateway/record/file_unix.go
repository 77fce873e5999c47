//go:build unix

package record

import "syscall"

// noFollow refuses a link in place of a file of ours: what it leads to would be
// written to, and given our mode.
const noFollow = syscall.O_NOFOLLOW
