package wire

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
)

// A Status is what the BMC says of a step of the handshake (table 13-15).
type Status byte

// Those that are told apart.
const (
	StatusOK              Status = 0x00
	StatusNoResources     Status = 0x01
	StatusInvalidSession  Status = 0x02
	StatusInactiveSession Status = 0x08
	StatusNoRole          Status = 0x09
	StatusUnauthRole      Status = 0x0a
	StatusNoRoleResources Status = 0x0b
	StatusNameLength      Status = 0x0c
	StatusUnauthName      Status = 0x0d
	StatusWrongCode       Status = 0x0f
	StatusNoConfid        Status = 0x10
	StatusNoSuite         Status = 0x11
)

// statusText is table 13-15.
var statusText = map[Status]string{
	StatusNoResources:     "it has no session left",
	StatusInvalidSession:  "it does not know the session",
	0x03:                  "it does not know the payload type",
	0x04:                  "it does not do the authentication algorithm",
	0x05:                  "it does not do the integrity algorithm",
	0x06:                  "no authentication algorithm matches",
	0x07:                  "no integrity algorithm matches",
	StatusInactiveSession: "the session is not active",
	StatusNoRole:          "it does not know the privilege level",
	StatusUnauthRole:      "the user may not have this privilege level",
	StatusNoRoleResources: "it has no session left at this privilege level",
	StatusNameLength:      "the user name is too long for it",
	StatusUnauthName:      "it does not know the user",
	0x0e:                  "it does not know the GUID",
	StatusWrongCode:       "the password or the key is wrong",
	StatusNoConfid:        "it does not do the confidentiality algorithm",
	StatusNoSuite:         "it does not do the cipher suite",
	0x12:                  "it does not understand a parameter",
}

// String is the status in words.
func (s Status) String() string {
	if text, ok := statusText[s]; ok {
		return text
	}
	return fmt.Sprintf("status %02xh", byte(s))
}

// NoSuite reports whether the BMC refused the algorithms, not us.
func (s Status) NoSuite() bool {
	return s >= 0x03 && s <= 0x07 || s == StatusNoConfid || s == StatusNoSuite
}

// A Handshake is what both ends know once they have spoken (13.31). Its numbers
// are as the specification counts them: M is the remote console, C the BMC.
type Handshake struct {
	Suite   *Suite
	Tag     byte
	M, C    uint32 // session IDs
	RM, RC  [16]byte
	GUID    [16]byte
	Role    byte // the privilege level asked for, and nameOnly
	User    []byte
	UserKey []byte // K_UID, the password
	BMCKey  []byte // K_G; the password where there is none
}

// NameOnly asks the BMC to look the user up by the name alone (table 13-11).
const NameOnly = 0x10

// appendIDs appends what identifies the two ends.
func (h *Handshake) appendIDs(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.M)
	return binary.LittleEndian.AppendUint32(b, h.C)
}

// who is the role and the name, which nearly every code covers.
func (h *Handshake) who() []byte {
	return append([]byte{h.Role, byte(len(h.User))}, h.User...)
}

// Code2 is the code of RAKP 2, by which the BMC shows that it knows the password.
func (h *Handshake) Code2() []byte {
	return h.Suite.mac(h.UserKey, h.appendIDs(nil), h.RM[:], h.RC[:], h.GUID[:], h.who())
}

// Code3 is the code of RAKP 3, by which the remote console shows it.
func (h *Handshake) Code3() []byte {
	return h.Suite.mac(h.UserKey, h.RC[:], binary.LittleEndian.AppendUint32(nil, h.M), h.who())
}

// SIK is the session integrity key.
func (h *Handshake) SIK() []byte {
	return h.Suite.mac(h.BMCKey, h.RM[:], h.RC[:], h.who())
}

// Code4 is the code of RAKP 4, by which the BMC shows that it has the same SIK.
func (h *Handshake) Code4() []byte {
	return h.Suite.mac(h.SIK(), h.RM[:], binary.LittleEndian.AppendUint32(nil, h.C), h.GUID[:])[:h.Suite.codeLen]
}

