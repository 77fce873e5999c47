package command

import (
	"bufio"
	"context"
	"errors"
	"io"

	"consoled/gateway/console"
	"consoled/gateway/screen"
)

// events prints what happened to the consoles.
func events(ctx context.Context, c *call) int {
	if len(c.flags) > 1 {
		return c.out.fail(&usageError{code: ExitUsage, text: "log: --events goes with no other flag"})
	}
	ctx, stop := c.interruptible(ctx, quit)
	defer stop()
	worst := ExitOK
	for _, x := range c.consoles {
		worst = max(worst, c.ended(x, copyEvents(ctx, c.out, x)))
	}
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return ExitInterrupt
	}
	return worst
}

// copyEvents prints the events of one console. Their texts are hostile, and
// somebody else may have written into the file.
func copyEvents(ctx context.Context, out *output, x *console.Console) error {
	r, err := x.Record().Events()
	if err != nil {
		return err
	}
	defer r.Close()
	lines := bufio.NewReaderSize(r, 32<<10)
	for ctx.Err() == nil && !out.broken() {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // no event is so long, but somebody may have written there
			err = nil
		}
		out.Write(screen.AppendJSON(nil, line))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
