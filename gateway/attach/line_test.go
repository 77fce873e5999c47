package attach

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"consoled/gateway/console"
	"consoled/ports"
	"consoled/ports/porttest"
)

// A flowing backend's lines have software flow control.
type flowing struct{ *porttest.Fake }

type flowingPort struct{ ports.Port }

func (b flowing) Open(ctx context.Context) (ports.Port, error) {
	p, err := b.Fake.Open(ctx)
	if err != nil {
		return nil, err
	}
	return flowingPort{p}, nil
}

func (flowingPort) SoftwareFlow() bool         { return false }
func (flowingPort) SetSoftwareFlow(bool) error { return nil }

// However often the key is typed, one switch waits for a line that takes no input.
func TestOneSwitchOfFlowControlWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, console.Options{})
		first := r.line()
		o := r.console.Options()
		o.Backend = flowing{r.fake}
		r.console.Update(o, true)
		first.WaitClosed(t.Context())
		line := r.line()
		a := r.enter("alice", Options{})
		line.Stall(0)
		a.types("x", "\x05cc", "\x05cc", "\x05cc")
		a.sees("not switched: a switch is on its way already.")
		line.Resume()
		a.sees("you switched software flow control on.")
		if n := strings.Count(a.screen(), "you switched"); n != 1 {
			t.Errorf("switched %d times: %q", n, a.screen())
		}
	})
}
