package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
)

// errStopped is the goodbye when the gateway is told to stop.
var errStopped = errors.New("gateway stops; your connection ends")

// signals ends the context with the first of some signals, and the program
// with the second, once atOnce is done. stop lets go of the signals.
func signals(parent context.Context, atOnce func(), which ...os.Signal) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ending := make(chan os.Signal, 2)
	signal.Notify(ending, which...)
	done := make(chan struct{})
	var task sync.WaitGroup
	task.Go(func() {
		select {
		case <-ending:
			cancel(errStopped)
		case <-done:
			return
		}
		select {
		case <-ending:
			atOnce()
			os.Exit(exitInternal)
		case <-done:
		}
	})
	return ctx, func() {
		signal.Stop(ending)
		cancel(nil)
		close(done)
		task.Wait()
	}
}

// survive takes the harmless signals and does nothing about them. They are not
// ignored, as the programs that we start would then ignore them too.
func survive() (stop func()) {
	taken := make(chan os.Signal, 1)
	if which := harmless(); len(which) > 0 { // none would mean all
		signal.Notify(taken, which...)
	}
	return func() { signal.Stop(taken) }
}
