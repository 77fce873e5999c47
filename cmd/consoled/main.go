// Consoled is an SSH-native console gateway: `ssh node42@consoles` attaches to
// the console called node42.
//
// This file is the command line; each subcommand has a file of its own.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"consoled/gateway/config"
)

// version is set by the build; without it the module's own is told.
var version = ""

// Exit codes of the local commands (interface.md 2.2).
const (
	exitUsage    = 64
	exitInternal = 70
	exitConfig   = 78
)

// A failure is an error with the exit code that it ends the program with.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func main() { os.Exit(run(os.Args[1:])) }

// run runs the command line and returns the exit code.
func run(args []string) int {
	root := &cobra.Command{
		Use:   "consoled",
		Short: "The SSH-native console gateway",
		Long: "consoled runs an SSH server in which the login name selects the console:\n" +
			"`ssh node42@consoles` attaches to node42, from any laptop, with nothing installed but ssh.",
		Version:            buildVersion(),
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true, // they come as lines of their own
		CompletionOptions:  cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("consoled {{.Version}}\n")
	root.AddCommand(serveCommand(), checkCommand(), demoCommand(), versionCommand())
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	return complain(os.Stderr, err)
}

// complain tells an error, a line at a time, and returns its exit code. The
// mistakes of a configuration begin with their place, as compilers write them.
func complain(w io.Writer, err error) int {
	if _, ok := errors.AsType[config.Problems](err); ok {
		fmt.Fprintln(w, err)
		return exitConfig
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(w, "consoled:", strings.TrimRight(line, "\n"))
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	fmt.Fprintln(w, "consoled: fix: 'consoled help' lists the commands and their flags")
	return exitUsage
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "consoled", buildVersion()) },
	}
}

// buildVersion is the version that the build set, or what Go knows of it.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
