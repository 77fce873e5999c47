package console

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/dialogue"
	"consoled/ports"
	"consoled/ports/porttest"
)

// canary is a password that must not come out anywhere.
const canary = "c4nary-pass"

// A word is a secret of a test.
type word string

func (w word) Reveal(context.Context) ([]byte, error) { return []byte(w), nil }
func (w word) String() string                         { return "secret:test" }

var asking = dialogue.Script{Login: &dialogue.Login{User: "admin", Password: word(canary)}}

func sequence(t *testing.T, text string) dialogue.Sequence {
	t.Helper()
	s, err := dialogue.ParseSequence(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told is every event of a client as JSON.
func told(t *testing.T, a *Attachment) string {
	t.Helper()
	text, err := json.Marshal(events(a))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logIn answers the dialogue as a target that echoes all.
func logIn(t *testing.T, line *porttest.Line, answer string) {
	t.Helper()
	line.Say("login: ")
	line.WaitHeard(t.Context(), len("admin\r"))
	line.Say("admin\r\nPassword: ")
	line.WaitHeard(t.Context(), len("admin\r"+canary+"\r"))
	line.Say(canary[:4])
	time.Sleep(time.Millisecond)
	line.Say(canary[4:] + answer)
}

func TestDialogueOnConnect(t *testing.T) {
	for name, can := range map[string]porttest.Abilities{
		"read": {}, "try": {Try: true}, "patient": {Try: true, Patience: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, fake := start(t, can, Options{Connect: asking})
				a := c.Attach(alice)
				defer a.Leave(false)
				line := fake.Line(t.Context())
				synctest.Wait()
				wantRefusal(t, a.Type(t.Context(), []byte("rm -rf /\r")), BecauseDialogue)
				if st := c.Status(); st.State != Connecting || !st.Dialogue {
					t.Errorf("state %s, dialogue %t", st.State, st.Dialogue)
				}
				logIn(t, line, "\r\nWelcome, admin\r\n$ ")
				time.Sleep(time.Second)
				if st := c.Status(); st.State != Up || st.Dialogue {
					t.Fatalf("state %s, dialogue %t, %s", st.State, st.Dialogue, st.Detail)
				}
				if err := a.Type(t.Context(), []byte("x")); err != nil {
					t.Error(err)
				}
				a.Drain(t.Context())
				if got := line.Heard(); got != "admin\r"+canary+"\rx" {
					t.Errorf("the line heard %q", got)
				}
				const want = "login: admin\r\nPassword: ***********\r\nWelcome, admin\r\n$ "
				if got := text(t, c); got != want {
					t.Errorf("recorded %q, want %q", got, want)
				}
				if out := told(t, a); strings.Contains(out, canary) || !strings.Contains(out, `"event":"up"`) {
					t.Errorf("told %s", out)
				}
			})
		})
	}
}

// A password that is refused is not tried again at once: it would lock the account.
func TestRefusedPasswordWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{Try: true}, Options{Connect: asking})
		a := c.Attach(alice)
		defer a.Leave(false)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		for n := 0; ; n++ {
			line := fake.Line(ctx)
			if line == nil {
				if n < 12 || n > 16 {
					t.Errorf("tried %d times in an hour", n)
				}
				break
			}
			began := time.Now()
			logIn(t, line, "\r\nLogin incorrect\r\nlogin: ")
			time.Sleep(time.Second)
			st := c.Status()
			if st.State != Down || st.Reason != ports.Authentication || !line.Closed() {
				t.Fatalf("state %s, reason %q, closed %t", st.State, st.Reason, line.Closed())
			}
			if wait := st.NextTry.Sub(began); wait < 50*time.Second || strings.Contains(st.Detail, canary) {
				t.Errorf("attempt %d: tried again after %s, %s", n, wait, st.Detail)
			}
		}
		if out := told(t, a); strings.Contains(out, canary) || strings.Contains(text(t, c), canary) {
			t.Errorf("the password came out: %s", out)
		}
	})
}

func TestDialogueThatIsNotAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Connect: dialogue.Script{Steps: []dialogue.Step{
			{Expect: regexp.MustCompile("=> $"), Timeout: 5 * time.Second},
		}}})
		line := fake.Line(t.Context())
		line.Say("something else entirely\r\n")
		time.Sleep(6 * time.Second)
		st := c.Status()
		if st.State != Down && st.State != Connecting || st.Reason != ports.Dialogue || !line.Closed() {
			t.Errorf("state %s, reason %q, closed %t", st.State, st.Reason, line.Closed())
		}
		if want := `fake node1: step 1 of on_connect: login failed: waited 5s for "=> $"`; st.Detail != want {
			t.Errorf("detail %q, want %q", st.Detail, want)
		}
		if got := text(t, c); got != "something else entirely\r\n" {
			t.Errorf("recorded %q", got)
		}
	})
}

// A line that ends during the dialogue ends it, whatever it waits for.
func TestLineEndsDuringDialogue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{Try: true}, Options{Connect: asking})
		line := fake.Line(t.Context())
		fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		line.Say("log")
		synctest.Wait()
		line.End(&ports.Error{Reason: ports.Gone, Op: "read"})
		synctest.Wait()
		if st := c.Status(); st.State != Down || st.Dialogue || c.eyes.Load() != 0 || c.talk.Load() != nil {
			t.Errorf("state %s, dialogue %t, %d eyes", st.State, st.Dialogue, c.eyes.Load())
		}
		if got := text(t, c); got != "log" {
			t.Errorf("recorded %q", got)
		}
	})
}

// A line that takes no input does not hold a dialogue for ever.
func TestStuckLineEndsDialogue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Connect: dialogue.Script{Steps: []dialogue.Step{
			{Expect: regexp.MustCompile("=>")}, {Send: sequence(t, "hello")},
		}}})
		line := fake.Line(t.Context())
		line.Stall(0)
		line.Say("=>")
		time.Sleep(11 * time.Second)
		if !line.Closed() || c.Status().Reason != ports.Dialogue {
			t.Errorf("closed %t, reason %q, %s", line.Closed(), c.Status().Reason, c.Status().Detail)
		}
	})
}

func TestBreakSequence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		breaks := map[string]NamedSequence{"1": {Send: sequence(t, `+++`)}, "a": {Send: sequence(t, `ab\d\zc`)}}
		c, fake := start(t, porttest.Abilities{Break: true}, Options{Manners: Manners{Breaks: breaks}})
		line := fake.Line(t.Context())
		synctest.Wait()
		breaker := bob
		breaker.MayBreak = true
		a, b := c.Attach(alice), c.Attach(breaker)
		defer a.Leave(false)
		defer b.Leave(false)
		began := time.Now()
		result := make(chan error, 1)
		go func() { result <- a.Sequence(t.Context(), "a") }()
		time.Sleep(100 * time.Millisecond)
		a.Type(t.Context(), []byte("typed meanwhile"))
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		a.Drain(t.Context())
		if got := line.Heard(); got != "abctyped meanwhile" || len(line.Breaks()) != 1 || line.Breaks()[0].After != 2 {
			t.Errorf("heard %q, breaks %v", got, line.Breaks())
		}
		if d := time.Since(began); d < dialogue.Delay {
			t.Errorf("took %s", d)
		}
		if out := told(t, b); !strings.Contains(out, `"event":"break"`) || !strings.Contains(out, `"sequence":"a"`) {
			t.Errorf("told %s", out)
		}
		wantRefusal(t, a.Sequence(t.Context(), "x"), BecauseNoSequence)
		wantRefusal(t, b.Sequence(t.Context(), "1"), BecauseHeld)
		wantRefusal(t, c.Attach(dave).Sequence(t.Context(), "1"), BecauseNoRight)
	})
}

