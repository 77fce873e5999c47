package ipmi

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"consoled/ports"
	"consoled/ports/ipmi/wire"
)

// logIn brings the session up: capabilities, the handshake by the best suite
// that both ends do, and the privilege level.
func (b IPMI) logIn(ctx context.Context, s *session) error {
	password, err := reveal(ctx, b.Password, "password")
	if err != nil {
		return err
	}
	key := password
	if b.KG != nil {
		if key, err = reveal(ctx, b.KG, "key K_g"); err != nil {
			return err
		}
	}
	if err := s.capabilities(ctx, privileges[b.Privilege]); err != nil {
		return err
	}
	h, err := b.propose(ctx, s, password, key)
	if err != nil {
		return err
	}
	if err := b.prove(ctx, s, h); err != nil {
		return err
	}
	if level := privileges[b.Privilege]; level > privileges["user"] { // where every session begins
		_, err = s.command(ctx, patience[:], wire.App, cmdSetPrivilege, level)
	}
	return err
}

// reveal fetches a secret. It may be written in hexadecimal, as keys are that
// hold bytes that nobody can type.
func reveal(ctx context.Context, secret ports.Secret, what string) ([]byte, error) {
	text, err := ports.Reveal(ctx, secret)
	if e, ok := errors.AsType[*ports.Error](err); ok {
		e.Err = fmt.Errorf("%s: %w", what, e.Err)
		return nil, e
	}
	if digits, ok := strings.CutPrefix(string(text), "0x"); ok && len(digits) == 2*maxSecret {
		if key, err := hex.DecodeString(digits); err == nil {
			return key, nil
		}
	}
	if len(text) > maxSecret {
		return nil, &ports.Error{
			Reason: ports.Failed, Err: fmt.Errorf("the %s is longer than the %d bytes that IPMI carries", what, maxSecret),
			Fix: "set one of at most 20 bytes on the BMC, or correct " + secret.String(),
		}
	}
	return text, nil
}

// capabilities asks whether the BMC speaks RMCP+ at all (22.13). What it says
// of its authentication types is not acted on: it is not authenticated, and none of them is used.
func (s *session) capabilities(ctx context.Context, level byte) error {
	const thisChannel, extended = 0x0e, 0x80
	q := s.newRequest(wire.App, cmdCapabilities, thisChannel|extended, level)
	packet := wire.AppendFirst(nil, wire.AppendRequest(nil, q))
	var r wire.Reply
	err := s.ask(ctx, patience[:], func() error { return second(s.conn.Write(packet)) }, func(b []byte) (bool, error) {
		message, err := wire.ParseFirst(b)
		if err != nil {
			return false, nil
		}
		r, err = wire.ParseReply(message)
		return err == nil && r.Answers(q), nil
	})
	switch {
	case err != nil:
		return err
	case r.Code != 0:
		return &codeError{netFn: wire.App, command: cmdCapabilities, code: r.Code}
	case len(r.Data) < 4 || r.Data[1]&0x80 == 0 || r.Data[3]&0x02 == 0:
		return &ports.Error{Reason: ports.Unsupported, Err: errors.New("the BMC does not speak IPMI 2.0")}
	}
	return nil
}

func second(_ int, err error) error { return err }

// handshake is ask for a step of the handshake.
func (s *session) handshake(ctx context.Context, tries int, kind wire.Payload, payload []byte, heard func(b []byte) (bool, error)) error {
	packet := wire.AppendPlain(nil, kind, payload)
	return s.ask(ctx, patience[:tries], func() error { return second(s.conn.Write(packet)) }, func(b []byte) (bool, error) {
		p, err := wire.ParsePlain(b)
		if err != nil || p.Type != kind+1 {
			return false, nil
		}
		return heard(p.Payload)
	})
}

// propose opens the handshake with the best suite that the BMC agrees to.
func (b IPMI) propose(ctx context.Context, s *session, password, key []byte) (*wire.Handshake, error) {
	var err error
	for i := range wire.Suites {
		suite := &wire.Suites[i]
		if b.Cipher != 0 && b.Cipher != suite.ID {
			continue
		}
		h := &wire.Handshake{
			Suite: suite, Role: privileges[b.Privilege] | wire.NameOnly,
			User: []byte(b.User), UserKey: password, BMCKey: key,
		}
		h.M, h.Tag = randomID()
		rand.Read(h.RM[:])
		tries := len(patience)
		if b.Cipher == 0 && i < len(wire.Suites)-1 {
			tries = 3 // some are silent to what they do not know
		}
		err = s.handshake(ctx, tries, wire.OpenRequest, h.OpenRequest(), h.OpenReply)
		if err == nil {
			return h, nil
		}
		if refused, ok := errors.AsType[*wire.StatusError](err); !errors.Is(err, errSilent) && !(ok && refused.Status.NoSuite()) {
			break
		}
	}
	return nil, b.refused(err)
}

