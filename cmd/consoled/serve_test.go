package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"consoled/gateway"
	"consoled/gateway/config"
)

// TestLogInjectsNothing writes what peers may say into the log, in both forms:
// each entry stays one line, without a control byte.
func TestLogInjectsNothing(t *testing.T) {
	hostile := []string{
		"\x7f", "\u0080", "\u0085", "\u009b31m", "\u009d0;x\u009c", "\x9b31m", "\xc2", "\xff", "\x1b[2J", "\x1b]0;owned\a", "\x1b]52;c;cm0gLXJm\x1b\\",
		"\x1b[6n", "\x1bP$qm\x1b\\", "\r\nlevel=ERROR msg=forged", "\x0e", "\u2028", "\u202e", "\" level=ERROR msg=\"forged",
	}
	for b := range 0x20 {
		hostile = append(hostile, string(rune(b)))
	}
	if len(hostile) < 48 {
		t.Fatalf("only %d texts", len(hostile))
	}
	for _, format := range []string{"text", "json"} {
		for _, evil := range hostile {
			var b bytes.Buffer
			log, flush, err := newLog(&b, format)
			if err != nil {
				t.Fatal(err)
			}
			log.With("client", evil).Warn("login refused", "login", evil, "err", errors.New(evil), "keys", []string{evil}, "any", fmt.Stringer(text(evil)))
			flush()
			line, ended := strings.CutSuffix(b.String(), "\n")
			for i, r := range line {
				if r < ' ' || r >= 0x7f && r < 0xa0 {
					t.Errorf("%s: %q comes out as %q, with a control at %d", format, evil, line, i)
				}
			}
			if bytes.Contains([]byte(line), []byte{0x9b}) || !ended || strings.Contains(line, "\n") {
				t.Errorf("%s: %q comes out as %q", format, evil, line)
			}
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("%q is no JSON", line)
			}
		}
	}
}

type text string

func (t text) String() string { return string(t) }

// A stuck writer takes nothing until it is let.
type stuck struct {
	bytes.Buffer
	let, took chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.took <- struct{}{}:
	default:
	}
	<-s.let
	return s.Buffer.Write(p)
}

// TestLogHoldsNobodyUp logs without end while nobody takes the log: it is
// bounded, and says afterwards how much of it is missing.
func TestLogHoldsNobodyUp(t *testing.T) {
	out := &stuck{let: make(chan struct{}), took: make(chan struct{}, 1)}
	log, flush, err := newLog(out, "text")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("first")
	<-out.took
	const lines = 20_000
	for range lines {
		log.Info(strings.Repeat("x", 200))
	}
	close(out.let)
	for deadline := time.After(10 * time.Second); len(out.took) == 0; {
		select {
		case <-deadline:
			t.Fatal("nothing more was written")
		case <-time.After(time.Millisecond):
		}
	}
	flush()
	text := out.String()
	found := regexp.MustCompile(`lines of the log are missing" lines=(\d+)`).FindStringSubmatch(text)
	if found == nil || !strings.Contains(text, "msg=first") || len(text) > logHeld+1000 {
		t.Fatalf("%d bytes: %.200q", len(text), text[max(0, len(text)-300):])
	}
	if got := strings.Count(text, "xxx level") + strings.Count(text, "msg="+strings.Repeat("x", 200)); fmt.Sprint(lines-got) != found[1] {
		t.Errorf("%d lines came, %s are said to be missing of %d", got, found[1], lines)
	}
}

// A reload that hangs, on a file system that does not answer, keeps the process
// neither from feeding its watchdog nor from ending.
func TestStopDuringAReloadThatHangs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "consoled.yaml")
	text := "listen: \"127.0.0.1:0\"\nstate_dir: " + filepath.Join(dir, "state") + "\nconsoles: { node1: { sim: echo } }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hangs, hung := make(chan struct{}), make(chan struct{})
	loads := 0
	log := slog.New(slog.DiscardHandler)
	ready := make(chan struct{})
	g, err := gateway.New(gateway.Options{
		Load: func() (*config.Config, error) {
			if loads++; loads > 1 {
				close(hung)
				<-hangs
			}
			return config.Load(file)
		},
		Log: log, Listeners: []net.Listener{l}, Ready: func([]net.Addr) { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reload, attended, served := make(chan os.Signal, 1), make(chan struct{}), make(chan error, 1)
	go func() { defer close(attended); attend(ctx, g, log, reload) }()
	go func() { served <- g.Serve(ctx) }()
	<-ready
	reload <- os.Interrupt
	<-hung
	stop()
	for _, ended := range []func() bool{
		func() bool { return <-served == nil },
		func() bool { <-attended; return true },
	} {
		done := make(chan bool, 1)
		go func() { done <- ended() }()
		select {
		case ok := <-done:
			if !ok {
				t.Error("Serve failed")
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it does not end")
		}
	}
	close(hangs)
}
