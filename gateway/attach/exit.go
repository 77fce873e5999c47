package attach

import (
	"errors"

	"consoled/gateway/console"
)

// Exit codes of a session (interface.md 2.2).
const (
	ExitLeft      = 0
	ExitUsage     = 64
	ExitDown      = 69
	ExitInternal  = 70
	ExitBusy      = 75
	ExitDenied    = 77
	ExitInterrupt = 130
)

// ExitCode is the exit code of what a console refused.
func ExitCode(err error) int {
	r, ok := errors.AsType[*console.Refusal](err)
	if !ok {
		return ExitInternal
	}
	switch r.Because {
	case console.BecauseNoRight:
		return ExitDenied
	case console.BecauseDown, console.BecauseClosed, console.BecauseDialogue, console.BecauseLeft, console.BecauseStuck,
		console.BecauseNoBreak, console.BecauseNoFlow:
		return ExitDown
	case console.BecauseNoReason, console.BecauseNoSequence:
		return ExitUsage
	case console.BecauseCancelled:
		return ExitInterrupt
	}
	return ExitBusy
}
