package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/action"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

// A person sits at a terminal in a bubble: what they type arrives in packets,
// what they see is collected, and their terminal may stop taking output.
type person struct {
	t      *testing.T
	client console.Client
	term   Terminal
	typed  chan []byte
	gone   chan struct{}
	hangup sync.Once
	breaks chan time.Duration
	code   chan int

	mu      sync.Mutex
	seen    strings.Builder
	stalled chan struct{} // closed by resume; nil where the terminal reads
	aborted bool
	lost    bool
}

func (p *person) Read(b []byte) (int, error) {
	select {
	case packet := <-p.typed:
		return copy(b, packet), nil
	case <-p.gone:
		return 0, io.EOF
	}
}

// packets is what is typed, closed when the person goes.
func (p *person) packets() <-chan []byte {
	out := make(chan []byte)
	go func() {
		defer close(out)
		for {
			select {
			case packet := <-p.typed:
				select {
				case out <- packet:
				case <-p.gone:
					return
				}
			case <-p.gone:
				return
			}
		}
	}()
	return out
}

func (p *person) Write(b []byte) (int, error) {
	p.mu.Lock()
	stalled := p.stalled
	p.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aborted {
		return 0, io.ErrClosedPipe
	}
	return p.seen.Write(b)
}

// stall makes the terminal take no output until resume or abort.
func (p *person) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = make(chan struct{})
}

func (p *person) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}

func (p *person) abort() {
	p.mu.Lock()
	p.aborted = true
	p.mu.Unlock()
	p.resume()
}

func (p *person) leave() { p.hangup.Do(func() { close(p.gone) }) }

func (p *person) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// clear forgets what was seen.
func (p *person) clear() {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Reset()
}

// types sends packets, each answered before the next.
func (p *person) types(packets ...string) {
	for _, s := range packets {
		p.typed <- []byte(s)
		time.Sleep(50 * time.Millisecond)
	}
}

// sees waits a moment and checks what is on the screen.
func (p *person) sees(want ...string) {
	p.t.Helper()
	time.Sleep(300 * time.Millisecond)
	for _, w := range want {
		if !strings.Contains(p.screen(), w) {
			p.t.Errorf("%s does not see %q in\n%q", p.client.Name, w, p.screen())
		}
	}
}

func (p *person) seesNot(not ...string) {
	p.t.Helper()
	time.Sleep(300 * time.Millisecond)
	for _, w := range not {
		if strings.Contains(p.screen(), w) {
			p.t.Errorf("%s sees %q in\n%q", p.client.Name, w, p.screen())
		}
	}
}

// A room is a console with a fake line and the people at it.
type room struct {
	t       *testing.T
	size    func() (int, int) // of the next window; nil: 120 by 24
	ctx     context.Context
	console *console.Console
	fake    *porttest.Fake
	n       int
}

var errStop = errors.New("gateway stops")

func newRoom(t *testing.T, o console.Options) *room { return newRoomIn(t, o, t.TempDir()) }

func newRoomIn(t *testing.T, o console.Options, dir string) *room {
	t.Helper()
	fake := porttest.NewFake("fake node1", porttest.Abilities{Break: true})
	o.Subject, o.Backend, o.Record = names.Subject{Name: "node1"}, fake, record.Options{Dir: dir, Group: -1}
	c, err := console.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	t.Cleanup(func() {
		cancel(errStop)
		<-done
	})
	return &room{t: t, ctx: ctx, console: c, fake: fake}
}

// line is the target, once the line is up.
func (r *room) line() *porttest.Line {
	l := r.fake.Line(r.t.Context())
	synctest.Wait()
	return l
}

