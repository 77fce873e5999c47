package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/command"
	"consoled/gateway/console"
	"consoled/gateway/names"
)

// breaksHeld is how many BREAKs may wait for the program that sends them.
const breaksHeld = 4

// A session is one session channel (RFC 4254 section 6): the requests before
// and beside the one program that it runs. One goroutine takes the requests,
// to the channel's end; another runs the program.
type session struct {
	c       *connection
	conn    *gossh.ServerConn
	proof   proof
	id      string
	channel gossh.Channel
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelCauseFunc

	pty     bool
	noPTY   bool // a terminal was asked for, and the key may have none
	term    string
	env     map[string]string
	started bool
	idle    *time.Timer // ends a session that runs nothing
	window  atomic.Pointer[size]
	breaks  chan time.Duration
	program sync.WaitGroup
	input   input

	asked   atomic.Pointer[command.Session] // what the program runs
	decided atomic.Pointer[site]            // by which its rights were last decided

	mu     sync.Mutex
	places []place
}

// A place is where a session joined a console.
type place struct {
	console    *console.Console
	attachment *console.Attachment
	kind       string
}

func (s *session) join(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places = append(s.places, p)
}

func (s *session) joined() []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.places)
}

// session serves a session channel to its end.
func (c *connection) session(conn *gossh.ServerConn, n gossh.NewChannel) {
	p, ok := proven(conn.Permissions)
	if !ok {
		c.log.Error("session without a proof of identity")
		c.end(errPanic)
		return
	}
	s := &session{
		c: c, conn: conn, proof: p, id: strconv.FormatUint(c.g.serial.Add(1), 10),
		env: map[string]string{}, breaks: make(chan time.Duration, breaksHeld),
	}
	s.log = c.log.With("session", s.id, "who", p.identity.Name)
	if err := c.g.sessions.add(s, c.g.site.Load().config.Limits.Sessions, s.key().MaxSessions); err != nil {
		c.complain("session refused", "err", err)
		// The client is gone if this fails, which the connection's end shows.
		_ = n.Reject(gossh.ResourceShortage, "consoled: "+err.Error())
		return
	}
	defer c.g.sessions.remove(s)
	channel, requests, err := n.Accept()
	if err != nil {
		return
	}
	s.channel = channel
	s.input.init(c, channel)
	s.ctx, s.cancel = context.WithCancelCause(c.ctx)
	defer s.cancel(errGone)
	// Whoever asks for nothing holds a place, and what it sends meanwhile.
	s.idle = time.AfterFunc(c.g.site.Load().config.Limits.Handshake, func() {
		c.complain("session ended", "err", errIdle)
		// The client is gone if this fails, which is what is wanted.
		_ = channel.Close()
	})
	defer s.idle.Stop()
	for r := range requests {
		s.request(r)
	}
	late := time.AfterFunc(lingering, func() { s.cancel(errGone) })
	s.program.Wait()
	late.Stop()
	s.input.end()
}

// key is the line of the key that opened the connection, as it stands now.
func (s *session) key() auth.Key {
	if id, ok := s.c.who(); ok && id.Key != nil {
		return *id.Key
	}
	return auth.Key{NoPTY: true}
}

// request answers one request and does what it asks for.
func (s *session) request(r *gossh.Request) {
	run, err := s.take(r)
	if err != nil {
		s.log.Debug("request refused", "type", strconv.Quote(r.Type), "err", err)
	}
	// The client is gone if this fails, which the channel's end shows.
	_ = r.Reply(err == nil, nil)
	if run != nil {
		s.idle.Stop()
		s.started = true
		s.program.Go(run)
	}
}

// The kinds of refused requests; the texts are for the log.
var (
	errUnsupported = errors.New("not supported")
	errTooMany     = errors.New("too many")
	errStarted     = errors.New("the session runs something already")
	errNotAllowed  = errors.New("the key does not allow it")
)

// take does what a request asks for. What it returns to run is the session's program.
func (s *session) take(r *gossh.Request) (run func(), _ error) {
	switch r.Type {
	case "pty-req":
		return nil, s.takePTY(r.Payload)
	case "env":
		return nil, s.takeEnv(r.Payload)
	case "window-change":
		w, err := parseWindow(r.Payload)
		if err == nil && s.pty {
			s.window.Store(&w)
		}
		return nil, err
	case "break":
		return nil, s.takeBreak(r.Payload)
	case "signal":
		return nil, s.takeSignal(r.Payload)
	case "shell":
		if s.started {
			return nil, errStarted
		}
		return func() { s.run("") }, nil
	case "exec":
		line, err := parseText(r.Payload, maxCommand)
		switch {
		case err != nil:
			return nil, err
		case s.started:
			return nil, errStarted
		}
		return func() { s.run(line) }, nil
	case "subsystem":
		return s.takeSubsystem(r.Payload)
	}
	return nil, errUnsupported // agent and X11 forwarding among them
}

func (s *session) takePTY(data []byte) error {
	term, w, err := parsePTY(data)
	switch {
	case err != nil:
		return err
	case s.started:
		return errStarted
	case s.pty:
		return errTooMany
	case s.key().NoPTY:
		s.noPTY = true
		return errNotAllowed
	}
	s.pty, s.term = true, term
	s.window.Store(&w)
	return nil
}

func (s *session) takeEnv(data []byte) error {
	name, value, err := parseEnv(data)
	switch {
	case err != nil:
		return err
	case s.started:
		return errStarted
	case !envAccepted(name, value):
		return errUnsupported
	case len(s.env) >= maxEnv:
		return errTooMany
	}
	s.env[name] = value
	return nil
}