// randomID is a session ID that nobody guesses and a tag for its messages.
func randomID() (id uint32, tag byte) {
	var b [5]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint32(b[:]) | 1, b[4] // 0 would be no session
}

// unproven is why a message of RAKP came to nothing.
func (b IPMI) unproven(err error) error {
	if errors.Is(err, errSilent) {
		return b.silenced()
	}
	return b.refused(err)
}

// prove is RAKP 1 to 4. The BMC shows in RAKP 2 that it knows the password,
// before we do in RAKP 3; a wrong one ends here, without an attempt that the
// BMC would count.
func (b IPMI) prove(ctx context.Context, s *session, h *wire.Handshake) error {
	var right bool
	err := s.handshake(ctx, len(patience), wire.RAKP1, h.RAKP1(), func(b []byte) (mine bool, err error) {
		mine, right, err = h.RAKP2(b)
		return mine, err
	})
	switch {
	case err != nil:
		return b.unproven(err)
	case !right:
		s.conn.Write(wire.AppendPlain(nil, wire.RAKP3, h.RAKP3(wire.StatusWrongCode))) // so that it drops the session
		return &ports.Error{
			Reason: ports.Authentication, Err: errors.New("the BMC has another password for the user"),
			Fix: fmt.Sprintf("correct the password in %s, or set it on the BMC: ipmitool user set password ID", b.Password),
		}
	}
	err = s.handshake(ctx, len(patience), wire.RAKP3, h.RAKP3(wire.StatusOK), func(b []byte) (mine bool, err error) {
		mine, right, err = h.RAKP4(b)
		return mine, err
	})
	switch {
	case err != nil:
		return b.unproven(err)
	case !right:
		return b.wrongKey()
	}
	s.own, s.bmc = h.M, h.C
	s.codec, err = wire.NewCodec(h.Suite, h.SIK())
	return err
}

func (b IPMI) wrongKey() error {
	e := &ports.Error{Reason: ports.Authentication, Err: errors.New("the BMC has another key K_g"), Fix: "set kg, the key K_g that the BMC has"}
	if b.KG != nil {
		e.Fix = fmt.Sprintf("correct the key K_g in %s", b.KG)
	}
	return e
}

// silenced is a BMC that answered until it was told who we are.
func (b IPMI) silenced() error {
	return &ports.Error{
		Reason: ports.Authentication, Err: errors.New("the BMC stopped answering when it was told the user"),
		Fix: b.userFix(),
	}
}

func (b IPMI) userFix() string {
	return "look for the user on the BMC: ipmitool user list 1 (the name, enabled, link auth and IPMI messages on)"
}

// refused says what a step that the BMC refused means to people.
func (b IPMI) refused(err error) error {
	e, ok := errors.AsType[*wire.StatusError](err)
	if !ok {
		return err
	}
	reason, fix := ports.Failed, ""
	switch {
	case e.Status.NoSuite():
		reason, fix = ports.Unsupported, "enable cipher suite 17 or 3 on the BMC: ipmitool lan print 1"
	case e.Status == wire.StatusNoResources || e.Status == wire.StatusNoRoleResources:
		reason, fix = ports.InUse, "close sessions that nobody needs: ipmitool session info all"
	case slices.Contains([]wire.Status{wire.StatusNoRole, wire.StatusUnauthRole}, e.Status):
		reason, fix = ports.Authentication, "give the user the privilege: ipmitool channel setaccess 1 ID privilege=3; or ask for less with privilege: user"
	case e.Status == wire.StatusUnauthName || e.Status == wire.StatusNameLength:
		reason, fix = ports.Authentication, b.userFix()
	case e.Status == wire.StatusWrongCode:
		reason, fix = ports.Authentication, "correct the password and, where the BMC has one, the key kg"
	}
	return &ports.Error{Reason: reason, Err: fmt.Errorf("the BMC refuses: %w", e), Fix: fix}
}
