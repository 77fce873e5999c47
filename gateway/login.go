package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/auth"
	"consoled/ports/ssh"
)

// Why an authentication request was refused; the texts are for the log.
var (
	errNone        = errors.New("no key was offered")
	errRenamed     = errors.New("login name changed between requests")
	errCertificate = errors.New("certificates are not accepted")
	errExplained   = errors.New("keyboard-interactive only tells why")
)

// A login is the authentication of one connection: the callbacks of the SSH
// library, which calls them from one goroutine. Nothing about who somebody is
// is kept here: that is decided anew on the request that completes
// authentication, and travels in that request's own Permissions.
type login struct {
	c       *connection
	begun   bool
	name    string // of the first request; every other one must be for the same
	renamed bool
	refused []refusedKey
	shown   bool  // a key that would do: its holder has still to sign
	odd     error // why the last key request was refused before anybody looked at the key
	greedy  bool  // proved a key that has its share of the connections
	told    bool
}

// A refusedKey is a key that was offered and does not open this door.
type refusedKey struct{ fingerprint, why string }

// A proof is what a completed authentication establishes.
type proof struct {
	identity auth.Identity
	name     string // the login name of that very request, as sent
}

// proofKey is the proof's place in Permissions.ExtraData.
type proofKey struct{}

// proven takes the proof out of a connection's permissions.
func proven(p *gossh.Permissions) (proof, bool) {
	if p == nil {
		return proof{}, false
	}
	v, ok := p.ExtraData[proofKey{}].(proof)
	return v, ok
}

// config is the server configuration of this one connection.
func (l *login) config(tries int) *gossh.ServerConfig {
	return &gossh.ServerConfig{
		Config:                  ssh.Algorithms(),
		PublicKeyAuthAlgorithms: keyAlgorithms(),
		MaxAuthTries:            tries,
		ServerVersion:           ssh.Greeting,
		// gliderlabs/ssh turns NoClientAuth on where it sees no handler of its
		// own; with this callback it lets nobody in.
		NoClientAuth:                true,
		NoClientAuthCallback:        l.none,
		PublicKeyCallback:           l.offered,
		VerifiedPublicKeyCallback:   l.signed,
		KeyboardInteractiveCallback: l.explain,
		AuthLogCallback:             l.attempted,
		PreAuthConnCallback:         func(gossh.ServerPreAuthConn) { l.c.keyed.Store(true) },
	}
}

// sameName refuses a connection that asks for a second login name, for good.
func (l *login) sameName(m gossh.ConnMetadata) error {
	if !l.begun {
		l.begun, l.name = true, m.User()
	}
	if m.User() != l.name {
		l.renamed = true
	}
	if l.renamed {
		return errRenamed
	}
	return nil
}

// none answers the method "none", by which clients ask what there is.
func (l *login) none(m gossh.ConnMetadata) (*gossh.Permissions, error) {
	if err := l.sameName(m); err != nil {
		return nil, err
	}
	return nil, gossh.ErrNoAuth
}

// offered says whether a key would do. It gives nothing away that lasts: the
// client may offer one key and sign with another.
func (l *login) offered(m gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
	if err := l.sameName(m); err != nil {
		return nil, err
	}
	_, err := l.identify(l.c.g.site.Load(), key)
	l.shown = l.shown || err == nil
	if err != nil {
		l.pay(fingerprint(key))
		l.refuse(key, err)
	}
	return nil, err
}

func (l *login) identify(s *site, key gossh.PublicKey) (auth.Identity, error) {
	if _, ok := key.(*gossh.Certificate); ok {
		return auth.Identity{}, errCertificate
	}
	return s.policy.Identify(key, l.c.source, time.Now())
}

// fingerprint is what people know a key by, and can list: also that of a
// certificate is its key's.
func fingerprint(key gossh.PublicKey) string {
	if cert, ok := key.(*gossh.Certificate); ok {
		key = cert.Key
	}
	return gossh.FingerprintSHA256(key)
}

func (l *login) refuse(key gossh.PublicKey, why error) {
	r := refusedKey{fingerprint(key), why.Error()}
	if !slices.Contains(l.refused, r) {
		l.refused = append(l.refused, r)
	}
}

// signed completes authentication: the key's signature is good. Who it is, and
// for which name, is decided here and bound to this request.
func (l *login) signed(m gossh.ConnMetadata, key gossh.PublicKey, _ *gossh.Permissions, _ string) (*gossh.Permissions, error) {
	if err := l.sameName(m); err != nil {
		return nil, err
	}
	for welcome := false; ; welcome = true {
		s := l.c.g.site.Load()
		id, err := l.identify(s, key)
		if err != nil {
			l.refuse(key, err)
			if welcome {
				l.c.end(errRevoked)
			}
			return nil, err
		}
		p := proof{identity: id, name: m.User()}
		if err := l.c.welcome(id); err != nil {
			l.greedy = true
			l.refuse(key, err)
			return nil, err
		}
		// A reload that came in between has not seen this connection's key.
		if l.c.g.site.Load() == s {
			l.c.log.Info("logged in", "login", cut(p.name), "who", id.Name, "key", id.Fingerprint)
			return &gossh.Permissions{ExtraData: map[any]any{proofKey{}: p}}, nil
		}
	}
}

// explain is keyboard-interactive without a prompt: the one way to show a text
// to somebody whose keys were all refused. It lets nobody in.
func (l *login) explain(m gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
	if err := l.sameName(m); err != nil {
		return nil, err
	}
	if l.told {
		return nil, errExplained
	}
	l.told = true
	if _, err := ask("", l.text(), nil, nil); err != nil {
		return nil, err
	}
	return nil, errExplained
}

// text says which of the client's own keys were refused, and whom to ask.
func (l *login) text() string {
	if l.greedy {
		return "consoled: your key has half of all connections that this gateway takes; close some of them"
	}
	var b strings.Builder
	var keys []string // each once: a certificate and its key are one to their owner
	for _, r := range l.refused {
		if !slices.Contains(keys, r.fingerprint) {
			keys = append(keys, r.fingerprint)
		}
	}
	switch n := len(keys); n {
	case 0:
		b.WriteString("consoled: your client offered no key")
	case 1:
		b.WriteString("consoled: your key is not authorised here:")
	default:
		fmt.Fprintf(&b, "consoled: none of your %d keys is authorised here:", n)
	}
	for _, k := range keys {
		b.WriteString(" " + k)
	}
	if contact := l.c.g.site.Load().policy.Contact; contact != "" {
		b.WriteString("  Ask: " + contact)
	}
	return b.String()
}

// attempted hears of every request that was answered, also of methods that we
// do not have.
func (l *login) attempted(m gossh.ConnMetadata, method string, err error) {
	renamed := l.sameName(m) != nil
	switch method {
	case "publickey":
		if err != nil {
			l.odd = err
		}
	case "none", "keyboard-interactive": // by which clients ask, and are told
	default:
		l.pay("")
	}
	l.c.log.Debug("authentication request", "method", cut(method), "renamed", renamed, "err", err)
}
