package ipmi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"consoled/ports"
	"consoled/ports/ipmi/wire"
)

// instance is the payload that is activated: SOL, the first of it. Nobody has a second.
var instance = [...]byte{byte(wire.SOL), 1}

// How SOL is activated (table 24-2): encrypted, authenticated, with serial
// alerts deferred, and CTS, DCD and DSR asserted from the start.
const activation = 0x80 | 0x40 | 0x04

// takenRemark is what people are told after a take-over.
const takenRemark = "BMC had another SOL session; closed it and connected"

// activate turns the session into an open line.
func (b IPMI) activate(ctx context.Context, s *session, take bool) (*port, error) {
	remark := ""
	answer, err := s.start(ctx)
	if isActive(err) {
		if !take {
			return nil, b.inUse(s.holder(ctx))
		}
		if answer, err = s.takeOver(ctx); isActive(err) {
			return nil, b.inUse("")
		}
		remark = takenRemark
	}
	if err != nil {
		return nil, err
	}
	room := 16 // for a BMC that does not say
	if len(answer) >= 6 {
		room = wire.CharactersIn(int(binary.LittleEndian.Uint16(answer[4:])))
	}
	return newPort(s, b, room, s.owner(ctx), remark), nil
}

// start has the BMC begin SOL with us.
func (s *session) start(ctx context.Context) ([]byte, error) {
	return s.command(ctx, patience[:], wire.App, cmdActivate, append(instance[:], activation, 0, 0, 0)...)
}

// isActive reports whether err is that somebody else has SOL.
func isActive(err error) bool {
	code, ok := errors.AsType[*codeError](err)
	return ok && code.is(cmdActivate, codeActive)
}

// A BMC may take a moment to let go of a session.
const (
	maxTakes  = 5
	takePause = 200 * time.Millisecond
)

// takeOver ends the other session's SOL and begins ours.
func (s *session) takeOver(ctx context.Context) (answer []byte, err error) {
	for range maxTakes {
		_, err := s.command(ctx, patience[:], wire.App, cmdDeactivate, append(instance[:], 0, 0, 0, 0)...)
		if code, ok := errors.AsType[*codeError](err); err != nil && !(ok && code.is(cmdDeactivate, codeInactive)) {
			return nil, err
		}
		if answer, err = s.start(ctx); !isActive(err) {
			return answer, err
		}
		if err := s.pause(ctx, takePause); err != nil {
			return nil, err
		}
	}
	return s.start(ctx)
}

// owner is the session that the BMC says has SOL, which is ours now; 0 where it
// does not tell.
func (s *session) owner(ctx context.Context) uint32 {
	answer, err := s.command(ctx, patience[:2], wire.App, cmdInstance, instance[:]...)
	if err != nil || len(answer) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(answer)
}

// holder says from where the session comes that has SOL, for people; it may not be known.
func (s *session) holder(ctx context.Context) string {
	id := s.owner(ctx)
	if id == 0 {
		return ""
	}
	const byID = 0xff
	answer, err := s.command(ctx, patience[:2], wire.App, cmdSessionInfo, binary.LittleEndian.AppendUint32([]byte{byID}, id)...)
	if err != nil || len(answer) < 10 {
		return ""
	}
	from, _ := netip.AddrFromSlice(answer[6:10])
	if from.IsUnspecified() {
		return ""
	}
	return from.String()
}

// inUse is the error of a line that is left to somebody else.
func (b IPMI) inUse(from string) error {
	e := &ports.Error{Reason: ports.InUse, Err: errors.New("somebody else has the BMC's SOL session")}
	if from != "" {
		e.Err = fmt.Errorf("somebody else has the BMC's SOL session, from %s", from)
	}
	if b.TakeOver != takeNever {
		e.Fix = "^Ec o, or the command reopen, takes it over (needs admin); take_over: always does so by itself"
	} else {
		e.Fix = "have them end it (ipmitool sol deactivate); take_over: never leaves it to them"
	}
	return e
}

// partingLimit bounds what a line that is closed waits for its BMC.
const partingLimit = time.Second

// part takes leave of the BMC for a line that has ended with err: what was
// typed and not accepted is dropped, SOL and the session are given back.
func (p *port) part(err error) {
	ctx, cancel := context.WithTimeout(context.Background(), partingLimit)
	defer cancel()
	switch {
	case errors.Is(err, errEnded), errors.Is(err, errTaken), errors.Is(err, errClosed):
		if p.flight.on {
			p.s.send(wire.SOL, wire.AppendSOL(nil, wire.SOLPacket{Flags: wire.FlushInbound}))
		}
		if errors.Is(err, errClosed) {
			p.s.command(ctx, partingPatience[:], wire.App, cmdDeactivate, append(instance[:], 0, 0, 0, 0)...)
		}
		p.s.leave(ctx)
	default: // nobody answers: told once, in case that they still hear
		q := p.s.newRequest(wire.App, cmdCloseSession, binary.LittleEndian.AppendUint32(nil, p.s.bmc)...)
		p.s.send(wire.Message, wire.AppendRequest(nil, q))
		p.s.conn.Close()
	}
}
