//go:build e2e && linux

// End-to-end tests: the scripts in testdata/script drive the built binary with
// the system's own ssh client, against real peers. Their language is
// testscript's, with the commands of this package added; TestScripts lists them.
package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptLimit ends a script that hangs: its processes are killed, whatever
// waits for them sees that, and the script fails where it stood.
const scriptLimit = 10 * time.Minute

func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		skip(t, "no ssh client")
	}
	shared := t.TempDir()
	build(t, filepath.Join(shared, "bin", "consoled"))
	if err := wrapSSH(filepath.Join(shared, "bin")); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		WorkdirRoot:        workdirRoot(t),
		Dir:                filepath.Join("testdata", "script"),
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return newRig(shared, env) },
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"authorize":  cmdAuthorize,  // FILE KEY [OPTIONS]: appends the public key to an authorized_keys file
			"bmc":        cmdBMC,        // VAR PASSWORD GUEST GUESTPORT: ipmi_sim before a guest that serves its console by telnet; user console
			"count":      cmdCount,      // N RE: the last output holds N matches
			"device":     cmdDevice,     // NAME plug|unplug|send TEXT|expect RE [LIMIT]: a serial device that socat plays
			"exits":      cmdExits,      // CODE PROGRAM ARGS...: like exec, but asks for that very exit code
			"fill":       cmdFill,       // FILE...: replaces %NAME% by the variable's value
			"freeport":   cmdFreeport,   // VAR...: a port of 127.0.0.1 that nobody listens on
			"gateway":    cmdGateway,    // start [FILE] | stop | kill9 | reload | log RE [LIMIT] | silent RE
			"guest":      cmdGuest,      // NAME telnet|tcp|unix VAR | stop | ended: a QEMU machine, waiting for its console to be opened
			"keygen":     cmdKeygen,     // NAME...: keys/NAME and keys/NAME.pub
			"know":       cmdKnow,       // PORT PUBLICKEY: adds a host to the known hosts in the file "hosts"
			"listener":   cmdListener,   // NAME listen VAR | send TEXT | expect RE [LIMIT] | hangup | close: a console server's raw port
			"peer":       cmdPeer,       // VAR FILE: a second gateway, and its port
			"pyserial":   cmdPyserial,   // VAR PORT | said RE: pyserial's RFC 2217 server before a guest's telnet line
			"ser2net":    cmdSer2net,    // VAR DEVICE [raw | CERT KEY]: ser2net serving the device raw, or by telnet with RFC 2217, in clear or by TLS
			"sshd":       cmdSSHD,       // KEY: a bastion, known to ssh as the host "bastion"
			"swap":       cmdSwap,       // FILE OLD NEW...: replaces texts, each of which has to be there
			"telnetd":    cmdTelnetd,    // VAR PROGRAM: inetutils telnetd running the program for each caller
			"termserver": cmdTermserver, // NAME KEY [PROGRAM]: an sshd that attaches its callers to a program
			"tlsfront":   cmdTLSFront,   // VAR PORT CERT KEY: OpenSSL before a port, for callers with a certificate
			"tty":        cmdTTY,        // NAME start PROGRAM ARGS... | send TEXT | expect RE [LIMIT] | title RE | find VAR RE | never RE | exits CODE | close | kill
			"until":      cmdUntil,      // RE PROGRAM ARGS...: runs it again and again until its output matches
		},
	})
}

// workdirRoot is where the scripts' folders are, empty for the usual place. The
// path of a unix socket in them may have 108 bytes, which a long TMPDIR uses up.
func workdirRoot(t *testing.T) string {
	t.Helper()
	const longest = 50
	if len(os.TempDir()) <= longest {
		return ""
	}
	root, err := os.MkdirTemp("/tmp", "go-test-script")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	return root
}

// skip leaves out what this machine has no parts for; with CI=true that is a
// failure, so that nobody believes something was tested that was not.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s, and with CI=true nothing may be skipped", why)
	}
	t.Skip(why)
}

// condition answers [have:PART], where PART is a program, "guest" or "pyserial".
func condition(name string) (bool, error) {
	part, ok := strings.CutPrefix(name, "have:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	var err error
	switch part {
	case "guest":
		err = guestParts()
	case "pyserial":
		err = exec.Command(python, "-c", "import serial.rfc2217").Run()
	default:
		_, err = program(part)
	}
	if err != nil && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("%w, and with CI=true nothing may be skipped", err)
	}
	return err == nil, nil
}

// program finds a program, in the folders for servers too.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing", name)
}

// build makes the binary as it is shipped.
func build(t *testing.T, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-X main.version=e2e", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
}

// A rig is what one script has running. It is used by the script's goroutine
// alone, except for what each process's own goroutines own.
type rig struct {
	dir      string
	ctx      context.Context // ends with the script, or at its limit
	gateway  *process
	port     string // the gateway's
	bastion  string // host block of the bastion, once there is one
	pyserial *process
	ttys     map[string]*terminal
	devices  map[string]*device
	guests   map[string]*process
	listened map[string]*listener
	cleanup  []func() // run in reverse order
}

