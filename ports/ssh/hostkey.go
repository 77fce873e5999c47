package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"consoled/ports"
)

// An identity judges who a host says it is, at the start and at every new key
// exchange. The library calls it from the goroutine of the key exchange.
type identity struct {
	host  host
	known known
	// refused is closed over by the library's errors, but not at a later key
	// exchange; told is closed once it is set.
	refused *ports.Error
	told    chan struct{}
}

func newIdentity(h host, file string) (*identity, error) {
	k, err := lookUp(file, h)
	return &identity{host: h, known: k, told: make(chan struct{})}, err
}

// algorithms asks for the kinds by which the host is known first, as it may
// have several keys and would show the one that we ask for. The other kinds
// follow, so that a host that has lost its key shows the one that it has now.
// Certificates are asked for only where an authority is known.
func (i *identity) algorithms(legacy bool) []string {
	var certified, first, rest []string
	for _, kind := range hostKeyKinds(legacy) {
		if len(i.known.authorities) > 0 {
			certified = append(certified, kind.certified...)
		}
		if slices.ContainsFunc(i.known.keys, func(k knownKey) bool { return k.key.Type() == kind.format }) {
			first = append(first, kind.algorithms...)
		} else {
			rest = append(rest, kind.algorithms...)
		}
	}
	return slices.Concat(certified, first, rest)
}

// check is the library's HostKeyCallback. Nothing is sent after it has refused.
func (i *identity) check(_ string, _ net.Addr, key gossh.PublicKey) error {
	err := i.judge(key)
	if err == nil {
		return nil
	}
	if i.refused == nil {
		i.refused = err
		close(i.told)
	}
	return err
}

// refusal is why the host is not who it should be; nil where nobody said so.
func (i *identity) refusal() error {
	select {
	case <-i.told:
		return i.refused
	default:
		return nil
	}
}

func (i *identity) judge(key gossh.PublicKey) *ports.Error {
	cert, certified := key.(*gossh.Certificate)
	plain := key
	if certified {
		plain = cert.Key
	}
	if r, ok := find(i.known.revoked, plain); ok {
		return i.refuse("replace the key of the host", "its key %s is revoked (%s)", print(plain), r.place)
	}
	if certified {
		return i.judgeCertificate(cert)
	}
	switch _, ok := find(i.known.keys, key); {
	case ok:
		return nil
	case len(i.known.keys) == 0 && len(i.known.authorities) > 0:
		return i.refuse("let an authority of the file sign the host's key",
			"offered the key %s, expected a certificate of %s", print(key), prints(i.known.authorities))
	case len(i.known.keys) == 0:
		return i.refuse(
			fmt.Sprintf("compare the fingerprint with the host's own (there: cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -); if they agree: %s >> %s", i.host.keyscan(), i.known.file),
			"the host is not in %s; it offers %s", i.known.file, print(key))
	}
	return i.refuse(
		fmt.Sprintf("if the host has a new key and that is its fingerprint: ssh-keygen -f %s -R '%s'; %s >> %[1]s", i.known.file, i.host.known(), i.host.keyscan()),
		"offered %s, expected %s", print(key), prints(i.known.keys))
}

// judgeCertificate is stricter than the library, which takes a certificate
// without names for one of every host.
func (i *identity) judgeCertificate(cert *gossh.Certificate) *ports.Error {
	offered := "a certificate of " + print(cert.SignatureKey) + " for the key " + print(cert.Key)
	if _, ok := find(i.known.authorities, cert.SignatureKey); !ok {
		return i.refuse("let an authority of the file sign the host's key", "offered %s, expected one of %s", offered, prints(i.known.authorities))
	}
	if r, ok := find(i.known.revoked, cert.SignatureKey); ok {
		return i.refuse("have the host's key signed by another authority", "offered %s, which is revoked (%s)", offered, r.place)
	}
	var err error
	switch {
	case cert.CertType != gossh.HostCert:
		err = errors.New("it is a person's")
	case len(cert.ValidPrincipals) == 0:
		err = errors.New("it names no host")
	default:
		err = new(gossh.CertChecker).CheckCert(i.host.name, cert)
	}
	if err != nil {
		return i.refuse("have the host's key signed anew", "offered %s: %v", offered, err)
	}
	return nil
}

func (i *identity) refuse(fix, format string, args ...any) *ports.Error {
	return &ports.Error{Reason: ports.WrongHostKey, Err: fmt.Errorf(format, args...), Fix: fix}
}

func find(list []knownKey, key gossh.PublicKey) (knownKey, bool) {
	want := key.Marshal()
	at := slices.IndexFunc(list, func(k knownKey) bool { return bytes.Equal(k.key.Marshal(), want) })
	if at < 0 {
		return knownKey{}, false
	}
	return list[at], true
}

// print is "ed25519 SHA256:...", as OpenSSH writes it.
func print(key gossh.PublicKey) string {
	return strings.TrimPrefix(key.Type(), "ssh-") + " " + gossh.FingerprintSHA256(key)
}

// prints lists keys with their places. More than a few would tell nobody more.
func prints(keys []knownKey) string {
	const most = 4
	var shown []string
	for _, k := range keys[:min(len(keys), most)] {
		shown = append(shown, print(k.key)+" ("+k.place+")")
	}
	if more := len(keys) - most; more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return strings.Join(shown, " or ")
}
