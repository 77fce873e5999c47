//go:build e2e && linux

package main_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"consoled/gateway/record"
)

// The tests of this file run the built binary as a process of its own, for the
// promises that concern the process: that it is killed, started twice, out of
// descriptors, or asked by a careless umask.

// A site is a folder with a configuration and one key, alice's, an admin.
type site struct {
	t      *testing.T
	binary string
	dir    string
	alice  gossh.Signer
	known  []byte // the host key of the first login, by which later ones are checked
}

var built struct {
	once sync.Once
	path string
}

// theBinary is built once for all of these tests.
func theBinary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "consoled")
		if err != nil {
			t.Fatal(err)
		}
		built.path = filepath.Join(dir, "consoled")
		build(t, built.path)
	})
	return built.path
}

// TestMain takes away what theBinary has built.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

func newSite(t *testing.T, consoles string) *site {
	t.Helper()
	s := &site{t: t, binary: theBinary(t), dir: t.TempDir()}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if s.alice, err = gossh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	s.write("alice", string(pem.EncodeToMemory(block)))
	s.write("authorized_keys", `consoles="admin=@all",user="alice" `+string(gossh.MarshalAuthorizedKey(s.alice.PublicKey())))
	s.write("consoled.yaml", "listen: \"127.0.0.1:0\"\nstate_dir: state\nauth: { keys: [authorized_keys] }\n"+consoles)
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// A daemon is one run of the gateway.
type daemon struct {
	cmd  *exec.Cmd
	out  *transcript
	done chan struct{}
}

// launch starts the gateway and returns at once.
func (s *site) launch(prepare func(*exec.Cmd)) *daemon {
	s.t.Helper()
	d := &daemon{cmd: exec.Command(s.binary, "serve", "--config", filepath.Join(s.dir, "consoled.yaml")), out: newTranscript(), done: make(chan struct{})}
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = s.dir, d.out, d.out
	d.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if prepare != nil {
		prepare(d.cmd)
	}
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		// How it ended stands in the process state.
		_ = d.cmd.Wait()
		d.out.end()
		close(d.done)
	}()
	s.t.Cleanup(d.kill)
	return d
}

// kill ends the gateway as a power switch does.
func (d *daemon) kill() {
	// One that has ended already cannot be killed.
	_ = d.cmd.Process.Kill()
	<-d.done
}

// address waits until the gateway listens.
func (d *daemon) address(t *testing.T) string {
	t.Helper()
	found, err := d.out.expect(listening, usualLimit)
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + found[1]
}

// login logs in as alice.
func (s *site) login(address, name string) (*gossh.Client, error) {
	return gossh.Dial("tcp", address, &gossh.ClientConfig{
		User: name, Auth: []gossh.AuthMethod{gossh.PublicKeys(s.alice)}, Timeout: usualLimit,
		HostKeyCallback: func(_ string, _ net.Addr, key gossh.PublicKey) error {
			if s.known == nil {
				s.known = key.Marshal()
			}
			if !bytes.Equal(s.known, key.Marshal()) {
				return errors.New("the host key has changed")
			}
			return nil
		},
	})
}

// command runs a verb and returns what it said.
func (s *site) command(c *gossh.Client, line string) string {
	s.t.Helper()
	session, err := c.NewSession()
	if err != nil {
		s.t.Fatal(err)
	}
	defer session.Close()
	out, err := session.CombinedOutput(line)
	if err != nil {
		s.t.Fatalf("%s: %v: %s", line, err, out)
	}
	return string(out)
}

// A speaker is a target that says numbered words without end to whoever
// connects, the number of the connection in front: word M.N. It says them at a pace.
type speaker struct {
	listener net.Listener
	connects atomic.Int64
}

func speak(t *testing.T, path string, pace time.Duration, stop <-chan struct{}, talking *sync.WaitGroup) *speaker {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &speaker{listener: l}
	talking.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			m := s.connects.Add(1)
			talking.Go(func() {
				defer nc.Close()
				tick := time.NewTicker(pace)
				defer tick.Stop()
				for n := 0; ; {
					select {
					case <-tick.C:
					case <-stop:
						return
					}
					var words []byte
					for range 1 + n%5 {
						words = append(words, word(m, n)...)
						n++
					}
					if _, err := nc.Write(words); err != nil {
						return
					}
				}
			})
		}
	})
	return s
}

func word(connection int64, n int) string { return fmt.Sprintf("word %d.%d\n", connection, n) }

