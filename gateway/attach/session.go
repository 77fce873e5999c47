package attach

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/screen"
)

const (
	// ahead is how much of what is typed is looked at while the line takes no
	// input; so the escape key works on a line that is stuck.
	ahead = 4 << 10
	// answerHold is how long the beginning of what may be a terminal's answer
	// is kept back; it is an Escape key otherwise.
	answerHold = 50 * time.Millisecond
	// reminder is how often a person is told that what they type is not sent.
	reminder = 10 * time.Second
	// stuck is how long a line takes no input before its writer is told.
	stuck = 2 * time.Second
	// parting is how long the last words and the last keystrokes have.
	parting = time.Second
)

// A session is one attached person. Run's goroutine owns it, but for what the painter has.
type session struct {
	console  *console.Console
	place    *console.Attachment
	terminal Terminal
	o        Options
	painter  *painter
	titled   bool        // the terminal is sent titles
	writing  atomic.Bool // this session holds the lock
	wrote    bool        // something that this session typed was delivered
	goodbye  bool        // it was told of its end by the console

	answers screen.Answers
	escape  escape
	guard   guard
	prompt  *prompt // open question; nil if none
	errands errands
	pending []byte // typed, and the line had no room for it
	waits   bool   // pending goes on with what the line has, or had, in its queue
	since   time.Time
	warned  bool      // that the line takes no input
	refused time.Time // when the person was last told that something was not sent
	because console.Because
	guarded time.Time // when the guard last held something back
	left    bool
	code    int
}

// Run lets a client that has joined a console type and watch until it leaves,
// is detached or ctx ends (its cause is the goodbye), and returns the exit
// code. It ends the attachment.
func Run(ctx context.Context, c *console.Console, place *console.Attachment, t Terminal, o Options) int {
	s := &session{console: c, place: place, terminal: t, o: o, titled: canTitle(t, o)}
	defer place.Leave(false)
	if err := s.begin(); err != nil {
		return s.code
	}
	defer s.painter.cursor.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tasks Tasks
	gone := make(chan struct{}) // the terminal takes no more
	tasks.Go(func() {
		if err := s.painter.run(ctx); err != nil {
			close(gone)
		}
	}, func() { close(gone) })
	s.loop(ctx, t.Typed(), gone)
	s.depart(cancel, &tasks)
	return s.code
}

// begin takes the lock if that was asked for and prepares the painter, whose
// first words are the attach line and the replay.
func (s *session) begin() error {
	seq, err := ParseEscape(s.o.Escape)
	if err != nil {
		seq, _ = ParseEscape("")
	}
	s.escape.seq = seq
	st := s.console.Status()
	if err := s.claim(st); err != nil {
		return err
	}
	s.writing.Store(s.place.Writer())
	s.painter = &painter{
		out: s.terminal.Out, record: s.console.Record(), name: s.console.Name(),
		width: func() int { w, _ := s.terminal.Size(); return w }, writing: s.writing.Load,
		wake: make(chan struct{}, 1),
	}
	if s.titled {
		s.painter.say(paint{raw: saveTitle})
	}
	s.greet()
	s.refreshTitle()
	return nil
}

// claim does what --rw and --force ask for, or says why not and sets the exit code.
func (s *session) claim(st console.Status) (err error) {
	switch {
	case s.o.ExitOnDown && st.Closing != nil:
		err, s.code = errors.New("closed "+ClosedBy(st.Closing)), ExitDown
	case s.o.ExitOnDown && st.State == console.Down:
		err, s.code = errors.New("DOWN: "+downReason(st)), ExitDown
	case s.o.Force:
		err = s.place.Force(s.o.Reason)
	case s.o.Write:
		err = s.place.Take()
	}
	if err == nil {
		return nil
	}
	if s.code == ExitLeft {
		s.code = ExitCode(err)
	}
	io.WriteString(s.terminal.Out, "["+s.console.Name()+"] "+words(err.Error())+"\r\n")
	return err
}

