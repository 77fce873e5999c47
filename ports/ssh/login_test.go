package ssh_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"consoled/ports"
	"consoled/ports/ssh"
)

// An account is one that a server counts the tries at.
type account struct {
	password  string
	key       gossh.PublicKey
	questions [][]string // by keyboard-interactive, a round each
	echo      bool
	mu        sync.Mutex
	tries     []string
	answers   []string
}

var errWrong = errors.New("wrong")

func (a *account) tried(how string, right bool) (*gossh.Permissions, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tries = append(a.tries, how)
	if right {
		return nil, nil
	}
	return nil, errWrong
}

func (a *account) byPassword(_ gossh.ConnMetadata, password []byte) (*gossh.Permissions, error) {
	return a.tried("password", string(password) == a.password)
}

func (a *account) byKey(_ gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
	return a.tried("key", a.key != nil && string(key.Marshal()) == string(a.key.Marshal()))
}

func (a *account) byQuestions(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
	var last string
	for _, round := range a.questions {
		echo := make([]bool, len(round))
		for i := range echo {
			echo[i] = a.echo
		}
		answers, err := ask("", "", round, echo)
		if err != nil {
			return nil, err
		}
		a.mu.Lock()
		a.answers = append(a.answers, answers...)
		a.mu.Unlock()
		if len(answers) > 0 {
			last = answers[0]
		}
	}
	return a.tried("questions", last == a.password)
}

func TestLogin(t *testing.T) {
	key, dir := newKey(t, "ed25519"), t.TempDir()
	mine := filepath.Join(dir, "key")
	public := writeKey(t, mine)
	open := filepath.Join(dir, "open")
	writeKey(t, open)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half.pub")
	write(t, half, string(gossh.MarshalAuthorizedKey(public)))
	socket := serveAgent(t, dir, keyring(t, mine))
	for _, test := range []struct {
		name    string
		account *account
		takes   string // methods of the server: p, k, q
		change  func(*ssh.SSH)
		tries   string // that the server counted
		want    string // in the error; empty: it is let in
	}{
		{"password", &account{password: "right"}, "p", password("right"), "password", ""},
		{"wrong password, once", &account{password: "right"}, "pq", password("wrong"), "password", `user "root" with password; the host takes`},
		{"password by question", &account{password: "right", questions: [][]string{{"Password: "}}}, "q", password("right"), "questions", ""},
		{"wrong password by question, once", &account{password: "right", questions: [][]string{{"Password: "}}}, "q", password("wrong"), "questions", "keyboard-interactive"},
		{"information, then the question", &account{password: "right", questions: [][]string{{}, {"Password: "}}}, "q", password("right"), "questions", ""},
		{"a question that echoes", &account{password: "right", questions: [][]string{{"Name: "}}, echo: true}, "q", password("right"), "", `more than a password: "Name: "`},
		{"a second question", &account{password: "right", questions: [][]string{{"Password: "}, {"New password: "}}}, "q", password("right"), "", "New password: "},
		{"two questions", &account{password: "right", questions: [][]string{{"a", "b"}}}, "q", password("right"), "", "more than a password"},
		{"questions without end", &account{password: "right", questions: make([][]string, 50)}, "q", password("right"), "", "does not stop asking"},
		{"password that cannot be had", &account{password: "right"}, "p", func(s *ssh.SSH) { s.Password = locked{} }, "", "secret test: open to everybody"},
		{"key", &account{key: public}, "kp", func(s *ssh.SSH) { s.Key = mine }, "key", ""},
		{"key that is not known", &account{key: key.PublicKey()}, "k", func(s *ssh.SSH) { s.Key = mine }, "key", "publickey"},
		{"agent", &account{key: public}, "k", func(s *ssh.SSH) { s.Agent = socket }, "key", ""},
		{"agent, by the public half", &account{key: public}, "k", func(s *ssh.SSH) { s.Agent, s.Key = socket, half }, "key", ""},
		{"agent is not there", &account{key: public}, "k", func(s *ssh.SSH) { s.Agent = filepath.Join(dir, "none") }, "", "agent: "},
		{"nothing to offer", &account{password: "right"}, "p", func(*ssh.SSH) {}, "", "no credentials"},
		{"key that others may read", &account{}, "k", func(s *ssh.SSH) { s.Key = open }, "", "lets others read it"},
		{"key that is missing", &account{}, "k", func(s *ssh.SSH) { s.Key = filepath.Join(dir, "none") }, "", "no such file"},
		{"half a key", &account{}, "k", func(s *ssh.SSH) { s.Key = half }, "", "public half"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := test.account
			server := newServer(key)
			server.NoClientAuth = false
			for _, method := range test.takes {
				switch method {
				case 'p':
					server.PasswordCallback = a.byPassword
				case 'k':
					server.PublicKeyCallback = a.byKey
				case 'q':
					server.KeyboardInteractiveCallback = a.byQuestions
				}
			}
			backend := server.serve(t).plain(t, key)
			test.change(&backend)
			p, err := backend.Open(t.Context())
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				p.Close()
			} else {
				e, ok := errors.AsType[*ports.Error](err)
				if !ok || !strings.Contains(e.Error(), test.want) || e.Fix == "" {
					t.Fatalf("%v (fix: %v) lacks %q", err, e, test.want)
				}
				if called := len(server.sent) > 0; called != (e.Reason == ports.Authentication) {
					t.Errorf("reason %q, and the host was called: %v", e.Reason, called)
				}
				if _, ok := backend.Password.(locked); ok && (e.Fix != "chmod o-rwx it" || strings.Contains(e.Error(), e.Fix)) {
					t.Errorf("%v (fix: %s)", e, e.Fix)
				}
				if strings.Contains(e.Error()+e.Fix, "right") || strings.Contains(e.Error()+e.Fix, "wrong") {
					t.Errorf("the password shows: %v", e)
				}
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			if got := strings.Join(a.tries, " "); got != test.tries && got != test.tries+" "+test.tries {
				t.Errorf("tries: %s, not %s", got, test.tries)
			}
			if strings.HasPrefix(test.tries, "password") && len(a.tries) != 1 {
				t.Errorf("%d tries", len(a.tries))
			}
		})
	}
}

