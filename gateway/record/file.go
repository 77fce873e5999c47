package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A file is what the record needs of one; tests put failing ones in its place.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// A disk opens the files of one folder.
type disk interface {
	open(name string, flag int) (file, error)
	stat(name string) (fs.FileInfo, error)
}

// folder is the disk of the operating system.
type folder struct {
	dir   string
	group int
}

// prepare makes the folder where it is missing, and private whatever the umask.
func (d folder) prepare() error {
	mode := fs.FileMode(0o700)
	if d.group >= 0 {
		mode = 0o750
	}
	if err := os.Mkdir(d.dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make record folder: %w", err)
	}
	info, err := os.Lstat(d.dir)
	if err != nil {
		return fmt.Errorf("open record folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("open record folder %s: not a directory", d.dir)
	}
	if d.group >= 0 {
		if err := os.Chown(d.dir, -1, d.group); err != nil {
			return fmt.Errorf("give record folder to its group: %w", err)
		}
	}
	if info.Mode().Perm() != mode {
		if err := os.Chmod(d.dir, mode); err != nil {
			return fmt.Errorf("make record folder private: %w", err)
		}
	}
	return nil
}

func (d folder) open(name string, flag int) (file, error) {
	f, err := d.osOpen(name, flag)
	if err != nil {
		return nil, err // a nil *os.File must not become a file
	}
	return f, nil
}

func (d folder) osOpen(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, name), flag|noFollow, 0o600)
	if err != nil || flag&os.O_CREATE == 0 {
		return f, err
	}
	mode := fs.FileMode(0o600)
	if d.group >= 0 {
		mode = 0o640
		err = f.Chown(-1, d.group)
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// stat knows regular files only; anything else in their place is refused.
func (d folder) stat(name string) (fs.FileInfo, error) {
	info, err := os.Lstat(filepath.Join(d.dir, name))
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", filepath.Join(d.dir, name))
	}
	return info, err
}

// A handle is a file that is opened when it is first needed: an idle console
// holds no descriptor. Readers and the writer share the one.
type handle struct {
	now    atomic.Pointer[opened] // nil before it is opened and after it is closed
	mu     sync.Mutex             // held while opening and closing
	closed bool
}

type opened struct {
	file
	writable bool
}

func (h *handle) get(d disk, name string, write bool) (file, error) {
	if o := h.now.Load(); o != nil && (o.writable || !write) {
		return o.file, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, os.ErrClosed
	}
	old := h.now.Load()
	if old != nil && (old.writable || !write) {
		return old.file, nil
	}
	flag := os.O_RDWR
	if write {
		flag |= os.O_CREATE
	}
	f, err := d.open(name, flag)
	writable := err == nil
	if err != nil && !write && !errors.Is(err, fs.ErrNotExist) {
		f, err = d.open(name, os.O_RDONLY) // a read-only disk can still be read
	}
	if err != nil {
		return nil, err
	}
	h.now.Store(&opened{f, writable})
	if old != nil {
		old.Close() // it was open for reading only; a reader in the middle asks again
	}
	return f, nil
}

func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if o := h.now.Swap(nil); o != nil {
		return o.Close()
	}
	return nil
}
