package command

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"consoled/gateway/attach"
)

func itoa(n int) string { return strconv.Itoa(n) }

func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

// number is the value of a flag that takes one, or the one where it is not given.
func (c *call) number(name string, otherwise int64) (int64, error) {
	text, ok := c.flags[name]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &usageError{code: ExitUsage, text: name + " " + quote(text) + ": a number is needed"}
	}
	return n, nil
}

// parseTime reads a moment as people write it: a length of time before now
// ("1h", "-1h"), a time of day, a date, both, RFC 3339, "today", "yesterday".
func parseTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(strings.TrimPrefix(text, "-")); err == nil {
		return now.Add(-d), nil
	}
	if days, ok := inDays(strings.TrimPrefix(text, "-")); ok {
		return now.AddDate(0, 0, -days), nil
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch text {
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	}
	for _, form := range []string{"15:04", "15:04:05"} {
		if t, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location())
			if at.After(now) {
				at = at.AddDate(0, 0, -1) // 23:00, asked at 03:00, was last night
			}
			return at, nil
		}
	}
	for _, form := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &usageError{
		code: ExitUsage, text: quote(text) + " is no time",
		fix: "1h, 03:00, 2026-11-23, 2026-11-23T03:00:00Z, yesterday",
	}
}

// inDays reads a number of days: "7d".
func inDays(text string) (int, bool) {
	digits, ok := strings.CutSuffix(text, "d")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && n < 100_000
}

// parseSpan reads a length of time: "90s", "10m", "7d".
func parseSpan(text string) (time.Duration, error) {
	if days, ok := inDays(text); ok {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

// errInterrupted is the cause of a context that ^C ended.
var errInterrupted = errors.New("interrupted")

// interrupt is ^C as it arrives on a PTY; a pager is also left by ^D and q.
const (
	interrupt = "\x03"
	quit      = interrupt + "\x04q"
)

// interruptible ends the context with one of the keys on a PTY. stop waits
// for the goroutine that looks for them.
func (c *call) interruptible(ctx context.Context, keys string) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if !c.s.Terminal.PTY {
		return ctx, func() { cancel(nil) }
	}
	var tasks attach.Tasks
	tasks.Go(func() {
		for b := make([]byte, 64); ; {
			n, err := c.s.Terminal.In.Read(b)
			if strings.ContainsAny(string(b[:n]), keys) {
				cancel(errInterrupted)
			}
			if err != nil {
				return
			}
		}
	}, func() { cancel(nil) })
	return ctx, func() {
		cancel(nil)
		c.s.Terminal.Interrupt()
		tasks.Wait()
	}
}