// TestAgentHangs: an agent that does not sign keeps nobody beyond the context.
func TestAgentHangs(t *testing.T) {
	key, dir := newKey(t, "ed25519"), t.TempDir()
	mine := filepath.Join(dir, "key")
	server := newServer(key)
	server.NoClientAuth = false
	server.PublicKeyCallback = (&account{key: writeKey(t, mine)}).byKey
	backend := server.serve(t).plain(t, key)
	ctx, cancel := context.WithCancelCause(t.Context())
	goodbye := errors.New("the goodbye")
	backend.Agent = serveAgent(t, dir, deaf{keyring(t, mine), func() { cancel(goodbye) }, t.Context().Done()})
	if _, err := backend.Open(ctx); !errors.Is(err, goodbye) {
		t.Errorf("%v", err)
	}
}

// A deaf agent tells that it is asked to sign, and does not.
type deaf struct {
	agent.Agent
	asked func()
	done  <-chan struct{}
}

func (d deaf) Sign(gossh.PublicKey, []byte) (*gossh.Signature, error) {
	d.asked()
	<-d.done
	return nil, errors.New("deaf")
}

// A locked secret cannot be had, and says what to do about it.
type locked struct{}

func (locked) Reveal(context.Context) ([]byte, error) {
	return nil, errors.New("secret test: open to everybody\nfix: chmod o-rwx it")
}
func (locked) String() string { return "secret:test" }

func password(text string) func(*ssh.SSH) {
	return func(s *ssh.SSH) { s.Password = newSecret(text) }
}

// keyring holds a key, behind another one.
func keyring(t *testing.T, key string) agent.Agent {
	t.Helper()
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := gossh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	for _, key := range []any{stranger, raw} {
		if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
			t.Fatal(err)
		}
	}
	return ring
}

// serveAgent serves an agent on a socket.
func serveAgent(t *testing.T, dir string, ring agent.Agent) string {
	t.Helper()
	path := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { defer conn.Close(); agent.ServeAgent(ring, conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return path
}