// A reading is how far a log was checked: to the beginning of a word, which is
// word n of a connection.
type reading struct {
	at         int
	connection int64
	n          int
}

var firstWord = regexp.MustCompile(`word (\d+)\.0\n`)

// check wants a log to be, for one connection after another, the beginning of
// what the target said to it. It goes on from where it got to.
func (r *reading) check(log []byte) error {
	for {
		rest, want := log[r.at:], word(r.connection, r.n)
		switch {
		case bytes.HasPrefix(rest, []byte(want)):
			r.at += len(want)
			r.n++
			continue
		case strings.HasPrefix(want, string(rest)):
			return nil // it is not whole yet, or never will be
		}
		// A kill came in between: of the word there is the beginning, and behind it
		// another connection's first word.
		m := firstWord.FindSubmatchIndex(rest[:min(len(rest), 2*len(want)+10)])
		if m == nil && len(rest) < 2*len(want)+10 {
			return nil // which is not whole yet
		}
		var next int64
		if m != nil {
			fmt.Sscan(string(rest[m[2]:m[3]]), &next)
		}
		if next <= r.connection || !strings.HasPrefix(want, string(rest[:m[0]])) {
			return fmt.Errorf("at %d, behind word %d of connection %d: %.60q", r.at, r.n-1, r.connection, rest)
		}
		r.at, r.connection, r.n = r.at+m[0], next, 0
	}
}

// TestPromiseKills kills the gateway two hundred times at random moments while five
// hundred consoles stream.
func TestPromiseKills(t *testing.T) {
	const kills, consoles = 200, 500
	s := newSite(t, fmt.Sprintf("consoles:\n  \"n[001-%03d]\": { unix: \"t/${name}\" }\n", consoles))
	sockets := filepath.Join(s.dir, "t")
	if err := os.Mkdir(sockets, 0o700); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var talking sync.WaitGroup
	defer talking.Wait() // for what the others end, which are deferred behind it
	defer close(stop)
	names := make([]string, consoles)
	readings := make([]reading, consoles)
	for i := range consoles {
		names[i] = fmt.Sprintf("n%03d", i+1)
		target := speak(t, filepath.Join(sockets, names[i]), 20*time.Millisecond, stop, &talking)
		defer target.listener.Close()
	}
	folder := func(i int) string { return filepath.Join(s.dir, "state", "consoles", names[i]) }
	// A second is promised on a machine that is ours. Where a gateway with one
	// console takes long already, others have the processors.
	limit := time.Second
	for range 3 {
		small := newSite(t, "consoles:\n  node1: { sim: echo }\n")
		began := time.Now()
		d := small.launch(nil)
		c, err := small.login(d.address(t), "gw")
		if err != nil {
			t.Fatal(err)
		}
		limit = max(limit, 10*time.Since(began))
		c.Close()
		d.kill()
	}
	var slowestLogin, slowestUp time.Duration
	ends := make([]int64, consoles)
	for kill := range kills {
		began := time.Now()
		d := s.launch(nil)
		c, err := s.login(d.address(t), "gw")
		if err != nil {
			t.Fatalf("kill %d: %v\n%s", kill, err, d.out.tail(2000))
		}
		slowestLogin = max(slowestLogin, time.Since(began))
		for up := fmt.Sprintf(`"up":%d`, consoles); ; {
			if strings.Contains(strings.ReplaceAll(s.command(c, "status --json"), " ", ""), up) {
				break
			}
			if time.Since(began) > usualLimit {
				t.Fatalf("kill %d: not all are up: %s", kill, s.command(c, "status --json"))
			}
		}
		slowestUp = max(slowestUp, time.Since(began))
		<-time.After(time.Duration(mrand.IntN(200)) * time.Millisecond)
		// What the kernel has by now is safe.
		safe := make([]int64, consoles)
		for i := range consoles {
			if info, err := os.Stat(filepath.Join(folder(i), "console.log")); err == nil {
				safe[i] = info.Size()
			}
		}
		d.kill()
		c.Close()
		for i := range consoles {
			log, err := os.ReadFile(filepath.Join(folder(i), "console.log"))
			if errors.Is(err, fs.ErrNotExist) {
				err = nil // it was killed before it had written anything
			}
			if err != nil || int64(len(log)) < safe[i] {
				t.Fatalf("kill %d: %s has %d bytes of %d, %v", kill, names[i], len(log), safe[i], err)
			}
			if err := readings[i].check(log); err != nil {
				t.Fatalf("kill %d: %s: %v", kill, names[i], err)
			}
			checkRecord(t, folder(i), log, &ends[i])
		}
		if t.Failed() {
			t.Fatalf("at kill %d", kill)
		}
	}
	t.Logf("%d kills, %d consoles: first login after %s of %s, all lines up after %s at most", kills, consoles, slowestLogin, limit, slowestUp)
	if slowestLogin > limit || slowestUp > 5*limit {
		t.Errorf("a first login took %s, all were up after %s; %s is the limit of a login", slowestLogin, slowestUp, limit)
	}
}

