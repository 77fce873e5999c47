//go:build unix

package main

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"
)

// The first of the signals ends the context; those that were not asked for do not.
func TestSignals(t *testing.T) {
	ctx, stop := signals(t.Context(), func() { t.Error("ended at once") }, syscall.SIGUSR1)
	defer stop()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the signal did not end the context")
	}
	if !errors.Is(context.Cause(ctx), errStopped) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}