// enter seats a person at the console.
func (r *room) enter(name string, o Options) *person {
	r.n++
	size := r.size
	if size == nil {
		size = func() (int, int) { return 120, 24 }
	}
	p := &person{
		t: r.t, typed: make(chan []byte), gone: make(chan struct{}), breaks: make(chan time.Duration, 4), code: make(chan int, 1),
		client: console.Client{
			Session: name + string(rune('0'+r.n)), Name: name, Source: "10.1.2.3", Kind: console.Interactive,
			MayWrite: name != "dave", MayBreak: name != "dave" && name != "frank", MayForce: name == "bob",
			MayPower: name != "dave", MayAdmin: name == "erin",
		},
	}
	p.term = Terminal{
		Typed: p.packets, Out: p, Err: p, PTY: true, Term: "xterm", Size: size, Breaks: p.breaks,
		Interrupt: p.leave, Abort: p.abort, Lost: func() bool { return p.lost },
	}
	if o.Actions == nil {
		o.Actions = func() action.List { return nil }
	}
	if o.Rights == nil {
		o.Rights = func() string { return "read,write" }
		o.Status = func() string { return "console node1\nstate up\n" }
	}
	place := r.console.Attach(p.client)
	go func() { p.code <- Run(r.ctx, r.console, place, p.term, o) }()
	r.t.Cleanup(func() {
		p.abort()
		p.leave()
	})
	time.Sleep(300 * time.Millisecond)
	return p
}

func inRoom(t *testing.T, f func(t *testing.T, r *room)) {
	synctest.Test(t, func(t *testing.T) { f(t, newRoom(t, console.Options{})) })
}

func TestTypeAndSee(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.sees("[node1] fake node1, up 0s. Write is free: just type. Leave: ^Ec .  Keys: ^Ec ?", "[free] node1")
		p.types("l", "s", "\r")
		line.Say("ls\r\n\x1b[1mfile\x1b[0m\r\n$ ")
		p.sees("ls\r\n\x1b[1mfile\x1b[0m\r\n$ ", "[rw] node1")
		if got := line.Heard(); got != "ls\r" {
			t.Errorf("the line heard %q", got)
		}
		p.types("\x05c.")
		if code := <-p.code; code != ExitLeft {
			t.Errorf("exit %d", code)
		}
		if !strings.HasSuffix(p.screen(), restoreTitle) || !strings.HasPrefix(p.screen(), saveTitle) {
			t.Errorf("the title was not saved and restored: %q", p.screen())
		}
	})
}

// Every byte of the target arrives as it is, whatever it is.
func TestOutputIsExact(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{NoTitle: true, Quiet: true})
		p.types("x")
		p.clear()
		var all []byte
		for i := range 256 {
			all = append(all, byte(i))
		}
		line.Say(string(all))
		time.Sleep(time.Second)
		if p.screen() != string(all) {
			t.Errorf("saw %q", p.screen())
		}
	})
}

func TestReplay(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		for range 50 {
			line.Say("old line\r\n")
		}
		line.Say("\x1b[6n\x1b]0;owned\a\x1b[2Jlogin: \x1b[")
		time.Sleep(2 * time.Minute)
		p := r.enter("dave", Options{})
		p.sees("-- record: last 21 lines, newest ", "(2m ago) --", "old line\r\n", "login: ", "-- live --")
		p.seesNot("\x1b[6n", "owned", "\x1b[2J")
		p.clear()
		line.Say("1mX")
		p.sees("\x1b[1mX")
	})
}

func TestReplayWhileDown(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		for range 300 {
			line.Say("panic\r\n")
		}
		time.Sleep(time.Minute)
		r.fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open fake"})
		line.End(&ports.Error{Reason: ports.Closed, Op: "read fake"})
		time.Sleep(time.Minute)
		p := r.enter("alice", Options{})
		p.sees("DOWN since ", "(1m): connection refused.", "last 200 lines", "[DOWN] node1")
		p.types("x")
		p.sees("not sent: the line is DOWN (connection refused)")
		r.fake.FailAlways(nil)
		r.line()
		time.Sleep(2 * time.Second)
		p.sees("up again after ")
	})
}

