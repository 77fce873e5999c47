package ports

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// flockHolder is the process that has locked the device with flock; 0 if that
// is not to be seen (it is in another container).
func flockHolder(device string) int {
	var stat unix.Stat_t
	if unix.Stat(device, &stat) != nil {
		return 0
	}
	file, err := os.Open("/proc/locks")
	if err != nil {
		return 0
	}
	defer file.Close()
	inode := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(stat.Dev)), unix.Minor(uint64(stat.Dev)), stat.Ino)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// 1: FLOCK  ADVISORY  WRITE 1234 00:06:561 0 EOF
		fields := strings.Fields(lines.Text())
		if len(fields) > 5 && fields[1] == "FLOCK" && fields[5] == inode {
			pid, _ := strconv.Atoi(fields[4])
			return max(pid, 0)
		}
	}
	return 0
}

// commandOf is the name of a process in brackets, which is what people know it by.
func commandOf(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (%q)", strings.TrimSpace(string(name)))
}
