package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"consoled/gateway"
	"consoled/gateway/config"
	"consoled/gateway/names"
)

func checkCommand() *cobra.Command {
	var file, expand string
	var strict bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration without applying it",
		Long: "Read the configuration and the key files, and report every mistake with its place.\n" +
			"Exit code 0: it may be served; 78: it may not.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if expand != "" {
				return expandConsole(c, file, expand)
			}
			return check(c, file, strict)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", defaultConfig(), "configuration file")
	cmd.Flags().StringVar(&expand, "expand", "", "print the console NAME as templates and ranges make it")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings are mistakes too")
	return cmd
}

// check reads what serve would read.
func check(c *cobra.Command, file string, strict bool) error {
	g, err := gateway.New(gateway.Options{
		Load:    func() (*config.Config, error) { return load(file) },
		Version: buildVersion(),
	})
	if err != nil {
		return &failure{exitConfig, err}
	}
	if all := g.Health().Warnings; strict && len(all) > 0 {
		return &failure{exitConfig, fmt.Errorf("%s\nwarnings are mistakes with --strict", strings.Join(all, "\n"))}
	}
	summary, err := g.Check()
	if err != nil {
		return &failure{exitConfig, err}
	}
	fmt.Fprintln(c.OutOrStdout(), summary)
	return nil
}

// expandConsole prints one console with everything in force.
func expandConsole(c *cobra.Command, file, name string) error {
	cfg, err := load(file)
	if err != nil {
		return &failure{exitConfig, err}
	}
	all := make([]string, 0, len(cfg.Consoles))
	for _, x := range cfg.Consoles {
		if x.Subject.Called(name) {
			fmt.Fprint(c.OutOrStdout(), x.YAML())
			return nil
		}
		all = append(all, x.Subject.Name)
	}
	text := fmt.Sprintf("no console called %q", name)
	if like := names.Suggest(name, all); len(like) > 0 {
		text += "; did you mean " + strings.Join(like, ", ") + "?"
	}
	return &failure{66, errors.New(text)}
}
