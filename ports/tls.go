package ports

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

// TLS is what a connection is secured by. The target's certificate is always
// verified; nothing switches that off.
type TLS struct {
	On   bool
	CA   string // file of the certificates that are trusted in place of the system's: authorities, or the target's own
	Name string // the name that the target's certificate must have; empty: the host of the address
	Cert string // file of our certificate, with those between it and its authority
	Key  string // file of its private key, which nobody else may read
}

// Check says what is wrong with the settings; Load looks into the files.
func (t TLS) Check() error {
	switch {
	case !t.On && t != (TLS{}):
		return errors.New("tls is off and has settings")
	case t.Cert != "" && t.Key == "":
		return errors.New("tls has cert and no key")
	case t.Key != "" && t.Cert == "":
		return errors.New("tls has key and no cert")
	}
	return nil
}

// String is " tls" where it is on, to stand behind an address.
func (t TLS) String() string {
	if t.On {
		return " tls"
	}
	return ""
}

// Load reads the files, for a target at the host:port address. They are read at
// each opening, so that a certificate that was renewed is in use by itself.
func (t TLS) Load(address string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.Name}
	if t.Name == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		config.ServerName, _, _ = strings.Cut(host, "%") // certificates know no zones
	}
	if t.CA != "" {
		text, _, err := readPEM("ca", t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fileError("ca", t.CA, "no certificate in it", "it must hold certificates in PEM, which begin with -----BEGIN CERTIFICATE-----")
		}
	}
	if t.Cert == "" {
		return config, nil
	}
	own, err := t.loadOwn()
	config.Certificates = []tls.Certificate{own}
	return config, err
}

func (t TLS) loadOwn() (tls.Certificate, error) {
	cert, _, err := readPEM("cert", t.Cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, mode, err := readPEM("key", t.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if mode&0o077 != 0 && runtime.GOOS != "windows" { // Windows keeps access elsewhere
		return tls.Certificate{}, fileError("key", t.Key, fmt.Sprintf("mode %#o lets others read it", mode), "chmod 600 "+t.Key)
	}
	own, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, &Error{Reason: Failed, Op: "tls cert " + t.Cert + " with key " + t.Key, Err: err}
	}
	return own, nil
}

// maxPEM is well above a system's whole collection of authorities.
const maxPEM = 4 << 20

// readPEM reads the file that a key of the settings names.
func readPEM(key, file string) (text []byte, mode os.FileMode, err error) {
	op := "tls " + key + " " + file
	info, err := os.Stat(file)
	if err != nil {
		return nil, 0, &Error{Reason: Failed, Op: op, Err: bare(err)} // "device gone" it is not
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fileError(key, file, "not a regular file", "") // opening a pipe would wait
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, &Error{Reason: Failed, Op: op, Err: bare(err), Fix: fixDenied(err)}
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, 0, &Error{Reason: Failed, Op: op, Err: bare(err)}
	}
	if len(text) > maxPEM {
		return nil, 0, fileError(key, file, fmt.Sprintf("longer than %d MiB", maxPEM>>20), "")
	}
	return text, info.Mode().Perm(), nil
}

func fileError(key, file, what, fix string) error {
	return &Error{Reason: Failed, Op: "tls " + key + " " + file, Err: errors.New(what), Fix: fix}
}

// A secured is a stream whose bytes pass through TLS: its conn is the record
// layer, and below that is the socket.
type secured struct {
	*stream
	below *below
	more  bool   // there may be bytes that the socket no longer shows; the reader's own
	early []byte // read while verdict waited
}

// secure shakes hands over a stream, before ctx ends.
func secure(ctx context.Context, s *stream, config *tls.Config) (Port, error) {
	p := &secured{stream: s, below: &below{Conn: s.conn, try: &s.try}}
	asked := false
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		if len(config.Certificates) == 0 {
			return &tls.Certificate{}, nil // none; the target may be content with that
		}
		return &config.Certificates[0], nil
	}
	conn := tls.Client(p.below, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	s.conn = conn
	if asked && conn.ConnectionState().Version >= tls.VersionTLS13 {
		return p, p.verdict()
	}
	return p, nil
}

// verdictLimit is how long a target has to refuse our certificate before the
// line counts as open.
const verdictLimit = 500 * time.Millisecond

// verdict waits for what the target says to our certificate, which in TLS 1.3
// comes after the handshake: a line that it refuses is not to look open for a
// moment at each attempt. A target that says nothing is content.
func (p *secured) verdict() error {
	first := make([]byte, 1)
	p.below.SetReadDeadline(time.Now().Add(verdictLimit))
	n, err := p.conn.Read(first)
	p.early, p.more = first[:n], true
	if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return p.below.SetReadDeadline(time.Time{})
}

// takeEarly is a read of what verdict has read.
func (p *secured) takeEarly(buf []byte) int {
	n := copy(buf, p.early)
	p.early = p.early[n:]
	return n
}

func (p *secured) Read(buf []byte) (int, error) {
	if n := p.takeEarly(buf); n > 0 {
		return n, nil
	}
	return p.stream.Read(buf)
}

// Close closes the socket at once. TLS's goodbye is left out: it could wait for
// a peer that reads nothing, and a console has no end that could be cut off unseen.
func (p *secured) Close() error {
	p.below.Close()
	return nil
}

// classifyTLS is what a failed handshake, or the peer's alert after it, says
// about the line; empty for what is not of TLS.
func classifyTLS(err error) (reason Reason, fix string) {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return WrongCertificate, fixCertificate(err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return Failed, "the target does not speak TLS on this port: leave tls out, or give the port that does"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		// Alerts of RFC 8446, 6.2; package tls keeps their type to itself.
		const fix = "give cert and key under tls: a certificate of ours that the target accepts"
		switch text := op.Err.Error(); {
		case strings.Contains(text, "certificate"), strings.Contains(text, "access denied"):
			return Authentication, fix
		case strings.Contains(text, "handshake failure"):
			return Failed, "if the target wants it, " + fix // so does TLS 1.2 say that one is missing, and other things
		}
		return Failed, ""
	}
	return "", ""
}

func fixCertificate(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "give one of the certificate's names as name under tls, or the target a certificate with this name among its subjectAltNames"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "give the file with its authority's certificate as ca under tls, or with its own if it is self-signed"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "renew the target's certificate; if that is good, set the clock of this machine"
	}
	return ""
}
