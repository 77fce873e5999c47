package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"consoled/auth"
)

// agreed makes sure that what is done is meant: to several consoles always,
// to one where it is to be confirmed. On a PTY people are asked to type what
// nobody types by habit; elsewhere --yes says it.
func (c *call) agreed(ctx context.Context, doing string, confirm bool) error {
	n := len(c.consoles)
	if n < 2 && !confirm || c.has("--yes") {
		return nil
	}
	what, answer := c.consoles[0].Name(), c.consoles[0].Name()
	wanted := "its name"
	if n > 1 {
		what = fmt.Sprintf("%d consoles (%s .. %s)", n, c.consoles[0].Name(), c.consoles[n-1].Name())
		answer = strconv.Itoa(n)
		wanted = answer
	}
	return c.confirm(ctx, doing+": "+what, wanted, answer, "--yes")
}

// confirm asks on a PTY for an answer, and elsewhere for a flag.
func (c *call) confirm(ctx context.Context, doing, wanted, answer, flag string) error {
	if !c.s.Terminal.PTY || c.has("--stdin") {
		return &usageError{code: ExitUsage, text: doing + ": not done unasked", fix: flag + ", if you mean it"}
	}
	typed, err := c.ask(ctx, fmt.Sprintf("%s. Type %s to go on: ", doing, wanted))
	if err == nil && typed != answer {
		err = &usageError{code: ExitUsage, text: "not done"}
	}
	return err
}

// longestAnswer bounds what is typed at a question, in bytes.
const longestAnswer = 200

// ask asks a question on a PTY and reads one line.
func (c *call) ask(ctx context.Context, question string) (string, error) {
	stop := context.AfterFunc(ctx, c.s.Terminal.Interrupt)
	defer stop()
	c.out.printf("%s", question)
	c.out.flush()
	var answer []byte
	for b := make([]byte, 64); ; {
		n, err := c.s.Terminal.In.Read(b)
		for _, key := range b[:n] {
			echo := ""
			switch {
			case key == '\r' || key == '\n':
				c.out.printf("\n")
				return string(answer), nil
			case key == 0x03 || key == 0x04:
				c.out.printf("\n")
				return "", interrupted()
			case (key == 0x7f || key == '\b') && len(answer) > 0:
				answer, echo = answer[:len(answer)-1], "\b \b"
			case key >= ' ' && key < 0x7f && len(answer) < longestAnswer:
				answer, echo = append(answer, key), string(key)
			}
			c.out.printf("%s", echo)
		}
		c.out.flush()
		if err != nil {
			return "", interrupted()
		}
	}
}

func interrupted() error { return &usageError{code: ExitInterrupt, text: "interrupted"} }

// mayMany checks the right to do something to many consoles at once.
func (c *call) mayMany() error {
	if len(c.consoles) < 2 {
		return nil
	}
	for _, x := range c.consoles {
		if !c.rights(x).Has(auth.WriteMany) {
			return errDenied(c.s, x.Name(), auth.WriteMany)
		}
	}
	return nil
}

// span is the value of a flag that takes a length of time, or the one where it
// is not given.
func (c *call) span(name string, otherwise, most time.Duration) (time.Duration, error) {
	text, ok := c.flags[name]
	if !ok {
		return otherwise, nil
	}
	d, err := parseSpan(text)
	if err != nil || d <= 0 || d > most {
		return 0, &usageError{code: ExitUsage, text: name + " " + quote(text) + " is no length of time", fix: "30s, 10m, 2h, 7d"}
	}
	return d, nil
}
