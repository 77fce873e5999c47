package dialogue

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
)

// A target answers what it is told; each answer comes at once.
type target struct {
	talk    *Talk
	answers []string // to each line that is typed
	echo    bool

	mu     sync.Mutex
	typed  string
	shown  []byte
	broken []time.Duration
}

func (x *target) say(text string) { x.talk.Hear([]byte(text), x.keep) }

func (x *target) keep(p []byte) { x.shown = append(x.shown, p...) }

func (x *target) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.typed += string(p)
	if x.echo {
		x.say(strings.ReplaceAll(string(p), "\r", "\r\n"))
	}
	for range strings.Count(string(p), "\r") {
		if len(x.answers) > 0 {
			x.say(x.answers[0])
			x.answers = x.answers[1:]
		}
	}
	return len(p), nil
}

func newTarget(answers ...string) *target {
	x := &target{answers: answers}
	x.talk = New(Line{
		Writer: x, Name: "telnet ts1:2001", Abort: func() {},
		Break: func(d time.Duration) error { x.broken = append(x.broken, d); return nil },
	})
	return x
}

// A word is a secret of a test.
type word string

func (w word) Reveal(context.Context) ([]byte, error) { return []byte(w), nil }
func (w word) String() string                         { return "secret:test" }

// canary is a password that must not come out anywhere.
const canary = "c4nary-pass"

func TestLogin(t *testing.T) {
	const greet = "Debian GNU/Linux 12 ts1 ttyS0\r\n\r\nts1 login: "
	both := Login{User: "admin", Password: word(canary)}
	for _, test := range []struct {
		name    string
		login   Login
		first   string   // said by itself
		answers []string // to each line
		echo    bool
		typed   string
		reason  ports.Reason // empty: let in
		detail  string
	}{
		{"asks for both", both, greet, []string{"Password: ", "\r\nLast login: Tue Nov 24 10:00:00\r\n$ "}, false, "admin\r" + canary + "\r", "", ""},
		{"echoes all", both, greet, []string{"Password: ", "\r\nWelcome\r\n"}, true, "admin\r" + canary + "\r", "", ""},
		{"wants to be woken", both, "", []string{greet, "Password: ", "\r\nWelcome\r\n"}, false, "\radmin\r" + canary + "\r", "", ""},
		{"asks only for a password", Login{Password: word(canary)}, "\r\nUser Access Verification\r\n\r\nPassword: ", []string{"\r\nts1>"}, false, canary + "\r", "", ""},
		{"asks only for a user", Login{User: "admin"}, "Username: ", []string{"\r\nwelcome to port 7\r\n"}, true, "admin\r", "", ""},
		{"asks for a user, though a password is configured", both, greet, []string{"\r\nts1> "}, true, "admin\r", "", ""},
		{"somebody is logged in", both, "", []string{"\r\nroot@node1:~# "}, false, "\r", "", ""},
		{"asks nothing", both, "", nil, false, "\r", "", ""},
		{"says nothing afterwards", both, greet, []string{"Password: "}, false, "admin\r" + canary + "\r", "", ""},
		{"colours its prompts", both, "\x1b[1mlogin:\x1b[0m \x1b[K", []string{"\x1b[1mPassword:\x1b[0m ", "hello\r\n"}, false, "admin\r" + canary + "\r", "", ""},
		{"has other prompts", Login{
			User: "admin", Password: word(canary),
			AsksUser: regexp.MustCompile(`Kennung\? $`), AsksPassword: regexp.MustCompile(`Kennwort\? $`),
		}, "Kennung? ", []string{"Kennwort? ", "Willkommen\r\n"}, false, "admin\r" + canary + "\r", "", ""},
		{"the CR crosses the prompt", both, "", []string{"login: \r\nlogin: ", "Password: ", "\r\nhi\r\n"}, false, "\radmin\r" + canary + "\r", "", ""},
		{"speaks of denial in its message of the day", both, greet, []string{"Password: ", "\r\nWelcome\r\naccess denied to strangers\r\n$ "}, false, "admin\r" + canary + "\r", "", ""},
		{"its kernel speaks after the prompts", both, greet + "[   20.731292] clocksource: Switched to clocksource tsc\r\n", []string{
			"Password: [   24.106410] random: crng init done\r\n", "\r\n[   25.000001][    T1] hello\r\n# ",
		}, false, "admin\r" + canary + "\r", "", ""},
		{"its kernel speaks within a prompt", both, "ts1 lo[    3.731292] clocksource: Switched\r\ngin: ", []string{"Password: ", "\r\n# "}, false, "admin\r" + canary + "\r", "", ""},

		{"refuses", both, greet, []string{"Password: ", "\r\nLogin incorrect\r\nts1 login: "}, false, "admin\r" + canary + "\r", ports.Authentication, "does not accept"},
		{"refuses with an echo", both, greet, []string{"Password: ", "\r\n% Bad passwords\r\n"}, true, "admin\r" + canary + "\r", ports.Authentication, "does not accept"},
		{"asks for the password again", both, greet, []string{"Password: ", "\r\nPassword: "}, false, "admin\r" + canary + "\r", ports.Authentication, "does not accept"},
		{"does not know the user", both, greet, []string{"\r\nUnknown.\r\nlogin: ", "\r\nlogin: ", "\r\nlogin: "}, false, "admin\radmin\r", ports.Authentication, "does not accept the user"},
		{"asks for no password", both, greet, nil, false, "admin\r", ports.Dialogue, "login: login failed: waited 10s for the password prompt"},
		{"asks for what is not configured", Login{User: "admin"}, greet, []string{"Password: "}, false, "admin\r", ports.Dialogue, "none is configured"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newTarget(test.answers...)
				x.echo = test.echo
				x.say(test.first)
				err := x.talk.Run(t.Context(), Script{Login: &test.login})
				x.talk.End(x.keep)
				if got := ports.ReasonOf(err); got != test.reason || err != nil && !strings.Contains(err.Error(), test.detail) {
					t.Errorf("error %v, want %q", err, test.reason)
				}
				if x.typed != test.typed {
					t.Errorf("typed %q, want %q", x.typed, test.typed)
				}
				if strings.Contains(string(x.shown), canary) || strings.Contains(fmt.Sprint(err), canary) {
					t.Errorf("the password is shown: %q, %v", x.shown, err)
				}
			})
		})
	}
}

