package attach

import (
	"context"
	"fmt"
	"io"
	"sync"

	"consoled/gateway/console"
	"consoled/gateway/record"
)

// Watch is the read-only stream of a session without a PTY: the console's
// bytes from now on, at the reader's own speed, nothing skipped. Bytes on In
// are not sent; the first ones are answered with one line on Err, and the exit
// code is ExitUsage in the end. It ends the attachment.
func Watch(ctx context.Context, c *console.Console, place *console.Attachment, t Terminal, quiet bool) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cursor := c.Record().Cursor(c.Record().End())
	defer cursor.Close()
	defer place.Leave(false)
	code := ExitLeft
	var tasks sync.WaitGroup
	tasks.Go(func() { code = refuseInput(t) })
	tasks.Go(func() { cancel(tell(ctx, c.Name(), place, t.Err, quiet)) })
	err := stream(ctx, cursor, t.Out)
	cancel(err)
	t.Interrupt()
	tasks.Wait()
	return code
}

// refuseInput reads what nobody will send anywhere.
func refuseInput(t Terminal) int {
	code, b := ExitLeft, make([]byte, 512)
	for {
		n, err := t.In.Read(b)
		if n > 0 && code == ExitLeft {
			code = ExitUsage
			fmt.Fprintln(t.Err, "consoled: this session is read-only; use 'send', or ssh -t to attach")
		}
		if err != nil {
			return code
		}
	}
}

// tell writes what happens to the console to stderr until the stay ends.
func tell(ctx context.Context, name string, place *console.Attachment, w io.Writer, quiet bool) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-place.Events():
			if !ok {
				return context.Canceled
			}
			text := ""
			switch e.Kind {
			case console.KindUp:
				text = "up"
			case console.KindDown:
				text = "DOWN: " + words(string(e.Reason)) + "; retrying"
			case console.KindGoodbye:
				text = words(e.Why)
			}
			if text != "" && !quiet {
				fmt.Fprintf(w, "[%s] %s\n", name, text)
			}
		}
	}
}

// stream copies the record to w as it grows.
func stream(ctx context.Context, cursor *record.Cursor, w io.Writer) error {
	buf := make([]byte, chunk)
	for {
		if err := cursor.Wait(ctx); err != nil {
			return err
		}
		n, err := cursor.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}
