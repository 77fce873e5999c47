package ssh

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
)

// A port is an open session.
type port struct {
	ssh     SSH
	link    *link
	channel gossh.Channel
	out     *merge

	closing sync.Once
	closed  chan struct{} // by Close
	mu      sync.Mutex    // held while closed is closed, and while work grows from outside it
	ending  sync.Once     // guards out.err and out.over
	work    sync.WaitGroup
	asking  atomic.Bool // a keepalive is under way
	braking atomic.Bool // a break is
}

// start opens the session and what runs for it. ctx bounds it together with loginLimit.
func (s SSH) start(ctx context.Context, l *link) (*port, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginLimit, errNoLogin)
	defer cancel()
	stop := context.AfterFunc(ctx, l.cut)
	defer stop()
	channel, err := l.openSession()
	if err == nil {
		err = s.begin(channel)
	}
	if !stop() {
		return nil, gaveUp(ctx)
	}
	if err != nil {
		return nil, l.refused(err)
	}
	p := &port{ssh: s, link: l, channel: channel, out: newMerge(), closed: make(chan struct{})}
	streams := []io.Reader{channel, channel.Stderr()}
	drained := make(chan struct{})
	var left atomic.Int32
	left.Store(int32(len(streams)))
	for _, r := range streams {
		p.work.Go(func() {
			p.out.pump(r)
			if left.Add(-1) == 0 {
				close(drained)
			}
		})
	}
	p.work.Go(func() { p.attend(drained) })
	return p, nil
}

// begin asks for a terminal, and for the shell or the command (RFC 4254, 6.2
// and 6.5). The terminal's size is never changed: it is nobody's window.
func (s SSH) begin(channel gossh.Channel) error {
	if !s.NoPty {
		terminal := gossh.Marshal(struct {
			Term                      string
			Cols, Rows, Width, Height uint32
			Modes                     string
		}{"vt220", uint32(cmp.Or(s.Cols, 80)), uint32(cmp.Or(s.Rows, 24)), 0, 0, "\x00"})
		if err := ask(channel, "pty-req", terminal, "a terminal", "pty: false does without"); err != nil {
			return err
		}
	}
	if s.Command == "" {
		return ask(channel, "shell", nil, "a shell", "give the command to run")
	}
	return ask(channel, "exec", gossh.Marshal(struct{ Command string }{s.Command}), "the command", "")
}

func ask(channel gossh.Channel, request string, payload []byte, what, fix string) error {
	ok, err := channel.SendRequest(request, true, payload)
	if err == nil && !ok {
		return &ports.Error{Reason: ports.Denied, Err: errors.New("the host refuses " + what), Fix: fix}
	}
	return err
}

// Read reads what the session says, on stdout and stderr alike.
func (p *port) Read(b []byte) (int, error) {
	for {
		n, err := p.TryRead(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		if err := p.Wait(); err != nil {
			return 0, err
		}
	}
}

// Wait blocks until there is something to read.
func (p *port) Wait() error { return p.failed("read ", p.out.wait()) }

// TryRead reads what has arrived.
func (p *port) TryRead(b []byte) (int, error) {
	n, err := p.out.take(b)
	return n, p.failed("read ", err)
}

// Patience is none: what has arrived lies in our own memory, not in the
// kernel's, and would be lost if the gateway ended meanwhile.
func (p *port) Patience() time.Duration { return 0 }

// Write writes to the session, as fast as the host's window allows.
func (p *port) Write(b []byte) (int, error) {
	n, err := p.channel.Write(b)
	if err == nil {
		return n, nil
	}
	select {
	case <-p.out.over:
		err = p.out.err
	default:
		if errors.Is(err, io.EOF) {
			err = nil // it is the library's word for a channel that is closed
		}
		err = &ports.Error{Reason: ports.Closed, Err: err}
	}
	return n, p.failed("write ", err)
}

// failed says what was being done.
func (p *port) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*ports.Error](err)
	if !ok {
		return ports.Classify(op+p.ssh.String(), err)
	}
	mine := *e
	mine.Op = op + p.ssh.String()
	return &mine
}

// Close ends the session and the connection.
func (p *port) Close() error {
	p.closing.Do(func() {
		p.mu.Lock()
		close(p.closed)
		p.mu.Unlock()
		p.end(net.ErrClosed)
		p.leave()
		p.link.close()
		p.work.Wait()
	})
	return nil
}

// goodbye is how long a host may take to take our leave.
const goodbye = time.Second

// leave ends the session and waits until the host has done so too: another
// consoled takes that for leaving, and a connection that breaks for an
// accident, after which it keeps write for us. It waits for nobody who does not read.
func (p *port) leave() {
	left := make(chan struct{})
	p.work.Go(func() {
		defer close(left)
		end := p.channel.Close
		if p.toConsoled() {
			end = p.channel.CloseWrite
		}
		if end() == nil {
			gossh.DiscardRequests(p.link.session) // until it is closed
		}
	})
	limit := time.NewTimer(goodbye)
	defer limit.Stop()
	select {
	case <-left:
	case <-limit.C:
	}
}

// toConsoled tells whether a terminal of another consoled is at the far end. The
// end of our input is our leave there, and it closes the channel once it has
// taken it. It would answer a channel that we close at once, and may find the
// connection broken when it comes to ask how we left.
func (p *port) toConsoled() bool {
	return !p.ssh.NoPty && string(p.link.ServerVersion()) == Greeting
}

// Greeting is what a gateway of ours greets its clients with.
const Greeting = "SSH-2.0-consoled"

// during runs f for a port that is not closed, and Close waits for it.
func (p *port) during(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
	default:
		p.work.Go(f)
	}
}

// end is what reads return from now on.
func (p *port) end(err error) {
	p.ending.Do(func() {
		p.out.err = err
		close(p.out.over)
	})
}

// A ptyPort is a port with a terminal, which a break can be sent to.
type ptyPort struct{ *port }

// breakAnswer is how long a host may take, beyond the break itself, to say
// that it was sent.
const breakAnswer = 5 * time.Second

// Break asks the host for a break of that length (RFC 4335) and returns when
// the host says that it was sent.
func (p *ptyPort) Break(d time.Duration) error {
	if p.braking.Swap(true) {
		return p.failed("break ", &ports.Error{Reason: ports.Failed, Err: errors.New("the host has not answered the one before")})
	}
	answer := make(chan error, 1)
	p.during(func() {
		defer p.braking.Store(false)
		answer <- ask(p.channel, "break", gossh.Marshal(struct{ Length uint32 }{uint32(d.Milliseconds())}), "a break", "")
	})
	limit := time.NewTimer(d + breakAnswer)
	defer limit.Stop()
	var err error
	select {
	case err = <-answer:
	case <-limit.C:
		err = &ports.Error{Reason: ports.Failed, Err: errors.New("the host does not answer")}
	case <-p.out.over:
		err = p.out.err
	}
	return p.failed("break ", err)
}
