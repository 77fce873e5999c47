package record

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"
)

var (
	errFull  = errors.New("no space left on device")
	errInput = errors.New("input/output error")
)

// memory is a disk that can be copied at any moment, and that fails on demand.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
	room  map[string]int64 // the size to which a file may grow, where there is a limit
	dead  map[string]error // writes that fail whole
	hook  func()           // called before each change
}

func newMemory() *memory {
	return &memory{files: map[string][]byte{}, room: map[string]int64{}, dead: map[string]error{}}
}

// copy is what another process would find after a kill: what the kernel has.
func (m *memory) copy() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemory()
	for name, b := range m.files {
		c.files[name] = append([]byte(nil), b...)
	}
	c.room, c.dead = maps.Clone(m.room), maps.Clone(m.dead)
	return c
}

func (m *memory) heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.room)
	clear(m.dead)
}

func (m *memory) open(name string, flag int) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.files[name]; !ok {
		if flag&os.O_CREATE == 0 {
			return nil, fs.ErrNotExist
		}
		if err := m.dead[name]; err != nil {
			return nil, err
		}
		m.files[name] = nil
	}
	return &memoryFile{m: m, name: name}, nil
}

func (m *memory) stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return memoryInfo{size: int64(len(b))}, nil
}

type memoryInfo struct {
	fs.FileInfo
	size int64
}

func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) ModTime() time.Time { return time.Unix(1000, 0) }

type memoryFile struct {
	m    *memory
	name string
}

func (f *memoryFile) ReadAt(p []byte, at int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	b := f.m.files[f.name]
	if at >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(p []byte, at int64) (int, error) {
	if f.m.hook != nil {
		f.m.hook()
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.dead[f.name]; err != nil {
		return 0, err
	}
	var err error
	if room, ok := f.m.room[f.name]; ok && at+int64(len(p)) > room {
		p, err = p[:min(int64(len(p)), max(0, room-at))], errFull
	}
	b := f.m.files[f.name]
	if grow := at + int64(len(p)) - int64(len(b)); grow > 0 && len(p) > 0 {
		b = append(b, make([]byte, grow)...)
	}
	n := copy(b[min(at, int64(len(b))):], p)
	f.m.files[f.name] = b
	return n, err
}

func (f *memoryFile) Truncate(size int64) error {
	if f.m.hook != nil {
		f.m.hook()
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.dead[f.name]; err != nil {
		return err
	}
	f.m.files[f.name] = f.m.files[f.name][:size:size]
	return nil
}

func (f *memoryFile) Sync() error  { return nil }
func (f *memoryFile) Close() error { return nil }