func TestWatchersAreToldWhoWrites(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		a.types("x")
		b := r.enter("bob", Options{})
		d := r.enter("dave", Options{})
		b.sees("alice is writing (idle 0s).", "Force: ^Ec f", "[ro alice] node1")
		d.sees("You may watch.")
		b.types("y", "y", "y")
		d.types("z")
		b.sees("not sent: alice is writing (idle")
		d.sees("not sent: you may watch this console, not write.")
		if n := strings.Count(b.screen(), "not sent"); n != 1 {
			t.Errorf("bob was told %d times in ten seconds", n)
		}
		if got := line.Heard(); got != "x" {
			t.Errorf("the line heard %q", got)
		}
		b.types("\x05ca")
		b.sees("alice is writing")
		a.types("\x05cs")
		a.sees("[free] node1 +2")
		b.types("y")
		b.sees("[rw] node1 +2")
	})
}

func TestForce(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", Options{}), r.enter("bob", Options{})
		a.types("x")
		b.types("\x05cf")
		b.sees("Reason for taking write (Enter takes it, ^C cancels): ")
		line.Say("meanwhile")
		b.seesNot("meanwhile")
		b.types("\x03")
		b.sees("cancelled.", "meanwhile")
		b.types("\x05cf", "panicx\x7f INC-123", "\r")
		b.sees("you have write (taken from alice, recorded).")
		a.sees("\a", `bob took write: "panic INC-123". You watch now; keys are not sent.`)
		b.types("y")
		a.types("z")
		if got := line.Heard(); got != "xy" {
			t.Errorf("the line heard %q", got)
		}
		a.types("\x05cf")
		a.sees("you may not force here")
	})
}

func TestBreaks(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.breaks <- time.Second
		time.Sleep(2 * time.Second)
		p.sees("BREAK sent (1000ms).")
		p.types("\x05cB")
		p.sees("BREAK sent (250ms).")
		p.types("\x05cl0")
		time.Sleep(time.Second)
		if n := len(line.Breaks()); n != 3 {
			t.Errorf("%d breaks", n)
		}
	})
}

// Who leaves a console on which they are logged in is told so.
func TestNoteOfAnOpenShell(t *testing.T) {
	const note = "[node1] note: a shell prompt is still open on this console.\r\n"
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		leaves := func(said string, types ...string) string {
			p := r.enter("alice", Options{})
			line.Say(said)
			p.types(append(types, "\x05c.")...)
			<-p.code
			return p.screen()
		}
		if got := leaves("\r\n\x1b]0;node1\a\x1b[32mroot@node1:~#\x1b[0m ", "x"); !strings.Contains(got, note) {
			t.Errorf("at a shell:\n%q", got)
		}
		if got := leaves("\r\nroot@node1:~# "); strings.Contains(got, note) {
			t.Errorf("who only watched:\n%q", got)
		}
		if got := leaves("\r\nnode1 login: ", "x"); strings.Contains(got, note) {
			t.Errorf("logged out:\n%q", got)
		}
		if got := leaves("\r\nroot@node1:~# \r\n", "x"); strings.Contains(got, note) {
			t.Errorf("behind a prompt:\n%q", got)
		}
	})
}

// What a narrow window cuts is the text: which key does what stays.
func TestHintsAreCutLast(t *testing.T) {
	const text = "not sent: alice is writing (idle 3s)." + hintMark + "Force: ^Ec f" + hintMark + "Leave: ^Ec ."
	for width, want := range map[int]string{
		0:  "[node1] not sent: alice is writing (idle 3s). Force: ^Ec f  Leave: ^Ec .",
		73: "[node1] not sent: alice is writing (idle 3s). Force: ^Ec f  Leave: ^Ec .",
		72: "[node1] not sent: alice is writing (idle 3.. Force: ^Ec f  Leave: ^Ec .",
		40: "[node1] no.. Force: ^Ec f  Leave: ^Ec .",
		20: "[node1] not sent: a",
		8:  "[node1]",
		1:  "[node1] not sent: alice is writing (idle 3s). Force: ^Ec f  Leave: ^Ec .",
	} {
		if got := notice("node1", text, width); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}

// At 80 columns the attach line says how to leave, whatever else it says.
func TestGreetingFitsTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{Lock: console.LockOptions{Write: console.Explicit}})
		r.line()
		a := r.sized(80, 24, Options{NoTitle: true})
		a.sees("[node1] fake, up 0s. Write is free: ^Ec a takes it. Leave: ^Ec .  Keys: ^Ec ?\r\n")
	})
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		a := r.sized(80, 24, Options{NoTitle: true})
		a.sees("[node1] fake node1, up 0s. Write is free: just type. Leave: ^Ec .  Keys: ^Ec ?\r\n")
		a.types("x")
		b := r.sized(80, 24, Options{NoTitle: true})
		b.sees("is writing (idle 0s).", " Leave: ^Ec .\r\n")
	})
}

