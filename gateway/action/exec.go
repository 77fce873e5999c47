package action

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"time"

	"consoled/ports"
)

// grace is what a program has to end after SIGTERM, and its output after its
// own end.
const grace = time.Second

// Exec is a program and its arguments; no shell is between. It runs in a
// process group of its own, which is ended as a whole, with nothing on its stdin.
type Exec struct{ Argv []string }

// Do runs the program.
func (e Exec) Do(ctx context.Context, call Call, out io.Writer) error {
	cmd := exec.CommandContext(ctx, e.Argv[0], e.Argv[1:]...)
	cmd.Env, cmd.Dir = call.environment(), string(os.PathSeparator)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = grace
	ports.OwnGroup(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	ports.EndGroup(cmd)
	exited, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case ok && exited.Exited():
		return Exit(exited.ExitCode())
	case errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success():
		return nil // what it left behind held its output
	}
	return err
}

// String is "exec relay".
func (e Exec) String() string { return "exec " + e.Argv[0] }

// environment is all that a program is given; nothing else of the gateway's.
func (c Call) environment() []string {
	return []string{
		"PATH=" + cmp.Or(os.Getenv("PATH"), ports.UsualPath),
		"LANG=" + cmp.Or(os.Getenv("LANG"), "C.UTF-8"),
		"CONSOLED_CONSOLE=" + c.Console,
		"CONSOLED_ACTION=" + c.Action,
		"CONSOLED_USER=" + c.User,
		"CONSOLED_KEY=" + c.Key,
		"CONSOLED_FROM=" + c.From,
	}
}