// takeBreak hands a BREAK to the program. One that cannot be taken is refused,
// so that the client knows that it was not sent.
func (s *session) takeBreak(data []byte) error {
	d, err := parseBreak(data)
	switch {
	case err != nil:
		return err
	case !s.started:
		return errUnsupported
	}
	select {
	case s.breaks <- d:
		return nil
	default:
		return errTooMany
	}
}

// takeSignal ends the session where the client asks for it (RFC 4254 section 6.9).
func (s *session) takeSignal(data []byte) error {
	name, err := parseText(data, maxName)
	if err != nil {
		return err
	}
	switch name {
	case "HUP", "INT", "KILL", "QUIT", "TERM":
		s.cancel(fmt.Errorf("your client sent %s", name))
		return nil
	}
	return errUnsupported
}

// takeSubsystem refuses every subsystem in words: the client's own message
// would say only that the request failed.
func (s *session) takeSubsystem(data []byte) (run func(), _ error) {
	name, err := parseText(data, maxCommand)
	switch {
	case err != nil:
		return nil, err
	case s.started:
		return nil, errStarted
	}
	text := "there is no subsystem " + strconv.QuoteToASCII(name[:min(len(name), maxName)])
	if name == "sftp" {
		text = command.NoFiles
	}
	return func() {
		defer s.c.caught("subsystem")
		s.complain(text)
		s.exit(command.ExitUsage)
	}, nil
}

// complain writes one of our own lines. Only the program may write: a client
// that grants no window would hold up whoever takes the requests, and with it
// the whole connection for ever.
func (s *session) complain(text string) {
	out, end := io.Writer(s.channel.Stderr()), "\n"
	if s.pty {
		out, end = s.channel, "\r\n"
	}
	// Nobody is there to read it if this fails.
	_, _ = io.WriteString(out, "consoled: "+text+end)
}

// run runs the session's program and sends its exit status.
func (s *session) run(line string) {
	defer s.c.caught("session")
	s.log.Info("session started", "login", cut(s.proof.name), "command", verb(line), "pty", s.pty)
	began := time.Now()
	if s.noPTY {
		s.complain("your key may have no terminal (no-pty or restrict), and nobody attaches without one")
	}
	code := s.outcome(line)
	s.log.Info("session ended", "code", code, "for", time.Since(began).Round(time.Millisecond))
	s.exit(code)
}

// verb is what the log says of a command: the rest of the line may hold what
// somebody types into a console, a password among it.
func verb(line string) string {
	word, _, _ := strings.Cut(line, " ")
	odd := func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }
	if len(word) > 16 || strings.ContainsFunc(word, odd) {
		return "?"
	}
	return word
}

// outcome is the exit code of what the session asked for.
func (s *session) outcome(line string) int {
	login, err := names.ParseLogin(s.proof.name)
	if err != nil {
		s.complain(fmt.Sprintf("login name: %v", err))
		return command.ExitUsage
	}
	id, ok := s.c.who()
	if !ok {
		id = s.proof.identity
	}
	asked := &command.Session{
		ID: s.id, Who: id, Login: login, Line: line, Terminal: s.terminal(), Quiet: s.quiet(login),
	}
	s.asked.Store(asked)
	return s.c.g.run(s.ctx, asked)
}

func (s *session) quiet(l names.Login) bool {
	v := s.env["CONSOLED_QUIET"]
	return l.Modifiers.Quiet || v != "" && v != "0"
}

// terminal is the person's side as the verbs see it: bytes go through as they are.
func (s *session) terminal() attach.Terminal {
	t := attach.Terminal{
		In: &s.input, Typed: s.input.Typed,
		Out: struct{ io.Writer }{s.channel},
		Err: struct{ io.Writer }{s.channel.Stderr()},
		PTY: s.pty, Term: s.term, Env: s.env,
		Interrupt: s.input.interrupt,
		Abort:     s.abort,
		Size: func() (cols, rows int) {
			if w := s.window.Load(); w != nil {
				return w.cols, w.rows
			}
			return 0, 0
		},
		Breaks: s.breaks,
		Lost:   s.c.wire.lost.Load,
	}
	if s.pty {
		// OpenSSH's client loses the order of the two streams on a PTY.
		t.Err = t.Out
	}
	return t
}

// abort closes the channel of a client that takes no output, and its
// connection if that does not end what is blocked: a client whose terminal is
// stopped answers nothing, and only the connection's end frees a write.
func (s *session) abort() {
	s.cancel(errStuck)
	// The client is gone if this fails, which is what is wanted.
	_ = s.channel.Close()
	time.AfterFunc(parting, func() {
		if _, open := s.c.g.sessions.get(s.id); open {
			s.c.end(errStuck)
		}
	})
}

// exit sends the exit status and closes the channel, in the order of OpenSSH's
// server. Errors mean that the client has left already.
func (s *session) exit(code int) {
	status := binary.BigEndian.AppendUint32(nil, uint32(code))
	_, _ = s.channel.SendRequest("exit-status", false, status)
	_ = s.channel.CloseWrite()
	if strings.HasPrefix(string(s.conn.ClientVersion()), "SSH-2.0-OpenSSH") {
		// Its input is read no more (OpenSSH PROTOCOL, section 2.1).
		_, _ = s.channel.SendRequest("eow@openssh.com", false, nil)
	}
	_ = s.channel.Close()
}