// Who has write taken by idleness is told how long it took, and how to have it again.
func TestIdleReleaseIsTold(t *testing.T) {
	for mode, want := range map[console.WriteMode]string{
		console.OnKey:    "[node1] write given back after 30m idle. Typing takes it again.\r\n",
		console.Explicit: "[node1] write given back after 30m idle. ^Ec a takes it again.\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRoom(t, console.Options{Lock: console.LockOptions{Write: mode}})
			r.line()
			a := r.enter("alice", Options{})
			a.types("\x05ca", "x")
			time.Sleep(31 * time.Minute)
			a.sees(want)
		})
	}
}

// A refusal names the right that is lacking.
func TestLackingRightsAreNamed(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		a := r.enter("frank", Options{})
		a.types("\x05cB")
		a.sees("[node1] not sent: you lack the right break. Leave: ^Ec .\r\n")
		f := r.enter("alice", Options{Force: true})
		if code := <-f.code; code != ExitDenied {
			t.Errorf("--force without the right: exit %d", code)
		}
		f.sees("[node1] you lack the right force\r\n")
	})
}

// A lost connection keeps the lock, a clean leave gives it back.
func TestLostAndLeft(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		a := r.enter("alice", Options{})
		a.types("x")
		a.lost = true
		a.leave()
		<-a.code
		b := r.enter("bob", Options{})
		b.sees("write is kept for alice")
		again := r.enter("alice", Options{})
		again.sees("[rw] node1 +1", "You are writing.")
		b.sees("[ro alice] node1")
		again.leave()
		<-again.code
		time.Sleep(time.Second)
		b.types("y")
		b.sees("[rw] node1")
	})
}

func TestFirstKeyGuard(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.types("\x03")
		p.sees("not sent yet: ^C would reach the target. Again to send it. Leave: ^Ec .")
		p.types("\x03", "\x03")
		if got := line.Heard(); got != "\x03\x03" {
			t.Errorf("the line heard %q", got)
		}
		q := r.enter("alice", Options{})
		q.types("one\rtwo\rthree\r")
		q.seesNot("pasted") // the lock is held: the guard is for a free console
	})
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.types("one\rtwo\rthree\r")
		p.sees("not sent yet: 3 lines pasted")
		p.types("one\r")
		if got := line.Heard(); got != "one\r" {
			t.Errorf("the line heard %q", got)
		}
	})
}

// A notice stands between sequences and the unfinished line is printed again.
func TestNoticePlacement(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{NoTitle: true})
		p.types("a")
		line.Say("password: \x1b[3")
		p.clear()
		p.types("\x05cv")
		time.Sleep(100 * time.Millisecond)
		line.Say("1mred")
		p.sees("1m\r\n[node1] consoled ", "\r\npassword: \x1b[31m")
	})
}

// A terminal's own answers are no keystrokes.
func TestAnswersTakeNoLock(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.types("\x1b[24;80R", "\x1b[?1;2c")
		if r.console.Status().Lock.State != console.Free || line.Heard() != "" {
			t.Errorf("an answer took the lock, heard %q", line.Heard())
		}
		p.types("x", "\x1b[24;80R")
		if got := line.Heard(); got != "x\x1b[24;80R" {
			t.Errorf("the line heard %q", got)
		}
	})
}