// checkRecord opens a record as the next start will: the log whole, no gap that
// was none, offsets that go on, events that are whole lines and each there once.
func checkRecord(t *testing.T, dir string, log []byte, end *int64) {
	t.Helper()
	r, err := record.Open(record.Options{Dir: dir, Group: -1})
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	if r.End() != int64(len(log)) || r.End() < *end {
		t.Errorf("%s: the record ends at %d, the log has %d, it had ended at %d", dir, r.End(), len(log), *end)
	}
	*end = r.End()
	cursor := r.Cursor(0)
	defer cursor.Close()
	for buf := make([]byte, 256<<10); cursor.Offset() < r.End() && err == nil; {
		_, err = cursor.Read(buf)
	}
	if skipped := cursor.Skipped(); skipped > 0 || err != nil {
		t.Errorf("%s: %d bytes are missing, %v", dir, skipped, err)
	}
	events, err := r.Events()
	if err != nil {
		t.Error(err)
		return
	}
	defer events.Close()
	before := ""
	for d := json.NewDecoder(events); ; {
		var e struct{ Time, Event string }
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || e.Time+e.Event == before {
			t.Errorf("%s: events.jsonl: %v, %q behind %q", dir, err, e.Time+e.Event, before)
			return
		}
		before = e.Time + e.Event
	}
}

// TestPromiseTwoStarts starts two gateways on one state folder at once, a hundred times:
// exactly one serves, and the other names it.
func TestPromiseTwoStarts(t *testing.T) {
	const races = 100
	s := newSite(t, "consoles:\n  node1: { sim: echo }\n")
	serves, fails := regexp.MustCompile(`msg=listening`), regexp.MustCompile(`in use by another gateway \(process (\d+)\)`)
	for race := range races {
		pair := [2]*daemon{s.launch(nil), s.launch(nil)}
		verdict := make(chan string, 2)
		for _, d := range pair {
			go func() {
				got, err := d.out.expect(regexp.MustCompile(serves.String()+"|"+fails.String()), usualLimit)
				if err != nil {
					verdict <- err.Error()
					return
				}
				verdict <- got[1]
			}()
		}
		first, second := <-verdict, <-verdict
		winner := ""
		for _, d := range pair {
			if d.out.holds(serves) {
				winner += fmt.Sprint(d.cmd.Process.Pid)
			}
		}
		if first+second != winner || winner == "" {
			t.Fatalf("race %d: %q and %q of %d and %d; %q serves", race, first, second, pair[0].cmd.Process.Pid, pair[1].cmd.Process.Pid, winner)
		}
		for _, d := range pair {
			d.kill()
			if code := d.cmd.ProcessState.ExitCode(); code == 0 {
				t.Errorf("race %d: a gateway ended with 0", race)
			}
		}
	}
}

// TestPromiseOutOfDescriptors takes the descriptors away under a gateway that serves:
// who is in goes on, and an admin still gets in.
func TestPromiseOutOfDescriptors(t *testing.T) {
	s := newSite(t, "limits: { half_open: 2000, per_address: 2000, handshake: 10m }\nconsoles:\n  node1: { sim: echo }\n")
	d := s.launch(nil)
	address := d.address(t)
	person, err := s.login(address, "node1")
	if err != nil {
		t.Fatal(err)
	}
	defer person.Close()
	session, err := person.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	in, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen := newTranscript()
	session.Stdout = screen
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	if _, err := screen.expect(regexp.MustCompile(`just type`), usualLimit); err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	few := unix.Rlimit{Cur: uint64(len(fds) + 30), Max: uint64(len(fds) + 30)}
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	if _, err := d.out.expect(regexp.MustCompile(`too many open files`), usualLimit); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if _, err := fmt.Fprintf(in, "still %d here", n); err != nil {
			t.Fatal(err)
		}
		if _, err := screen.expect(regexp.MustCompile(fmt.Sprintf("still %d here", n)), usualLimit); err != nil {
			t.Errorf("a session in the middle of it: %v", err)
		}
		admin, err := s.login(address, "gw")
		if err != nil {
			t.Fatalf("an admin's login: %v", err)
		}
		if out := s.command(admin, "status"); !strings.Contains(out, "node1") && !strings.Contains(out, "consoles") {
			t.Errorf("status says %q", out)
		}
		admin.Close()
	}
}