// loop handles what happens until the session ends.
func (s *session) loop(ctx context.Context, typed <-chan []byte, gone <-chan struct{}) {
	hold := time.NewTimer(time.Hour) // of an unfinished escape sequence or answer
	hold.Stop()
	defer hold.Stop()
	ctx, cancel := context.WithCancel(ctx)
	s.errands.ctx, s.errands.stop, s.errands.done = ctx, cancel, make(chan func())
	defer s.errands.tasks.Wait()
	defer cancel()
	for !s.left {
		in, room := typed, (<-chan struct{})(nil)
		if len(s.pending) > 0 {
			room = s.place.Room()
			s.push()
			if len(s.pending) >= ahead {
				in = nil
			}
		}
		select {
		case p, ok := <-in:
			if !ok {
				s.leave(ExitLeft)
				break
			}
			s.typed(p)
			if s.escape.held() {
				hold.Reset(escapeHold)
			} else if s.answers.Held() > 0 {
				hold.Reset(answerHold)
			}
		case <-gone:
			s.leave(ExitLeft)
		case <-hold.C:
			s.strokes(s.answers.Flush(nil))
			if held := s.escape.flush(); s.prompt == nil {
				s.send(held)
			}
		case d, ok := <-s.terminal.Breaks:
			if !ok {
				s.terminal.Breaks = nil
				break
			}
			s.plainBreak(d)
		case then := <-s.errands.done:
			then()
		case e, ok := <-s.place.Events():
			if !ok {
				s.leave(s.code)
				break
			}
			s.event(e)
			for range len(s.place.Events()) { // so that a crowd's coming and going is one title
				if e, ok := <-s.place.Events(); ok {
					s.event(e)
				}
			}
			s.refreshTitle()
		case <-room:
		case <-s.stuckAlarm(len(s.pending) > 0):
			s.warned = true
			hint := s.leaveHint()
			if len(s.pending) >= ahead { // which is read no further
				hint = hintMark + "Leave: Enter ~."
			}
			s.notice("the line takes no input; what you type waits." + hint)
		case <-ctx.Done():
			if !s.goodbye {
				s.notice(words(context.Cause(ctx).Error()) + ".")
			}
			s.leave(ExitLeft)
		}
	}
}

// leave ends the loop.
func (s *session) leave(code int) { s.left, s.code = true, code }

// stuckAlarm rings once the line has taken no input for a while.
func (s *session) stuckAlarm(waiting bool) <-chan time.Time {
	if !waiting {
		s.since, s.warned = time.Time{}, false
		return nil
	}
	if s.since.IsZero() {
		s.since = time.Now()
	}
	if s.warned {
		return nil
	}
	return time.After(time.Until(s.since.Add(stuck)))
}

// depart ends the session: the last keystrokes are let through on a clean
// leave, the terminal gets its modes and its title back, and a terminal that takes nothing
// is cut off.
func (s *session) depart(cancel func(), tasks *Tasks) {
	t := s.terminal
	t.Interrupt()
	lost := t.Lost()
	if !lost && s.writing.Load() {
		ctx, done := context.WithTimeout(context.Background(), parting)
		if err := s.place.Drain(ctx); err != nil || len(s.pending) > 0 {
			s.notice("not sent: the end of what you typed; the line took no input.")
		}
		done()
	}
	s.place.Leave(lost)
	if s.titled {
		s.painter.show("") // none may follow
		s.painter.say(paint{raw: restoreTitle})
	}
	cancel()
	timer := time.AfterFunc(parting, t.Abort)
	tasks.Wait()
	if !lost {
		s.painter.flush()
	}
	timer.Stop()
}

// event follows what happens to the console.
func (s *session) event(e console.Event) {
	s.writing.Store(s.place.Writer())
	text, urgent := s.told(e)
	if e.Kind == console.KindGoodbye {
		s.goodbye = true
	}
	if text != "" && (!s.o.Quiet || urgent) {
		x := paint{lines: []string{text}, at: e.Offset}
		if urgent {
			x.raw = "\a"
		}
		s.painter.say(x)
	}
	if (e.Kind == console.KindDown || e.Kind == console.KindClose) && s.o.ExitOnDown {
		s.leave(ExitDown)
	}
}

func (s *session) refreshTitle() {
	if s.titled {
		s.painter.show(s.title(s.console.Status()))
	}
}

// notice says one line to the person.
func (s *session) notice(text string) { s.painter.say(paint{lines: []string{text}}) }

// refuse tells why something was not sent, now and then.
func (s *session) refuse(err error) {
	var because console.Because
	if r, ok := errors.AsType[*console.Refusal](err); ok {
		because = r.Because
	}
	if now := time.Now(); now.Sub(s.refused) >= reminder || because != s.because {
		s.refused, s.because = now, because
		s.notice(s.notSent(err))
	}
}

// explicit reports whether typing alone does not take the lock.
func (s *session) explicit() bool {
	mode := s.place.Client().Mode
	if mode == "" {
		mode = s.console.Options().Lock.Write
	}
	return mode == console.Explicit
}