// Only the writer's terminal sees queries.
func TestQueriesAreTheWritersAlone(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, d := r.enter("alice", Options{}), r.enter("dave", Options{})
		a.types("x")
		a.clear()
		d.clear()
		line.Say("one\x1b[6ntwo")
		a.sees("one\x1b[6ntwo")
		d.sees("onetwo")
	})
}

// Who stops writing in the middle of a query is not asked by the rest of it.
func TestQueriesEndWithWriting(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, d := r.enter("alice", Options{}), r.enter("dave", Options{})
		a.types("x")
		a.clear()
		d.clear()
		line.Say("one\x1b[")
		a.sees("one\x1b[")
		a.types("\x05cs")
		line.Say("6ntwo\x1b[")
		a.sees("one\x1b[\x18", "two")
		a.seesNot("6n")
		d.sees("one", "two")
		a.types("\x05ca")
		line.Say("6nthree")
		a.sees("\x1b[6nthree")
	})
}

func TestEscapeTimesOut(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.types("a", "\x05")
		if got := line.Heard(); got != "a" {
			t.Errorf("^E was forwarded at once: %q", got)
		}
		time.Sleep(2 * time.Second)
		if got := line.Heard(); got != "a\x05" {
			t.Errorf("the line heard %q", got)
		}
	})
}

// A terminal that takes no output costs the others nothing and can be left.
func TestStalledTerminal(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p, q := r.enter("alice", Options{}), r.enter("bob", Options{})
		p.stall()
		for range 1000 {
			line.Say(strings.Repeat("x", 1024))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		if n := strings.Count(q.screen(), "x"); n < 1024*1000 {
			t.Errorf("the other person saw %d bytes", n)
		}
		p.types("\x05c.")
		select {
		case <-p.code:
		case <-time.After(5 * time.Second):
			t.Error("a stalled terminal cannot be left")
		}
	})
}

// Who falls behind jumps to now and is told how much they missed.
func TestSlowTerminalSkips(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("dave", Options{})
		p.clear()
		p.stall()
		line.Say("start\r\n")
		time.Sleep(time.Second)
		for range 600 {
			line.Say(strings.Repeat("x", 1022) + "\r\n")
			time.Sleep(time.Millisecond)
		}
		line.Say("end\r\n")
		time.Sleep(time.Second)
		p.resume()
		time.Sleep(3 * time.Second)
		p.sees("end\r\n", " bytes skipped (your terminal was slow).")
		if len(p.screen()) > behind+2*chunk {
			t.Errorf("saw %d bytes", len(p.screen()))
		}
	})
}

func TestStuckLineCanBeLeft(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p := r.enter("alice", Options{})
		p.types("a")
		line.Stall(0)
		for range 17 {
			p.types(strings.Repeat("b", 4000))
		}
		time.Sleep(5 * time.Second)
		p.sees("the line takes no input; what you type waits.")
		p.types("\x05c.")
		if code := <-p.code; code != ExitLeft {
			t.Errorf("exit %d", code)
		}
	})
}

func TestOptions(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		a := r.enter("alice", Options{Write: true})
		a.sees("You are writing.")
		b := r.enter("bob", Options{Write: true})
		if code := <-b.code; code != ExitBusy {
			t.Errorf("--rw on a held console: exit %d", code)
		}
		b.sees("alice is writing")
		d := r.enter("dave", Options{Write: true})
		if code := <-d.code; code != ExitDenied {
			t.Errorf("--rw without the right: exit %d", code)
		}
		f := r.enter("bob", Options{Force: true, Reason: "fire"})
		f.sees("[rw] node1")
		g := r.enter("alice", Options{Escape: "^]"})
		g.types("\x1d.")
		if code := <-g.code; code != ExitLeft {
			t.Errorf("^]. : exit %d", code)
		}
		h := r.enter("alice", Options{ExitOnDown: true})
		r.fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		r.fake.Last().End(&ports.Error{Reason: ports.Closed})
		if code := <-h.code; code != ExitDown {
			t.Errorf("--exit-on-down: exit %d", code)
		}
		i := r.enter("alice", Options{ExitOnDown: true})
		if code := <-i.code; code != ExitDown {
			t.Errorf("--exit-on-down while down: exit %d", code)
		}
	})
}

