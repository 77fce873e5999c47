//go:build linux

// Consoled-bench loads a built gateway with simulated consoles and people and
// prints what it measured as a table. It measures from outside: CPU time and
// memory from /proc, the record from its files, latency from the wall clock. No
// time makes it fail; a line lost, doubled or out of order does.
//
// With -against it does the same to Conserver and ConMan where they are installed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if len(args) == 1 && args[0] == peopleRole {
		if err := servePeople(ctx, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "consoled-bench: people:", err)
			return 1
		}
		return 0
	}
	if len(args) == 4 && args[0] == relayRole {
		fmt.Fprintln(os.Stderr, "consoled-bench: relay:", serveRelay(args[1], args[2], args[3]))
		return 1
	}
	var o options
	flags := flag.NewFlagSet("consoled-bench", flag.ContinueOnError)
	flags.StringVar(&o.gateway, "gateway", "bin/consoled", "the gateway's `program`")
	flags.StringVar(&o.only, "only", "", "measure these `figures` alone: "+strings.Join(figureNames(), ","))
	flags.StringVar(&o.servers, "servers", "", "load these `servers` alone: consoled,conserver,conman")
	flags.StringVar(&o.dir, "dir", "", "`folder` for records and keys (a temporary one is made in it)")
	flags.BoolVar(&o.quick, "quick", false, "fewer consoles and shorter runs: shows that all works in about a minute")
	flags.BoolVar(&o.against, "against", false, "measure Conserver and ConMan too, where they are installed")
	flags.BoolVar(&o.wait, "hold", false, "wait for Enter before each figure, so that a profiler can be attached")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 {
		return 64
	}
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "consoled-bench:", err)
		return 64
	}
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "consoled-bench:", err)
		return 1
	}
	return 0
}

// options are the command line's.
type options struct {
	gateway, only, servers, dir string
	quick, against, wait        bool
}

func (o options) check() error {
	for name := range words(o.only) {
		if !slices.Contains(figureNames(), name) {
			return fmt.Errorf("no figure %q; there are %s", name, strings.Join(figureNames(), ", "))
		}
	}
	for name := range words(o.servers) {
		if !slices.Contains([]string{"consoled", "conserver", "conman"}, name) {
			return fmt.Errorf("no server %q; there are consoled, conserver, conman", name)
		}
	}
	return nil
}

// words are the parts of a list with commas; of an empty one, none.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			set[w] = true
		}
	}
	return set
}

// measure runs the figures against each server in turn and prints the table.
func measure(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp(o.dir, "consoled-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &rig{options: o, dir: dir, table: newTable()}
	if r.people, err = startPeople(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.people.end()) }()
	servers, err := r.serversToRun()
	if err != nil {
		return err
	}
	began := time.Now()
	for _, s := range servers {
		err = errors.Join(err, r.load(ctx, s))
		if ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
	fmt.Printf("%s\n\n", machine())
	r.table.print(os.Stdout)
	fmt.Printf("\nMarkdown:\n\n%s\n\n", machine())
	r.table.markdown(os.Stdout)
	fmt.Fprintf(os.Stderr, "\nmeasured in %s\n", time.Since(began).Round(time.Second))
	return err
}