// algorithms is the three payloads that propose or accept a suite (table 13-9).
func (h *Handshake) algorithms() []byte {
	return []byte{
		0, 0, 0, 8, h.Suite.Authentication, 0, 0, 0,
		1, 0, 0, 8, h.Suite.Integrity, 0, 0, 0,
		2, 0, 0, 8, h.Suite.Confidentiality, 0, 0, 0,
	}
}

// OpenRequest proposes the suite, and no other. The privilege level 0 leaves
// the highest to the suite; RAKP 1 names the one that is wanted.
func (h *Handshake) OpenRequest() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{h.Tag, 0, 0, 0}, h.M)
	return append(b, h.algorithms()...)
}

// A StatusError is a step of the handshake that the BMC refused.
type StatusError struct{ Status Status }

func (e *StatusError) Error() string { return e.Status.String() }

// answer checks what the answers of the handshake begin with: the tag, the
// status and, where the BMC has come that far, our session ID. mine is false for what
// answers something else.
func (h *Handshake) answer(b []byte) (mine bool, err error) {
	if len(b) < 2 || b[0] != h.Tag {
		return false, nil
	}
	if status := Status(b[1]); status != StatusOK {
		return true, &StatusError{status}
	}
	return len(b) >= 8 && binary.LittleEndian.Uint32(b[4:]) == h.M, nil
}

// errDowngrade is an answer with other algorithms than the ones proposed.
var errDowngrade = fmt.Errorf("the BMC answers with algorithms that were not proposed")

// OpenReply takes in the answer to OpenRequest. It must repeat the very
// algorithms that were proposed: neither "none" nor any other is talked into.
func (h *Handshake) OpenReply(b []byte) (mine bool, err error) {
	if mine, err = h.answer(b); !mine || err != nil {
		return mine, err
	}
	if len(b) < 36 {
		return true, errShort
	}
	h.C = binary.LittleEndian.Uint32(b[8:])
	for i, part := range [][]byte{b[12:20], b[20:28], b[28:36]} {
		want := h.algorithms()[8*i:]
		// The length stands in the middle; BMCs differ in what is reserved around it.
		if part[0] != want[0] || part[3] != want[3] || part[4] != want[4] {
			return true, errDowngrade
		}
	}
	if h.C == 0 {
		return true, errFormat
	}
	return true, nil
}

// RAKP1 says who we are.
func (h *Handshake) RAKP1() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{h.Tag, 0, 0, 0}, h.C)
	b = append(b, h.RM[:]...)
	b = append(b, h.Role, 0, 0, byte(len(h.User)))
	return append(b, h.User...)
}

// RAKP2 takes in the answer to RAKP1. right says whether the BMC knows the
// password that we know.
func (h *Handshake) RAKP2(b []byte) (mine, right bool, err error) {
	if mine, err = h.answer(b); !mine || err != nil {
		return mine, false, err
	}
	const before = 40
	if len(b) != before+h.Suite.HashLen() {
		return true, false, errLength
	}
	copy(h.RC[:], b[8:])
	copy(h.GUID[:], b[24:])
	return true, hmac.Equal(b[before:], h.Code2()), nil
}

// RAKP3 shows that we know the password, or says by its status why we go.
func (h *Handshake) RAKP3(status Status) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{h.Tag, byte(status), 0, 0}, h.C)
	if status != StatusOK {
		return b
	}
	return append(b, h.Code3()...)
}

// RAKP4 takes in the answer to RAKP3. right says whether the BMC has the
// session key that we have.
func (h *Handshake) RAKP4(b []byte) (mine, right bool, err error) {
	if mine, err = h.answer(b); !mine || err != nil {
		return mine, false, err
	}
	if len(b) != 8+h.Suite.codeLen {
		return true, false, errLength
	}
	return true, hmac.Equal(b[8:], h.Code4()), nil
}
