package attach

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"consoled/gateway/action"
	"consoled/gateway/console"
)

// An errand is something that takes its time (a BREAK, an action) while keys
// and output go on. The loop alone uses it; its goroutine ends with the session.
type errands struct {
	tasks Tasks
	ctx   context.Context
	stop  context.CancelFunc
	done  chan func() // what the loop does when one is over

	breaking bool
	flowing  bool               // a switch of flow control is on its way
	acting   string             // title of the action that this session runs
	halt     context.CancelFunc // stops it
	asking   *prompt            // whether to stop it
}

// begin starts an errand; then runs in the loop when it is over.
func (e *errands) begin(do func(context.Context) error, then func(error)) context.CancelFunc {
	ctx, cancel := context.WithCancel(e.ctx)
	e.tasks.Go(func() {
		defer cancel()
		err := do(ctx)
		select {
		case e.done <- func() { then(err) }:
		case <-e.ctx.Done():
		}
	}, e.stop)
	return cancel
}

// sendBreak sends a BREAK, and one at a time.
func (s *session) sendBreak(send func(context.Context) error) {
	e := &s.errands
	if e.breaking {
		s.notice("not sent: a BREAK is on its way already.")
		return
	}
	e.breaking = true
	e.begin(send, func(err error) {
		e.breaking = false
		if err != nil {
			s.notice(s.notSent(err))
		}
	})
}

func (s *session) plainBreak(d time.Duration) {
	s.sendBreak(func(ctx context.Context) error { return s.place.Break(ctx, d) })
}

func (s *session) playSequence(name string) {
	s.sendBreak(func(ctx context.Context) error { return s.place.Sequence(ctx, name) })
}

// sysRq sends BREAK and a key; those that end the machine at once are asked about.
func (s *session) sysRq(key byte) {
	if key <= ' ' || key > '~' {
		s.notice("cancelled.")
		return
	}
	send := func() {
		s.sendBreak(func(ctx context.Context) error { return s.place.SysRq(ctx, key) })
	}
	does := console.SysRqEnds(key)
	switch {
	case !s.place.Client().MayBreak:
		s.notice("you may not send BREAK here.")
	case does == "":
		send()
	default:
		s.agree(fmt.Sprintf("SysRq %c %s %s at once, without saving anything.", key, does, s.console.Name()), send)
	}
}

// agree has people type the console's name, which nobody types by habit.
func (s *session) agree(warning string, then func()) {
	name := s.console.Name()
	s.open(fmt.Sprintf("%s Type %s to go on: ", warning, name), func(answer string) {
		if answer != name {
			s.notice("not done: that is not " + name + ".")
			return
		}
		then()
	})
}

// actions shows the menu of actions, or stops the one that this session runs.
func (s *session) actions() {
	list := s.o.Actions()
	switch e := &s.errands; {
	case !s.place.Client().MayPower:
		s.notice("you may not run actions here.")
		return
	case e.acting != "":
		defer func() { e.asking = s.prompt }()
		s.open(e.acting+" runs. Stop it? (y/n): ", func(answer string) {
			if yes(answer) && e.acting != "" {
				e.halt()
			}
		})
		return
	case len(list) == 0:
		s.notice("no actions are configured here.")
		return
	}
	lines := []string{"actions on " + s.console.Name() + ":"}
	for i, a := range list {
		text := fmt.Sprintf("  %2d  %s", i+1, a.Title())
		if a.Description != "" {
			text += ": " + words(a.Description)
		}
		lines = append(lines, text)
	}
	s.painter.say(paint{lines: lines, plain: true})
	s.open("Number (Enter cancels): ", func(answer string) { s.choose(list, answer) })
}

// choose runs the action of a number, after a question where it wants one.
func (s *session) choose(list action.List, answer string) {
	n, err := strconv.Atoi(answer)
	switch {
	case answer == "":
		s.notice("cancelled.")
	case err != nil || n < 1 || n > len(list):
		s.notice("not done: there is no such number.")
	case list[n-1].Confirm:
		s.agree(list[n-1].Title()+".", func() { s.act(list[n-1]) })
	default:
		s.act(list[n-1])
	}
}

// act runs an action beside the session; what it says, and what comes of it,
// arrives as events, as it does for everybody else.
func (s *session) act(a action.Action) {
	e := &s.errands
	e.acting = a.Title()
	e.halt = e.begin(func(ctx context.Context) error {
		return action.Run(ctx, s.place, a, nil)
	}, func(err error) {
		e.acting = ""
		if s.prompt != nil && s.prompt == e.asking {
			s.open(a.Title()+" is over. Enter goes on: ", func(string) {})
		}
		if r, ok := errors.AsType[*console.Refusal](err); ok {
			text := ": not done: " + words(r.Error()) + "."
			if r.Because == console.BecauseHeld || r.Because == console.BecauseGrace {
				text += s.forceHint()
			}
			s.notice(a.Title() + text)
		}
	})
}
