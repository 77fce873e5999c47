package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/record"
	"consoled/gateway/screen"
)

// followed is how long `-f` lets output collect before it is sent.
const followed = 20 * time.Millisecond

func logFlags(more ...flag) []flag {
	return append(more,
		flag{name: "-n", takes: word, does: "only the last N lines"},
		flag{name: "-f", does: "go on with what comes"},
		flag{name: "--since", takes: word, does: "from a time on: 1h, 03:00, 2026-11-23, 2026-11-23T03:00:00Z, yesterday"},
		flag{name: "--until", takes: word, does: "up to a time"},
		flag{name: "--from", takes: word, does: "from an offset on"},
		flag{name: "--time", takes: some, does: "when each line began; =rel, =utc or =local"},
		flag{name: "--raw", does: "the bytes as they came, escape sequences and all"},
	)
}

func logVerb() verb {
	return verb{
		name: "log", args: "T", does: "the text of a console's record", target: anyTarget, needs: auth.Read,
		flags: logFlags(flag{name: "--events", does: "what happened to the console instead, as JSON lines"}),
		more:  "Escape sequences are removed; several consoles are told apart by their name in front.",
		run: func(ctx context.Context, c *call) int {
			if c.has("--events") {
				return events(ctx, c)
			}
			return printLogs(ctx, c, -1)
		},
	}
}

func tailVerb() verb {
	return verb{
		name: "tail", args: "T", does: "the last 20 lines of the record", target: anyTarget, needs: auth.Read,
		flags: logFlags(), run: func(ctx context.Context, c *call) int { return printLogs(ctx, c, 20) },
	}
}

// A reading is which part of a record is asked for, and in what form.
type reading struct {
	lines        int64 // the last so many; -1: no such bound
	since, until time.Time
	from         int64 // -1: not given
	follow, raw  bool
	stamp        string // of lines: "", "rel", "utc", "local"
	prefix       string
}

// readFlags takes the flags of log and tail together.
func (c *call) readFlags(lines int64) (r reading, err error) {
	now := time.Now()
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	r.follow, r.raw = c.has("-f"), c.has("--raw")
	if c.has("--since") || c.has("--from") {
		lines = -1
	}
	r.lines, err = c.number("-n", lines)
	keep(err)
	r.from, err = c.number("--from", -1)
	keep(err)
	if c.has("--since") {
		r.since, err = parseTime(c.flags["--since"], now)
		keep(err)
	}
	if c.has("--until") {
		r.until, err = parseTime(c.flags["--until"], now)
		keep(err)
	}
	if c.has("--time") {
		r.stamp = c.flags["--time"]
		switch r.stamp {
		case "":
			r.stamp = "local"
		case "rel", "utc", "local":
		default:
			keep(&usageError{code: ExitUsage, text: "--time=" + quote(r.stamp) + ": rel, utc or local"})
		}
	}
	return r, errors.Join(errs...)
}

// printLogs prints what is asked for of each console, and follows them all.
func printLogs(ctx context.Context, c *call, lines int64) int {
	r, err := c.readFlags(lines)
	if err != nil {
		return c.out.fail(err)
	}
	ctx, stop := c.interruptible(ctx, quit)
	defer stop()
	if r.raw && len(c.consoles) == 1 {
		c.out.raw()
	}
	var tasks attach.Tasks
	var mu sync.Mutex
	worst := ExitOK
	for _, x := range c.consoles {
		one := r
		if len(c.consoles) > 1 {
			one.prefix = x.Name() + ": "
		}
		p := &printer{r: one, rec: x.Record(), out: c.out, now: time.Now()}
		if err := p.start(); err != nil {
			c.out.warn("%s: %v", x.Name(), err)
			worst = ExitInternal
			continue
		}
		if !r.follow {
			err := p.print(ctx)
			worst = max(worst, c.ended(x, err))
			continue
		}
		tasks.Go(func() {
			err := p.print(ctx)
			mu.Lock()
			defer mu.Unlock()
			worst = max(worst, c.ended(x, err))
		}, nil)
	}
	tasks.Wait()
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return ExitInterrupt
	}
	return worst
}

// consoleEnded ends what follows a console that is removed.
func consoleEnded() error { return &usageError{code: ExitDown, text: "the console has ended"} }

// ended is the exit code of one printed record.
func (c *call) ended(x *console.Console, err error) int {
	if err == nil || c.out.broken() || errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted) {
		return ExitOK
	}
	c.out.warn("%s: %v", x.Name(), err)
	return code(err)
}

