package wire

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// A Suite is a cipher suite (table 22-20). There is none here without
// authentication, integrity or confidentiality, so none can be talked into one.
type Suite struct {
	ID                                         int
	Authentication, Integrity, Confidentiality byte // the numbers of tables 13-17 to 13-19
	hash                                       func() hash.Hash
	codeLen                                    int // of the integrity algorithm
}

// Suites are all that are spoken, the best first.
var Suites = [...]Suite{
	{ID: 17, Authentication: 3, Integrity: 4, Confidentiality: 1, hash: sha256.New, codeLen: 16}, // HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128
	{ID: 3, Authentication: 1, Integrity: 1, Confidentiality: 1, hash: sha1.New, codeLen: 12},    // HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128
}

// mac is the HMAC of parts under key.
func (s *Suite) mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(s.hash, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// HashLen is the length of the codes that RAKP 2 and 3 carry.
func (s *Suite) HashLen() int { return s.hash().Size() }

// A Codec seals and opens the packets of one session, with K1 and K2 made of
// the session integrity key (13.32). It is not safe for concurrent use.
type Codec struct {
	integrity hash.Hash
	codeLen   int
	block     cipher.Block
	code      [sha256.Size]byte
}

// NewCodec is the codec of a session whose integrity key is sik.
func NewCodec(s *Suite, sik []byte) (*Codec, error) {
	var one, two [20]byte
	for i := range one {
		one[i], two[i] = 1, 2
	}
	block, err := aes.NewCipher(s.mac(sik, two[:])[:16])
	if err != nil {
		return nil, err
	}
	return &Codec{integrity: hmac.New(s.hash, s.mac(sik, one[:])), codeLen: s.codeLen, block: block}, nil
}

// nextHeader stands before the code (table 13-8).
const nextHeader = 0x07

// Seal appends p, encrypted (13.29) and authenticated (13.28.4).
func (c *Codec) Seal(b []byte, p Packet) []byte {
	start := len(b)
	b = appendHeader(b, p, flagEncrypted|flagAuthenticated)
	iv := len(b)
	b = append(b, make([]byte, aes.BlockSize)...)
	rand.Read(b[iv:]) // it never fails
	text := len(b)
	b = append(b, p.Payload...)
	pad := (aes.BlockSize - (len(p.Payload)+1)%aes.BlockSize) % aes.BlockSize
	for i := range pad {
		b = append(b, byte(i+1))
	}
	b = append(b, byte(pad))
	cipher.NewCBCEncrypter(c.block, b[iv:text]).CryptBlocks(b[text:], b[text:])
	setLength(b[start:], len(b)-iv)

	signed := start + rmcpLen
	fill := (4 - (len(b)-signed+2)%4) % 4
	for range fill {
		b = append(b, 0xff)
	}
	b = append(b, byte(fill), nextHeader)
	return append(b, c.sign(b[signed:])...)
}

func (c *Codec) sign(b []byte) []byte {
	c.integrity.Reset()
	c.integrity.Write(b)
	return c.integrity.Sum(c.code[:0])[:c.codeLen]
}

// Open checks b's code, in constant time, before anything in it but its length is
// believed, and decrypts it in place.
func (c *Codec) Open(b []byte) (Packet, error) {
	p, flags, length, err := header(b)
	switch {
	case err != nil:
		return Packet{}, err
	case flags != flagEncrypted|flagAuthenticated:
		return Packet{}, errPlain
	case len(b) > MaxPacket:
		return Packet{}, errLength
	}
	end := len(b) - c.codeLen
	trailer := end - (rmcpLen + headerLen + length) // padding, its length, the next header
	if trailer < 2 {
		return Packet{}, errShort
	}
	if !hmac.Equal(c.sign(b[rmcpLen:end]), b[end:]) {
		return Packet{}, errCode
	}
	if int(b[end-2]) != trailer-2 || b[end-1] != nextHeader {
		return Packet{}, errPadding
	}
	p.Payload, err = c.decrypt(p.Payload[:length])
	return p, err
}

func (c *Codec) decrypt(b []byte) ([]byte, error) {
	if len(b) < 2*aes.BlockSize || len(b)%aes.BlockSize != 0 {
		return nil, errLength
	}
	text := b[aes.BlockSize:]
	cipher.NewCBCDecrypter(c.block, b[:aes.BlockSize]).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad >= aes.BlockSize {
		return nil, errPadding
	}
	text, padding := text[:len(text)-1-pad], text[len(text)-1-pad:len(text)-1]
	for i, x := range padding {
		if x != byte(i+1) {
			return nil, errPadding
		}
	}
	return text, nil
}
