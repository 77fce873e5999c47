package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
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
	"text/template"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"consoled/auth"
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

// A key that the demo trusts, and where it was found.
type demoKey struct {
	public ssh.PublicKey
	from   string
}

// demo runs until it is interrupted.
func demo(ctx context.Context, out io.Writer, port int, log *slog.Logger) (err error) {
	ctx, _, stop := signals(ctx)
	defer stop()
	dir, err := os.MkdirTemp("", "consoled-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	listener, err := listenNear(port)
	if err != nil {
		return err
	}
	keys, identity, err := demoKeys(dir)
	if err == nil {
		err = writeDemo(dir, listener.Addr().(*net.TCPAddr).Port, keys, identity)
	}
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
	if err := g.Serve(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nconsoled demo: ended, data deleted")
	return nil
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

// demoKeys are the caller's own public keys; where there are none, a
// throw-away pair, whose private half is the identity file.
func demoKeys(dir string) (keys []demoKey, identity string, _ error) {
	known := map[string]bool{}
	add := func(k ssh.PublicKey, from string) {
		if !known[string(k.Marshal())] {
			known[string(k.Marshal())] = true
			keys = append(keys, demoKey{k, from})
		}
	}
	for _, k := range agentKeys() {
		add(k, "agent")
	}
	home, err := os.UserHomeDir()
	if err == nil {
		files, _ := filepath.Glob(filepath.Join(home, ".ssh", "*.pub")) // the pattern is well formed
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil {
				if k, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
					add(k, f)
				}
			}
		}
	}
	// A key that the gateway would refuse (a certificate, DSA) opens nothing.
	if usable(keys) {
		return keys, "", nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "consoled demo")
	if err != nil {
		return nil, "", err
	}
	identity = filepath.Join(dir, "id_ed25519")
	if err := os.WriteFile(identity, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, "", err
	}
	k, err := ssh.NewPublicKey(public)
	return []demoKey{{k, identity + ", made for this demo"}}, identity, err
}

// usable reports whether the gateway would accept one of the keys.
func usable(keys []demoKey) bool {
	accepted, _ := auth.ParseKeys("demo", "", authorizedKeys("you", keys))
	return len(accepted) > 0
}

// agentKeys asks the SSH agent, if there is one.
func agentKeys() []ssh.PublicKey {
	conn, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil
	}
	defer conn.Close()
	listed, err := agent.NewClient(conn).List()
	if err != nil {
		return nil
	}
	var keys []ssh.PublicKey
	for _, k := range listed {
		if parsed, err := ssh.ParsePublicKey(k.Blob); err == nil {
			keys = append(keys, parsed)
		}
	}
	return keys
}

// authorizedKeys is the key file of the demo: every key is the caller.
func authorizedKeys(user string, keys []demoKey) []byte {
	var b bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&b, "user=%q %s", user, ssh.MarshalAuthorizedKey(k.public))
	}
	return b.Bytes()
}

// demoUser is what the caller is called in the demo: their local name, where
// it can be an identity.
func demoUser(keys []demoKey) string {
	for _, name := range []string{os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("USERNAME")} {
		if accepted, _ := auth.ParseKeys("demo", "", authorizedKeys(name, keys)); len(accepted) > 0 {
			return name
		}
	}
	return "you"
}

var demoConfig = template.Must(template.New("consoled.yaml").Parse(`state_dir: state
auth: { default_grant: op, contact: "whoever started this demo" }
consoles:
  node1: { sim: { kind: boot }, description: "a server that boots (boot menu, kernel log, login)" }
  node2: { sim: { kind: panic }, description: "just panicked; its history is there although it is down" }
  sw1:   { sim: { kind: switch }, description: "a switch; try BREAK" }
  noise: { sim: { kind: noise }, log: none, description: "1 MB/s of output, not kept on disk" }
{{- if .Shell }}
  shell: { exec: [{{ .Shell }}], description: "a real shell on a pty" }
{{- end }}
`))

// The ssh_config pins the host key under a name of its own, so that a second
// demo, with another key, is not taken for an attack.
var demoSSH = template.Must(template.New("ssh_config").Parse(`Host demo
  HostName 127.0.0.1
  Port {{ .Port }}
  HostKeyAlias consoled-demo
  UserKnownHostsFile "{{ .Dir }}/known_hosts"
  StrictHostKeyChecking yes
{{- if .Identity }}
  IdentityFile "{{ .Identity }}"
  IdentitiesOnly yes
{{- end }}
`))

// writeDemo writes the configuration of both sides.
func writeDemo(dir string, port int, keys []demoKey, identity string) error {
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		return err
	}
	hostKeys, _, err := auth.HostKeys(nil, state)
	if err != nil {
		return err
	}
	shell := strconv.Quote(demoShell())
	if demoShell() == "" {
		shell = ""
	}
	var yaml, client bytes.Buffer
	if err := demoConfig.Execute(&yaml, map[string]any{"Shell": shell}); err != nil {
		return err
	}
	err = demoSSH.Execute(&client, map[string]any{"Port": port, "Dir": filepath.ToSlash(dir), "Identity": filepath.ToSlash(identity)})
	if err != nil {
		return err
	}
	known := append([]byte("consoled-demo "), ssh.MarshalAuthorizedKey(hostKeys[0].PublicKey())...)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "consoled.yaml"), yaml.Bytes(), 0o600),
		os.WriteFile(filepath.Join(dir, "authorized_keys"), authorizedKeys(demoUser(keys), keys), 0o600),
		os.WriteFile(filepath.Join(dir, "ssh_config"), client.Bytes(), 0o600),
		os.WriteFile(filepath.Join(dir, "known_hosts"), known, 0o600),
	)
}

// demoShell is the shell that the demo offers; none on Windows, which has no pty.
func demoShell() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	if shell := os.Getenv("SHELL"); filepath.IsAbs(shell) {
		return shell
	}
	return "/bin/sh"
}

// greetDemo says what to try.
func greetDemo(out io.Writer, dir string, addr net.Addr, keys []demoKey) {
	consoles := [][2]string{
		{"node1@demo", "a server that boots (boot menu, kernel log, login)"},
		{"node2@demo", "just panicked; history is there although it is down"},
		{"sw1@demo", "a switch; try Enter ~B (BREAK)"},
		{"noise@demo", "1 MB/s of output; leave with ^Ec ."},
	}
	if demoShell() != "" {
		consoles = append(consoles, [2]string{"shell@demo", "a real shell on a pty"})
	}
	fmt.Fprintf(out, "consoled demo: %d simulated consoles%s on %s, data in %s (deleted at exit)\n",
		4, map[bool]string{true: " and a shell"}[demoShell() != ""], addr, dir)
	for i, k := range keys {
		label := "your keys:"
		if i > 0 {
			label = "          "
		}
		fmt.Fprintf(out, "%s %s (%s)\n", label, ssh.FingerprintSHA256(k.public), k.from)
	}
	ssh := "ssh -F " + filepath.Join(dir, "ssh_config")
	fmt.Fprint(out, "\n  in another terminal:\n")
	for _, c := range consoles {
		fmt.Fprintf(out, "    %s %-12s %s\n", ssh, c[0], c[1])
	}
	fmt.Fprintf(out, "    %s %-12s %s\n", ssh, "demo ls", "who is up, who writes")
	fmt.Fprintf(out, "    %s %-12s %s\n", ssh, "demo help", "everything else")
	fmt.Fprint(out, "  two windows on node1 show who may type.  Leave a console with ^Ec .   Ctrl-C ends the demo.\n")
}
