package gateway

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// takeFolders makes the folders that the gateway writes into, and locks both:
// two gateways may have state folders of their own and yet write one record.
func (g *Gateway) takeFolders(s *site) (unlock func(), _ error) {
	state, records := s.config.StateDir, s.config.Log.Dir
	if err := makeFolder(state, -1); err != nil {
		return nil, fmt.Errorf("state folder: %w%s", err, folderFix(err, state, "state_dir"))
	}
	unlockState, err := lockFolder(state, "lock", "state_dir")
	if err != nil {
		return nil, err
	}
	if err := makeFolder(records, s.group); err != nil {
		unlockState()
		return nil, fmt.Errorf("record folder: %w%s", err, folderFix(err, records, "log.dir"))
	}
	// No console's name begins with a dot.
	unlockRecords, err := lockFolder(records, ".lock", "log.dir")
	if err != nil {
		unlockState()
		return nil, err
	}
	s.warnings = append(s.warnings, loose(state, "replace the host key")...)
	s.warnings = append(s.warnings, loose(records, "put other records in place of ours")...)
	return func() { unlockRecords(); unlockState() }, nil
}

// makeFolder makes a folder of our own, and lets a group into it. One that is
// there already stays as it is.
func makeFolder(dir string, group int) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "use", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if group < 0 {
		return nil
	}
	if err := os.Chown(dir, -1, group); err != nil {
		return fmt.Errorf("%w\nfix: make the consoled user a member of log.group", err)
	}
	return os.Chmod(dir, 0o750)
}

// folderFix is what to do about a folder that cannot be used.
func folderFix(err error, dir, key string) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("\nfix: give %s to the user that the gateway runs as, or set another %s", dir, key)
	case errors.Is(err, syscall.EROFS):
		return fmt.Sprintf("\nfix: mount it writable (ReadWritePaths in the unit), or set another %s", key)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Sprintf("\nfix: move away the file that is in the way, or set another %s", key)
	}
	return ""
}

// loose warns of a folder into which anybody may write. A container's volume
// often is one, so that it is no mistake.
func loose(dir, harm string) []string {
	info, err := os.Stat(dir)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: mode %#o lets anybody %s (fix: chmod o-w)", dir, info.Mode().Perm(), harm)}
}
