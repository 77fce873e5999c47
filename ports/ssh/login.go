package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"consoled/ports"
)

// A login proves who we are to one host, once: a wrong password is sent a
// single time for each Open, by one of the two methods that carry one, so
// that no account is locked sooner than the retry policy has it.
type login struct {
	ssh    SSH
	ctx    context.Context // of the Open
	user   string
	keys   []gossh.Signer
	wanted gossh.PublicKey // the one of the agent's that is to be used; nil: any
	// password is asked for only once the host has proven who it is.
	password ports.Secret

	agent net.Conn // open until the login is over, as it has to sign
	stop  func() bool
	begun bool  // the host has been told who we are
	why   error // what kept us from trying a method

	remedy string // what to do about that; empty where nothing is known
}

// agentKeys is how many keys of an agent are tried: most servers hang up after
// the sixth.
const agentKeys = 5

// load reads the key file, which serves every host on the way.
func (s SSH) load() (signer gossh.Signer, public gossh.PublicKey, err error) {
	if s.Key == "" {
		return nil, nil, nil
	}
	op := "open " + s.String()
	data, mode, err := readFile(s.Key, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &ports.Error{Reason: ports.Failed, Op: op, Err: fmt.Errorf("key %s: no such file", s.Key), Fix: "ssh-keygen -t ed25519 -N '' -f " + s.Key}
	}
	if err != nil {
		return nil, nil, ports.Classify(op, fmt.Errorf("key: %w", err))
	}
	if public, _, _, _, err := gossh.ParseAuthorizedKey(data); err == nil {
		if s.Agent == "" {
			return nil, nil, &ports.Error{Reason: ports.Failed, Op: op, Err: fmt.Errorf("key %s is the public half", s.Key), Fix: "name the private one, or an agent that has it"}
		}
		return nil, public, nil
	}
	if loose(mode, 0o077) {
		return nil, nil, &ports.Error{Reason: ports.Failed, Op: op, Err: fmt.Errorf("key %s: mode %#o lets others read it", s.Key, mode.Perm()), Fix: "chmod 600 " + s.Key}
	}
	signer, err = gossh.ParsePrivateKey(data)
	if _, locked := errors.AsType[*gossh.PassphraseMissingError](err); locked {
		return nil, nil, &ports.Error{Reason: ports.Failed, Op: op, Err: fmt.Errorf("key %s: protected by a passphrase, which nobody can type here", s.Key), Fix: "ssh-keygen -p -N '' -f " + s.Key + ", or give it to an agent"}
	}
	if err == nil {
		signer, err = restrict(signer, s.Legacy)
	}
	if err != nil {
		return nil, nil, &ports.Error{Reason: ports.Failed, Op: op, Err: fmt.Errorf("key %s: not a private key that can be read: %w", s.Key, err)}
	}
	return signer, nil, nil
}

// CheckKey looks into the key file, as each Open does.
func (s SSH) CheckKey() error {
	_, _, err := s.load()
	return err
}

// next chooses the method to try. The library has asked with "none" before,
// which tells it what the host takes.
func (l *login) next(c *gossh.ClientAuthContext) (gossh.AuthMethod, error) {
	if len(c.AllowedMethods) == 0 {
		return nil, nil // it hung up before it said what it takes, and the library knows why
	}
	method := l.method(c)
	if method == nil {
		return nil, l.refused(c)
	}
	l.begun = true
	return method, nil
}

func (l *login) method(c *gossh.ClientAuthContext) gossh.AuthMethod {
	able := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method) && !slices.Contains(c.PartialSuccessMethods, method)
	}
	said := slices.Contains(c.TriedMethods, "password") || slices.Contains(c.TriedMethods, "keyboard-interactive")
	switch {
	case (len(l.keys) > 0 || l.ssh.Agent != "") && able("publickey"):
		return gossh.PublicKeysCallback(l.signers)
	case l.password == nil || said:
	case able("password"):
		return gossh.PasswordCallback(l.reveal)
	case able("keyboard-interactive"):
		return gossh.KeyboardInteractive((&prompts{login: l}).answer)
	}
	return nil
}

