package gateway

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errHeld is a lock that another process holds.
var errHeld = errors.New("held by another process")

// lockFolder makes this the one gateway of a folder: two of them would write one
// record. The lock is the kernel's and goes with the process; the file
// stays, and says who has it. setting is the key that names the folder.
func lockFolder(dir, file, setting string) (unlock func(), _ error) {
	name := filepath.Join(dir, file)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w%s", setting, err, folderFix(err, dir, setting))
	}
	if err := lockFile(f); err != nil {
		holder := holderOf(f)
		// Nothing was written.
		_ = f.Close()
		if errors.Is(err, errHeld) {
			return nil, fmt.Errorf("%s %s is in use by another gateway%s\nfix: stop it, or set another %s", setting, dir, holder, setting)
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	// The process id is for people; the lock holds without it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return func() { _ = f.Close() }, nil
}

// naming is how long the holder of a lock may take to write down who it is.
const naming = time.Second

// holderOf reads who holds the lock, as far as the file tells. Of two that start
// at once the one that holds it may not have written yet: then the file is
// empty, or names one that was killed.
func holderOf(f *os.File) string {
	limit := time.NewTimer(naming)
	defer limit.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		data, err := io.ReadAll(io.NewSectionReader(f, 0, 20))
		if err != nil {
			return ""
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && pid > 0 && alive(pid) {
			return fmt.Sprintf(" (process %d)", pid)
		}
		select {
		case <-again.C:
		case <-limit.C:
			return ""
		}
	}
}
