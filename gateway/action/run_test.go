package action

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
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

// A scripted Way writes what it is to say and waits as long as it is to take.
type scripted struct {
	says  string
	takes time.Duration
	fails error
}

func (s scripted) String() string { return "scripted" }

func (s scripted) Do(ctx context.Context, _ Call, out io.Writer) error {
	io.WriteString(out, s.says)
	select {
	case <-time.After(s.takes):
		return s.fails
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newConsole runs a console over a fake line until the test ends.
func newConsole(t *testing.T) *console.Console {
	t.Helper()
	c, err := console.New(console.Options{
		Subject: names.Subject{Name: "node1"}, Backend: porttest.NewFake("fake node1", porttest.Abilities{}),
		Record: record.Options{Dir: t.TempDir(), Group: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	t.Cleanup(func() {
		cancel(errors.New("the test is over"))
		<-done
	})
	return c
}

func client(name string) console.Client {
	return console.Client{Session: name, Name: name, Source: "10.1.2.3", Kind: console.Interactive, MayWrite: true, MayPower: true}
}

// told drains what a place was told of actions.
func told(a *console.Attachment) (all []string) {
	synctest.Wait()
	for len(a.Events()) > 0 {
		switch e := <-a.Events(); e.Kind {
		case console.KindActing, console.KindOutput, console.KindAction:
			all = append(all, strings.Join([]string{string(e.Kind), e.Who, e.Action, e.Why, e.Result}, "|"))
		}
	}
	return all
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		alice, bob := c.Attach(client("alice")), c.Attach(client("bob"))
		var said []string
		err := Run(t.Context(), alice, Action{Name: "cycle", Way: scripted{says: "one\r\n\ntwo"}}, func(l string) { said = append(said, l) })
		if err != nil || !slices.Equal(said, []string{"one", "two"}) {
			t.Errorf("%v, said %q", err, said)
		}
		want := []string{"acting|alice|power cycle||", "output|alice|power cycle|one|", "output|alice|power cycle|two|", "action|alice|power cycle||done"}
		if got := told(bob); !slices.Equal(got, want) {
			t.Errorf("bob was told %q", got)
		}
		err = Run(t.Context(), alice, Action{Name: "relay", Way: scripted{fails: Exit(3)}}, nil)
		if !errors.Is(err, Exit(3)) {
			t.Errorf("error %v", err)
		}
		if got := told(bob); got[len(got)-1] != "action|alice|relay||exit status 3" {
			t.Errorf("bob was told %q", got)
		}
	})
}

// Who runs an action and takes nothing of what it says keeps neither the program nor
// the console.
func TestStoppedTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		alice, bob := c.Attach(client("alice")), c.Attach(client("bob"))
		resume, ended := make(chan struct{}), make(chan int)
		go func() {
			n := 0
			Run(t.Context(), alice, Action{Name: "cycle", Way: scripted{says: strings.Repeat("line\n", 5000)}}, func(string) { <-resume; n++ })
			ended <- n
		}()
		time.Sleep(time.Second)
		if err := Run(t.Context(), bob, Action{Name: "reset", Way: scripted{}}, nil); err != nil {
			t.Error(err)
		}
		close(resume)
		if n := <-ended; n != mostLines+1 {
			t.Errorf("%d lines were said", n)
		}
	})
}

// What happened stands in the events of the console, what was said does not.
func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		alice := c.Attach(client("alice"))
		Run(t.Context(), alice, Action{Name: "cycle", Way: scripted{says: "hello\n", takes: time.Second}}, nil)
		synctest.Wait()
		r, err := c.Record().Events()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var got []string
		for d := json.NewDecoder(r); ; {
			var e console.Event
			if d.Decode(&e) != nil {
				break
			}
			if e.Action != "" {
				got = append(got, strings.Join([]string{string(e.Kind), e.Who, e.From, e.Action, e.Result, e.For.String()}, "|"))
			}
		}
		want := []string{"acting|alice|10.1.2.3|power cycle||0s", "action|alice|10.1.2.3|power cycle|done|1s"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q", got)
		}
	})
}

func wantRefusal(t *testing.T, err error, want console.Because) {
	t.Helper()
	var r *console.Refusal
	if !errors.As(err, &r) || r.Because != want {
		t.Errorf("error %v, want refusal %q", err, want)
	}
}

