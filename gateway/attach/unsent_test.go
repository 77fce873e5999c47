package attach

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/console"
	"consoled/ports"
)

// What was queued and then lost its lock is told, with how much it was.
func TestForcedLoserIsToldWhatWasNotSent(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", Options{}), r.enter("bob", Options{})
		line.Stall(0)
		a.types("x", "yes\r")
		b.types("\x05cf", "fire\r")
		line.Resume()
		a.sees("bob took write", "not sent: the last 4 bytes that you typed (bob is writing")
		if got := line.Heard(); got != "x" {
			t.Errorf("the line heard %q", got)
		}
	})
}

func TestLineLostUnderKeystrokesIsTold(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		line.Stall(0)
		a.types("x", "yes\r")
		r.fake.FailAlways(&ports.Error{Reason: ports.Gone, Op: "open"})
		line.End(&ports.Error{Reason: ports.Gone})
		a.sees("bytes that you typed (the line is down)", "DOWN: device gone")
	})
}

func TestLeavingAStuckLineIsTold(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		line.Stall(0)
		a.types("x", "\x05c.")
		<-a.code
		a.sees("not sent: the end of what you typed")
	})
}

// What is behind something that was dropped is dropped too: nobody wants a text
// with a hole, long after it was typed.
func TestNothingIsTypedBehindAHole(t *testing.T) {
	flood := func(a *person) {
		for range 17 {
			a.types(strings.Repeat("a", 4000))
		}
		a.types(strings.Repeat("b", 1000))
	}
	t.Run("the lock went", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRoom(t, console.Options{Lock: console.LockOptions{IdleRelease: time.Minute}})
			line := r.line()
			a := r.enter("alice", Options{})
			a.types("x")
			line.Stall(0)
			flood(a)
			time.Sleep(2 * time.Minute)
			line.Resume()
			time.Sleep(time.Second)
			if got := line.Heard(); strings.Contains(got, "b") {
				t.Errorf("the line heard %d bytes, with the end of what was dropped", len(got))
			}
			a.types("c")
			if got := line.Heard(); !strings.HasSuffix(got, "c") {
				t.Errorf("what is typed afterwards is not sent")
			}
		})
	})
	t.Run("the line is another", func(t *testing.T) {
		inRoom(t, func(t *testing.T, r *room) {
			line := r.line()
			time.Sleep(time.Minute)
			a := r.enter("alice", Options{})
			a.types("x")
			line.Stall(0)
			flood(a)
			line.End(&ports.Error{Reason: ports.Closed})
			next := r.line()
			time.Sleep(time.Second)
			if got := next.Heard(); got != "" {
				t.Errorf("the new line heard %d bytes", len(got))
			}
		})
	})
}

// The reason for a refusal is told when it changes, and a BREAK's always.
func TestEachRefusalIsTold(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b, d := r.enter("alice", Options{}), r.enter("bob", Options{}), r.enter("dave", Options{})
		a.types("x")
		b.types("y")
		b.sees("not sent: alice is writing")
		r.fake.FailAlways(&ports.Error{Reason: ports.Gone, Op: "open"})
		line.End(&ports.Error{Reason: ports.Gone})
		time.Sleep(time.Second)
		b.types("y")
		b.sees("not sent: the line is DOWN")
		d.types("z")
		d.clear()
		d.breaks <- 0
		d.sees("not sent: ")
	})
}

// What follows an answer in the same packet was pasted at the question.
func TestNothingBehindAnAnswerIsSent(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a, b := r.enter("alice", Options{}), r.enter("bob", Options{})
		a.types("x")
		b.types("\x05cf", "fire\rreboot\r")
		b.sees("not sent: 7 bytes behind the answer.", "you have write")
		b.types("\x05cs", "\x05cf")
		if got := line.Heard(); got != "x" {
			t.Errorf("the line heard %q", got)
		}
	})
}

// A paste comes in several packets: all or nothing of it is sent.
func TestGuardOfALongPaste(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		paste := func(parts ...string) {
			for _, s := range parts {
				a.typed <- []byte(s)
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(time.Second)
		}
		head, tail := "one\rtwo\r"+strings.Repeat("x", 3000), strings.Repeat("y", 500)+"\rrm -rf"
		paste(head, tail)
		if got := line.Heard(); got != "" {
			t.Fatalf("%d bytes of the paste were sent", len(got))
		}
		a.sees("not sent yet: 3 lines pasted")
		if n := strings.Count(a.screen(), "not sent yet"); n != 1 {
			t.Errorf("told %d times", n)
		}
		paste(head[:2000], head[2000:], tail) // parted in another way
		if got := line.Heard(); got != head+tail {
			t.Errorf("%d bytes were sent of the paste that was meant, want %d", len(got), len(head)+len(tail))
		}
	})
}

// A lone ^C is no paste: the next one is meant, however soon it comes.
func TestGuardOfAQuickHand(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		a := r.enter("alice", Options{})
		a.typed <- []byte("\x03")
		synctest.Wait()
		a.typed <- []byte("\x03")
		a.sees("not sent yet: ^C")
		if got := line.Heard(); got != "\x03" {
			t.Errorf("the line heard %q", got)
		}
	})
}

func TestEscapeKeysAreWrittenOut(t *testing.T) {
	for text, want := range map[string]string{"": "^Ec .", "^?": "^? .", "^]": "^] .", "~": "~ .", "none": "~."} {
		seq, err := ParseEscape(text)
		if err != nil {
			t.Fatal(err)
		}
		s := session{escape: escape{seq: seq}}
		if got := s.key("."); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
