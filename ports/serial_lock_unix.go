//go:build unix

package ports

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockFolders is where terminal programs keep their locks; the first that
// exists is theirs (FHS 3.0, 5.9; BSD).
var lockFolders = []string{"/run/lock", "/var/lock", "/var/spool/lock"}

// A lockFile is a lock in the manner of UUCP: a file LCK..ttyUSB0 that holds
// the decimal process id of the holder. It keeps terminal programs out. Beside it the
// device itself is locked with flock, which ends with the process whatever
// happens to it; so a file with our own process id, as a restarted container
// finds it, is a stale one once the device is locked.
type lockFile struct {
	device  string // with links followed
	folders []string
	path    string // of the file that was made; empty where the folder let nobody
}

// A heldError says who has a device.
type heldError struct {
	pid  int    // 0 if it is not known
	file string // the lock file that says so; may be empty
}

func (e *heldError) Error() string {
	switch e.pid {
	case 0:
		if e.file != "" {
			return "the lock file " + e.file + " does not say by whom"
		}
		return "by another program"
	case os.Getpid():
		return "by another console of this gateway"
	}
	return fmt.Sprintf("by process %d%s", e.pid, commandOf(e.pid))
}

func (e *heldError) fix() string {
	if e.file != "" && e.pid != os.Getpid() {
		return "end that program; if it does not use the device, remove " + e.file
	}
	return ""
}

// file is where the lock goes; empty where no folder for locks exists. Below
// /dev a slash becomes an underscore, as in LCK..pts_5.
func (l *lockFile) file() string {
	name := strings.ReplaceAll(strings.TrimPrefix(l.device, "/dev/"), "/", "_")
	for _, folder := range l.folders {
		if isDir(folder) {
			return filepath.Join(folder, "LCK.."+name)
		}
	}
	return ""
}

// free fails if the lock file names another process that lives.
func (l *lockFile) free() error {
	path := l.file()
	if path == "" {
		return nil
	}
	pid, err := holder(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &heldError{file: path}
	case pid == os.Getpid() || !alive(pid):
		return nil
	}
	return &heldError{pid: pid, file: path}
}

// take locks the device that raw has open, and makes the lock file where its
// folder allows it.
func (l *lockFile) take(raw syscall.RawConn) error {
	path := l.file()
	err := control(raw, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return l.held()
	case err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOLCK):
		return err
	}
	if path == "" {
		return nil
	}
	// One try after each stale lock that was removed, and one more for a lock
	// that came and went meanwhile.
	for range 3 {
		err = create(path)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if err := l.free(); err != nil {
			return err
		}
		if removeStale(path) != nil {
			return nil // somebody else's, in a folder with the sticky bit: the flock has to do
		}
	}
	if err == nil {
		l.path = path
	}
	// A folder that is not ours to write in is the usual state of things for a
	// service without privileges: the flock has to do.
	return nil
}

// held says who has the device, as far as that is to be seen.
func (l *lockFile) held() *heldError {
	path := l.file()
	if pid, err := holder(path); err == nil && alive(pid) {
		return &heldError{pid: pid, file: path}
	}
	return &heldError{pid: flockHolder(l.device)}
}

// create makes the lock file at once with its content, so that nobody reads
// an empty one.
func create(path string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "LTMP.*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = fmt.Fprintf(temp, "%10d\n", os.Getpid())
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}

// removeStale removes a lock file whose holder is dead. It holds the file
// itself locked meanwhile, so that of two who found it stale the slower one
// does not remove the quicker one's new lock.
func removeStale(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(opened, now) {
		return nil // the quicker one was here
	}
	return os.Remove(path)
}

// release removes the lock file if it is still ours. The flock goes with the
// descriptor.
func (l *lockFile) release() {
	if l.path == "" {
		return
	}
	if pid, err := holder(l.path); err == nil && pid == os.Getpid() {
		os.Remove(l.path)
	}
	l.path = ""
}

// holder is the process id in a lock file.
func holder(path string) (int, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var text [64]byte
	n, err := file.Read(text[:])
	if err != nil && err != io.EOF {
		return 0, err
	}
	return parseHolder(string(text[:n]))
}

// parseHolder reads the process id, which some programs follow by their name
// and that of the user.
func parseHolder(text string) (int, error) {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	fields := strings.Fields(first)
	if len(fields) == 0 {
		return 0, errors.New("empty lock file")
	}
	pid, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("no process id in the lock file: %.20q", fields[0])
	}
	return int(pid), nil
}

// alive reports whether a process exists, whoever it belongs to.
func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
