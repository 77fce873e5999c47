package gateway

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"consoled/auth"
	"consoled/gateway/config"
)

// A site is a configuration with the keys that go with it, checked whole. It
// is replaced whole by a reload and never changed.
type site struct {
	config   *config.Config
	policy   *auth.Policy
	hostKeys []gossh.Signer             // none before Serve
	consoles map[string]*config.Console // those of config, by name
	group    int                        // gid that may read the records, or -1
	warnings []string                   // of the configuration and the key files
	lost     []auth.Problem             // key files that give nothing
	loaded   time.Time
}

// load reads the configuration and the keys, and checks what can be checked
// without changing anything.
func (g *Gateway) load() (*site, error) {
	c, err := g.options.Load()
	if err != nil {
		return nil, err
	}
	keys, problems, err := auth.LoadKeys(c.Auth.Keys)
	if err != nil {
		return nil, err
	}
	group, err := groupID(c.Log.Group)
	if err != nil {
		return nil, err
	}
	s := &site{
		config: c, group: group, loaded: time.Now(), consoles: make(map[string]*config.Console, len(c.Consoles)),
		policy: &auth.Policy{
			Keys: keys, Roles: c.Roles, Denies: c.Denies, Default: c.Auth.DefaultGrant, Contact: c.Auth.Contact,
		},
	}
	if len(c.HostKeys) > 0 {
		if _, err := s.openHostKeys(); err != nil {
			return nil, err
		}
	}
	for i := range c.Consoles {
		s.consoles[c.Consoles[i].Subject.Name] = &c.Consoles[i]
	}
	for _, p := range c.Warnings {
		s.warnings = append(s.warnings, fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text))
	}
	for _, p := range append(problems, s.policy.Problems()...) {
		s.warnings = append(s.warnings, p.String())
		if p.Lost {
			s.lost = append(s.lost, p)
		}
	}
	if len(keys) == 0 {
		s.warnings = append(s.warnings, "no key is authorised: nobody can log in")
	}
	return s, nil
}

// settings are those of a console; empty for one that is no longer configured
// and still says goodbye.
func (s *site) settings(name string) (x config.Console) {
	if known, ok := s.consoles[name]; ok {
		x = *known
	}
	return x
}

// openHostKeys loads the host keys. Where none is configured it makes one, and
// says so.
func (s *site) openHostKeys() (made bool, _ error) {
	keys, made, err := auth.HostKeys(s.config.HostKeys, s.config.StateDir)
	if err != nil {
		return false, err
	}
	for i, k := range keys {
		if keys[i], err = withoutSHA1(k); err != nil {
			return false, err
		}
	}
	s.hostKeys = keys
	return made, nil
}

// withoutSHA1 keeps an RSA host key from signing with SHA-1.
func withoutSHA1(k gossh.Signer) (gossh.Signer, error) {
	if k.PublicKey().Type() != gossh.KeyAlgoRSA {
		return k, nil
	}
	a, ok := k.(gossh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("host key: RSA key cannot choose its algorithm")
	}
	return gossh.NewSignerWithAlgorithms(a, []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256})
}

func fingerprints(keys []gossh.Signer) (texts []string) {
	for _, k := range keys {
		texts = append(texts, gossh.FingerprintSHA256(k.PublicKey()))
	}
	return texts
}

// groupID is the number of a group; -1 for none.
func groupID(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	id := name
	if _, err := strconv.Atoi(name); err != nil {
		g, err := user.LookupGroup(name)
		if err != nil {
			return -1, fmt.Errorf("log group %q: %w", name, err)
		}
		id = g.Gid
	}
	gid, err := strconv.Atoi(id)
	if err != nil || gid < 0 {
		return -1, fmt.Errorf("log group %q: no number of a group", name)
	}
	return gid, nil
}
