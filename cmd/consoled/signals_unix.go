//go:build unix

package main

import (
	"os"
	"syscall"
)

// harmless are signals that would end the program for an error of one write, as
// when whoever took its log has gone. The write itself fails, which is dealt with
// where it is made.
func harmless() []os.Signal { return []os.Signal{syscall.SIGPIPE} }
