package ports

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Exec is a program on a pseudo-terminal: a shell, a vendor's console client,
// a script. It runs in a session and process group of its own, which end as
// a whole when the port is closed.
type Exec struct {
	Argv       []string          // the program and its arguments; no shell is between
	Env        map[string]string // on top of a small environment of its own; nothing of the gateway's is inherited
	Dir        string            // absolute; by default the home directory of the user
	User       string            // name or number; needs a gateway that runs as root
	Cols, Rows int               // of the terminal; 80 by 24 where they are 0
}

// Limits on what a configuration may hand to a program, far below those of
// kernels, whose errors name no setting.
const (
	maxArgv    = 1000
	maxEnv     = 1000
	maxExec    = 64 << 10 // bytes of all of them together
	maxColumns = 1000     // and rows
)

// UsualPath is where programs are looked for that are not given the gateway's own PATH.
const UsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Check says what is wrong with the settings.
func (e Exec) Check() error {
	if err := execSupported(); err != nil {
		return err
	}
	if len(e.Argv) == 0 || e.Argv[0] == "" {
		return errors.New("exec: no program")
	}
	if len(e.Argv) > maxArgv || len(e.Env) > maxEnv {
		return fmt.Errorf("exec %q: more than %d arguments or %d variables", e.Argv[0], maxArgv, maxEnv)
	}
	size := 0
	for i, arg := range e.Argv {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("exec %q: NUL in argument %d", e.Argv[0], i)
		}
		size += len(arg)
	}
	for name, value := range e.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("exec %q: %q is no name for a variable", e.Argv[0], name)
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("exec %q: NUL in the variable %q", e.Argv[0], name)
		}
		size += len(name) + len(value)
	}
	if size > maxExec {
		return fmt.Errorf("exec %q: arguments and environment have %d bytes, more than %d", e.Argv[0], size, maxExec)
	}
	if e.Dir != "" && !filepath.IsAbs(e.Dir) {
		return fmt.Errorf("exec %q: folder %q is not absolute", e.Argv[0], e.Dir)
	}
	if e.Cols < 0 || e.Cols > maxColumns || e.Rows < 0 || e.Rows > maxColumns {
		return fmt.Errorf("exec %q: %d columns by %d rows is not from 1 to %d (0 means 80 by 24)", e.Argv[0], e.Cols, e.Rows, maxColumns)
	}
	return nil
}

// String is "exec ipmitool": the program alone, because people put passwords
// among arguments.
func (e Exec) String() string {
	if len(e.Argv) == 0 {
		return "exec"
	}
	return "exec " + e.Argv[0]
}
