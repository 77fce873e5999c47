package attach

import (
	"context"
	"fmt"
	"io"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/record"
)

// Watch is the read-only stream of a session without a PTY: the console's
// bytes from now on, at the reader's own speed, nothing skipped. Bytes on In
// are not sent; the first ones are answered with one line on Err, and the exit
// code is ExitUsage in the end. It ends the attachment.
func Watch(ctx context.Context, c *console.Console, place *console.Attachment, t Terminal, quiet bool) int {
	session := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cursor := c.Record().Cursor(c.Record().End())
	defer cursor.Close()
	defer place.Leave(false)
	w := &watch{name: c.Name(), place: place, record: c.Record(), cursor: cursor, terminal: t, quiet: quiet}
	var tasks, last Tasks
	tasks.Go(w.refuseInput, nil)
	tasks.Go(func() { cancel(w.tell(ctx)) }, func() { cancel(nil) })
	ended := make(chan struct{})
	last.Go(func() { w.cutOff(ctx, ended) }, nil)
	cancel(w.stream(ctx))
	t.Interrupt()
	defer last.Wait()
	defer close(ended)
	tasks.Wait()
	if session.Err() != nil && !w.goodbye {
		w.say(words(context.Cause(session).Error()))
	}
	return w.code
}

// A watch is one session that only reads.
type watch struct {
	name     string
	place    *console.Attachment
	record   *record.Record
	cursor   *record.Cursor
	terminal Terminal
	quiet    bool
	code     int  // refuseInput has it
	goodbye  bool // that it was told; tell has it
}

func (w *watch) say(text string) { fmt.Fprintf(w.terminal.Err, "[%s] %s\n", w.name, text) }

// cutOff ends a write that blocks for too long when the watch is to end: a
// client that takes no output must not read on later what it may not read any more.
func (w *watch) cutOff(ctx context.Context, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	late := time.NewTimer(parting)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		w.terminal.Abort()
	}
}

// refuseInput reads what nobody will send anywhere.
func (w *watch) refuseInput() {
	for b := make([]byte, 512); ; {
		n, err := w.terminal.In.Read(b)
		if n > 0 && w.code == ExitLeft {
			w.code = ExitUsage
			fmt.Fprintln(w.terminal.Err, "consoled: this session is read-only; use 'send', or ssh -t to attach")
		}
		if err != nil {
			return
		}
	}
}

// tell writes what happens to the console to stderr until the stay ends.
func (w *watch) tell(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.place.Events():
			if !ok {
				return context.Canceled
			}
			text := ""
			switch e.Kind {
			case console.KindUp:
				text = "up"
			case console.KindDown:
				text = "DOWN: " + words(string(e.Reason)) + "; retrying"
			case console.KindClose:
				text = words(e.Who) + " closed the line"
			case console.KindGoodbye:
				text, w.goodbye = words(e.Why), true
			}
			if text != "" && (!w.quiet || w.goodbye) {
				w.say(text)
			}
		}
	}
}

// stream copies the record as it grows. What the disk does not give back is
// told, and the end of the record is in memory.
func (w *watch) stream(ctx context.Context) error {
	for buf := make([]byte, chunk); ; {
		if err := w.cursor.Wait(ctx); err != nil {
			return err
		}
		n, err := w.cursor.Read(buf)
		if n > 0 {
			if _, err := w.terminal.Out.Write(buf[:n]); err != nil {
				return err
			}
		} else if err == io.EOF {
			return err
		} else if err != nil {
			w.say("the record cannot be read, going on with what comes: " + words(err.Error()))
			w.cursor.SeekTo(w.record.End())
		}
		if skipped := w.cursor.Skipped(); skipped > 0 {
			w.say(thousands(skipped) + " bytes are missing from the record here")
		}
	}
}
