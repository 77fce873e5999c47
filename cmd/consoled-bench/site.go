//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	startLimit  = 60 * time.Second // Conserver takes most of it for a thousand consoles,
	manyLimit   = 25 * time.Second // and minutes for more, for which nobody waits
	manyAre     = 2000
	recordLimit = 30 * time.Second // until what was said is in the record
)

// echoName is the console whose device sends back what it gets.
const echoName = "echo"

// A site is a running server with its consoles.
type site struct {
	server
	table     *table
	fleet     *fleet
	process   *process
	dir       string
	port      int
	login     time.Duration // from the start of the process until somebody was let in; 0 if that took too long
	connected time.Duration // until all devices were connected; 0 if that took too long
}

// A server is a program under load.
type server interface {
	name() string
	// configure writes what the server needs into the site's folder and returns
	// how to start it.
	configure(s *site, echoPort int) (argv []string, _ error)
	// record is where the record of a console is.
	record(s *site, console string) string
	// foreign tells lines of a record that the server added; nil where it adds none.
	foreign() func([]byte) bool
	// call is how a person reaches a console, to type or just to look.
	call(s *site, console string, typing bool) call
}

// start starts a server with n consoles and waits until they are connected.
func (r *rig) start(ctx context.Context, s server, n int) (*site, error) {
	fmt.Fprintf(os.Stderr, "%s: starts with %d consoles\n", s.name(), n)
	at := &site{server: s, table: r.table}
	var err error
	if at.dir, err = os.MkdirTemp(r.dir, s.name()+"-"); err != nil {
		return nil, err
	}
	if at.fleet, err = openFleet(n); err != nil {
		return nil, err
	}
	if err = at.run(ctx, r.people); err != nil {
		return nil, errors.Join(err, at.end())
	}
	return at, nil
}

func (s *site) run(ctx context.Context, p *people) error {
	var err error
	if s.port, err = freePort(); err != nil {
		return err
	}
	argv, err := s.configure(s, p.echoPort)
	if err != nil {
		return err
	}
	if s.process, err = startProcess(filepath.Join(s.dir, "server.log"), argv...); err != nil {
		return err
	}
	in := make(chan error, 1)
	go func() { in <- s.firstLogin(ctx) }()
	last, err := s.fleet.connected(ctx, s.patience())
	if s.connected = last.Sub(s.process.started); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.name(), err)
		s.connected = 0
	}
	return <-in
}

// patience is how long a start may take.
func (s *site) patience() time.Duration {
	if len(s.fleet.devices) >= manyAre {
		return manyLimit
	}
	return startLimit
}

// firstLogin knocks until somebody is let in.
func (s *site) firstLogin(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	for {
		err := s.call(s, consoleName(0), false).knock(limited)
		if err == nil {
			s.login = time.Since(s.process.started)
			return nil
		}
		if !s.process.running() {
			return fmt.Errorf("server ended: %s", s.process.said())
		}
		if pause(limited, 5*time.Millisecond) != nil {
			fmt.Fprintf(os.Stderr, "%s: nobody was let in within %v: %v\n", s.name(), s.patience(), err)
			return context.Cause(ctx) // a slow server is a figure, not an error
		}
	}
}

// end stops the server, then the devices, and empties the records. Their files
// stay until all is over: ext4 looks long for a free inode where many have just
// been deleted, which the next server would be charged for.
func (s *site) end() error {
	var err error
	if s.process != nil {
		err = s.process.stop()
	}
	s.fleet.away()
	for _, d := range s.fleet.devices {
		if e := os.Truncate(s.record(s, consoleName(d.id)), 0); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// recorded waits until what the devices said is on disk. Where the server adds
// lines of its own, the size tells nothing, and it is over when nothing grows.
func (s *site) recorded(ctx context.Context) error {
	if s.foreign() == nil {
		return until(ctx, recordLimit, func() bool { return s.recordSize() >= s.fleet.bytes() })
	}
	for size := int64(-1); ; {
		now := s.recordSize()
		if now == size {
			return nil
		}
		size = now
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

func (s *site) recordSize() (total int64) {
	for _, d := range s.fleet.devices {
		if info, err := os.Stat(s.record(s, consoleName(d.id))); err == nil {
			total += info.Size()
		}
	}
	return total
}

// verify compares every record with what its device said.
func (s *site) verify() (v verdict, _ error) {
	for _, d := range s.fleet.devices {
		file := s.record(s, consoleName(d.id))
		w, err := checkRecord(file, d.id, d.next, s.foreign())
		if err != nil {
			return v, err
		}
		if info, err := os.Stat(file); err == nil && s.foreign() == nil {
			if w.missing = max(info.Size()-d.bytes, d.bytes-info.Size()); w.missing > 0 && w.first == "" {
				w.first = fmt.Sprintf("%s: record has %d bytes, %d were said", consoleName(d.id), info.Size(), d.bytes)
			}
		}
		v.add(w)
	}
	return v, nil
}

// set fills a cell of this server's column.
func (s *site) set(row, format string, args ...any) { s.table.set(s.name(), row, format, args...) }

// showStart prints what start has measured.
func showStart(_ context.Context, _ *rig, s *site) error {
	show := func(what string, took time.Duration) {
		text := seconds(took)
		if took == 0 {
			text = fmt.Sprintf("> %.0f s (%d connected)", s.patience().Seconds(), s.fleet.up.Load())
		}
		s.set(fmt.Sprintf("start with %d consoles: %s after", len(s.fleet.devices), what), "%s", text)
	}
	show("first login", s.login)
	show("all connected", s.connected)
	return nil
}
