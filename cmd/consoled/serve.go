package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"consoled/gateway"
	"consoled/gateway/config"
)

// systemConfig is where the configuration is looked for first.
const systemConfig = "/etc/consoled/consoled.yaml"

// defaultConfig is the configuration file where none is named.
func defaultConfig() string {
	if _, err := os.Stat(systemConfig); err == nil {
		return systemConfig
	}
	if dir, err := os.UserConfigDir(); err == nil {
		own := filepath.Join(dir, "consoled", "consoled.yaml")
		if _, err := os.Stat(own); err == nil {
			return own
		}
	}
	return systemConfig
}

// load reads a configuration; where there is none it says what to do.
func load(file string) (*config.Config, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, &failure{exitConfig, fmt.Errorf(
			"configuration %s: no such file\nfix: --config names another; 'consoled demo' runs without one", file)}
	}
	return config.Load(file)
}

func serveCommand() *cobra.Command {
	var file, format string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Long: "Run the gateway until SIGTERM or SIGINT; SIGHUP reads the configuration again.\n" +
			"A configuration with a mistake is refused whole: the running one goes on.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, flush, err := newLog(c.ErrOrStderr(), format)
			if err != nil {
				return err
			}
			defer flush()
			return serve(c.Context(), file, log)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", defaultConfig(), "configuration file")
	cmd.Flags().StringVar(&format, "log-format", "text", "text or json")
	return cmd
}

// serve runs the gateway under the operating system's signals and systemd.
func serve(ctx context.Context, file string, log *slog.Logger) error {
	ctx, stop := signals(ctx, func() {}, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer survive()()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	listeners, err := inherited()
	if err != nil {
		return &failure{exitInternal, err}
	}
	g, err := gateway.New(gateway.Options{
		Load:      func() (*config.Config, error) { return load(file) },
		Log:       log,
		Version:   buildVersion(),
		Listeners: listeners,
		Ready: func(addrs []net.Addr) {
			for _, a := range addrs {
				log.Info("listening", "addr", a.String())
			}
			notify("READY=1")
		},
	})
	if err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		attend(ctx, g, log, reload)
	}()
	err = g.Serve(ctx)
	cancel()
	<-ended
	if err != nil {
		return failed(err)
	}
	return nil
}

// attend reloads on SIGHUP and feeds systemd's watchdog until ctx ends. It does
// not wait for a reload that is under way then: one that hangs on a file system
// would keep the process from ending.
func attend(ctx context.Context, g *gateway.Gateway, log *slog.Logger, reload <-chan os.Signal) {
	feed := watchdog()
	var reloaded chan struct{} // closed when the reload under way is done; nil while none is
	for {
		asked := reload
		if reloaded != nil {
			asked = nil
		}
		select {
		case <-ctx.Done():
			notify("STOPPING=1")
			return
		case <-feed:
			notify("WATCHDOG=1")
		case <-asked:
			notify(reloading())
			done := make(chan struct{})
			reloaded = done
			go func() {
				defer close(done)
				hangup(ctx, g, log)
			}()
		case <-reloaded:
			reloaded = nil
			notify("READY=1")
		}
	}
}

// hangup reloads. A file that brings the reading of it down must not bring
// the consoles down.
func hangup(ctx context.Context, g *gateway.Gateway, log *slog.Logger) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "in", "reload", "err", p, "stack", string(debug.Stack()))
		}
	}()
	_, _ = g.Reload(ctx, "SIGHUP") // the gateway logs what came of it
}

// failed gives an error its exit code.
func failed(err error) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	if _, ok := errors.AsType[config.Problems](err); ok {
		return &failure{exitConfig, err}
	}
	return &failure{exitInternal, err}
}
