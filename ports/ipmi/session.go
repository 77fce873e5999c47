package ipmi

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"

	"consoled/ports"
	"consoled/ports/ipmi/wire"
)

// A session is one with a BMC. It is used by one goroutine at a time; its
// socket's deadline alone may be moved by others.
type session struct {
	conn net.Conn
	op   string // for errors

	own, bmc uint32      // session IDs
	codec    *wire.Codec // nil until both ends have shown that they know the password
	window   wire.Window
	sequence uint32 // of the last packet out
	request  byte   // of the last message out
	// What is received and what is sent. The one more byte shows a datagram
	// that is too long.
	in  [wire.MaxPacket + 1]byte
	out []byte
}

// errSilent is that the BMC does not answer.
var errSilent = errors.New("no answer")

// patience is how long each attempt of a question waits. A BMC takes long: its
// processor is slow, and shared with the fans.
var patience = [...]time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2 * time.Second, 2 * time.Second}

// ask sends a packet, and again while nobody answers, until heard says that an
// arriving one was the answer. Neither packet has anything to do with
// another's answer: heard says false to those.
func (s *session) ask(ctx context.Context, patience []time.Duration, send func() error, heard func(b []byte) (bool, error)) error {
	stop := context.AfterFunc(ctx, func() { s.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for _, wait := range patience {
		if err := send(); err != nil {
			return err
		}
		answered, err := s.await(ctx, time.Now().Add(wait), heard)
		if answered || err != nil {
			return err
		}
	}
	return errSilent
}

// await listens until the answer or the time comes.
func (s *session) await(ctx context.Context, until time.Time, heard func(b []byte) (bool, error)) (bool, error) {
	for {
		s.conn.SetReadDeadline(until)
		// After the deadline is set, lest the one of ctx's end is moved.
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		n, err := s.conn.Read(s.in[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			return false, nil
		}
		if err != nil {
			return false, err
		}
		// A flood of what is no answer does not keep the time from coming.
		if answered, err := heard(s.in[:n]); answered || err != nil {
			return answered, err
		}
		if time.Now().After(until) {
			return false, nil
		}
	}
}

// send seals a payload and sends it.
func (s *session) send(kind wire.Payload, payload []byte) error {
	if s.sequence++; s.sequence == 0 {
		s.sequence++ // 0 is outside a session
	}
	s.out = s.codec.Seal(s.out[:0], wire.Packet{Type: kind, Session: s.bmc, Sequence: s.sequence, Payload: payload})
	_, err := s.conn.Write(s.out)
	return err
}

// receive opens a packet. It is dropped where ok is false: forged, damaged,
// repeated, or another session's.
func (s *session) receive(b []byte) (p wire.Packet, ok bool) {
	p, err := s.codec.Open(b)
	if err != nil || p.Session != s.own || !s.window.Fresh(p.Sequence) {
		return wire.Packet{}, false
	}
	return p, true
}

// newRequest numbers a request.
func (s *session) newRequest(netFn wire.NetFn, command byte, data ...byte) wire.Request {
	s.request = (s.request + 1) & 0x3f
	return wire.Request{NetFn: netFn, Command: command, Sequence: s.request, Data: data}
}

// reply is the answer to q in a packet of the session, if that is what it is.
func (s *session) reply(b []byte, q wire.Request) (wire.Reply, bool) {
	p, ok := s.receive(b)
	if !ok || p.Type != wire.Message {
		return wire.Reply{}, false
	}
	r, err := wire.ParseReply(p.Payload)
	return r, err == nil && r.Answers(q)
}

// busy are the completion codes that mean "later" (table 5-2).
func busy(code byte) bool { return code == 0xc0 || code == 0xc3 }

// A BMC may ask so often to be asked later.
const (
	maxBusy   = 5
	busyPause = 200 * time.Millisecond
)

// command has the BMC do something and returns what it answers. A completion
// code other than 0 is an error of the type *codeError.
func (s *session) command(ctx context.Context, patience []time.Duration, netFn wire.NetFn, command byte, data ...byte) ([]byte, error) {
	for tries := 1; ; tries++ {
		q := s.newRequest(netFn, command, data...)
		message := wire.AppendRequest(nil, q)
		var r wire.Reply
		err := s.ask(ctx, patience, func() error { return s.send(wire.Message, message) }, func(b []byte) (ok bool, err error) {
			r, ok = s.reply(b, q)
			return ok, nil
		})
		switch {
		case err != nil:
			return nil, err
		case r.Code == 0:
			return append([]byte(nil), r.Data...), nil // the buffer is used again
		case !busy(r.Code) || tries == maxBusy:
			return nil, &codeError{command: command, netFn: netFn, code: r.Code}
		}
		if err := s.pause(ctx, busyPause); err != nil {
			return nil, err
		}
	}
}

// pause waits, and drops what arrives.
func (s *session) pause(ctx context.Context, d time.Duration) error {
	_, err := s.await(ctx, time.Now().Add(d), func([]byte) (bool, error) { return false, nil })
	return err
}

// partingPatience bounds the goodbye to a BMC that may be silent.
var partingPatience = [...]time.Duration{150 * time.Millisecond, 250 * time.Millisecond}

// leave ends the session, which a BMC has few of, and closes the socket.
func (s *session) leave(ctx context.Context) {
	if s.codec != nil {
		s.command(context.WithoutCancel(ctx), partingPatience[:], wire.App, cmdCloseSession, binary.LittleEndian.AppendUint32(nil, s.bmc)...)
		s.codec = nil
	}
	s.conn.Close()
}

// failed says what an error means to people.
func (s *session) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ports.Ended(ctx, s.op)
	}
	if e, ok := errors.AsType[*ports.Error](err); ok {
		if e.Op == "" {
			e.Op = s.op
		}
		return e
	}
	if errors.Is(err, errSilent) {
		return &ports.Error{Reason: ports.Unreachable, Op: s.op, Err: err}
	}
	if e, ok := errors.AsType[*codeError](err); ok {
		return &ports.Error{Reason: e.reason(), Op: s.op, Err: e, Fix: e.fix()}
	}
	return ports.Classify(s.op, err)
}
