//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine says when and where the figures were taken.
func machine() string {
	return fmt.Sprintf("%s, %s, %d cores, %s, Linux %s",
		time.Now().Format(time.DateOnly), processor(), runtime.NumCPU(), runtime.Version(), kernel())
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // a missing one is told as unknown
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor (" + runtime.GOARCH + ")"
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