// Where a line cannot break, sequences without a BREAK can still be sent.
func TestSequenceWithoutBreak(t *testing.T) {
	bubble(t, func(t *testing.T) {
		breaks := map[string]NamedSequence{"1": {Send: sequence(t, `+++`)}, "2": {Send: sequence(t, `\z`)}, "3": {Send: sequence(t, `a\d\db`)}}
		c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{Breaks: breaks}})
		line := fake.Line(t.Context())
		synctest.Wait()
		a := c.Attach(alice)
		defer a.Leave(false)
		if err := a.Sequence(t.Context(), "1"); err != nil || line.Heard() != "+++" {
			t.Errorf("%v, heard %q", err, line.Heard())
		}
		wantRefusal(t, a.Sequence(t.Context(), "2"), BecauseNoBreak)
		fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		time.AfterFunc(100*time.Millisecond, func() { line.End(&ports.Error{Reason: ports.Closed}) })
		began := time.Now()
		wantRefusal(t, a.Sequence(t.Context(), "3"), BecauseDown)
		if d := time.Since(began); d > 200*time.Millisecond {
			t.Errorf("a line that ended held the sequence for %s", d)
		}
	})
}

func TestOnIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{
			Manners: Manners{OnIdle: sequence(t, `\r`), IdleAfter: 20 * time.Minute}, Lock: LockOptions{IdleRelease: time.Hour},
		})
		line := fake.Line(t.Context())
		d := c.Attach(dave)
		defer d.Leave(false)
		time.Sleep(19 * time.Minute)
		if line.Heard() != "" {
			t.Errorf("heard %q too early", line.Heard())
		}
		time.Sleep(2 * time.Minute)
		if line.Heard() != "\r" || !slices.Contains(kinds(d), KindOnIdle) {
			t.Errorf("heard %q after 21 minutes", line.Heard())
		}
		a := c.Attach(alice)
		a.Type(t.Context(), []byte("x"))
		time.Sleep(50 * time.Minute)
		if got := line.Heard(); got != "\rx" {
			t.Errorf("heard %q while somebody writes", got)
		}
		a.Leave(false)
		time.Sleep(21 * time.Minute)
		if got := line.Heard(); got != "\rx\r" {
			t.Errorf("heard %q after the writer has left", got)
		}
	})
}

func TestOnLeave(t *testing.T) {
	script := Client{Session: "9", Name: "ci", Kind: Sending, MayWrite: true}
	other := alice
	other.Session = "8"
	for _, test := range []struct {
		name string
		do   func(c *Console)
		want string
	}{
		{"the writer leaves", func(c *Console) {
			a := c.Attach(alice)
			a.Type(context.Background(), []byte("x"))
			a.Drain(context.Background())
			a.Leave(false)
		}, "xexit\r"},
		{"only watched", func(c *Console) { c.Attach(alice).Leave(false) }, ""},
		{"a command", func(c *Console) {
			a := c.Attach(script)
			a.Type(context.Background(), []byte("x"))
			a.Drain(context.Background())
			a.Leave(false)
		}, "x"},
		{"gives it back and stays", func(c *Console) {
			a := c.Attach(alice)
			a.Type(context.Background(), []byte("x"))
			a.Drain(context.Background())
			a.Release()
			time.Sleep(time.Second)
		}, "x"},
		{"lost, and the time to come back is over", func(c *Console) {
			a := c.Attach(alice)
			a.Type(context.Background(), []byte("x"))
			a.Drain(context.Background())
			a.Leave(true)
			time.Sleep(31 * time.Second)
		}, "xexit\r"},
		{"lost, and back", func(c *Console) {
			a := c.Attach(alice)
			a.Type(context.Background(), []byte("x"))
			a.Drain(context.Background())
			a.Leave(true)
			time.Sleep(10 * time.Second)
			c.Attach(other)
			time.Sleep(time.Minute)
		}, "x"},
		{"another who wrote stays", func(c *Console) {
			a, b := c.Attach(alice), c.Attach(bob)
			b.Type(context.Background(), []byte("b"))
			b.Drain(context.Background())
			b.Release()
			a.Type(context.Background(), []byte("x"))
			a.Drain(context.Background())
			a.Leave(false)
		}, "bx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{OnLeave: sequence(t, `exit\r`)}})
				line := fake.Line(t.Context())
				synctest.Wait()
				test.do(c)
				time.Sleep(time.Second)
				if got := line.Heard(); got != test.want {
					t.Errorf("heard %q, want %q", got, test.want)
				}
			})
		})
	}
}