// TestPromisePrivateFiles has the widest umask make nothing that others may read, and
// keys and secrets that they may read keep the gateway from starting.
func TestPromisePrivateFiles(t *testing.T) {
	s := newSite(t, "consoles:\n  node1: { sim: echo }\n  node2: { tcp: \"127.0.0.1:1\", login: { user: u, password: { file: pw } } }\n")
	s.write("pw", "secret\n")
	careless := func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `umask 0; exec "$0" "$@"`}, cmd.Args...)
		cmd.Path = "/bin/sh"
	}
	d := s.launch(careless)
	c, err := s.login(d.address(t), "gw")
	if err != nil {
		t.Fatal(err)
	}
	s.command(c, "send --enter node1 hello")
	for !strings.Contains(s.command(c, "log node1"), "hello") {
	}
	c.Close()
	d.kill()
	files := 0
	err = filepath.Walk(filepath.Join(s.dir, "state"), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && filepath.Ext(path) != ".pub" {
			t.Errorf("%s has mode %#o", path, info.Mode().Perm())
		}
		files++
		return nil
	})
	if err != nil || files < 6 {
		t.Errorf("%d files, %v", files, err)
	}
	for _, loose := range []string{"state/ssh_host_ed25519_key", "pw"} {
		path := filepath.Join(s.dir, loose)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		d := s.launch(nil)
		<-d.done
		if code := d.cmd.ProcessState.ExitCode(); code == 0 || !strings.Contains(d.out.tail(4096), filepath.Base(loose)) || !strings.Contains(d.out.tail(4096), "chmod ") {
			t.Errorf("with a loose %s: exit %d, %s", loose, code, d.out.tail(4096))
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPromiseFlappingCosts has five hundred targets accept and hang up at once, and
// counts the time that the gateway takes of a processor.
func TestPromiseFlappingCosts(t *testing.T) {
	const targets = 500
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var calls atomic.Int64
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			nc.Close()
		}
	}()
	s := newSite(t, fmt.Sprintf("consoles:\n  \"n[001-%03d]\": { tcp: %q }\n", targets, l.Addr()))
	d := s.launch(nil)
	d.address(t)
	until := func(n int64) {
		t.Helper()
		for deadline := time.After(2 * time.Minute); calls.Load() < n; {
			select {
			case <-deadline:
				t.Fatalf("%d calls", calls.Load())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	until(10 * targets) // the first ones come quickly
	spent, began, before := cpu(t, d), time.Now(), calls.Load()
	until(before + 8*targets)
	share := float64(cpu(t, d)-spent) / float64(time.Since(began))
	t.Logf("%d calls in %s, %.1f %% of a processor", calls.Load()-before, time.Since(began), 100*share)
	if share > 0.10 {
		t.Errorf("%.1f %% of a processor", 100*share)
	}
	if lines := strings.Count(d.out.tail(1<<20), "\n"); lines > 6*targets {
		t.Errorf("%d lines in the log", lines)
	}
}

// cpu is what a gateway has taken of the processors.
func cpu(t *testing.T, d *daemon) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var user, system int64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	return time.Duration(user+system) * tick
}

// asks is a target that asks for a name and a password and echoes both, as a
// terminal server in the wrong mode does; then it lets the caller in, or not.
func asks(t *testing.T, letIn bool, passwords *sync.Map) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	serve := func(nc net.Conn) {
		defer nc.Close()
		lines := bufio.NewReader(nc)
		answer := func(question string) string {
			if _, err := io.WriteString(nc, question); err != nil {
				return ""
			}
			text, err := lines.ReadString('\r')
			if err != nil {
				return ""
			}
			text = strings.TrimSpace(text)
			// Whoever has gone reads no echo.
			_, _ = io.WriteString(nc, text+"\r\n")
			return text
		}
		user := answer("login: ")
		for user == "" {
			if user = answer("login: "); user == "" {
				return
			}
		}
		passwords.Store(answer("Password: "), true)
		if !letIn {
			_, _ = io.WriteString(nc, "\r\nLogin incorrect\r\nlogin: ")
			return
		}
		_, _ = io.WriteString(nc, "\r\nWelcome\r\n$ ")
		_, _ = io.Copy(io.Discard, lines)
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	return l.Addr().String()
}

// refuses is an SSH server that accepts no password, and says in its banner what it was.
func refuses(t *testing.T, key gossh.Signer, passwords *sync.Map) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	config := &gossh.ServerConfig{PasswordCallback: func(_ gossh.ConnMetadata, password []byte) (*gossh.Permissions, error) {
		passwords.Store(string(password), true)
		return nil, &gossh.BannerError{Err: errors.New("wrong"), Message: "you said " + string(password) + "\r\n"}
	}}
	config.AddHostKey(key)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			// It lets nobody in.
			go func() { _, _, _, _ = gossh.NewServerConn(nc, config) }()
		}
	}()
	return l.Addr().String()
}

