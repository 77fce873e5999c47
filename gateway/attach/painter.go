package attach

import (
	"cmp"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"consoled/gateway/record"
	"consoled/gateway/screen"
)

const (
	// chunk is how much is written at once: small SSH packets cost many times
	// more a byte than those of this size.
	chunk = 32 << 10
	// behind is how far a terminal may fall behind before it jumps to now.
	behind = 256 << 10
	// coalesce is how long output collects for somebody who is not typing.
	coalesce = 15 * time.Millisecond
	// patience is how long a notice waits for the end of an escape sequence.
	patience = 250 * time.Millisecond
	// unread is how many notices may wait for a terminal that takes no output.
	unread = 100
	// longestFinish is how much is read for the end of an escape sequence
	// before a notice cuts it off.
	longestFinish = 4 << 10
)

// can ends a sequence that has begun (ECMA-48 CAN), so that a notice is not taken for
// a part of it.
const can = "\x18"

// A painter is the one goroutine that writes to the terminal: what the record
// says, in order, and notices in between where they do no harm.
type painter struct {
	out     io.Writer
	record  *record.Record
	cursor  *record.Cursor
	name    string
	width   func() int
	writing func() bool // its person is the writer, whose terminal may answer queries

	tracker screen.Tracker
	queries screen.Queries
	asked   bool   // the last bytes went out with the queries in them
	buf     []byte // one chunk, made with the first output
	clean   []byte
	skipped int64
	missing int64     // bytes that the record does not have
	told    time.Time // when the last skip was told
	failed  time.Time // when it was last told that the record cannot be read
	asking  string    // the open question and the answer so far
	titles  int       // titles that the target has set, at the last look
	titled  time.Time // when it set one
	popped  int       // titles that it took from the terminal's stack, at the last look
	shown   string    // the title that was sent last

	lastKey atomic.Int64 // unix ns of the person's last keystroke

	mu    sync.Mutex
	queue []paint
	title string // the newest; older ones are not worth sending
	hold  bool   // a prompt is open: the record waits
	wake  chan struct{}
	stir  context.CancelFunc // ends the wait for output
}

// A paint is something to show besides the record.
type paint struct {
	lines  []string // notices, without the console's name
	at     int64    // an offset: the record up to there stands before it
	raw    string   // bytes as they are: a bell, an echo in a prompt
	plain  bool     // lines stand without the name in front
	record []byte   // a replay, filtered already
	asking *string  // what an open question looks like from now on; empty: it is closed
}

// say queues something to show. It never waits; what a stuck terminal does not
// take is forgotten, oldest first.
func (p *painter) say(x paint) {
	p.mu.Lock()
	if p.queue = append(p.queue, x); len(p.queue) > unread {
		p.queue = p.queue[1:]
	}
	p.mu.Unlock()
	p.poke()
}

// show queues the window title.
func (p *painter) show(title string) {
	p.mu.Lock()
	p.title = title
	p.mu.Unlock()
	p.poke()
}

// pause holds the record back while a prompt is open.
func (p *painter) pause(hold bool) {
	p.mu.Lock()
	p.hold = hold
	p.mu.Unlock()
	p.poke()
}

// poke makes the painter look what there is to say.
func (p *painter) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stir != nil {
		p.stir()
	}
}

// run paints until ctx ends, the record does, or the terminal takes no more.
// What is then left to say is for flush.
func (p *painter) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.notices(ctx); err != nil {
			return err
		}
		if err := p.live(ctx); err != nil {
			return err
		}
		if err := p.await(ctx); err != nil {
			return nil
		}
	}
	return nil
}

// flush says what is left, after run has ended.
func (p *painter) flush() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing is worth waiting for any more
	if p.notices(ctx) == nil {
		p.write(p.tracker.Reset())
	}
}

// await waits for output or for something to say; an error is the end.
func (p *painter) await(ctx context.Context) error {
	if p.held() {
		select {
		case <-p.wake:
		case <-ctx.Done():
		}
		return nil
	}
	waiting, stir := context.WithCancel(ctx)
	defer stir()
	p.mu.Lock()
	p.stir = stir
	p.mu.Unlock()
	if p.pending() {
		return nil
	}
	if err := p.cursor.Wait(waiting); waiting.Err() != nil {
		return nil // something is to be said, or ctx has ended
	} else if err != nil {
		return err
	}
	if p.urgent() {
		return nil
	}
	timer := time.NewTimer(coalesce)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-waiting.Done():
	}
	return nil
}

// urgent reports that somebody types and waits for the echo.
func (p *painter) urgent() bool {
	return p.writing() && time.Since(time.Unix(0, p.lastKey.Load())) < 200*time.Millisecond
}

func (p *painter) held() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hold
}