// What on_leave says is dropped where somebody else takes the lock first.
func TestOnLeaveGivesWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{OnLeave: sequence(t, `exit\r`)}})
		line := fake.Line(t.Context())
		synctest.Wait()
		a, b := c.Attach(alice), c.Attach(bob)
		defer b.Leave(false)
		a.Type(t.Context(), []byte("x"))
		a.Drain(t.Context())
		line.Stall(0)
		a.Type(t.Context(), []byte("y")) // keeps the writer busy
		synctest.Wait()
		a.Leave(false)
		if err := b.Take(); err != nil {
			t.Fatal(err)
		}
		line.Resume()
		time.Sleep(time.Second)
		if got := line.Heard(); got != "xy" {
			t.Errorf("heard %q", got)
		}
	})
}

func TestOnDemand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{OnDemand: true}})
		time.Sleep(time.Hour)
		if st := c.Status(); fake.Opens() != 0 || st.State != Idle || st.Reason != OnDemand {
			t.Fatalf("%d opens, state %s, reason %q", fake.Opens(), st.State, st.Reason)
		}
		a := c.Attach(alice)
		if err := a.Ready(t.Context()); err != nil || c.Status().State != Up {
			t.Fatalf("%v, state %s", err, c.Status().State)
		}
		line := fake.Line(t.Context())
		a.Leave(false)
		time.Sleep(linger - time.Second)
		if line.Closed() {
			t.Error("closed at once")
		}
		a = c.Attach(alice)
		time.Sleep(time.Hour)
		if line.Closed() || fake.Opens() != 1 {
			t.Error("closed while somebody is attached")
		}
		a.Leave(false)
		time.Sleep(linger + time.Second)
		if st := c.Status(); !line.Closed() || st.State != Idle {
			t.Errorf("closed %t, state %s", line.Closed(), st.State)
		}
		fake.FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		a = c.Attach(alice)
		if err := a.Ready(t.Context()); err != nil {
			t.Errorf("does not wait for what is down: %v", err)
		}
		wantRefusal(t, a.Type(t.Context(), []byte("x")), BecauseDown)
		a.Leave(false)
		time.Sleep(time.Minute)
		before := fake.Opens()
		time.Sleep(time.Hour)
		if st := c.Status(); fake.Opens() != before || st.State != Idle {
			t.Errorf("%d retries that nobody needs, state %s", fake.Opens()-before, st.State)
		}
		c.Update(Options{Subject: c.Options().Subject, Backend: fake}, false)
		fake.FailAlways(nil)
		time.Sleep(time.Minute)
		if st := c.Status(); st.State != Up {
			t.Errorf("state %s, though it is no longer on demand", st.State)
		}
	})
}

// Who wants a closed line on demand is told so, and not kept waiting.
func TestOnDemandClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{OnDemand: true}})
		a := c.Attach(admin("alice"))
		defer a.Leave(false)
		fake.Line(t.Context())
		a.CloseLine("flashing", 0)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := a.Ready(ctx); err != nil {
			t.Errorf("kept waiting: %v", err)
		}
		wantRefusal(t, a.Type(t.Context(), []byte("x")), BecauseClosed)
	})
}

// A deaf backend opens its line whatever became of the context meanwhile.
type deaf struct {
	*porttest.Fake
	let chan struct{}
}

func (d deaf) Open(context.Context) (ports.Port, error) {
	<-d.let
	return d.Fake.Open(context.Background())
}