// refused says what was tried and what the host would take.
func (l *login) refused(c *gossh.ClientAuthContext) error {
	var tried []string
	for _, method := range c.TriedMethods {
		if method != "none" {
			tried = append(tried, method)
		}
	}
	err := fmt.Errorf("user %q with %s; the host takes %s", l.user, cmp.Or(strings.Join(tried, ", "), "no credentials"), methods(c.AllowedMethods))
	if l.why != nil {
		err = fmt.Errorf("%w (%w)", err, l.why)
	}
	return &ports.Error{Reason: ports.Authentication, Err: err, Fix: l.fix(len(tried))}
}

func (l *login) fix(tried int) string {
	if l.remedy != "" {
		return l.remedy
	}
	if tried == 0 {
		return "give the line a key, a password or an agent that the host takes"
	}
	if len(l.keys) == 1 && l.password == nil {
		return "let the host accept the key " + print(l.keys[0].PublicKey())
	}
	return "correct the user, or what is given to log in with"
}

// methods are names that the host chose: few and short ones.
func methods(names []string) string {
	const most = 6
	return bounded(strings.Join(names[:min(len(names), most)], ", "))
}

// signers are the key of the file and those of the agent.
func (l *login) signers() ([]gossh.Signer, error) {
	if l.ssh.Agent == "" {
		return l.keys, nil
	}
	keys, err := l.agentSigners()
	if err != nil {
		l.why = fmt.Errorf("agent: %w", err)
	}
	return append(l.keys, keys...), nil
}

func (l *login) agentSigners() ([]gossh.Signer, error) {
	path := l.ssh.Agent
	if path == OwnAgent {
		if path = os.Getenv(OwnAgent); path == "" {
			return nil, errors.New(OwnAgent + " is not set where the gateway runs")
		}
	}
	conn, err := new(net.Dialer).DialContext(l.ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	l.agent, l.stop = conn, context.AfterFunc(l.ctx, func() { conn.Close() })
	all, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil, err
	}
	var keys []gossh.Signer
	for _, key := range all {
		if l.wanted != nil && print(key.PublicKey()) != print(l.wanted) {
			continue
		}
		if key, err = restrict(key, l.ssh.Legacy); err == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("has no such key")
	}
	return keys[:min(len(keys), agentKeys)], nil
}

// reveal fetches the password.
func (l *login) reveal() (string, error) {
	secret, err := ports.Reveal(l.ctx, l.password)
	if e, ok := errors.AsType[*ports.Error](err); ok {
		l.why, l.remedy = e.Err, e.Fix
	}
	return string(secret), err
}

// close lets go of the agent.
func (l *login) close() {
	if l.agent != nil {
		l.stop()
		l.agent.Close()
	}
}

// prompts answer a host's questions (RFC 4256): the one hidden one, once, which
// asks for the password. A second one, or one that echoes, wants something
// else, such as a new password.
type prompts struct {
	login *login
	said  bool
	turns int
}

const maxTurns = 10

func (p *prompts) answer(_, _ string, questions []string, echo []bool) ([]string, error) {
	p.turns++
	switch {
	case p.turns > maxTurns:
		p.login.why = errors.New("the host does not stop asking")
	case len(questions) == 0:
		return nil, nil
	case len(questions) > 1 || echo[0] || p.said:
		p.login.why = fmt.Errorf("the host asks for more than a password: %q", bounded(strings.Join(questions, " ")))
	default:
		p.said = true
		secret, err := p.login.reveal()
		return []string{secret}, err
	}
	return nil, p.login.why
}

// bounded keeps what a host says about itself short. It is escaped where it is printed.
func bounded(text string) string {
	const most = 200
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