type rigKey struct{}

func newRig(shared string, env *testscript.Env) error {
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), scriptLimit, errors.New("the script took too long"))
	r := &rig{
		dir: env.WorkDir, ctx: ctx,
		ttys: map[string]*terminal{}, devices: map[string]*device{},
		guests: map[string]*process{}, listened: map[string]*listener{},
	}
	env.Values[rigKey{}] = r
	env.Setenv("PATH", filepath.Join(shared, "bin")+":"+env.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	env.Setenv("EXAMPLES", examples)
	env.Setenv("TERM", "xterm-256color")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("SSH_CONFIG", filepath.Join(env.WorkDir, "ssh_config"))
	env.Defer(func() {
		cancel()
		for i := len(r.cleanup) - 1; i >= 0; i-- {
			r.cleanup[i]()
		}
		if t, ok := env.T().(interface{ Failed() bool }); ok && t.Failed() && r.gateway != nil {
			env.T().Log("gateway's log:\n" + r.gateway.out.tail(8<<10))
			r.logRecords(env.T())
		}
	})
	return r.writeSSHConfig()
}

// logRecords shows the end of each console's record, with what cannot be seen escaped.
func (r *rig) logRecords(t testscript.T) {
	files, err := filepath.Glob(filepath.Join(r.dir, "state", "consoles", "*", "console.log"))
	if err != nil {
		t.Log(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		t.Log(fmt.Sprintf("%s: %q %v", filepath.Base(filepath.Dir(file)), text[max(0, len(text)-1000):], err))
	}
}

func rigOf(ts *testscript.TestScript) *rig { return ts.Value(rigKey{}).(*rig) }

func (r *rig) onCleanup(f func()) { r.cleanup = append(r.cleanup, f) }

// usage ends a script that spells a command wrongly.
func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// refuseNeg is for the commands that cannot be negated.
func refuseNeg(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("this command cannot be negated")
	}
}

// limit reads the optional last argument of an expect.
func limit(ts *testscript.TestScript, args []string, usual time.Duration) time.Duration {
	if len(args) == 0 {
		return usual
	}
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	return d
}

func pattern(ts *testscript.TestScript, text string) *regexp.Regexp {
	re, err := regexp.Compile("(?s)" + text)
	ts.Check(err)
	return re
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2, "exits CODE PROGRAM ARGS...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	logOutput(ts)
	if got != want {
		ts.Fatalf("%s: exit code %d, not %d", args[1], got, want)
	}
}

func logOutput(ts *testscript.TestScript) {
	for _, name := range []string{"stdout", "stderr"} {
		if out := ts.ReadFile(name); out != "" {
			ts.Logf("[%s]\n%s", name, out)
		}
	}
}

func cmdCount(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2, "count N RE")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	if got := len(re.FindAllString(ts.ReadFile("stdout"), -1)); got != want {
		ts.Fatalf("%d matches of %q, not %d", got, args[1], want)
	}
}

func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2, "until RE PROGRAM ARGS...")
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	deadline := time.After(usualLimit)
	for {
		err := ts.Exec(args[1], args[2:]...)
		if re.MatchString(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
			return
		}
		select {
		case <-deadline:
			logOutput(ts)
			ts.Fatalf("never matched %q; last exit: %v", args[0], err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

var placeholder = regexp.MustCompile(`%[A-Z][A-Z0-9_]*%`)

func cmdFill(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	for _, name := range args {
		text := placeholder.ReplaceAllStringFunc(ts.ReadFile(name), func(m string) string {
			value := ts.Getenv(strings.Trim(m, "%"))
			if value == "" {
				ts.Fatalf("%s: %s is not set", name, m)
			}
			return value
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// cmdSwap gives a file of the tree the addresses of the test, and nothing else.
func cmdSwap(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 3 && len(args)%2 == 1, "swap FILE OLD NEW...")
	text := ts.ReadFile(args[0])
	for i := 1; i < len(args); i += 2 {
		if !strings.Contains(text, args[i]) {
			ts.Fatalf("%s: no %q", args[0], args[i])
		}
		text = strings.ReplaceAll(text, args[i], args[i+1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func cmdKeygen(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	ts.Check(os.MkdirAll(ts.MkAbs("keys"), 0o700))
	for _, name := range args {
		ts.Check(ts.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", ts.MkAbs(filepath.Join("keys", name))))
	}
}

func cmdAuthorize(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2 || len(args) == 3, "authorize FILE KEY [OPTIONS]")
	line := ts.ReadFile(filepath.Join("keys", args[1]+".pub"))
	if len(args) == 3 {
		line = args[2] + " " + line
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = io.WriteString(f, line)
	ts.Check(errors.Join(err, f.Close()))
}
