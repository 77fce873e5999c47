package config

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"consoled/gateway/secret"
	"consoled/ports"
)

// secretPrefix begins a reference to an entry of secrets:.
const secretPrefix = "secret:"

// secrets is what references to secrets mean in one configuration.
type secrets struct {
	defined map[string]*value // below secrets:
	inline  bool              // allow_inline_secrets
	gate    secret.Gate
	// programs has one a definition, so that what a program printed serves all
	// the lines that ask for the same.
	programs map[string]*secret.Program
	keys     map[string]error // what is wrong with the files of private keys, each looked at once
}

// secrets reads the definitions. What they say is looked at where it is used,
// since it may differ from console to console; here it is only their form.
func (l *loader) secrets() *secrets {
	s := &secrets{defined: make(map[string]*value), gate: secret.NewGate(), programs: make(map[string]*secret.Program), keys: make(map[string]error)}
	if p, ok := l.single["allow_inline_secrets"]; ok {
		s.inline, _ = l.reader().boolean("allow_inline_secrets", p.value)
	}
	for _, p := range l.once("secrets", "secrets") {
		if err := checkWord(p.key.text); err != nil {
			l.error(p.key.place, "secrets: %v", err)
			continue
		}
		s.defined[p.key.text] = p.value
		switch {
		case p.value.kind == isText && (!s.inline || strings.HasPrefix(p.value.text, secretPrefix)):
			l.unseen(p.value.place, "secret %s: %s", shownName(p.key.text), secretForm)
		case p.value.kind != isText:
			l.table("secret "+shownName(p.key.text), p.value, secretKeys, nil)
		}
	}
	return s
}

// secretForm tells people how a secret is written.
const secretForm = "a password does not stand in the configuration; write secret:NAME, {file: PATH}, {env: NAME} or {exec: [PROGRAM, ARGUMENT]}"

// passwordKeys have a secret; also where they are misspelt or out of place.
var passwordKeys = []string{"password", "kg"}

var secretKeys = []string{"file", "env", "exec", "cache"}

// secret is a reference to a secret. What is shown is the reference.
func (r *reader) secret(key string, v *value) (_ ports.Secret, shown string, ok bool) {
	definition := v
	if v.kind == isText {
		text, ok := r.hidden(key, v)
		if !ok {
			return nil, "", false
		}
		name, refers := strings.CutPrefix(text, secretPrefix)
		switch {
		case !refers && !r.secrets.inline:
			r.unseen(v.place, "%s: %s", key, secretForm)
			return nil, "", false
		case !refers:
			return r.bind(secret.Text(text), text), "***", true
		}
		if shown, definition = text, r.secrets.defined[name]; definition == nil {
			r.mistake(key, v, "unknown secret %s; it has to stand below secrets:%s", quoted(name), didYouMean(name, r.secrets.names()))
			return nil, "", false
		}
		if definition.kind == isText { // inline, below secrets:
			text, ok := r.hidden(key, definition)
			if !ok || !r.secrets.inline { // which is reported there
				return nil, "", false
			}
			return r.bind(secret.Text(text), text), shown, true
		}
	}
	s, ok := r.source(key, definition)
	if !ok {
		return nil, "", false
	}
	return s, cmp.Or(shown, s.String()), true
}

func (s *secrets) names() (names []string) {
	for name := range s.defined {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// hidden is a text that is not repeated to anybody.
func (r *reader) hidden(key string, v *value) (string, bool) {
	text, ok := r.raw(key, v)
	if ok && (text == "" || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })) {
		r.unseen(v.place, "%s: empty, or with control characters", key)
		return "", false
	}
	return text, ok
}

// bind notes what the key that is being read is bound to, so that a change is found.
func (r *reader) bind(s ports.Secret, definition string) ports.Secret {
	r.bound = sha256.Sum256(fmt.Appendf(r.bound[:], "%T\x00%s", s, definition))
	return s
}

// source reads the map form.
func (r *reader) source(key string, v *value) (ports.Secret, bool) {
	where := key + ": secret"
	var s ports.Secret
	var argv []string
	var keep time.Duration
	var cache *value
	ok := v.kind == isMap
	sources := 0
	for _, p := range r.table(where, v, secretKeys, nil) {
		good := true
		switch p.key.text {
		case "file":
			var path string
			if path, good = r.path("file", p.value); good {
				good = r.checkFile(p.value, secret.File(path))
			}
			s = r.bind(secret.File(path), path)
		case "env":
			var name string
			if name, good = r.filled("env", p.value); good && !isVariable(name) {
				r.mistake("env", p.value, "%s is no name for a variable", quoted(name))
				good = false
			}
			s = r.bind(secret.Env(name), name)
		case "exec":
			argv, good = r.argv(p.value)
		case "cache":
			cache = p.value
			keep, ok = r.duration("cache", p.value, 0, 30*24*time.Hour)
			continue
		}
		sources++
		ok = ok && good
	}
	switch {
	case !ok:
		return nil, false
	case sources != 1:
		r.error(v.place, "%s has exactly one of file, env and exec", where)
		return nil, false
	case argv == nil && cache != nil:
		r.mistake("cache", cache, "it is for exec alone")
		return nil, false
	case argv != nil:
		s = r.program(argv, keep)
	}
	return s, true
}

// program finds the program that others ask already, or makes it.
func (r *reader) program(argv []string, keep time.Duration) ports.Secret {
	definition := keep.String() + "\x00" + strings.Join(argv, "\x00")
	p, ok := r.secrets.programs[definition]
	if !ok {
		p = secret.NewProgram(argv, keep, r.secrets.gate)
		r.secrets.programs[definition] = p
	}
	return r.bind(p, definition)
}

// checkFile refuses a file that everybody may read. One that is missing is a
// warning: it may lie on another machine than the one where the check is made.
func (r *reader) checkFile(v *value, f secret.File) bool {
	err := f.Check()
	open, loose := errors.AsType[*secret.OpenError](err)
	switch {
	case loose:
		r.mistake("file", v, "mode %#o of %s is open to everybody; chmod o-rwx it", open.Mode, open.Path)
		return false
	case err != nil:
		r.warn(v.place, "%v", err)
	}
	return true
}

// credentialsDir is the folder with the files of LoadCredential=, systemd's
// usual one where the gateway was not started by it.
func credentialsDir() string {
	return filepath.ToSlash(cmp.Or(os.Getenv("CREDENTIALS_DIRECTORY"), "/run/credentials/consoled.service"))
}
