package ssh

import (
	"context"
	"errors"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
)

// maxOutput bounds what Run keeps of a command's output.
const maxOutput = 64 << 10

// Run logs in and runs one command without a terminal, until it ends or ctx
// does. It returns the first 64 KiB of what the command printed, on stdout and stderr alike,
// and its exit status; as a shell has it, 128 and its number for a signal.
// The settings for a session (Command, NoPty, the size) play no part. Its
// error is an *ports.Error.
func (s SSH) Run(ctx context.Context, command string) (output []byte, status int, err error) {
	link, err := s.connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer link.close()
	stop := context.AfterFunc(ctx, link.cut)
	defer stop()
	session, err := gossh.NewClient(link.Conn, link.channels, link.requests).NewSession()
	if err != nil {
		return nil, 0, s.ran(ctx, link.refused(err))
	}
	out := &ports.Head{Most: maxOutput}
	session.Stdout, session.Stderr = out, out
	err = session.Run(command)
	if exited, ok := errors.AsType[*gossh.ExitError](err); ok {
		return out.Bytes(), exited.ExitStatus(), nil
	}
	return out.Bytes(), 0, s.ran(ctx, err)
}

// ran gives a reason to what kept a command from running to its end.
func (s SSH) ran(ctx context.Context, err error) error {
	op := "run on " + s.String()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ports.Ended(ctx, op)
	}
	e, ok := errors.AsType[*ports.Error](err)
	if !ok {
		return &ports.Error{Reason: ports.Closed, Op: op, Err: shortened(err)}
	}
	mine := *e
	mine.Op = op
	return &mine
}
