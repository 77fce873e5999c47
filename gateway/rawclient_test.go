package gateway

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// A raw client speaks SSH packet by packet, so that a test can send what no
// proper client sends: other names between requests, and malformed ones. One
// set of algorithms is all it knows.
type raw struct {
	t       testing.TB
	c       net.Conn
	r       *bufio.Reader
	in, out gcm
	id      []byte // of the session
	asked   bool   // for the authentication service
	ended   bool
}

// A gcm is one direction of aes128-gcm@openssh.com (RFC 5647).
type gcm struct {
	aead  cipher.AEAD
	nonce []byte
}

func (g *gcm) step() {
	for i := len(g.nonce) - 1; i >= 4; i-- {
		if g.nonce[i]++; g.nonce[i] != 0 {
			return
		}
	}
}

func str[T string | []byte](b T) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

// mpint is a positive number (RFC 4251 section 5).
func mpint(b []byte) []byte {
	b = new(big.Int).SetBytes(b).Bytes()
	if len(b) > 0 && b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return str(b)
}

// dialRaw connects and exchanges keys.
func dialRaw(t testing.TB, addr string) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return rawOver(t, nc)
}

// rawOver exchanges keys over a connection.
func rawOver(t testing.TB, nc net.Conn) *raw {
	t.Helper()
	r := &raw{t: t, c: nc, r: bufio.NewReader(nc)}
	t.Cleanup(r.close)
	if err := r.exchange(); err != nil {
		t.Fatalf("raw client: %v", err)
	}
	return r
}

// exchange is the version and key exchange (RFC 4253 sections 4 to 8, RFC 8731).
func (r *raw) exchange() error {
	const own = "SSH-2.0-raw"
	if _, err := io.WriteString(r.c, own+"\r\n"); err != nil {
		return err
	}
	theirs, err := r.r.ReadString('\n')
	if err != nil {
		return err
	}
	init := cat([]byte{20}, make([]byte, 16))
	for _, list := range []string{
		"curve25519-sha256", "ssh-ed25519", "aes128-gcm@openssh.com", "aes128-gcm@openssh.com",
		"hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "",
	} {
		init = append(init, str(list)...)
	}
	init = append(init, 0, 0, 0, 0, 0)
	if err := r.write(init); err != nil {
		return err
	}
	theirInit, err := r.read()
	if err != nil {
		return err
	}
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	public := private.PublicKey().Bytes()
	if err := r.write(cat([]byte{30}, str(public))); err != nil {
		return err
	}
	reply, err := r.read()
	if err != nil {
		return err
	}
	var parsed struct{ HostKey, Public, Signature []byte }
	if err := gossh.Unmarshal(reply[1:], &parsed); err != nil {
		return err
	}
	point, err := ecdh.X25519().NewPublicKey(parsed.Public)
	if err != nil {
		return err
	}
	secret, err := private.ECDH(point)
	if err != nil {
		return err
	}
	k := mpint(secret)
	sum := sha256.Sum256(cat(str(own), str(strings.TrimRight(theirs, "\r\n")), str(init), str(theirInit),
		str(parsed.HostKey), str(public), str(parsed.Public), k))
	r.id = sum[:]
	if err := r.write([]byte{21}); err != nil {
		return err
	}
	if p, err := r.read(); err != nil || p[0] != 21 {
		return errors.Join(errors.New("no new keys"), err)
	}
	derive := func(tag byte, n int) []byte {
		d := sha256.Sum256(cat(k, r.id, []byte{tag}, r.id))
		return d[:n]
	}
	if r.out, err = newGCM(derive('C', 16), derive('A', 12)); err != nil {
		return err
	}
	r.in, err = newGCM(derive('D', 16), derive('B', 12))
	return err
}

func newGCM(key, nonce []byte) (gcm, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return gcm{}, err
	}
	aead, err := cipher.NewGCM(block)
	return gcm{aead, nonce}, err
}

