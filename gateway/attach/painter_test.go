package attach

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

func TestLastRows(t *testing.T) {
	tests := []struct {
		text       string
		cols, rows int
		want       string
	}{
		{"", 80, 5, ""},
		{"a\r\nb\r\nc\r\n", 80, 3, "b\r\nc\r\n"}, // the cursor stands in a row of its own
		{"a\r\nb\r\nlogin: ", 80, 2, "b\r\nlogin: "},
		{"0123456789abc\r\nx", 10, 2, "abc\r\nx"},
		{"0123456789\r\nx", 10, 2, "0123456789\r\nx"}, // a full row wraps with the next character only
		{"10%\r20%\r30%\r\nx", 5, 2, "10%\r20%\r30%\r\nx"},
		{"\x1b[31m0123456789\x1b[0m\r\nx", 10, 2, "\x1b[31m0123456789\x1b[0m\r\nx"},
		{"\u4e16\u754c\u4e16\u754c\u4e16\u754c", 10, 1, "\u754c"},
		{"a\tb\tc\r\nx", 20, 2, "a\tb\tc\r\nx"},
		{strings.Repeat("x", 100), 10, 2, strings.Repeat("x", 20)},
		{strings.Repeat("x", 100), 0, 1, strings.Repeat("x", 100)},
		{"\x1b[3", 10, 1, "\x1b[3"},
		{"ab\b\b\b", 1, 9, "ab\b\b\b"},
	}
	for _, tt := range tests {
		if got := string(lastRows([]byte(tt.text), tt.cols, tt.rows)); got != tt.want {
			t.Errorf("%d x %d of %q: %q, want %q", tt.cols, tt.rows, tt.text, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for line, want := range map[string]string{
		"":                               "",
		"fix     add it, then reload it": "fix     add it, then|        reload it",
		"here alice, since 09:41":        "here alice, since|    09:41",
		"key     0123456789012345":       "key     012345678901|        2345",
		"  !  stop the one that you run": "  !  stop the one|     that you run",
		"0123456789  01234567890":        "0123456789|01234567890",
	} {
		if got := strings.Join(wrap(line, 20), "|"); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if got := wrap("any width", 0); len(got) != 1 {
		t.Errorf("of no known width: %q", got)
	}
}

func FuzzLastRows(f *testing.F) {
	f.Add([]byte("a\r\n\x1b[1mb\tc\b"), 10, 3)
	f.Add([]byte("\x1b["), 0, 1)
	f.Fuzz(func(t *testing.T, text []byte, cols, rows int) {
		if rows < 1 || cols < 0 {
			return
		}
		got := lastRows(text, cols, rows)
		if !strings.HasSuffix(string(text), string(got)) {
			t.Fatalf("%q is no end of %q", got, text)
		}
	})
}

// sized seats somebody at a window of a given size.
func (r *room) sized(cols, rows int, o Options) *person {
	r.size = func() (int, int) { return cols, rows }
	defer func() { r.size = nil }()
	return r.enter("alice", o)
}

// The attach line stays in the window, however long the lines of the record are.
func TestReplayFitsTheWindow(t *testing.T) {
	for name, old := range map[string]string{
		"short":      strings.Repeat("line\r\n", 50),
		"unfinished": strings.Repeat("line\r\n", 50) + "login: ",
		"long":       strings.Repeat(strings.Repeat("x", 100)+"\r\n", 50) + "login: ",
		"one":        strings.Repeat("y", 5000),
	} {
		for _, motd := range []string{"", "be nice"} {
			t.Run(name+motd, func(t *testing.T) {
				inRoom(t, func(t *testing.T, r *room) {
					r.line().Say(old)
					time.Sleep(time.Second)
					p := r.sized(40, 12, Options{NoTitle: true, MOTD: motd})
					window := string(lastRows([]byte(p.screen()), 40, 12))
					if !strings.Contains(window, "[node1] fak") || !strings.Contains(window, "-- live --") {
						t.Errorf("the window shows\n%s", window)
					}
					if unfinished := old[strings.LastIndexByte(old, '\n')+1:]; len(unfinished) < 40 && !strings.HasSuffix(window, unfinished) {
						t.Errorf("the unfinished line is not last:\n%s", window)
					}
				})
			})
		}
	}
}

func TestReplayOfAnUnknownSize(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line().Say(strings.Repeat("line\r\n", 50) + "$ ")
		time.Sleep(time.Second)
		p := r.sized(0, 0, Options{})
		p.sees("last 21 lines")
		q := r.enter("bob", Options{Quiet: true})
		q.sees("line\r\n$ ")
		q.seesNot("[node1] ")
	})
}

// A target that never ends a sequence hides no notice.
func TestNoticeCutsAnEndlessSequence(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", Options{}), r.enter("bob", Options{})
		a.types("x")
		line.Say("\x1b]52;c;")
		time.Sleep(time.Second)
		a.stall()
		for range 20 {
			line.Say(strings.Repeat("A", 1000))
		}
		b.types("\x05cf", "fire\r")
		a.resume()
		a.sees(can, "bob took write")
		if s := a.screen(); strings.Index(s, can) > strings.Index(s, "bob took write") {
			t.Errorf("the sequence was not cut off before the notice")
		}
	})
}