// TestPromiseSecrets gives the gateway passwords by each way that there is, has
// them used against targets that give them back, and looks for them wherever
// they might come out.
func TestPromiseSecrets(t *testing.T) {
	canaries := map[string]string{"file": "c4nary-one-file", "env": "c4nary-two-env", "exec": "c4nary-three-exec", "inline": "c4nary-four-inline", "bmc": "c4nary-5-bmc"}
	var passwords sync.Map
	s := newSite(t, "")
	host := refuses(t, s.alice, &passwords)
	_, hostPort, _ := net.SplitHostPort(host)
	s.write("f.pass", canaries["file"]+"\n")
	s.write("x.pass", canaries["exec"]+"\n")
	s.write("bmc.pass", canaries["bmc"]+"\n")
	s.write("hosts", fmt.Sprintf("[127.0.0.1]:%s %s", hostPort, gossh.MarshalAuthorizedKey(s.alice.PublicKey())))
	site := fmt.Sprintf(`listen: "127.0.0.1:0"
state_dir: state
auth: { keys: [authorized_keys] }
allow_inline_secrets: true
secrets:
  f: { file: f.pass }
  e: { env: CANARY_ENV }
  x: { exec: [/bin/cat, %[1]q] }
consoles:
  byfile: { tcp: %[2]q, login: { user: u, password: secret:f } }
  byexec: { tcp: %[3]q, login: { user: u, password: secret:x } }
  inline: { tcp: %[4]q, login: { user: u, password: %[5]q } }
  byenv: { ssh: { to: %[6]q, password: secret:e, known_hosts: hosts } }
  bmc: { ipmi: { host: "127.0.0.1:1", user: u, password: { file: bmc.pass }, kg: %[7]q } }
  child: { exec: [sh, -c, "env; sleep 1000"] }
`, filepath.Join(s.dir, "x.pass"), asks(t, true, &passwords), asks(t, true, &passwords), asks(t, false, &passwords), canaries["inline"], "u@"+host, "c4nary-six-20-bytes-")
	s.write("consoled.yaml", site)
	names := []string{"byfile", "byexec", "inline", "byenv", "bmc", "child"}
	withEnv := func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "CANARY_ENV="+canaries["env"]) }
	d := s.launch(withEnv)
	address := d.address(t)
	deadline := time.After(usualLimit)
	for _, want := range []string{"file", "env", "exec", "inline"} {
		for {
			if _, used := passwords.Load(canaries[want]); used {
				break
			}
			select {
			case <-deadline:
				t.Fatalf("the password by %s was never used", want)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	c, err := s.login(address, "gw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	seen := map[string]string{}
	say := func(line string) string {
		session, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		out, _ := session.CombinedOutput(line) // some verbs end with another code than 0 here
		seen["ssh gw "+line] = string(out)
		return string(out)
	}
	for !strings.Contains(say("log child"), "PATH=") || !strings.Contains(say("status byfile"), "up") || !strings.Contains(say("status byenv --json"), "authentication") || !strings.Contains(say("status inline --json"), "authentication") {
		select {
		case <-deadline:
			t.Fatalf("%q %q %q", say("log child"), say("status byenv"), say("status inline"))
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, verb := range []string{"ls --long", "ls --json", "who", "status", "status --json", "check", "reload", "whoami --json"} {
		say(verb)
	}
	for _, name := range names {
		for _, verb := range []string{"status %s", "status %s --json", "log %s", "log %s --events", "run %s --list --json"} {
			say(fmt.Sprintf(verb, name))
		}
	}
	s.write("consoled.yaml", strings.Replace(site, "tcp: \"", "tpc: \"", 3)+"  worse: { tcp: h, login: { user: u, password: "+canaries["inline"]+", pasword: "+canaries["inline"]+" } }\n")
	say("reload")
	say("check")
	offline := func(args ...string) {
		cmd := exec.Command(s.binary, append(args, "--config", filepath.Join(s.dir, "consoled.yaml"))...)
		withEnv(cmd)
		out, _ := cmd.CombinedOutput() // the broken file has another code than 0
		seen["consoled "+strings.Join(args, " ")+fmt.Sprint(len(seen))] = string(out)
		if len(out) == 0 {
			t.Errorf("%q says nothing", args)
		}
	}
	offline("check")
	s.write("consoled.yaml", site)
	offline("check")
	for _, name := range names {
		offline("check", "--expand", name)
	}
	processes := 0
	proc, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range proc {
		dir := filepath.Dir(path)
		// A process may end meanwhile: it has nothing to show then.
		argv, _ := os.ReadFile(path)
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		after := string(stat[bytes.LastIndexByte(stat, ')')+1:])
		if dir == fmt.Sprintf("/proc/%d", d.cmd.Process.Pid) {
			seen[dir] = string(argv) // its environment is where the test put a canary
			processes++
		} else if fields := strings.Fields(after); len(fields) > 1 && fields[1] == fmt.Sprint(d.cmd.Process.Pid) {
			environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
			seen[dir] = string(argv) + string(environ)
			processes++
		}
	}
	if processes < 2 {
		t.Errorf("%d processes were looked at", processes)
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	<-d.done
	seen["its log"] = d.out.tail(1 << 20)
	err = filepath.Walk(filepath.Join(s.dir, "state"), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			seen[path] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range seen {
		if i := strings.Index(strings.ToLower(text), "c4nary"); i >= 0 {
			t.Errorf("%s: %q", where, text[max(0, i-100):min(len(text), i+60)])
		}
	}
	t.Logf("looked at %d places", len(seen))
}

// TestPromiseBrokenLog takes the log away from a gateway that serves: nobody
// reads it any more, or whoever did has gone. The gateway goes on.
func TestPromiseBrokenLog(t *testing.T) {
	for name, lose := range map[string]func(r *os.File){
		"the reader has gone":  func(r *os.File) { r.Close() },
		"the reader has stuck": func(*os.File) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "consoles:\n  node1: { sim: echo }\n")
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			d := s.launch(func(cmd *exec.Cmd) { cmd.Stdout, cmd.Stderr = w, w })
			w.Close()
			lines, address := bufio.NewReader(r), ""
			for address == "" {
				text, err := lines.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if m := listening.FindStringSubmatch(text); m != nil {
					address = "127.0.0.1:" + m[1]
				}
			}
			lose(r)
			for n := range 300 { // more lines than a pipe holds
				c, err := s.login(address, "gw")
				if err != nil {
					t.Fatalf("login %d: %v", n, err)
				}
				s.command(c, "send --enter node1 hello")
				c.Close()
			}
			d.cmd.Process.Signal(syscall.SIGTERM)
			<-d.done
			if code := d.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("ended with %s", d.cmd.ProcessState)
			}
		})
	}
}

// TestPromiseFileSize lets no file grow beyond some size, as a full disk does:
// the gateway goes on, people see what the target says, and the loss is told
// and counted.
func TestPromiseFileSize(t *testing.T) {
	s := newSite(t, "consoles:\n  node1: { sim: echo }\n")
	d := s.launch(nil)
	c, err := s.login(d.address(t), "gw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	full := unix.Rlimit{Cur: 4096, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &full, nil); err != nil {
		t.Fatal(err)
	}
	word := strings.Repeat("full of it ", 10)
	for range 100 {
		s.command(c, "send --enter node1 "+word)
	}
	if _, err := d.out.expect(regexp.MustCompile(`record cannot be written`), usualLimit); err != nil {
		t.Fatal(err)
	}
	if out := s.command(c, "status node1"); !strings.Contains(out, "up") {
		t.Errorf("status: %s", out)
	}
	room := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &room, nil); err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(usualLimit); !d.out.holds(regexp.MustCompile(`record is written again" console=node1 lost=[1-9]`)); {
		select {
		case <-deadline:
			t.Fatalf("recording did not resume: %s", d.out.tail(2000))
		case <-time.After(300 * time.Millisecond):
			s.command(c, "send --enter node1 again")
		}
	}
	if out := s.command(c, "log node1 --events"); !strings.Contains(out, `"event":"gap"`) || !strings.Contains(out, `"lost":`) {
		t.Errorf("the events say nothing of it: %s", out)
	}
}
