package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"consoled/auth"
	"consoled/gateway/console"
	"consoled/gateway/dialogue"
	"consoled/gateway/screen"
)

// lockFlags are what every verb that writes has.
func lockFlags(more ...flag) []flag {
	return append(more,
		flag{name: "--force", does: "take write from whoever has it (needs --reason)"},
		flag{name: "--reason", takes: free, does: "why, for the record"},
		flag{name: "--json", does: "print the record's offset before it, as JSON"},
	)
}

func sendVerb() verb {
	return verb{
		name: "send", args: "T TEXT", does: "type text on a console", target: anyTarget, needs: auth.Read | auth.Write, text: true,
		flags: lockFlags(
			flag{name: "--enter", does: "press Enter behind it"},
			flag{name: "--stdin", does: "type what comes on stdin; its line ends are Enter"},
			flag{name: "--yes", does: "do not ask, for more than one console"},
		),
		more: `\r \n \t \e \\ \xHH and \cX (control X) stand for themselves. The text is typed whole, or not at all:` + "\n" +
			"where somebody is writing the exit code is 75, where the line is down 69.",
		run: send,
	}
}

func breakVerb() verb {
	return verb{
		name: "break", args: "T", does: "send a BREAK, or a break sequence of the console", target: anyTarget, needs: auth.Read | auth.Write | auth.Break,
		flags: lockFlags(
			flag{name: "--ms", takes: word, does: "its length; 250 ms where none is given, at most 3000"},
			flag{name: "--seq", takes: word, does: "a break sequence of the console, by its digit or letter"},
			flag{name: "--yes", does: "do not ask, for more than one console or a sequence that is asked about"},
		),
		run: func(ctx context.Context, c *call) int {
			if c.has("--seq") {
				return breakSequence(ctx, c)
			}
			ms, err := c.number("--ms", 250)
			if err != nil {
				return c.out.fail(err)
			}
			return c.each(ctx, func(ctx context.Context, place *console.Attachment) error {
				return place.Break(ctx, time.Duration(min(ms, 3000))*time.Millisecond)
			})
		},
	}
}

// breakSequence sends a sequence, unless one of the consoles wants it confirmed.
func breakSequence(ctx context.Context, c *call) int {
	name := c.flags["--seq"]
	if c.has("--ms") {
		return c.out.fail(&usageError{code: ExitUsage, text: "break: --ms and --seq do not go together"})
	}
	for _, x := range c.consoles {
		if seq := x.Options().Manners.Breaks[name]; seq.Confirm && !c.has("--yes") {
			return c.out.fail(&usageError{
				code: ExitUsage, text: fmt.Sprintf("break sequence %s of %s (%s) is to be confirmed", quote(name), x.Name(), quote(seq.Send.String())),
				fix: "--yes, if you mean it",
			})
		}
	}
	return c.each(ctx, func(ctx context.Context, place *console.Attachment) error { return place.Sequence(ctx, name) })
}

func send(ctx context.Context, c *call) int {
	text, err := dialogue.ParseText(c.text)
	switch {
	case err != nil:
		return c.out.fail(&usageError{code: ExitUsage, text: "send: " + screen.Printable(err.Error(), 200)})
	case c.has("--stdin") && c.hasText:
		return c.out.fail(&usageError{code: ExitUsage, text: "send: either TEXT or --stdin"})
	case c.has("--stdin"):
		if text, err = c.stdin(); err != nil {
			return c.out.fail(err)
		}
	case !c.hasText && !c.has("--enter"):
		return c.out.fail(&usageError{code: ExitUsage, text: "send: which text?", fix: "'help send' shows its form"})
	}
	if c.has("--enter") {
		text = append(text, '\r')
	}
	return c.each(ctx, func(ctx context.Context, place *console.Attachment) error {
		if err := place.Type(ctx, text); err != nil {
			return err
		}
		return place.Drain(ctx)
	})
}

// longestInput bounds what --stdin takes, in bytes: it is kept whole, as a text
// is typed whole or not at all.
const longestInput = 8 << 20

// stdin reads a text to type. Enter is what a line end is on a keyboard.
func (c *call) stdin() ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(c.s.Terminal.In, longestInput+1))
	if err == nil && len(text) > longestInput {
		err = &usageError{code: ExitUsage, text: fmt.Sprintf("send: stdin is longer than %d MiB", longestInput>>20)}
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\r"))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r")), err
}

// each does something under the lock of each console, in the order of names,
// and returns the worst exit code.
func (c *call) each(ctx context.Context, do func(context.Context, *console.Attachment) error) int {
	if err := c.agreed(ctx, c.verb.name, false); err != nil {
		return c.out.fail(err)
	}
	if !c.has("--stdin") {
		var stop func()
		ctx, stop = c.interruptible(ctx, interrupt)
		defer stop()
	}
	worst := ExitOK
	for _, x := range c.consoles {
		offset := x.Record().End()
		if err := c.once(ctx, x, do); err != nil {
			c.out.warn("%s", notSent(x, err))
			worst = max(worst, code(err))
			continue
		}
		if c.has("--json") {
			c.out.object(struct {
				V      int    `json:"v"`
				Name   string `json:"name"`
				Offset int64  `json:"offset"`
			}{1, x.Name(), offset})
		}
	}
	return worst
}

// once is a short stay at one console.
func (c *call) once(ctx context.Context, x *console.Console, do func(context.Context, *console.Attachment) error) error {
	place := c.g.Join(c.s, x, console.Sending)
	defer place.Leave(false)
	if err := place.Ready(ctx); err != nil {
		return err
	}
	if c.has("--force") {
		if err := place.Force(c.flags["--reason"]); err != nil {
			return err
		}
	}
	return do(ctx, place)
}