// A line on demand that comes up when nobody needs it any more is closed.
func TestOnDemandTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := deaf{porttest.NewFake("fake", porttest.Abilities{}), make(chan struct{})}
		c, end := run(t, d)
		defer end()
		d.let <- struct{}{}
		d.Line(t.Context())
		o := c.Options()
		o.Manners.OnDemand = true
		c.Update(o, true)
		time.Sleep(time.Minute)
		a := c.Attach(alice)
		time.Sleep(time.Second)
		a.Leave(false)
		time.Sleep(linger + time.Second)
		d.let <- struct{}{} // it answers at last
		line := d.Line(t.Context())
		time.Sleep(time.Hour)
		if st := c.Status(); st.State != Idle || !line.Closed() {
			t.Errorf("state %s, closed %t", st.State, line.Closed())
		}
	})
}

// What is sent into silence does not pile up behind a line that takes nothing.
func TestOnIdleDoesNotPileUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := Manners{OnIdle: sequence(t, "x"), IdleAfter: time.Minute}
		_, fake := start(t, porttest.Abilities{}, Options{Manners: m})
		line := fake.Line(t.Context())
		line.Stall(0)
		time.Sleep(time.Hour + time.Second)
		line.Resume()
		time.Sleep(time.Second)
		if got := line.Heard(); got != "xx" { // the one under way and the next
			t.Errorf("the line heard %q", got)
		}
	})
}

// Who comes and goes does not have a password tried again sooner that was refused.
func TestOnDemandRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, fake := start(t, porttest.Abilities{}, Options{Manners: Manners{OnDemand: true}})
		fake.FailAlways(&ports.Error{Reason: ports.Authentication, Op: "open"})
		for range 3600 / 20 {
			a := c.Attach(alice)
			time.Sleep(5 * time.Second)
			a.Leave(false)
			time.Sleep(linger + 5*time.Second)
		}
		if n := fake.Opens(); n < 10 || n > 61 {
			t.Errorf("tried %d times in an hour", n)
		}
		time.Sleep(10 * time.Minute)
		before := fake.Opens()
		time.Sleep(time.Hour)
		if st := c.Status(); st.State != Idle || fake.Opens() != before {
			t.Errorf("state %s, %d tries that nobody needs", st.State, fake.Opens()-before)
		}
	})
}

// A sequence that takes its time is cut short where its sender loses the lock or
// the right meanwhile; the part that was sent stands in the events.
func TestSequenceCutShort(t *testing.T) {
	for want, lose := range map[Because]func(sender, other *Attachment){
		BecauseHeld: func(_, other *Attachment) { other.Force("it burns") },
		BecauseNoRight: func(sender, _ *Attachment) {
			cl := sender.Client()
			cl.MayBreak = false
			sender.Update(cl)
		},
		BecauseNotHolder: func(sender, _ *Attachment) { sender.Leave(false) },
	} {
		bubble(t, func(t *testing.T) {
			breaks := map[string]NamedSequence{"1": {Send: sequence(t, `ab\d\d\d\dcd`)}}
			c, fake := start(t, porttest.Abilities{Break: true}, Options{Manners: Manners{Breaks: breaks}})
			line := fake.Line(t.Context())
			synctest.Wait()
			sender, other := c.Attach(admin("alice")), c.Attach(Client{Session: "2", Name: "erin", Kind: Interactive, MayWrite: true, MayForce: true})
			defer other.Leave(false)
			result := make(chan error, 1)
			go func() { result <- sender.Sequence(t.Context(), "1") }()
			time.Sleep(300 * time.Millisecond)
			lose(sender, other)
			time.Sleep(time.Minute)
			if err := <-result; want != BecauseNotHolder {
				wantRefusal(t, err, want)
			} else if err == nil {
				t.Error("no error for who has left")
			}
			if got := line.Heard(); got != "ab" {
				t.Errorf("%s: the line heard %q", want, got)
			}
			if out := told(t, other); !strings.Contains(out, `"event":"break"`) || !strings.Contains(out, "cut short: ") {
				t.Errorf("%s: told %s", want, out)
			}
		})
	}
}
