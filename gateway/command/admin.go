package command

import (
	"context"
	"fmt"

	"consoled/auth"
	"consoled/gateway/console"
)

func sysrqVerb() verb {
	return verb{
		name: "sysrq", args: "T KEY", does: "send BREAK and a key for Linux's SysRq", target: anyTarget, text: true,
		needs: auth.Read | auth.Write | auth.Break,
		flags: lockFlags(
			flag{name: "--confirm", does: "needed for b (reboot), c (crash) and o (power off)"},
			flag{name: "--yes", does: "do not ask, for more than one console"},
		),
		more: "h is the kernel's list of keys. Nothing comes between the BREAK and the key.",
		run: func(ctx context.Context, c *call) int {
			key := c.text
			if len(key) != 1 || key[0] <= ' ' || key[0] > '~' {
				return c.out.fail(&usageError{code: ExitUsage, text: "sysrq: which key?", fix: "one character, such as h"})
			}
			if does := console.SysRqEnds(key[0]); does != "" && !c.has("--confirm") {
				name := c.consoles[0].Name()
				if err := c.confirm(ctx, fmt.Sprintf("sysrq %s %s at once, without saving anything", key, does), name, name, "--confirm"); err != nil {
					return c.out.fail(err)
				}
			}
			return c.each(ctx, func(ctx context.Context, place *console.Attachment) error { return place.SysRq(ctx, key[0]) })
		},
	}
}

func closeVerb() verb {
	return verb{
		name: "close", args: "T", does: "let go of the line, so that another program can have it", target: anyTarget,
		needs: auth.Read | auth.Admin,
		flags: []flag{
			{name: "--for", takes: word, does: "open it by itself after so long"},
			{name: "--reason", takes: free, does: "why, for those who type there"},
			{name: "--yes", does: "do not ask, for more than one console"},
		},
		more: "People stay attached and read on. 'open' takes the line again.",
		run: func(ctx context.Context, c *call) int {
			d, err := c.span("--for", 0, longestWait)
			if err != nil {
				return c.out.fail(err)
			}
			return c.administer(ctx, func(place *console.Attachment) error { return place.CloseLine(c.flags["--reason"], d) })
		},
	}
}

func openVerb() verb {
	return verb{
		name: "open", args: "T", does: "take a line again that was closed", target: anyTarget, needs: auth.Read | auth.Admin,
		flags: []flag{{name: "--yes", does: "do not ask, for more than one console"}},
		run: func(ctx context.Context, c *call) int {
			return c.administer(ctx, (*console.Attachment).OpenLine)
		},
	}
}

func reopenVerb() verb {
	return verb{
		name: "reopen", args: "T", does: "open the line anew", target: anyTarget, needs: auth.Read | auth.Admin,
		flags: []flag{{name: "--yes", does: "do not ask, for more than one console"}},
		more:  "Where somebody else holds the line (a BMC's one session), it is taken from them.",
		run: func(ctx context.Context, c *call) int {
			return c.administer(ctx, (*console.Attachment).ReopenLine)
		},
	}
}

// administer does something to the line of each console, in the order of
// names, and returns the worst exit code.
func (c *call) administer(ctx context.Context, do func(*console.Attachment) error) int {
	if err := c.agreed(ctx, c.verb.name, false); err != nil {
		return c.out.fail(err)
	}
	worst := ExitOK
	for _, x := range c.consoles {
		place := c.g.Join(c.s, x, console.Commanding)
		err := do(place)
		place.Leave(false)
		if err != nil {
			c.out.warn("%s: %v", x.Name(), err)
			worst = max(worst, code(err))
		}
	}
	return worst
}
