package ports

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Unix is a stream socket in the file system, as QEMU and container engines
// offer a guest's console.
type Unix struct {
	Path string // absolute; a leading @ means Linux's abstract name space
}

// Check says what is wrong with the path.
func (u Unix) Check() error {
	switch {
	case u.Path == "":
		return errors.New("unix socket: no path")
	case strings.ContainsRune(u.Path, 0):
		return fmt.Errorf("unix socket %q: NUL in the path", u.Path)
	case len(u.Path) > maxUnixPath:
		return fmt.Errorf("unix socket %q: the path has %d bytes and %d is the most that a socket can have", u.Path, len(u.Path), maxUnixPath)
	}
	return nil
}

// maxUnixPath is what sun_path holds besides its NUL on the tightest of the
// systems built for (BSD and Darwin have 104 bytes, Linux and Windows 108).
const maxUnixPath = 103

// Open connects.
func (u Unix) Open(ctx context.Context) (Port, error) {
	port, err := Dial(ctx, "unix", u.Path)
	if ReasonOf(err) == Gone {
		err.(*Error).Fix = "start what listens there (QEMU: -serial unix:PATH,server=on,wait=off)"
	}
	return port, err
}

// String is "unix /run/vm1/serial.sock".
func (u Unix) String() string { return "unix " + u.Path }
