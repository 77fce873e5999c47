package bmctest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"consoled/ports/ipmi/wire"
)

// handshake answers the steps of a login.
func (b *BMC) handshake(p wire.Packet) {
	switch p.Type {
	case wire.OpenRequest:
		if len(p.Payload) == 32 {
			b.open(p.Payload)
		}
	case wire.RAKP1:
		if len(p.Payload) >= 28 && len(p.Payload) == 28+int(p.Payload[27]) {
			b.rakp1(p.Payload)
		}
	case wire.RAKP3:
		if len(p.Payload) >= 8 {
			b.rakp3(p.Payload)
		}
	}
}

func (b *BMC) open(q []byte) {
	b.log.Opens = append(b.log.Opens, q[12])
	h := wire.Handshake{Tag: q[0], M: binary.LittleEndian.Uint32(q[4:]), UserKey: []byte(b.Password), BMCKey: []byte(b.Password)}
	if b.Key != "" {
		h.BMCKey = []byte(b.Key)
	}
	for i := range wire.Suites {
		s := &wire.Suites[i]
		if s.Authentication == q[12] && s.Integrity == q[20] && s.Confidentiality == q[28] && (b.Suites == nil || slices.Contains(b.Suites, s.ID)) {
			h.Suite = s
		}
	}
	r := binary.LittleEndian.AppendUint32([]byte{h.Tag, 0, 4, 0}, h.M)
	if h.Suite == nil {
		r[1] = byte(wire.StatusNoSuite)
		b.plain(wire.OpenReply, r)
		return
	}
	h.C = h.M ^ 0x5a5a5a5a
	b.hand = h
	r = binary.LittleEndian.AppendUint32(r, h.C)
	b.plain(wire.OpenReply, append(r, q[8:32]...))
}

func (b *BMC) rakp1(q []byte) {
	h := &b.hand
	h.Tag = q[0]
	copy(h.RM[:], q[8:])
	h.Role, h.User = q[24], bytes.Clone(q[28:])
	r := binary.LittleEndian.AppendUint32([]byte{h.Tag, 0, 0, 0}, h.M)
	if string(h.User) != b.User {
		r[1] = byte(wire.StatusUnauthName)
		b.plain(wire.RAKP2, r)
		return
	}
	rand.Read(h.RC[:])
	copy(h.GUID[:], "consoled-bmctest")
	r = append(append(r, h.RC[:]...), h.GUID[:]...)
	b.plain(wire.RAKP2, append(r, h.Code2()...))
}

func (b *BMC) rakp3(q []byte) {
	h := &b.hand
	if q[1] != 0 {
		return // it goes
	}
	b.log.Proofs++
	r := binary.LittleEndian.AppendUint32([]byte{q[0], 0, 0, 0}, h.M)
	if !bytes.Equal(q[8:], h.Code3()) {
		r[1] = byte(wire.StatusWrongCode)
		b.plain(wire.RAKP4, r)
		return
	}
	codec, err := wire.NewCodec(h.Suite, h.SIK())
	if err != nil {
		return
	}
	if b.session == nil || b.session.own != h.C { // not the repetition of a lost step
		b.session = &session{codec: codec, own: h.C, peer: h.M}
	}
	b.plain(wire.RAKP4, append(r, h.Code4()...))
}
