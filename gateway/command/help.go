package command

import (
	"context"
	"strings"

	"consoled/gateway/attach"
	"consoled/gateway/names"
)

func helpVerb() verb {
	return verb{
		name: "help", args: "[COMMAND]", does: "this, or one command; also: help keys, scripts, exit-codes", target: noTarget,
		run: func(_ context.Context, c *call) int {
			topic := strings.Join(c.plain, " ")
			switch topic {
			case "":
				return help(c)
			case "keys":
				c.out.printf("%s", helpKeys())
				return ExitOK
			case "scripts":
				c.out.printf("%s", helpScripts)
				return ExitOK
			case "exit-codes":
				c.out.printf("%s", helpExitCodes)
				return ExitOK
			}
			return helpOn(c, topic)
		},
	}
}

func help(c *call) int {
	c.out.printf("ssh NAME@gw attaches to the console NAME; ssh gw COMMAND runs one of these:\n\n")
	for _, v := range verbs() {
		c.entry(strings.TrimRight(v.name+" "+v.args, " "), v.does)
	}
	c.out.printf("\nT is a console (node42) or, where several make sense, a selector:\nnode[1-9], a,b, @tag, @all.\n" +
		"'ssh NAME@gw COMMAND' means that console. 'help COMMAND' shows the flags.\n")
	return ExitOK
}

func helpOn(c *call, name string) int {
	v, ok := findVerb(name)
	if !ok {
		e := &usageError{code: ExitUsage, text: "no help on " + quote(name)}
		if near := names.Nearest(name, verbNames()); near != "" {
			e.text += "; did you mean " + near + "?"
		}
		return c.out.fail(e)
	}
	c.out.printf("%s\n", strings.TrimRight(v.name+" "+v.args, " "))
	c.paragraph(v.does)
	if v.more != "" {
		c.out.printf("\n")
		c.paragraph(v.more)
	}
	if len(v.flags) > 0 {
		c.out.printf("\n")
	}
	for _, f := range v.flags {
		name := f.name + [...]string{none: "", word: " VALUE", free: " TEXT", some: "[=VALUE]"}[f.takes]
		c.entry(name, f.does)
	}
	return ExitOK
}

// helpKeys is the escape keys, of which attach has the list.
func helpKeys() string {
	return "keys while attached, after ^Ec (control E, then c):\n" + strings.Join(attach.HelpKeys(nil), "\n") +
		"\n^E twice sends one ^E. Of ssh itself, after Enter: ~B sends BREAK, ~. leaves.\n"
}

const (
	helpWidth  = 80 // of a terminal
	helpColumn = 21 // where what an entry does begins
)

// entry prints a verb or a flag and what it does.
func (c *call) entry(name, does string) {
	name = "  " + name
	if len(name) >= helpColumn {
		c.out.printf("%s\n", name)
		name = ""
	}
	for _, line := range broken(does, helpWidth-helpColumn) {
		c.out.printf("%-*s%s\n", helpColumn, name, line)
		name = ""
	}
}

// paragraph prints text that stands two columns in.
func (c *call) paragraph(text string) {
	for _, line := range broken(text, helpWidth-2) {
		c.out.printf("  %s\n", line)
	}
}

// broken breaks text at blanks into lines of at most width columns.
func broken(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

const helpScripts = `for scripts:
  ssh node42@gw log --since 1h | grep -i mce
  ssh gw ls --json | jq -r 'select(.state == "down") | .name'
  ssh node42@gw send --enter 'uptime'
  at=$(ssh node42@gw send --json --enter 'dmesg' | jq .offset)
  ssh node42@gw log --from $at
  ssh node42@gw power cycle --yes --wait-for 'login:' --timeout 15m
  ssh -T node42@gw            the raw bytes from now on, read only
stdout has results only; notices go to stderr, and SetEnv CONSOLED_QUIET=1
drops them.
`

const helpExitCodes = `exit codes:
  0    ok
  1    no match
  64   the command line is wrong
  66   no such console, or not for you to see
  69   the target is down, or its line cannot do it
  70   internal error, or an action failed
  75   busy: somebody else is writing, or an action runs; try again
  77   not allowed
  78   the configuration has a mistake
  124  timed out
  130  interrupted
255 is ssh's own: no connection, or no key that is accepted.
`
