//go:build unix

package ports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func execSupported() error { return nil }

// Open starts the program.
func (e Exec) Open(ctx context.Context) (Port, error) {
	op := "open " + e.String()
	if ctx.Err() != nil {
		return nil, Ended(ctx, op)
	}
	if err := e.Check(); err != nil {
		return nil, &Error{Reason: Failed, Op: op, Err: err}
	}
	cmd, err := e.command()
	if err != nil {
		return nil, failedExec(op, err)
	}
	master, slave, err := openPty()
	if err != nil {
		return nil, Classify(op, fmt.Errorf("pseudo-terminal: %w", err))
	}
	defer slave.Close()
	p := &program{file: master, cmd: cmd, what: e.String(), closing: make(chan struct{}), exited: make(chan struct{}), done: make(chan struct{})}
	if err := e.start(p, slave); err != nil {
		master.Close()
		return nil, failedExec(op, err)
	}
	return p, nil
}

func (e Exec) start(p *program, slave *os.File) error {
	size := &pty.Winsize{Cols: uint16(cmp.Or(e.Cols, 80)), Rows: uint16(cmp.Or(e.Rows, 24))}
	if err := pty.Setsize(slave, size); err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	if as := p.cmd.SysProcAttr.Credential; as != nil {
		// Programs open their terminal by its name again (/dev/tty, less, screen).
		if err := slave.Chown(int(as.Uid), -1); err != nil {
			return fmt.Errorf("pseudo-terminal: %w", err)
		}
	}
	if err := p.try.init(p.file); err != nil {
		return err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	return p.cmd.Start()
}

// command is what is to be run, before it has a terminal.
func (e Exec) command() (*exec.Cmd, error) {
	account, credential, err := e.account()
	if err != nil {
		return nil, err
	}
	dir := e.Dir
	if dir == "" {
		dir = account.HomeDir
		if !isDir(dir) {
			dir = "/" // as login does
		}
	} else if !isDir(dir) {
		return nil, fmt.Errorf("folder %q: %w", dir, syscall.ENOTDIR)
	}
	env := e.environment(account)
	path, err := findProgram(e.Argv[0], env["PATH"])
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{
		Path:        path,
		Args:        e.Argv,
		Dir:         dir,
		Env:         variables(env),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true, Credential: credential},
	}, nil
}

// account is whom the program runs as, and what switches to that user; nil
// where it is the gateway's own.
func (e Exec) account() (*user.User, *syscall.Credential, error) {
	if e.User == "" {
		account, err := user.Current()
		if err != nil { // a number without a name, as in containers
			account = &user.User{Uid: strconv.Itoa(os.Getuid()), HomeDir: "/"}
		}
		return account, nil, nil
	}
	account, err := user.Lookup(e.User)
	if err != nil {
		if account, err = user.LookupId(e.User); err != nil {
			return nil, nil, fmt.Errorf("user %q: unknown", e.User)
		}
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, nil, fmt.Errorf("user %q: %w", e.User, err)
	}
	if os.Geteuid() == int(uid) {
		return account, nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, nil, &Error{
			Reason: Denied, Op: "open " + e.String(),
			Err: fmt.Errorf("user %q: %w", e.User, syscall.EPERM),
			Fix: "run the gateway as root, or leave the user out",
		}
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, nil, fmt.Errorf("user %q: %w", e.User, err)
	}
	credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	groups, err := account.GroupIds()
	if err != nil {
		return nil, nil, fmt.Errorf("groups of the user %q: %w", e.User, err)
	}
	for _, group := range groups {
		if id, err := strconv.ParseUint(group, 10, 32); err == nil {
			credential.Groups = append(credential.Groups, uint32(id))
		}
	}
	return account, credential, nil
}

// environment holds nothing of the gateway's own, which may hold secrets.
func (e Exec) environment(account *user.User) map[string]string {
	env := map[string]string{
		"TERM": "vt220", // what most things on a serial line are asked to be
		"PATH": UsualPath,
		"HOME": account.HomeDir,
	}
	if account.Username != "" {
		env["USER"], env["LOGNAME"] = account.Username, account.Username
	}
	if lang, ok := os.LookupEnv("LANG"); ok {
		env["LANG"] = lang
	}
	for name, value := range e.Env {
		env[name] = value
	}
	return env
}

func variables(env map[string]string) []string {
	all := make([]string, 0, len(env))
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return all
}

// findProgram looks along the program's own PATH, not the gateway's.
func findProgram(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			return "", fmt.Errorf("%q is not absolute", name)
		}
		return name, nil
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue // what the current folder holds is nobody's choice
		}
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%w in %s", exec.ErrNotFound, path)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// failedExec is the error of a start. A program that is not there is no device
// that is gone.
func failedExec(op string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return &Error{Reason: Failed, Op: op, Err: bare(err), Fix: "install the program, or give its path"}
	}
	return Classify(op, err)
}

// openPty is pty.Open with a master whose reads are parked in the runtime's
// poller: the library leaves the descriptor blocking, which costs a thread and
// makes Close wait for a Read.
func openPty() (master, slave *os.File, err error) {
	opened, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	master, err = nonblocking(opened)
	opened.Close()
	if err != nil {
		slave.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// nonblocking is a duplicate of f that the runtime's poller watches.
func nonblocking(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
