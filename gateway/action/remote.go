package action

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// A Remote runs one command at a host and returns the beginning of its output,
// bounded, and its exit status. The SSH backend is one.
type Remote interface {
	Run(ctx context.Context, command string) (output []byte, status int, err error)
}

// SSH is a command at a host, as the host's shell reads it.
type SSH struct {
	Remote  Remote
	Command string
}

// Do runs the command.
func (s SSH) Do(ctx context.Context, _ Call, out io.Writer) error {
	output, status, err := s.Remote.Run(ctx, s.Command)
	out.Write(output)
	if err == nil && status != 0 {
		return Exit(status)
	}
	return err
}

// String is that of the host.
func (s SSH) String() string { return fmt.Sprint(s.Remote) }

// A Chassis is a management controller that obeys power commands: those of
// Power in words ("boot pxe", "identify on"). What it says (the state) is hostile.
type Chassis interface {
	Chassis(ctx context.Context, command string) (said string, err error)
}

// IPMI is a command to a management controller.
type IPMI struct {
	Chassis Chassis
	Command string
}

// Do gives the command.
func (i IPMI) Do(ctx context.Context, _ Call, out io.Writer) error {
	command := strings.ReplaceAll(i.Command, "-", " ")
	if command == "identify" {
		command = "identify on"
	}
	said, err := i.Chassis.Chassis(ctx, command)
	io.WriteString(out, said)
	return err
}

// String is "ipmi cycle".
func (i IPMI) String() string { return "ipmi " + i.Command }