// A target that closes the line after the password has refused it.
func TestClosedAfterThePassword(t *testing.T) {
	for _, given := range []bool{true, false} {
		for _, reason := range []ports.Reason{ports.Closed, ports.Exited} {
			synctest.Test(t, func(t *testing.T) {
				x := newTarget("Password: ")
				x.say("login: ")
				ctx, cancel := context.WithCancelCause(t.Context())
				result := make(chan error, 1)
				go func() {
					result <- x.talk.Run(ctx, Script{Login: &Login{User: "admin", Password: word(canary)}})
				}()
				if given {
					time.Sleep(3 * time.Second)
				}
				cancel(&ports.Error{Reason: reason})
				want := reason
				if given {
					want = ports.Authentication
				}
				if err := <-result; ports.ReasonOf(err) != want {
					t.Errorf("error %v, want %s", err, want)
				}
			})
		}
	}
}

func mustSequence(t *testing.T, text string) Sequence {
	s, err := ParseSequence(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget("menu\r\n1) console\r\n=> ", "connected\r\n")
		began := time.Now()
		err := x.talk.Run(t.Context(), Script{Steps: []Step{
			{Send: mustSequence(t, `\r`)},
			{Expect: regexp.MustCompile(`menu`)},
			{Expect: regexp.MustCompile(`=> $`)},
			{Break: 100 * time.Millisecond},
			{Send: mustSequence(t, `1\d\z`)},
			{Secret: word(canary)},
			{Expect: regexp.MustCompile(`connected`)},
		}})
		if err != nil || x.typed != "\r1"+canary+"\r" || len(x.broken) != 2 || x.broken[1] != Delay {
			t.Errorf("%v: typed %q, broke %v", err, x.typed, x.broken)
		}
		if d := time.Since(began); d < Delay || d > time.Second {
			t.Errorf("took %s", d)
		}
	})
}

