package telnet

import (
	"bytes"
	"sync"
	"syscall"
	"time"

	"consoled/ports"
)

// A port is an open telnet connection. One goroutine reads, which runs the
// decoder; another one writes. What the decoder has to answer is sent by the writer on
// its way, or by a short-lived goroutine that Close waits for: never by the
// reader, which a peer that does not read could otherwise hold up.
type port struct {
	conn ports.Port
	what string        // for errors, such as "telnet ts1:2001"
	done chan struct{} // closed by Close

	com        bool // a serial port at the other end is to be commanded (RFC 2217)
	configured mode // of it

	opened time.Time
	word   chan struct{} // closed once the peer has said whether it takes BINARY
	told   bool          // word is closed; the reader's own

	// The reader's own.
	dec   decoder
	brake brake
	kept  []byte // data that came while nobody read, or that a buffer of one byte had no room for

	write  sync.Mutex // held while sending, so that answers and data keep their order; never taken by the reader
	binary bool       // data is sent as it is; guarded by write

	mu       sync.Mutex // guards what follows; never held over I/O
	answers  []byte     // to be sent before any further data
	agreed   bool       // BINARY from us, once answers are sent
	flushing bool       // the goroutine that sends answers runs
	remote   remote
	closed   bool
	flusher  sync.WaitGroup
}

// newPort begins telnet on conn.
func (t Telnet) newPort(conn ports.Port) (*port, error) {
	p := &port{
		conn: conn, what: "telnet " + t.Address, com: t.RFC2217,
		done: make(chan struct{}), opened: time.Now(), word: make(chan struct{}),
	}
	if t.RFC2217 {
		p.configured = modeOf(t.Serial)
		p.remote.asked = p.configured
	}
	p.dec.opt.com, p.dec.credit = t.RFC2217, answerBurst
	opening := p.dec.opt.ask()
	p.remote.side = p.dec.opt.usComPort
	_, err := conn.Write(opening)
	return p, err
}

// Read reads data; it does not return for commands alone.
func (p *port) Read(buf []byte) (int, error) {
	for {
		if len(p.kept) == 0 {
			p.brake.wait(p.done)
		}
		n, err := p.receive(buf, p.conn.Read)
		if n > 0 || err != nil || len(buf) == 0 {
			return n, err
		}
	}
}

// receive reads once by read and leaves the data at the start of buf.
func (p *port) receive(buf []byte, read func([]byte) (int, error)) (int, error) {
	if len(buf) == 0 {
		return 0, nil
	}
	if len(p.kept) > 0 {
		n := copy(buf, p.kept)
		if p.kept = p.kept[n:]; len(p.kept) == 0 {
			p.kept = nil
		}
		return n, nil
	}
	// An IAC that is pending may turn out to be data, and then needs a place
	// before what is read now.
	src, dst := buf, buf
	if p.dec.pending() {
		if len(buf) == 1 {
			dst = make([]byte, 2)
		}
		src = dst[1:]
	}
	n, err := read(src)
	n = p.dec.decode(dst, src[:n])
	if p.dec.spent > 0 {
		p.settle()
	}
	if len(dst) > len(buf) {
		copy(buf, dst[:n])
		if n > len(buf) {
			p.kept = dst[1:2]
			n = 1
		}
	}
	return n, err
}

// settle accounts for what the decoder met besides data, and sees that its
// answers get sent.
func (p *port) settle() {
	p.dec.credit = p.brake.account(time.Now(), p.dec.spent, p.dec.credit)
	p.dec.spent = 0
	defer p.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agreed = p.dec.opt.usBinary == yes
	p.answers = append(p.answers, p.dec.answers...)
	p.dec.answers = nil // most lines never negotiate again
	if p.com {
		p.answers = append(p.answers, p.remote.heed(&p.dec)...)
	}
	if len(p.answers) > maxAnswers {
		p.dec.credit = 0 // the peer does not read them
	}
	if len(p.answers) > 0 && !p.flushing && !p.closed {
		p.flushing = true
		p.flusher.Go(p.flush)
	}
}

// tell lets Write know that the peer's word on BINARY is there.
func (p *port) tell() {
	if !p.told && p.dec.opt.usBinary != asked {
		p.told = true
		close(p.word)
	}
}