// What the target said before something happened stands before the notice of
// it, for those too whose output is collected for a while.
func TestNoticeStandsBehindWhatCameBefore(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		line.Say("last words\r\n")
		line.End(&ports.Error{Reason: ports.Exited})
		r.line().Say("first words\r\n")
		a.sees("last words", "DOWN: program exited", "] up.", "first words")
		s := a.screen()
		at := func(text string) int { return strings.Index(s, text) }
		if at("last words") > at("DOWN") || at("] up.") > at("first words") {
			t.Errorf("out of order: %q", s)
		}
	})
}

// A target that brings back the title that it found brings back an old one of ours.
func TestTitleAfterThatOfTheTarget(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", Options{}), r.enter("bob", Options{})
		b.types("x")
		line.Say("\x1b[22;0;0t")
		b.types("\x05cs")
		a.types("y")
		a.sees("[rw] node1")
		a.clear()
		b.clear()
		line.Say("\x1b[23;0;0t")
		a.sees("\x1b[23;0;0t" + setTitle("[rw] node1 +1"))
		b.sees("\x1b[23;0;0t" + setTitle("[ro alice] node1"))
	})
}

// The title follows a line that flaps, of which people are told only now and then.
func TestTitleOfALineThatFlaps(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		a := r.enter("alice", Options{})
		for range 4 {
			r.line().End(&ports.Error{Reason: ports.Exited})
		}
		a.clear()
		r.line()
		a.sees("[free] node1")
		a.seesNot("up again")
	})
}

// A notice during a question leaves the question on the screen.
func TestNoticeDuringAQuestion(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		a, b := r.enter("alice", Options{}), r.enter("bob", Options{})
		a.types("x")
		b.types("\x05cf", "pan")
		b.clear()
		b.breaks <- time.Second // which bob may not have
		b.sees("not sent: ", "^C cancels): pan")
		b.types("ic\r")
		b.clear()
		b.types("\x05cv")
		b.seesNot("^C cancels")
	})
}

// A session whose record cannot be read is told so, and goes on with what comes.
func TestUnreadableRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := newRoomIn(t, console.Options{}, dir)
		line := r.line()
		line.Say("old\r\n")
		time.Sleep(time.Second)
		blind(t, filepath.Join(dir, "console.log"))
		p := r.enter("alice", Options{})
		p.sees("the record cannot be read", "Write is free")
		line.Say("new\r\n")
		p.sees("new\r\n")
		p.stall()
		line.Say("first\r\n")
		time.Sleep(time.Second)
		for range 200 {
			line.Say(strings.Repeat("x", 1000) + "\r\n")
		}
		time.Sleep(time.Second)
		p.clear()
		p.resume()
		time.Sleep(time.Minute)
		line.Say("last\r\n")
		p.sees("last\r\n")
		p.types("y")
		if got := line.Heard(); got != "y" {
			t.Errorf("the line heard %q", got)
		}
	})
}

// A panic in a goroutine of the session is one of the session: it is raised
// where the gateway catches it, and the person's place is given up.
func TestPanicIsTheSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := console.New(console.Options{
			Subject: names.Subject{Name: "n"}, Backend: porttest.NewFake("fake", porttest.Abilities{}),
			Record: record.Options{Dir: t.TempDir(), Group: -1},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		synctest.Wait()
		for _, term := range []Terminal{
			{Out: panicking{}, Size: func() (int, int) { return 80, 24 }},   // in the painter
			{Out: io.Discard, Size: func() (int, int) { panic("no size") }}, // in Run itself
		} {
			p := &person{t: t, typed: make(chan []byte), gone: make(chan struct{})}
			term.Typed, term.Err, term.PTY, term.Interrupt, term.Abort = p.packets, p, true, p.leave, p.abort
			term.Lost = func() bool { return false }
			place := c.Attach(console.Client{Session: "1", Name: "alice", Kind: console.Interactive, MayWrite: true})
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				Run(ctx, c, place, term, Options{})
			}()
			if n := len(c.Status().Clients); n != 0 {
				t.Errorf("%d clients are left", n)
			}
		}
		cancel(errStop)
		<-done
	})
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("out of reach") }

// blind makes what is open of a file unreadable, as a failing disk does.
func blind(t *testing.T, file string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd to find the descriptor in")
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && to == file {
			replace(t, e.Name())
			return
		}
	}
	t.Fatalf("%s is not open", file)
}
