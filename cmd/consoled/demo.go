package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"consoled/gateway"
	"consoled/gateway/config"
)

func demoCommand() *cobra.Command {
	var port int
	var verbose bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a gateway with simulated consoles, to try it",
		Long: "Run a gateway on loopback with simulated consoles and a real shell. It trusts your own\n" +
			"SSH keys, keeps its data in a temporary folder and deletes it at the end.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log := slog.New(slog.DiscardHandler)
			if verbose {
				log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			}
			if err := demo(c.Context(), c.OutOrStdout(), port, log); err != nil {
				return failed(err)
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&port, "port", "p", 2222, "port on 127.0.0.1; where it is taken, the next free one")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the gateway's log")
	return cmd
}

// demo runs until it is interrupted.
func demo(ctx context.Context, out io.Writer, port int, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "consoled-demo-")
	if err != nil {
		return err
	}
	// Whoever closes the window means to end the demo, and presses Ctrl-C twice at most.
	ctx, stop := signals(ctx, func() { os.RemoveAll(dir) }, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer func() {
		if err = errors.Join(err, os.RemoveAll(dir)); err == nil {
			fmt.Fprintln(out, "\nconsoled demo: ended, data deleted")
		}
	}()
	listener, err := listenNear(port)
	if err != nil {
		return err
	}
	keys, err := writeDemo(dir, listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	file := filepath.Join(dir, "consoled.yaml")
	g, err := gateway.New(gateway.Options{
		Load:      func() (*config.Config, error) { return config.Load(file) },
		Log:       log,
		Version:   buildVersion(),
		Listeners: []net.Listener{listener},
		Ready:     func(addrs []net.Addr) { greetDemo(out, dir, addrs[0], keys) },
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return g.Serve(ctx)
}

// listenNear listens on the port of loopback, or the next one that is free.
func listenNear(port int) (net.Listener, error) {
	var err error
	for p := port; p < port+100 && p < 1<<16; p++ {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p))); err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && runtime.GOOS != "windows" {
			break
		}
	}
	return nil, err
}

// greetDemo says what to try.
func greetDemo(out io.Writer, dir string, addr net.Addr, keys []demoKey) {
	shell := ""
	if demoShell() != "" {
		shell = " and a shell"
	}
	fmt.Fprintf(out, "consoled demo: 4 simulated consoles%s on %s, data in %s (deleted at exit)\n", shell, addr, dir)
	label := "your keys:"
	for _, k := range keys {
		fmt.Fprintf(out, "%-10s %s (%s)\n", label, ssh.FingerprintSHA256(k.public), k.from)
		label = ""
	}
	tries := [][2]string{
		{"node1@demo", "a server that boots (boot menu, kernel log, login)"},
		{"node1@guest", "the same console as another person: who may type?"},
		{"node2@demo", "just panicked; history is there although it is down"},
		{"sw1@demo", "a switch; try Enter ~B (BREAK)"},
		{"noise@demo", "1 MB/s of output"},
		{"shell@demo", "a real shell on a pty"},
		{"demo ls", "who is up, who writes"},
		{"demo help", "everything else"},
	}
	fmt.Fprint(out, "\n  in another terminal:\n")
	for _, t := range tries {
		if t[0] != "shell@demo" || demoShell() != "" {
			fmt.Fprintf(out, "    ssh -F %s %-12s %s\n", filepath.Join(dir, "ssh_config"), t[0], t[1])
		}
	}
	fmt.Fprint(out, "  Leave a console with ^Ec . (control E, c, full stop).  Ctrl-C ends the demo.\n")
}