// wordLimit is how long the peer's word on BINARY is waited for.
const wordLimit = 500 * time.Millisecond

// awaitWord waits, in the first moments of a connection, until it is clear how
// a CR travels. The peer takes what we send for binary as soon as it has seen us ask, and we
// know it only from its answer: a CR NUL sent in between would bring a NUL to the console.
func (p *port) awaitWord(b []byte) {
	left := wordLimit - time.Since(p.opened)
	if left <= 0 || bytes.IndexByte(b, '\r') < 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-p.word:
	case <-timer.C:
	case <-p.done:
	}
}

// flush sends answers until there are none.
func (p *port) flush() {
	p.write.Lock()
	defer p.write.Unlock()
	for {
		p.mu.Lock()
		if len(p.answers) == 0 || p.closed {
			p.flushing = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		if p.sendAnswers() != nil {
			return // the reader meets the reason; flushing stays set, so none follows
		}
	}
}

// sendAnswers sends what waits and moves the sending direction to what it
// agreed. p.write is held.
func (p *port) sendAnswers() error {
	p.mu.Lock()
	answers := p.answers
	p.answers = nil
	p.binary = p.agreed
	p.mu.Unlock()
	if len(answers) == 0 {
		return nil
	}
	_, err := p.conn.Write(answers)
	return err
}

// maxPart bounds how much is encoded at once.
const maxPart = 4 << 10

// Write sends data.
func (p *port) Write(b []byte) (int, error) {
	p.awaitWord(b)
	sent := 0
	for sent < len(b) {
		if err := p.awaitResume(); err != nil {
			return sent, err
		}
		n, err := p.writePart(b[sent:min(sent+maxPart, len(b))])
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// writePart sends data, after the answers that wait.
func (p *port) writePart(part []byte) (int, error) {
	p.write.Lock()
	defer p.write.Unlock()
	if err := p.sendAnswers(); err != nil {
		return 0, err
	}
	travels := part
	if !plain(part, p.binary) {
		travels = appendData(make([]byte, 0, len(part)+16), part, p.binary)
	}
	n, err := p.conn.Write(travels)
	if err != nil {
		return delivered(part, n, p.binary), err
	}
	return len(part), nil
}

// send sends a command, after the answers that wait.
func (p *port) send(command []byte) error {
	p.write.Lock()
	defer p.write.Unlock()
	if err := p.sendAnswers(); err != nil {
		return err
	}
	_, err := p.conn.Write(command)
	return err
}

// Break sends a break of length d where the peer has a serial port to command.
// Elsewhere it sends RFC 854's BRK, which has no length: the break is as long as
// the terminal server makes it, and Break returns when it is sent.
func (p *port) Break(d time.Duration) error {
	if p.agreedCom() {
		return p.breakFor(d)
	}
	return p.send([]byte{cmdIAC, cmdBRK})
}

// Close ends the connection and what runs for it.
func (p *port) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.done)
	}
	p.mu.Unlock()
	err := p.conn.Close()
	p.flusher.Wait()
	return err
}

// A tryPort is a port over a connection that can be read without a buffer.
type tryPort struct {
	*port
	try ports.TryReader
}

// Wait blocks until there is something to read.
func (p *tryPort) Wait() error {
	if len(p.kept) > 0 {
		return nil
	}
	p.brake.wait(p.done)
	return p.try.Wait()
}

// TryRead reads what has arrived, in place. It returns 0, nil after a command,
// and for a while when the peer sends little else.
func (p *tryPort) TryRead(buf []byte) (int, error) {
	if len(p.kept) == 0 && p.brake.on(time.Now) {
		return 0, nil
	}
	return p.receive(buf, p.try.TryRead)
}

// Patience is the connection's.
func (p *tryPort) Patience() time.Duration { return p.try.Patience() }

// Descriptor is the connection's, where it has one.
func (p *tryPort) Descriptor() syscall.RawConn {
	if polled, ok := p.try.(ports.Polled); ok {
		return polled.Descriptor()
	}
	return nil
}

// Rouse ends a Wait.
func (p *tryPort) Rouse() {
	if polled, ok := p.try.(ports.Polled); ok {
		polled.Rouse()
	}
}
