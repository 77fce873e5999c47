// Consoled is an SSH-native console gateway: `ssh node42@consoles` attaches to
// the console called node42.
//
// This file is the command line; each subcommand has a file of its own.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
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
		Version:           buildVersion(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("consoled {{.Version}}\n")
	root.AddCommand(serveCommand(), checkCommand(), demoCommand(), versionCommand())
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	code := exitUsage
	var f *failure
	if errors.As(err, &f) {
		code = f.code
	}
	fmt.Fprintln(os.Stderr, "consoled:", err)
	if code == exitUsage {
		fmt.Fprintln(os.Stderr, "consoled: fix: 'consoled help' lists the commands and their flags")
	}
	return code
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