// write sends a packet.
func (r *raw) write(payload []byte) error {
	block, head := 16, 1
	if r.out.aead == nil {
		block, head = 8, 5
	}
	pad := block - (head+len(payload))%block
	if pad < 4 {
		pad += block
	}
	body := cat([]byte{byte(pad)}, payload, make([]byte, pad))
	length := u32(uint32(len(body)))
	if r.out.aead != nil {
		body = r.out.aead.Seal(nil, r.out.nonce, body, length)
		r.out.step()
	}
	_, err := r.c.Write(append(length, body...))
	return err
}

// read receives a packet.
func (r *raw) read() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r.r, length[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(length[:]))
	if r.in.aead != nil {
		n += r.in.aead.Overhead()
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r.r, body); err != nil {
		return nil, err
	}
	if r.in.aead != nil {
		plain, err := r.in.aead.Open(nil, r.in.nonce, body, length[:])
		if err != nil {
			return nil, err
		}
		r.in.step()
		body = plain
	}
	return body[1 : len(body)-int(body[0])], nil
}

// next is the next packet of one of the given kinds; nil at the end of the connection.
func (r *raw) next(kinds ...byte) []byte {
	for !r.ended {
		p, err := r.read()
		if err != nil || p[0] == 1 {
			r.ended = true
			return nil
		}
		if slices.Contains(kinds, p[0]) {
			return p
		}
	}
	return nil
}

func (r *raw) close() { r.c.Close() }

// auth sends an authentication request (RFC 4252 section 5) and returns the answer.
func (r *raw) auth(name, method string, rest ...[]byte) []byte {
	if !r.asked {
		r.asked = true
		if r.write(cat([]byte{5}, str("ssh-userauth"))) != nil || r.next(6) == nil {
			return nil
		}
	}
	if r.write(cat([]byte{50}, str(name), str("ssh-connection"), str(method), cat(rest...))) != nil {
		return nil
	}
	return r.next(51, 52, 60)
}

func (r *raw) none(name string) bool { return letIn(r.auth(name, "none")) }

func (r *raw) password(name, password string) bool {
	return letIn(r.auth(name, "password", []byte{0}, str(password)))
}

func (r *raw) query(name string, key gossh.PublicKey) bool {
	p := r.auth(name, "publickey", []byte{0}, str(key.Type()), str(key.Marshal()))
	return p != nil && p[0] == 60
}

// sign proves a key (RFC 4252 section 7).
func (r *raw) sign(name string, s gossh.Signer) bool {
	key := s.PublicKey()
	signed := cat(str(r.id), []byte{50}, str(name), str("ssh-connection"), str("publickey"),
		[]byte{1}, str(key.Type()), str(key.Marshal()))
	sig, err := s.Sign(rand.Reader, signed)
	if err != nil {
		r.t.Fatal(err)
	}
	return letIn(r.auth(name, "publickey", []byte{1}, str(key.Type()), str(key.Marshal()), str(gossh.Marshal(sig))))
}

func letIn(p []byte) bool { return p != nil && p[0] == 52 }

// open opens a session channel and returns whether it was let.
func (r *raw) open(kind string) bool {
	if r.write(cat([]byte{90}, str(kind), u32(0), u32(1<<20), u32(1<<15))) != nil {
		return false
	}
	p := r.next(91, 92)
	return p != nil && p[0] == 91
}

// request sends a channel request and returns whether it succeeded; alive is
// false if the connection ended instead.
func (r *raw) request(kind string, payload []byte) (ok, alive bool) {
	if r.write(cat([]byte{98}, u32(0), str(kind), []byte{1}, payload)) != nil {
		return false, false
	}
	p := r.next(99, 100)
	return p != nil && p[0] == 99, p != nil
}

// exec runs a command and returns what it wrote.
func (r *raw) exec(line string) string {
	if !r.open("session") {
		return ""
	}
	if ok, _ := r.request("exec", str(line)); !ok {
		return ""
	}
	var out strings.Builder
	for {
		p := r.next(94, 97)
		if p == nil || p[0] == 97 {
			return out.String()
		}
		out.Write(p[9:])
	}
}
