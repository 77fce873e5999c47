package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"
)

// maxFile bounds one file, so that a wrong path cannot fill the memory.
const maxFile = 16 << 20

// A file is one that was read, kept for the excerpts of messages.
type file struct {
	path  string // absolute
	name  string // as shown to people
	order int    // in which it was read; the main file is 0
	data  []byte
	lines []int // where each line begins; made when a message needs it
}

// at is a place in the file; line 0 means the whole.
func (f *file) at(line, column int) place { return place{f, line, column} }

// lineText is a line without its end.
func (f *file) lineText(line int) (string, bool) {
	if f.lines == nil {
		f.lines = []int{0}
		for i, c := range f.data {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	if line < 1 || line > len(f.lines) {
		return "", false
	}
	text := f.data[f.lines[line-1]:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return strings.ToValidUTF8(strings.TrimRight(string(text), "\r"), "?"), true
}

// resolve makes a path absolute: it is relative to the file's folder. One that
// begins with a slash is absolute on whatever system it is looked at.
func (f *file) resolve(path string) string {
	if path == "" || path[0] == '/' || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}

// read fills in the data. loose reports that anybody may change the file.
func (f *file) read() (loose bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, cause(err)
	}
	// Opening a pipe or a device could block, or never end.
	if !info.Mode().IsRegular() {
		return false, errors.New("not a regular file")
	}
	in, err := os.Open(f.path)
	if err != nil {
		return false, cause(err)
	}
	defer in.Close()
	f.data, err = io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return false, cause(err)
	}
	if len(f.data) > maxFile {
		f.data = nil
		return false, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0, nil
}

// cause is an error without the path, which the message has already.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// badByte finds the first byte that no YAML file may hold.
func badByte(data []byte) (offset int, what string, found bool) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0, "the file is UTF-16; save it as UTF-8", true
	}
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			return i, fmt.Sprintf("byte 0x%02x is not UTF-8; save the file as UTF-8", data[i]), true
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f, 0x80 <= c && c < 0xa0 && c != 0x85:
			return i, fmt.Sprintf("control character 0x%02x", c), true
		}
		i += n
	}
	return 0, "", false
}

// atOffset is the place of a byte.
func (f *file) atOffset(offset int) place {
	before := f.data[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	start := bytes.LastIndexByte(before, '\n') + 1
	return f.at(line, utf8.RuneCount(before[start:])+1)
}