// What a target says on being logged in is there for the steps that follow.
func TestStepsAfterLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget("Password: ", "\r\nWelcome to the menu\r\n=> ")
		x.say("login: ")
		err := x.talk.Run(t.Context(), Script{
			Login: &Login{User: "admin", Password: word(canary)},
			Steps: []Step{{Expect: regexp.MustCompile("menu")}, {Expect: regexp.MustCompile("=> $")}},
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestStepFails(t *testing.T) {
	for name, test := range map[string]struct {
		step   Step
		reason ports.Reason
		text   string
	}{
		"expect": {
			Step{Expect: regexp.MustCompile("\x1b" + `=>\s`), Timeout: time.Second},
			ports.Dialogue,
			`telnet ts1:2001: step 2 of on_connect: login failed: waited 1s for "\x1b=>\\s"`,
		},
		"secret": {Step{Secret: broken{}}, ports.Dialogue, "telnet ts1:2001: step 2 of on_connect: login failed: secret test: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newTarget()
				err := x.talk.Run(t.Context(), Script{Steps: []Step{{Send: mustSequence(t, "x")}, test.step}})
				if ports.ReasonOf(err) != test.reason || err.Error() != test.text {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

type broken struct{}

func (broken) Reveal(context.Context) ([]byte, error) {
	return nil, errors.New("secret test: no such file")
}
func (broken) String() string { return "test" }

// A password whose answer is not what is expected is not typed again soon.
func TestStepFailsAfterThePassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget("\r\nno\r\n")
		err := x.talk.Run(t.Context(), Script{Steps: []Step{{Secret: word(canary)}, {Expect: regexp.MustCompile("=>")}}})
		const want = `telnet ts1:2001: step 2 of on_connect: authentication refused: waited 10s for "=>" after the password`
		if ports.ReasonOf(err) != ports.Authentication || err.Error() != want {
			t.Errorf("error %v", err)
		}
	})
}

// The end of the context ends every step at once, with its cause.
func TestRunEnds(t *testing.T) {
	stop := errors.New("the gateway stops")
	for _, s := range []Script{
		{Login: &Login{User: "u"}},
		{Steps: []Step{{Expect: regexp.MustCompile("x")}}},
		{Steps: []Step{{Send: Sequence{{Delay: time.Hour}}}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			began := time.Now()
			time.AfterFunc(100*time.Millisecond, func() { cancel(stop) })
			if err := newTarget().talk.Run(ctx, s); !errors.Is(err, stop) || time.Since(began) > time.Second {
				t.Errorf("error %v after %s", err, time.Since(began))
			}
		})
	}
}

// A target that never falls silent holds nothing up for longer than the limit.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTarget("Password: ")
		x.say("login: ")
		ctx, cancel := context.WithCancel(t.Context())
		var flood sync.WaitGroup
		flood.Go(func() {
			time.Sleep(time.Second)
			for ctx.Err() == nil {
				x.say(strings.Repeat("boot messages without an end\r\n", 1000))
				time.Sleep(100 * time.Millisecond)
			}
		})
		began := time.Now()
		err := x.talk.Run(ctx, Script{Login: &Login{User: "admin", Password: word(canary)}})
		if d := time.Since(began); err != nil || d > 15*time.Second {
			t.Errorf("%v after %s", err, d)
		}
		cancel()
		flood.Wait()
	})
}

// The echo of a secret that is the last thing to be typed is waited for, and
// what ends the line then is its refusal.
func TestSecretAtTheEnd(t *testing.T) {
	script := Script{Steps: []Step{{Expect: regexp.MustCompile("key: $")}, {Secret: word(canary)}}}
	synctest.Test(t, func(t *testing.T) {
		x := newTarget()
		x.say("banner\r\nkey: ")
		go func() {
			time.Sleep(time.Second) // a slow line
			x.say(canary[:3])
			time.Sleep(100 * time.Millisecond)
			x.say(canary[3:] + "\r\n=> ")
		}()
		if err := x.talk.Run(t.Context(), script); err != nil {
			t.Error(err)
		}
		x.talk.End(x.keep)
		time.Sleep(time.Minute)
		if got := string(x.shown); got != "banner\r\nkey: ***********\r\n=> " {
			t.Errorf("shown %q", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		x := newTarget()
		x.say("key: ")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { cancel(&ports.Error{Reason: ports.Closed}) })
		if err := x.talk.Run(ctx, script); ports.ReasonOf(err) != ports.Authentication {
			t.Errorf("hung up on: %v", err)
		}
	})
}

// A line that takes no BREAK does not hold a dialogue for ever.
func TestStuckBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aborted := make(chan struct{})
		talk := New(Line{
			Writer: newTarget(), Abort: func() { close(aborted) },
			Break: func(time.Duration) error { <-aborted; return &ports.Error{Reason: ports.Failed} },
		})
		err := talk.Run(t.Context(), Script{Steps: []Step{{Break: time.Second}}})
		if ports.ReasonOf(err) != ports.Dialogue || !strings.Contains(err.Error(), errStuck.Error()) {
			t.Errorf("error %v", err)
		}
	})
}