// live writes what the record has, until there is no more of it at the moment
// or there is something to say.
func (p *painter) live(ctx context.Context) error {
	for ctx.Err() == nil && !p.held() {
		if n, err := p.step(chunk); n == 0 {
			return err
		}
		if p.pending() {
			if err := p.notices(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// step writes at most limit bytes of the record; 0 is the end or an error.
func (p *painter) step(limit int) (int, error) {
	if err := p.jump(); err != nil {
		return 0, err
	}
	if p.buf == nil {
		p.buf = make([]byte, chunk)
	}
	n, err := p.cursor.Read(p.buf[:limit])
	p.missing += p.cursor.Skipped()
	if n == 0 && err != nil && err != io.EOF {
		p.unreadable(err)
	}
	if n == 0 {
		return 0, nil
	}
	if err := p.pass(p.buf[:n]); err != nil {
		return 0, err
	}
	return n, nil
}

// reach writes the record up to an offset, unless a question is open.
func (p *painter) reach(at int64) error {
	for ahead := at - p.cursor.Offset(); ahead > 0 && !p.held(); ahead = at - p.cursor.Offset() {
		if n, err := p.step(int(min(ahead, chunk))); n == 0 {
			return err
		}
	}
	return nil
}

// unreadable gives up what the disk does not give back. The end of the record
// is in memory, so that the session goes on with what comes.
func (p *painter) unreadable(err error) {
	end := p.record.End()
	p.missing += end - p.cursor.Offset()
	p.cursor.SeekTo(end)
	if time.Since(p.failed) > time.Minute {
		p.failed = time.Now()
		p.say(paint{lines: []string{"the record cannot be read, going on with what comes: " + words(err.Error())}})
	}
}

// pass writes bytes of the target. Only the writer's terminal sees queries:
// many terminals must not answer one.
func (p *painter) pass(b []byte) error {
	writing := p.writing()
	switch {
	case !writing:
		p.clean = p.clean[:0]
		if p.asked {
			p.clean = p.queries.Resume(p.clean, &p.tracker)
		}
		p.clean = p.queries.Append(p.clean, b)
		b = p.clean
	case !p.queries.Between():
		p.clean = append(p.queries.Release(p.clean[:0]), b...)
		b = p.clean
	}
	p.asked = writing
	p.tracker.Feed(b)
	if n := p.tracker.Titles(); n != p.titles {
		p.titles, p.titled = n, time.Now()
	}
	if n := p.tracker.Popped(); n != p.popped {
		p.popped, p.titled = n, time.Time{}
		p.retitle()
	}
	return p.write(b)
}

// retitle shows the title again, where no newer one waits.
func (p *painter) retitle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.title = cmp.Or(p.title, p.shown)
}

// jump skips to now where the terminal has fallen too far behind.
func (p *painter) jump() error {
	end := p.record.End()
	if end-p.cursor.Offset() <= behind {
		return nil
	}
	to, err := p.record.LastLines(1, 4<<10)
	if err != nil || to <= p.cursor.Offset() {
		to = end
	}
	p.skipped += to - p.cursor.Offset()
	p.cursor.SeekTo(to)
	p.queries = screen.Queries{}
	return p.cutOff()
}

// cutOff ends a sequence whose end will not come.
func (p *painter) cutOff() error {
	if p.tracker.Between() {
		return nil
	}
	p.tracker.Feed([]byte(can))
	return p.write([]byte(can))
}

// unshown reports that it is time to tell of bytes that were not shown.
func (p *painter) unshown() bool { return p.skipped+p.missing > 0 && time.Since(p.told) > time.Second }

func (p *painter) pending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0 || p.title != "" || p.unshown()
}

// notices writes what is to be said, between the sequences of the target.
func (p *painter) notices(ctx context.Context) error {
	p.mu.Lock()
	queue, title := p.queue, p.title
	p.queue, p.title = nil, ""
	p.mu.Unlock()
	if p.unshown() {
		if p.skipped > 0 {
			queue = append(queue, paint{lines: []string{thousands(p.skipped) + " bytes skipped (your terminal was slow)."}})
		}
		if p.missing > 0 {
			queue = append(queue, paint{lines: []string{thousands(p.missing) + " bytes are missing from the record here."}})
		}
		p.skipped, p.missing, p.told = 0, 0, time.Now()
	}
	if title == "" && len(queue) == 0 {
		return nil
	}
	for _, x := range queue {
		if err := p.reach(x.at); err != nil {
			return err
		}
		if err := p.finish(ctx); err != nil {
			return err
		}
		if err := p.write(p.render(x)); err != nil {
			return err
		}
		p.tracker.Feed(x.record)
		if err := p.write(x.record); err != nil {
			return err
		}
	}
	if title == "" {
		return nil
	}
	if err := p.finish(ctx); err != nil {
		return err
	}
	p.shown = title
	if time.Since(p.titled) <= time.Minute {
		return nil
	}
	return p.write([]byte(setTitle(title))) // behind what saves the one before
}

// finish lets a sequence that has begun come to its end, for a moment, and cuts
// off one that goes on: no target can keep a notice from being seen.
func (p *painter) finish(ctx context.Context) error {
	if p.tracker.Between() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	one := make([]byte, 1)
	for range longestFinish {
		n, err := p.cursor.Read(one)
		if n == 0 && (err != nil || p.cursor.Wait(ctx) != nil) {
			break
		}
		if err := p.pass(one[:n]); err != nil {
			return err
		}
		if p.tracker.Between() {
			return nil
		}
	}
	return p.cutOff()
}

func (p *painter) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := p.out.Write(b)
	return err
}
