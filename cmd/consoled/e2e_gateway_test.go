//go:build e2e && linux

package main_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// listening is the line of the gateway's log that names its address.
var listening = regexp.MustCompile(`msg=listening[^\n]* addr(?:ess)?=127\.0\.0\.1:(\d+)`)

// stopLimit is what is promised to whoever stops the gateway.
const stopLimit = 5 * time.Second

func cmdGateway(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) > 0, "gateway start [FILE] | stop | kill9 | reload | log RE [LIMIT] | silent RE")
	r := rigOf(ts)
	if args[0] != "start" && r.gateway == nil {
		ts.Fatalf("no gateway was started")
	}
	switch args[0] {
	case "start":
		file := "consoled.yaml"
		if len(args) == 2 {
			file = args[1]
		}
		ts.Check(r.startGateway(ts, ts.MkAbs(file)))
	case "stop":
		asked := time.Now()
		r.gateway.signal(syscall.SIGTERM)
		code, err := r.gateway.wait(usualLimit)
		ts.Check(err)
		if code != 0 {
			ts.Fatalf("gateway stopped with exit code %d:\n%s", code, r.gateway.out.tail(2000))
		}
		if took := time.Since(asked); took > stopLimit {
			ts.Fatalf("gateway took %v to stop", took)
		}
	case "kill9":
		r.gateway.kill()
	case "reload":
		r.gateway.signal(syscall.SIGHUP)
	case "log":
		usage(ts, len(args) == 2 || len(args) == 3, "gateway log RE [LIMIT]")
		_, err := r.gateway.out.expect(pattern(ts, args[1]), limit(ts, args[2:], usualLimit))
		ts.Check(err)
	case "silent":
		usage(ts, len(args) == 2, "gateway silent RE")
		if re := pattern(ts, args[1]); r.gateway.out.holds(re) {
			ts.Fatalf("the log holds %s", re)
		}
	default:
		ts.Fatalf("gateway: unknown word %q", args[0])
	}
}

// startGateway returns when the gateway listens. Its port changes at each
// start; ssh knows it by the host name "gw".
func (r *rig) startGateway(ts *testscript.TestScript, config string) error {
	if r.gateway != nil && r.gateway.running() {
		return fmt.Errorf("the gateway runs already")
	}
	path, err := lookPath(ts, "consoled")
	if err != nil {
		return err
	}
	cmd := exec.Command(path, "serve", "--config", config)
	cmd.Dir = r.dir
	cmd.Env = environment(ts)
	p, err := r.start(cmd)
	if err != nil {
		return err
	}
	r.gateway = p
	found, err := p.out.expect(listening, usualLimit)
	if err != nil {
		return fmt.Errorf("gateway does not listen: %w", err)
	}
	r.port = found[1]
	p.out.rewind() // what came before is for the script's own expects
	ts.Setenv("GWPORT", r.port)
	return r.writeSSHConfig()
}

// lookPath finds a program on the script's own PATH.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	if strings.Contains(name, "/") {
		return ts.MkAbs(name), nil
	}
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), ":") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing", name)
}

// environment is the script's as far as programs beside it need it.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TERM", "LANG", "SSH_CONFIG", "NO_COLOR"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// wrapSSH puts a script named ssh before the system's, and likewise scp and
// sftp, that reads the running script's client configuration and no other.
func wrapSSH(dir string) error {
	for _, name := range []string{"ssh", "scp", "sftp"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("#!/bin/sh\nexec %s -F \"$SSH_CONFIG\" \"$@\"\n", path)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// writeSSHConfig says where the gateway and the bastion are, and keeps the
// keys, agents and known hosts of whoever runs the tests out of it. The host
// key must stay the same over restarts, since the alias does.
func (r *rig) writeSSHConfig() error {
	port := r.port
	if port == "" {
		port = "1"
	}
	text := r.bastion + fmt.Sprintf(`
Host gw
	HostName 127.0.0.1
	Port %s
	HostKeyAlias gw

Host *
	BatchMode yes
	IdentitiesOnly yes
	IdentityFile none
	IdentityAgent none
	StrictHostKeyChecking accept-new
	UserKnownHostsFile %s
	GlobalKnownHostsFile none
	UpdateHostKeys no
	PasswordAuthentication no
	ConnectTimeout 60
`, port, filepath.Join(r.dir, "known_hosts"))
	return os.WriteFile(filepath.Join(r.dir, "ssh_config"), []byte(text), 0o600)
}

func cmdFreeport(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	for _, name := range args {
		port, err := freePort()
		ts.Check(err)
		ts.Setenv(name, port)
	}
}

// given are the ports that freePort has given away; none is given twice.
var given sync.Map

// freePort finds a port, of TCP and UDP, for a program that cannot tell which
// one it chose. It lies below the kernel's own range, so no outgoing
// connection takes it meanwhile.
func freePort() (string, error) {
	for range 100 {
		port := fmt.Sprint(20000 + rand.IntN(12000))
		if _, taken := given.LoadOrStore(port, true); !taken && free(net.JoinHostPort("127.0.0.1", port)) {
			return port, nil
		}
	}
	return "", errors.New("no free port found")
}

func free(addr string) bool {
	// A program that is started meanwhile holds what is open here from its fork
	// to its exec, which on a busy machine is long enough to be in the way.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	conn, err := net.ListenPacket("udp", addr)
	if err == nil {
		err = conn.Close()
	}
	return errors.Join(err, ln.Close()) == nil
}

// cmdPeer runs a second gateway, whose port VAR then has, as the target of the
// first: a chain of them.
func cmdPeer(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2, "peer VAR FILE")
	path, err := lookPath(ts, "consoled")
	ts.Check(err)
	cmd := exec.Command(path, "serve", "--config", ts.MkAbs(args[1]))
	cmd.Dir, cmd.Env = rigOf(ts).dir, environment(ts)
	p, err := rigOf(ts).start(cmd)
	ts.Check(err)
	found, err := p.out.expect(listening, usualLimit)
	ts.Check(err)
	ts.Setenv(args[0], found[1])
}
