package attach

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/dialogue"
)

func sequence(t *testing.T, text string) dialogue.Sequence {
	t.Helper()
	s, err := dialogue.ParseSequence(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBreakSequences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{Manners: console.Manners{Breaks: map[string]console.NamedSequence{
			"2": {Send: sequence(t, `\d\z`)},
			"x": {Send: sequence(t, `\x1b\xff\r`), Confirm: true},
		}}})
		line := r.line()
		a, d := r.enter("alice", Options{}), r.enter("dave", Options{})
		a.types("\x05cl?")
		a.sees("break sequences of node1, after ^Ec l:", "  0  BREAK of 250 ms", `  2  \d\z`, `  x  \e\xff\r (asks first)`)
		a.types("\x05cl2")
		time.Sleep(time.Second)
		a.sees("[node1] break sequence 2 sent.")
		d.sees("[node1] alice sent break sequence 2.")
		if n := len(line.Breaks()); n != 1 {
			t.Errorf("%d breaks", n)
		}
		a.types("\x05clx")
		a.sees(`[node1] Send break sequence x (\e\xff\r)? (y/n): `)
		a.types("n\r")
		a.sees("not sent.")
		a.types("\x05clx", "\r")
		if got := line.Heard(); got != "" {
			t.Errorf("heard %q without a yes", got)
		}
		a.types("\x05clx", "y\r")
		a.sees("break sequence x sent.")
		if got := line.Heard(); got != "\x1b\xff\r" {
			t.Errorf("heard %q", got)
		}
		a.clear()
		a.types("\x05cl9")
		a.sees("no such key; ^Ec l? lists them")
		d.clear()
		d.types("\x05clx")
		d.sees("not sent: you lack the right break.")
		a.clear()
		a.types("\x05cl\xff")
		a.sees("no such key; ^Ec l? lists them")
	})
}

// Who comes while the gateway logs in sees it, and types nothing into it.
func TestWhileTheGatewayLogsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{Connect: dialogue.Script{Steps: []dialogue.Step{{Expect: regexp.MustCompile("=> $")}}}})
		line := r.line()
		a := r.enter("alice", Options{})
		a.sees("[node1] connected to fake node1; the gateway is logging in.", "[connecting] node1")
		a.types("reboot\r")
		a.sees("not sent: the gateway is logging in; wait until it is done.")
		line.Say("menu\r\n=> ")
		a.sees("menu\r\n=> ", "[node1] up.")
		a.types("x")
		if got := line.Heard(); got != "x" {
			t.Errorf("heard %q", got)
		}
	})
}

// A line on demand is opened for who comes, and closed behind them.
func TestOnDemandIsOpenedForWhoComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{Manners: console.Manners{OnDemand: true}})
		time.Sleep(time.Minute)
		if r.fake.Opens() != 0 {
			t.Error("opened for nobody")
		}
		a := r.enter("alice", Options{})
		line := r.line()
		a.sees("[node1]", "[free] node1")
		a.types("x")
		if got := line.Heard(); got != "x" {
			t.Errorf("heard %q", got)
		}
		a.types("\x05c.")
		<-a.code
		time.Sleep(time.Minute)
		if !line.Closed() || strings.Contains(a.screen(), "DOWN") {
			t.Errorf("closed %t, seen %q", line.Closed(), a.screen())
		}
	})
}
