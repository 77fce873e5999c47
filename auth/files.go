package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Bounds of all key files together; an error beyond, since a part of the keys
// would be a part of the truth.
const (
	maxFiles = 20_000
	maxTotal = 128 << 20
)

// LoadKeys reads authorized_keys files; a name with * ? or [ is a pattern. A
// file in a folder keys.d, or chosen by a pattern in its last part, gives its
// keys its own name less .pub as identity, unless their line has user=.
//
// A file that is missing, cannot be read or is doubtful is a Problem (Lost) and
// stops no other. One that anybody may write gives no keys: whoever has an
// account on the gateway's machine could list their own there. The error is for a malformed pattern and for more than any
// gateway's keys.
func LoadKeys(files []string) ([]Key, []Problem, error) {
	l := loader{seen: make(map[string]bool)}
	for _, name := range files {
		if err := l.add(name); err != nil {
			return nil, nil, err
		}
	}
	return l.ring.keys, l.ring.problems, nil
}

type loader struct {
	ring  ring
	seen  map[string]bool // a file that two patterns choose is read once
	total int64
}

const globSigns = "*?["

func (l *loader) add(name string) error {
	if !strings.ContainsAny(name, globSigns) {
		return l.load(name, filepath.Base(filepath.Dir(name)) == "keys.d", false)
	}
	matches, err := filepath.Glob(name)
	if err != nil {
		return fmt.Errorf("key files %s: %w", name, err)
	}
	if len(matches) == 0 {
		l.none(name)
	}
	// In /home/*/.ssh/authorized_keys the file's name says nothing about whose it is.
	named := strings.ContainsAny(filepath.Base(name), globSigns)
	for _, match := range matches {
		if err := l.load(match, named || filepath.Base(filepath.Dir(match)) == "keys.d", named); err != nil {
			return err
		}
	}
	return nil
}

// none says of a pattern that it matches no file. Glob is silent about a folder
// that is missing or may not be read, which is not the same as an empty one.
func (l *loader) none(pattern string) {
	dir := filepath.Dir(pattern)
	if !strings.ContainsAny(dir, globSigns) {
		if _, err := os.ReadDir(dir); err != nil {
			l.lost(pattern, err.Error())
			return
		}
	}
	l.ring.warn(pattern, "matches no file")
}

// lost reports a file, or a pattern, that gives no key.
func (l *loader) lost(name, text string) {
	l.ring.problems = append(l.ring.problems, Problem{File: name, Text: oneLine(text), Lost: true})
}

// load reads a file. named says that its name is an identity, chosen that a
// pattern chose the name, so that a new file beside it would be read too.
func (l *loader) load(name string, named, chosen bool) error {
	name = filepath.Clean(name)
	if l.seen[name] {
		return nil
	}
	l.seen[name] = true
	if len(l.seen) > maxFiles {
		return fmt.Errorf("key files: more than %d", maxFiles)
	}
	user := ""
	if named {
		user = strings.TrimSuffix(filepath.Base(name), ".pub")
	}
	data, mode, err := readFile(name, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.ring.problems = append(l.ring.problems, Problem{File: name, Text: "no such file", Warning: true, Lost: true})
		return nil
	case err != nil:
		l.lost(name, err.Error())
		return nil
	case open(mode, 0o002):
		l.lost(name, fmt.Sprintf("mode %#o lets anybody add keys - this file is refused (fix: chmod o-w)", mode.Perm()))
		return nil
	}
	if dir := filepath.Dir(name); exposed(dir, chosen) {
		l.lost(name, fmt.Sprintf("anybody may put another file into %s - this file is refused (fix: chmod o-w %s)", dir, dir))
		return nil
	}
	if l.total += int64(len(data)); l.total > maxTotal {
		return fmt.Errorf("key files: more than %d MiB together", maxTotal>>20)
	}
	if open(mode, 0o020) {
		l.ring.warn(name, fmt.Sprintf("mode %#o lets its group write it, and so add keys (fix: chmod g-w)", mode.Perm()))
	}
	l.ring.read(name, user, data)
	return nil
}

func (r *ring) warn(file, text string) {
	r.problems = append(r.problems, Problem{File: file, Text: text, Warning: true})
}

// readFile reads a regular file, and one byte more than most of a larger one.
// Others (a FIFO) could make it wait for ever.
func readFile(name string, most int64) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	// Somebody may put a FIFO in its place meanwhile: without O_NONBLOCK that would hold us for ever.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	return data, info.Mode(), err
}

// open reports whether a mode has one of the bits for others than the owner.
// On Windows modes say nothing about who may do what.
func open(mode, others fs.FileMode) bool {
	return runtime.GOOS != "windows" && mode.Perm()&others != 0
}

// exposed reports whether anybody may replace a file in a folder, or add one.
// The sticky bit (as of /tmp) keeps files from being replaced, not from being added.
func exposed(dir string, add bool) bool {
	info, err := os.Stat(dir)
	if err != nil || !open(info.Mode(), 0o002) {
		return false
	}
	return add || info.Mode()&fs.ModeSticky == 0
}
