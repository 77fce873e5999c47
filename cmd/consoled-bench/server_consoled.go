//go:build linux

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// consoled is the gateway, with throw-away keys.
type consoled struct {
	program, key, hostKey  string // files
	hostPublic, authorized string // lines
}

func newConsoled(dir, program string) (*consoled, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%w; build it first (make build)", err)
	}
	c := &consoled{program: program, key: filepath.Join(dir, "id_ed25519"), hostKey: filepath.Join(dir, "host_key")}
	if c.authorized, err = makeKey(c.key); err != nil {
		return nil, err
	}
	c.hostPublic, err = makeKey(c.hostKey)
	return c, err
}

// makeKey writes a private key and returns the line of its public half.
func makeKey(file string) (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return "", err
	}
	half, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	return string(ssh.MarshalAuthorizedKey(half)), os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
}

func (c *consoled) name() string { return "consoled" }

func (c *consoled) configure(s *site, echoPort int) ([]string, error) {
	n := len(s.fleet.devices)
	text := fmt.Sprintf(`listen: "127.0.0.1:%d"
state_dir: %s
host_key: %s
auth: { keys: [%s], default_grant: op }
limits: { per_address: 2000, half_open: 2000 }
consoles:
  c[%04d-%04d]: { tcp: "127.0.0.1:${%d+n}" }
  %s: { tcp: "127.0.0.1:%d" }
`, s.port, filepath.Join(s.dir, "state"), c.hostKey, filepath.Join(s.dir, "authorized_keys"),
		1, n, s.fleet.first-1, echoName, echoPort)
	file := filepath.Join(s.dir, "consoled.yaml")
	return []string{c.program, "serve", "--config", file}, errors.Join(
		os.WriteFile(file, []byte(text), 0o600),
		os.WriteFile(filepath.Join(s.dir, "authorized_keys"), []byte(`user="bench" `+c.authorized), 0o600),
		os.WriteFile(filepath.Join(s.dir, "known_hosts"), []byte(fmt.Sprintf("[127.0.0.1]:%d %s", s.port, c.hostPublic)), 0o600),
	)
}

func (c *consoled) record(s *site, console string) string {
	return filepath.Join(s.dir, "state", "consoles", console, "console.log")
}

// foreign is nil: the record is what the device said and nothing else.
func (c *consoled) foreign() func([]byte) bool { return nil }

func (c *consoled) call(s *site, console string, _ bool) call {
	return call{Addr: fmt.Sprintf("127.0.0.1:%d", s.port), User: console, Key: c.key, HostKey: strings.TrimSpace(c.hostPublic)}
}

// stockSSH is the command line of the system's ssh client.
func (c *consoled) stockSSH(s *site, console string) []string {
	return []string{
		"ssh", "-F", "none", "-tt", "-e", "none", "-p", fmt.Sprint(s.port), "-i", c.key,
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + filepath.Join(s.dir, "known_hosts"),
		"-o", "GlobalKnownHostsFile=none", console + "@127.0.0.1",
	}
}
