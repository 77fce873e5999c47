package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errStopped is the goodbye when the gateway is told to stop.
var errStopped = errors.New("gateway stops; your connection ends")

// signals ends the context with the first SIGTERM or SIGINT, and the program
// with the second. reload brings each SIGHUP. stop lets go of the signals.
func signals(parent context.Context) (_ context.Context, reload <-chan os.Signal, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ending := make(chan os.Signal, 2)
	signal.Notify(ending, os.Interrupt, syscall.SIGTERM)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-ending:
			cancel(errStopped)
		case <-done:
			return
		}
		select {
		case <-ending:
			os.Exit(exitInternal)
		case <-done:
		}
	}()
	return ctx, hup, func() {
		signal.Stop(ending)
		signal.Stop(hup)
		cancel(nil)
		close(done)
	}
}
