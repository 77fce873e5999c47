//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A figure is one measurement on a site of some size.
type figure struct {
	name     string
	consoles int // of the site; quick runs have a tenth
	run      func(context.Context, *rig, *site) error
}

// figures stand in the order that starts each size of site once.
func figures() []figure {
	return []figure{
		{"start", 1000, showStart},
		{"record", 1000, recordThousand},
		{"attach", 1000, attachStock},
		{"echo", 1000, echo},
		{"outage", 1000, outage},
		{"start", 4000, showStart},
		{"idle", 4000, idleMemory},
		{"record", 4000, recordMany},
		{"stalled", 100, stalled}, // before what leaves garbage behind
		{"watchers", 100, watchers},
		{"record", 100, recordFlat},
	}
}

func figureNames() (names []string) {
	known := map[string]bool{}
	for _, f := range figures() {
		if !known[f.name] {
			known[f.name] = true
			names = append(names, f.name)
		}
	}
	return names
}

// A rig is what all measurements share.
type rig struct {
	options
	dir    string
	people *people
	table  *table
}

// span is how long a load lasts.
func (r *rig) span(d time.Duration) time.Duration {
	if r.quick {
		return max(time.Second, d/8)
	}
	return d
}

// count is how many consoles, logins or keys there are.
func (r *rig) count(n int) int {
	if r.quick {
		return max(10, n/10)
	}
	return n
}

// serversToRun are the gateway and, if asked for, the peers that are here.
func (r *rig) serversToRun() ([]server, error) {
	wanted := words(r.servers)
	takes := func(name string) bool { return len(wanted) == 0 || wanted[name] }
	var list []server
	if takes("consoled") {
		s, err := newConsoled(r.dir, r.gateway)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if !r.against {
		return list, nil
	}
	for _, peer := range []struct {
		server
		programs []string
	}{
		{conserver{}, []string{"conserver", "console"}},
		{conman{}, []string{"conmand", "conman"}},
	} {
		if !takes(peer.name()) {
			continue
		}
		for _, p := range peer.programs {
			if _, err := lookPath(p); err != nil {
				fmt.Fprintf(os.Stderr, "%s: left out, %v\n", peer.name(), err)
				peer.server = nil
				break
			}
		}
		if peer.server != nil {
			list = append(list, peer.server)
		}
	}
	return list, nil
}

// lookPath finds a program also where root's programs are.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	return path, err
}

// load runs the figures against one server. A figure that fails is told and
// the others go on; a peer's failure is no error of ours.
func (r *rig) load(ctx context.Context, s server) (err error) {
	only := words(r.only)
	var at *site
	var failed error // why there is no site of this size
	size := 0
	defer func() {
		if at != nil {
			err = errors.Join(err, at.end())
		}
	}()
	for _, f := range figures() {
		if len(only) > 0 && !only[f.name] || ctx.Err() != nil {
			continue
		}
		n := r.count(f.consoles)
		if size != n {
			size = n
			if at != nil {
				err = errors.Join(err, at.end())
			}
			at, failed = r.start(ctx, s, n)
			if failed != nil {
				err = errors.Join(err, r.failed(s, "start", failed))
			}
		}
		if at == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s, %d consoles\n", s.name(), f.name, n)
		if r.wait {
			fmt.Fprintf(os.Stderr, "process group %d; Enter goes on\n", at.process.group)
			bufio.NewReader(os.Stdin).ReadString('\n')
		}
		if e := f.run(ctx, r, at); e != nil {
			err = errors.Join(err, r.failed(s, f.name, e))
		}
	}
	return err
}

// failed tells why a figure is missing.
func (r *rig) failed(s server, figure string, err error) error {
	err = fmt.Errorf("%s: %s: %w", s.name(), figure, err)
	if s.name() == "consoled" {
		return err
	}
	fmt.Fprintln(os.Stderr, err)
	return nil
}

// pause waits; an error is the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// until looks again and again whether something is so, which nothing announces.
func until(ctx context.Context, limit time.Duration, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %v", limit))
	defer cancel()
	for !ready() {
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
