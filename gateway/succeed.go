package gateway

import (
	"fmt"
	"path/filepath"
	"slices"

	"consoled/auth"
)

// succeed prepares a loaded site to take the place of the one in force: what
// only a new start changes stays as it is, and what would lock everybody out is
// an error. given says that the listeners are not the configuration's.
func (s *site) succeed(old *site, given bool) error {
	if err := s.keepsKeys(old); err != nil {
		return err
	}
	s.keepFixed(old, given)
	if err := s.fitDescriptors(); err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if len(s.config.HostKeys) == 0 && len(old.config.HostKeys) == 0 {
		// Our own key was made or read at the start. Were its file gone, another
		// one made now would look like an attack to everybody.
		s.hostKeys = old.hostKeys
		return nil
	}
	if _, err := s.openHostKeys(); err != nil {
		return err
	}
	if !slices.Equal(fingerprints(s.hostKeys), fingerprints(old.hostKeys)) {
		s.warnings = append(s.warnings, "the host keys changed: clients will ask")
	}
	return nil
}

// keepsKeys refuses to lose a key file. A file that is missing or cannot be read
// is an editor's or a mount's doing far more often than a revocation, and taken
// at its word it would end every session and lock out whoever could mend it.
// One that was lost before keeps nobody from reloading.
func (s *site) keepsKeys(old *site) error {
	for _, p := range s.lost {
		if slices.ContainsFunc(old.lost, func(o auth.Problem) bool { return o.File == p.File }) {
			continue
		}
		named := slices.ContainsFunc(s.config.Auth.Keys, func(name string) bool {
			return filepath.Clean(name) == filepath.Clean(p.File)
		})
		gave := slices.ContainsFunc(old.policy.Keys, func(k auth.Key) bool { return k.File == p.File })
		if named || gave {
			return fmt.Errorf("key file %s; the keys in force stay\n"+
				"fix: put it right; to take its keys away empty it, or take it out of auth.keys", p)
		}
	}
	return nil
}

// keepFixed keeps what only a new start changes, and warns of it: consoles of
// one gateway in two folders would be nobody's wish.
func (s *site) keepFixed(old *site, given bool) {
	c := *s.config
	warn := func(key string, same bool) {
		if !same {
			s.warnings = append(s.warnings, key+" changed: in force after the next start")
		}
	}
	warn("listen", given || slices.Equal(c.Listen, old.config.Listen))
	warn("state_dir", c.StateDir == old.config.StateDir)
	warn("log", c.Log == old.config.Log)
	c.Listen, c.StateDir, c.Log = old.config.Listen, old.config.StateDir, old.config.Log
	s.config, s.group = &c, old.group
}