// rooms are what records are read into: those that only wait for more hold none.
var rooms = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// A printer prints one record.
type printer struct {
	r      reading
	rec    *record.Record
	out    *output
	now    time.Time
	cursor *record.Cursor
	end    int64 // where it stops, unless it follows
	filter screen.Text
	line   []byte // raw bytes of a line that is not complete yet
	begin  int64  // offset of line
	inside bool   // line is the rest of one too long to hold
}

// start finds the offsets between which to read.
func (p *printer) start() error {
	from := p.rec.Start()
	p.end = p.rec.End()
	var err error
	if !p.r.since.IsZero() {
		if from, err = p.rec.OffsetAt(p.r.since); err != nil {
			return err
		}
	}
	if !p.r.until.IsZero() {
		if p.end, err = p.rec.OffsetAt(p.r.until); err != nil {
			return err
		}
	}
	if p.r.from >= 0 {
		from = max(from, p.r.from)
	}
	if p.r.lines == 0 {
		from = p.rec.End()
	} else if p.r.lines > 0 {
		last, err := p.rec.LastLines(int(min(p.r.lines, math.MaxInt32)), p.rec.End()-p.rec.Start())
		if err != nil {
			return err
		}
		from = max(from, last)
	}
	p.cursor = p.rec.Cursor(from)
	p.begin = p.cursor.Offset()
	return nil
}

// print reads to the end, and on from there where it follows.
func (p *printer) print(ctx context.Context) error {
	defer p.cursor.Close()
	for {
		n, end, err := p.some()
		if p.out.broken() || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case n > 0:
			continue
		case err != nil && err != io.EOF:
			return err
		case err == io.EOF && p.r.follow:
			p.finish()
			return consoleEnded()
		case err == io.EOF || end || !p.r.follow:
			return p.finish()
		}
		if err := p.out.flush(); err != nil {
			return nil
		}
		if err := p.cursor.Wait(ctx); err != nil && err != io.EOF {
			return err
		}
		timer := time.NewTimer(followed)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// some prints some of what there is; end says that no more is asked for.
func (p *printer) some() (n int, end bool, err error) {
	buf := rooms.Get().(*[64 << 10]byte)
	defer rooms.Put(buf)
	room := buf[:]
	if !p.r.follow || !p.r.until.IsZero() {
		room = buf[:max(0, min(int64(len(buf)), p.end-p.cursor.Offset()))]
	}
	n, err = p.cursor.Read(room)
	if skipped := p.cursor.Skipped(); skipped > 0 {
		p.begin += skipped
		p.out.warn("%s%d bytes are missing from the record here", p.r.prefix, skipped)
	}
	p.add(buf[:n])
	return n, len(room) == 0, err
}

// add prints what is complete of the bytes read so far.
func (p *printer) add(b []byte) {
	if p.r.raw && p.r.prefix == "" && p.r.stamp == "" {
		p.out.Write(b)
		return
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			if p.line = append(p.line, b...); len(p.line) >= 64<<10 {
				p.put()
			}
			return
		}
		p.line = append(p.line, b[:i+1]...)
		b = b[i+1:]
		p.put()
	}
}

// put prints one line.
func (p *printer) put() {
	text := p.line
	if !p.r.raw {
		text = p.filter.Flush(p.filter.Append(nil, p.line))
	}
	head := ""
	if !p.inside {
		head = p.r.prefix + p.stamped()
	}
	p.inside = p.line[len(p.line)-1] != '\n'
	p.begin += int64(len(p.line))
	p.out.Write(append([]byte(head), text...))
	if p.line = p.line[:0]; cap(p.line) > 4<<10 {
		p.line = nil // one long line is no reason to hold as much for ever
	}
}

// stamped is when the line began.
func (p *printer) stamped() string {
	if p.r.stamp == "" {
		return ""
	}
	at, err := p.rec.TimeAt(p.begin)
	if err != nil || at.IsZero() {
		return "? "
	}
	switch p.r.stamp {
	case "utc":
		return at.UTC().Format("2006-01-02T15:04:05.000Z ")
	case "rel":
		return "-" + p.now.Sub(at).Truncate(time.Second).String() + " "
	}
	return at.Local().Format("2006-01-02 15:04:05.000 ")
}

// finish prints an unfinished last line.
func (p *printer) finish() error {
	if len(p.line) > 0 {
		p.put()
		if !p.r.raw {
			p.out.Write([]byte("\n"))
		}
	}
	return p.out.flush()
}