// One action at a time; the second is told who runs what, and since when.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		alice, bob := c.Attach(client("alice")), c.Attach(client("bob"))
		done := make(chan error)
		go func() {
			done <- Run(t.Context(), alice, Action{Name: "cycle", Way: scripted{takes: 10 * time.Second}}, nil)
		}()
		time.Sleep(3 * time.Second)
		err := Run(t.Context(), bob, Action{Name: "status", Way: scripted{}}, nil)
		wantRefusal(t, err, console.BecauseActing)
		if err.Error() != "alice runs power cycle (for 3s)" {
			t.Errorf("told %q", err)
		}
		if act := c.Status().Act; act == nil || act.Who != "alice" || act.Name != "power cycle" {
			t.Errorf("status %v", act)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := Run(t.Context(), bob, Action{Name: "status", Way: scripted{}}, nil); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

// Who lacks the right runs nothing, and who loses it, or leaves, runs nothing on.
func TestRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		dave := client("dave")
		dave.MayPower = false
		wantRefusal(t, Run(t.Context(), c.Attach(dave), Action{Name: "on", Way: scripted{}}, nil), console.BecauseNoRight)
		for name, end := range map[string]func(*console.Attachment){
			"revoked":  func(a *console.Attachment) { a.Update(dave) },
			"detached": func(a *console.Attachment) { a.Detach("out") },
			"left":     func(a *console.Attachment) { a.Leave(true) },
		} {
			alice := c.Attach(client("alice"))
			time.AfterFunc(time.Second, func() { end(alice) })
			began := time.Now()
			err := Run(t.Context(), alice, Action{Name: "on", Way: scripted{takes: time.Minute}}, nil)
			if took := time.Since(began); took != time.Second || err == nil {
				t.Errorf("%s: %v after %s", name, err, took)
			}
			alice.Leave(false)
		}
	})
}

// While somebody else is writing only what disturbs nobody is run.
func TestWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		alice, bob := c.Attach(client("alice")), c.Attach(client("bob"))
		if err := alice.Take(); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, Run(t.Context(), bob, Action{Name: "cycle", Way: scripted{}}, nil), console.BecauseHeld)
		if err := Run(t.Context(), bob, Action{Name: "status", Way: scripted{}}, nil); err != nil {
			t.Errorf("status: %v", err)
		}
		if err := Run(t.Context(), alice, Action{Name: "cycle", Way: scripted{}}, nil); err != nil {
			t.Errorf("the writer: %v", err)
		}
		alice.Leave(true)
		wantRefusal(t, Run(t.Context(), bob, Action{Name: "cycle", Way: scripted{}}, nil), console.BecauseGrace)
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := newConsole(t).Attach(client("alice"))
		for _, tt := range []struct {
			timeout, want time.Duration
			text          string
		}{{0, DefaultTimeout, "stopped: it took longer than 1m0s"}, {5 * time.Second, 5 * time.Second, "stopped: it took longer than 5s"}} {
			began := time.Now()
			err := Run(t.Context(), alice, Action{Name: "x", Timeout: tt.timeout, Way: scripted{takes: time.Hour}}, nil)
			if took := time.Since(began); took != tt.want || err == nil || err.Error() != tt.text {
				t.Errorf("%v after %s", err, took)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("interrupted")) })
		if err := Run(ctx, alice, Action{Name: "x", Way: scripted{takes: time.Hour}}, nil); err == nil || err.Error() != "stopped: interrupted" {
			t.Errorf("error %v", err)
		}
	})
}

// A panic is somebody else's to catch, and the console is free for the next action.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t)
		alice := c.Attach(client("alice"))
		func() {
			defer func() { recover() }()
			Run(t.Context(), alice, Action{Name: "on", Way: IPMI{}}, nil)
		}()
		if got := told(alice); got[len(got)-1] != "action|alice|power on||internal error" || c.Status().Act != nil {
			t.Errorf("told %q", got)
		}
	})
}

type fakeHost struct {
	output string
	status int
	err    error
	asked  string
}

func (f *fakeHost) Run(_ context.Context, command string) ([]byte, int, error) {
	f.asked = command
	return []byte(f.output), f.status, f.err
}

func (f *fakeHost) Chassis(_ context.Context, command string) (string, error) {
	f.asked = command
	return f.output, f.err
}

func TestHosts(t *testing.T) {
	refused := &ports.Error{Reason: ports.Refused, Op: "run on ssh pdu"}
	for _, tt := range []struct {
		host fakeHost
		want error
	}{{fakeHost{output: "on"}, nil}, {fakeHost{output: "no", status: 3}, Exit(3)}, {fakeHost{err: refused}, refused}} {
		var out strings.Builder
		host := tt.host
		err := SSH{&host, "outlet 3 on"}.Do(t.Context(), Call{}, &out)
		if !errors.Is(err, tt.want) || out.String() != host.output || host.asked != "outlet 3 on" {
			t.Errorf("ssh: %v, %q, asked %q", err, out.String(), host.asked)
		}
		if tt.host.status != 0 {
			continue
		}
		for command, words := range map[string]string{"cycle": "cycle", "boot-pxe": "boot pxe", "identify": "identify on", "identify-off": "identify off"} {
			out.Reset()
			err = IPMI{&host, command}.Do(t.Context(), Call{}, &out)
			if !errors.Is(err, tt.want) || out.String() != host.output || host.asked != words {
				t.Errorf("ipmi: %v, %q, asked %q", err, out.String(), host.asked)
			}
		}
	}
}

func TestList(t *testing.T) {
	l := List{{Name: "relay10"}, {Name: "relay2"}, {Name: "reset"}, {Name: "boot-pxe"}, {Name: "on"}}
	l.Sort()
	if got := l.Names(); !slices.Equal(got, []string{"on", "reset", "boot-pxe", "relay2", "relay10"}) {
		t.Errorf("order %q", got)
	}
	if a, ok := l.Find("boot-pxe"); !ok || a.Title() != "power boot pxe" {
		t.Errorf("title %q", a.Title())
	}
	if _, ok := l.Find("off"); ok {
		t.Error("off is not there")
	}
}
