package attach

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/gateway/console"
)

// watches seats somebody who only reads a stream; their code comes in the channel.
func (r *room) watches(ctx context.Context, quiet bool) (p, errs *person, place *console.Attachment, code chan int) {
	errs = &person{t: r.t}
	p = &person{t: r.t, typed: make(chan []byte), gone: make(chan struct{})}
	term := Terminal{In: p, Out: p, Err: errs, Interrupt: p.leave, Abort: p.abort, Lost: func() bool { return false }}
	place = r.console.Attach(console.Client{Session: "w", Name: "dave", Kind: console.Watching})
	code = make(chan int, 1)
	go func() { code <- Watch(ctx, r.console, place, term, quiet) }()
	synctest.Wait()
	return p, errs, place, code
}

// A client that takes no output reads nothing more once it may not.
func TestStalledWatchIsCutOff(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		line := r.line()
		p, errs, place, code := r.watches(t.Context(), true)
		p.stall()
		line.Say("secret\n")
		time.Sleep(time.Second)
		place.Detach("you may no longer read this console")
		began := time.Now()
		<-code
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("it took %s", d)
		}
		if got := p.screen() + errs.screen(); got != "[node1] you may no longer read this console; closing in 3s\n" {
			t.Errorf("saw %q", got)
		}
	})
}

func TestWatchIsToldWhyItEnds(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.line()
		ctx, cancel := context.WithCancelCause(t.Context())
		_, errs, _, code := r.watches(ctx, false)
		cancel(errors.New("your key is no longer authorised"))
		<-code
		if got := errs.screen(); !strings.Contains(got, "[node1] your key is no longer authorised") {
			t.Errorf("stderr %q", got)
		}
	})
}
