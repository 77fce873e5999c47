package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// events is the console's events.jsonl. It is opened for each event: they are
// rare, and descriptors are not.
type events struct {
	mu    sync.Mutex
	size  int64
	whole bool // the file is known to end with a whole line
}

// AddEvent appends one line of JSON (without LF) to events.jsonl and flushes
// it to the kernel. Safe for any goroutine.
func (r *Record) AddEvent(line []byte) error {
	if bytes.IndexByte(line, '\n') >= 0 {
		return errors.New("add event: line feed in the line")
	}
	if r.none {
		return nil
	}
	r.ev.mu.Lock()
	defer r.ev.mu.Unlock()
	f, err := r.disk.open(eventsName, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("add event: %w", err)
	}
	if info, err := r.disk.stat(eventsName); err == nil && info.Size() != r.ev.size {
		r.ev.size, r.ev.whole = info.Size(), false // somebody moved or cut it
	}
	if err = errors.Join(r.ev.add(f, line), f.Close()); err != nil {
		return fmt.Errorf("add event: %w", err)
	}
	return nil
}

func (ev *events) add(f file, line []byte) error {
	if !ev.whole {
		whole, err := wholeLines(f, ev.size)
		if err != nil {
			return err
		}
		if whole < ev.size { // a line that a power cut or a full disk tore was never reported as kept
			if err := f.Truncate(whole); err != nil {
				return err
			}
		}
		ev.size = whole
	}
	ev.whole = false
	text := append(append(make([]byte, 0, len(line)+1), line...), '\n')
	n, err := f.WriteAt(text, ev.size)
	if err != nil {
		ev.size += int64(n)
		return err
	}
	ev.size += int64(len(text))
	ev.whole = true
	return nil
}

// Events opens events.jsonl for reading from its beginning; an unfinished last
// line is left out.
func (r *Record) Events() (io.ReadCloser, error) {
	if r.none {
		return io.NopCloser(strings.NewReader("")), nil
	}
	r.ev.mu.Lock()
	size := r.ev.size
	r.ev.mu.Unlock()
	f, err := r.disk.open(eventsName, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(strings.NewReader("")), nil
	}
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	whole, err := wholeLines(f, size)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read events: %w", err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, 0, whole), f}, nil
}

// wholeLines is where the last whole line of the first size bytes ends.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, min(size, 4<<10))
	for size > 0 {
		p := buf[:min(size, int64(len(buf)))]
		n, err := f.ReadAt(p, size-int64(len(p)))
		if err != nil && !(errors.Is(err, io.EOF) && n == len(p)) {
			return 0, err
		}
		if i := bytes.LastIndexByte(p, '\n'); i >= 0 {
			return size - int64(len(p)) + int64(i) + 1, nil
		}
		size -= int64(len(p))
	}
	return 0, nil
}