func TestKeys(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		line.Say("first\r\nsecond\r\n")
		p := r.enter("alice", Options{Version: "1.2.3", NoReplay: true})
		for keys, want := range map[string]string{
			"?": "  B or l0  send BREAK", "w": "alice (you) from 10.1.2.3, watching", "i": "state up", "v": "consoled 1.2.3",
			"g": "read,write", "r": "first\r\nsecond", "p": "last 2 lines", "q": "[node1] no such key; ^Ec ? lists them\r\n", "l9": "[node1] no such key; ^Ec l? lists them\r\n",
		} {
			p.clear()
			p.types("\x05c" + keys)
			p.sees(want)
		}
		p.clear()
		p.types("\x05\x05", "\x05x")
		if got := line.Heard(); got != "\x05\x05x" {
			t.Errorf("the line heard %q", got)
		}
	})
}

func TestGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{})
		ctx, cancel := context.WithCancelCause(t.Context())
		r.ctx = ctx
		r.line()
		p := r.enter("alice", Options{})
		cancel(errors.New("gateway stops; your connection ends"))
		if code := <-p.code; code != ExitLeft {
			t.Errorf("exit %d", code)
		}
		p.sees("[node1] gateway stops; your connection ends.", restoreTitle)
	})
}

func TestWatch(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		line.Say("before\r\n")
		synctest.Wait()
		var errs person
		p := &person{t: t, typed: make(chan []byte), gone: make(chan struct{})}
		term := Terminal{In: p, Out: p, Err: &errs, Interrupt: p.leave, Abort: p.abort, Lost: func() bool { return false }}
		ctx, cancel := context.WithCancel(t.Context())
		place := r.console.Attach(console.Client{Session: "w", Name: "dave", Kind: console.Watching})
		code := make(chan int, 1)
		go func() { code <- Watch(ctx, r.console, place, term, false) }()
		synctest.Wait()
		line.Say("\x1b[6nafter\n")
		p.types("reboot\r")
		time.Sleep(time.Second)
		if p.screen() != "\x1b[6nafter\n" || line.Heard() != "" {
			t.Errorf("saw %q, the line heard %q", p.screen(), line.Heard())
		}
		if got := errs.screen(); !strings.Contains(got, "read-only") {
			t.Errorf("stderr %q", got)
		}
		cancel()
		if got := <-code; got != ExitUsage {
			t.Errorf("exit %d", got)
		}
	})
}

// A hundred terminals that take no output, on a console that says a megabyte a
// second: the record and the one person who reads have all of it, and each of
// the others costs less than a megabyte.
func TestHundredStalledTerminals(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		const stalled, seconds, part = 100, 5, 1 << 10
		line := r.line()
		for range stalled {
			r.enter("dave", Options{}).stall()
		}
		good := r.enter("bob", Options{NoReplay: true})
		good.clear()
		held := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc + m.StackInuse
		}
		before, start := held(), r.console.Record().End()
		for n := range seconds * 1024 {
			line.Say(fmt.Sprintf("%0*d\r\n", part-2, n))
			time.Sleep(time.Second / 1024)
		}
		time.Sleep(2 * time.Second)
		more := int64(held()) - int64(before) - 2*seconds<<20 // what the test's own good screen has grown to
		if more > stalled<<20 {
			t.Errorf("%d stalled terminals hold %d KiB", stalled, more>>10)
		}
		if got := r.console.Record().End() - start; got != seconds<<20 {
			t.Errorf("the record has %d bytes of %d", got, seconds<<20)
		}
		screen := good.screen()
		for n := range seconds * 1024 {
			want := fmt.Sprintf("%0*d\r\n", part-2, n)
			i := strings.Index(screen, want)
			if i < 0 {
				t.Fatalf("the good terminal lacks line %d of what it had to show", n)
			}
			screen = screen[i+len(want):]
		}
	})
}
