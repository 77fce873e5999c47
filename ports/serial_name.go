package ports

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// byID is where udev names serial devices by what they are and not by the
// order in which they were found.
const byID = "/dev/serial/by-id"

// device is the device that a configured path means, with links followed, so
// that two names of one device share its lock.
func (s Serial) device(folder string) (string, error) {
	path := s.Path
	if !strings.Contains(path, "/") {
		name, err := findByID(folder, path)
		if err != nil {
			return "", err
		}
		path = filepath.Join(folder, name)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", &Error{Reason: ReasonOf(err), Op: "open " + s.String(), Err: bare(err)}
	}
	return real, nil
}

// findByID finds the one name in folder that is want, that continues it with a
// new word, that begins with it, or that holds it: the first of these that any
// name fulfils. The second keeps hub-port-1 from meaning hub-port-10 too.
func findByID(folder, want string) (string, error) {
	op := "open serial " + want
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", Classify(op, err)
	}
	for _, fits := range []func(name string) bool{
		func(name string) bool { return name == want },
		func(name string) bool { return strings.HasPrefix(name, want+"-") || strings.HasPrefix(name, want+"_") },
		func(name string) bool { return strings.HasPrefix(name, want) },
		func(name string) bool { return strings.Contains(name, want) },
	} {
		var found []string
		for _, entry := range entries {
			if fits(entry.Name()) {
				found = append(found, entry.Name())
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			slices.Sort(found)
			return "", &Error{
				Reason: Failed, Op: op,
				Err: fmt.Errorf("%d devices have such a name in %s", len(found), folder),
				Fix: "write more of the name: " + strings.Join(found[:min(len(found), 8)], ", "),
			}
		}
	}
	missing := &Error{Reason: Gone, Op: op, Err: fmt.Errorf("no such name in %s", folder)}
	if info, err := os.Stat(filepath.Join("/dev", want)); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
		missing.Fix = "write /dev/" + want + " to mean that device"
	}
	return "", missing
}
