package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"consoled/auth"
)

// A demoKey is a key that the demo trusts.
type demoKey struct {
	public  ssh.PublicKey
	from    string // where it was found, for people
	private string // the file of its private half; empty where the agent has it
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
// demo, with another key, is not taken for an attack. It is read in place of
// the caller's own, and so names the caller's keys.
var demoSSH = template.Must(template.New("ssh_config").Parse(`Host demo guest
  HostName 127.0.0.1
  Port {{ .Port }}
  HostKeyAlias consoled-demo
  UserKnownHostsFile "{{ .Dir }}/known_hosts"
  StrictHostKeyChecking yes
Host demo
{{- range .Identities }}
  IdentityFile "{{ . }}"
{{- end }}
Host guest
  IdentityFile "{{ .Guest }}"
  IdentitiesOnly yes
`))

// writeDemo writes the configuration of both sides and returns the caller's keys.
func writeDemo(dir string, port int) ([]demoKey, error) {
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		return nil, err
	}
	hostKeys, _, err := auth.HostKeys(nil, state)
	if err != nil {
		return nil, err
	}
	keys, err := callersKeys(dir)
	if err != nil {
		return nil, err
	}
	guest, err := newKey(dir, "guest")
	if err != nil {
		return nil, err
	}
	trusted := keyLines(demoUser(keys), keys)
	trusted = append(trusted, []byte(`consoles="rw=@all",`)...)
	trusted = append(trusted, keyLines("guest", []demoKey{guest})...)
	shell := demoShell()
	if shell != "" {
		shell = strconv.Quote(shell)
	}
	var identities []string
	for _, k := range keys {
		if k.private != "" {
			identities = append(identities, filepath.ToSlash(k.private))
		}
	}
	var yaml, client bytes.Buffer
	known := append([]byte("consoled-demo "), ssh.MarshalAuthorizedKey(hostKeys[0].PublicKey())...)
	return keys, errors.Join(
		demoConfig.Execute(&yaml, map[string]any{"Shell": shell}),
		demoSSH.Execute(&client, map[string]any{
			"Port": port, "Dir": filepath.ToSlash(dir), "Identities": identities, "Guest": filepath.ToSlash(guest.private),
		}),
		os.WriteFile(filepath.Join(dir, "consoled.yaml"), yaml.Bytes(), 0o600),
		os.WriteFile(filepath.Join(dir, "authorized_keys"), trusted, 0o600),
		os.WriteFile(filepath.Join(dir, "ssh_config"), client.Bytes(), 0o600),
		os.WriteFile(filepath.Join(dir, "known_hosts"), known, 0o600),
	)
}

// callersKeys are the caller's own keys that ssh can use: the agent's, and
// those in ~/.ssh with their private half. Where there are none, one is made.
func callersKeys(dir string) (keys []demoKey, _ error) {
	known := map[string]bool{}
	add := func(k demoKey) {
		// A key that the gateway would refuse (a certificate, DSA) opens nothing.
		accepted, _ := auth.ParseKeys("demo", "", keyLines("alice", []demoKey{k}))
		if id := string(k.public.Marshal()); len(accepted) > 0 && !known[id] {
			known[id] = true
			keys = append(keys, k)
		}
	}
	for _, k := range agentKeys() {
		add(demoKey{public: k, from: "agent"})
	}
	if home, err := os.UserHomeDir(); err == nil {
		files, _ := filepath.Glob(filepath.Join(home, ".ssh", "*.pub")) // the pattern is well formed
		for _, f := range files {
			private := strings.TrimSuffix(f, ".pub")
			if _, err := os.Stat(private); err != nil {
				continue
			}
			if text, err := os.ReadFile(f); err == nil {
				if k, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
					add(demoKey{k, f, private})
				}
			}
		}
	}
	if len(keys) > 0 {
		return keys, nil
	}
	k, err := newKey(dir, "id_ed25519")
	k.from = "made for this demo; elsewhere: ssh -i " + k.private
	return []demoKey{k}, err
}

// agentKeys asks the SSH agent, if there is one.
func agentKeys() []ssh.PublicKey {
	conn, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil
	}
	defer conn.Close()
	// A forwarded agent whose line is dead answers never; without its keys there are others.
	if conn.SetDeadline(time.Now().Add(500*time.Millisecond)) != nil {
		return nil
	}
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

// newKey makes a throw-away pair in a file of the demo's folder.
func newKey(dir, name string) (demoKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return demoKey{}, err
	}
	block, err := ssh.MarshalPrivateKey(private, "consoled demo")
	if err != nil {
		return demoKey{}, err
	}
	k := demoKey{from: name, private: filepath.Join(dir, name)}
	if k.public, err = ssh.NewPublicKey(public); err != nil {
		return demoKey{}, err
	}
	return k, os.WriteFile(k.private, pem.EncodeToMemory(block), 0o600)
}

// keyLines are lines of an authorized_keys file that make every key one person's.
func keyLines(user string, keys []demoKey) []byte {
	var b bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&b, "user=%q %s", user, ssh.MarshalAuthorizedKey(k.public))
	}
	return b.Bytes()
}

// demoUser is what the caller is called in the demo: their local name, where
// it can be an identity; else one that others can be told of ("you is writing" is none).
func demoUser(keys []demoKey) string {
	for _, name := range []string{os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("USERNAME")} {
		if accepted, _ := auth.ParseKeys("demo", "", keyLines(name, keys)); len(accepted) > 0 {
			return name
		}
	}
	return "alice"
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
