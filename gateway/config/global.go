package config

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"consoled/auth"
)

// defaultListen is not 22, which the machine's own sshd has.
const defaultListen = ":2222"

// config reads everything that was gathered.
func (l *loader) config() *Config {
	c := &Config{Listen: l.listen(), StateDir: l.stateDir(), Suffixes: l.suffixes()}
	for _, f := range l.files {
		c.Files = append(c.Files, f.path)
	}
	if p, ok := l.single["host_key"]; ok {
		c.HostKeys = l.paths("host_key", p.value)
	}
	c.Auth, c.Log, c.Limits = l.auth(), l.log(c.StateDir), l.limits()
	rules := l.groups(c, l.consoles(c.Suffixes))
	c.Roles = rules.roles()
	c.Denies = rules.denies(c.Roles)
	return c
}

func (l *loader) listen() []string {
	p, ok := l.single["listen"]
	if !ok {
		return []string{defaultListen}
	}
	r := l.reader()
	values, _ := r.values("listen", p.value)
	if p.value.kind == isList && len(values) == 0 {
		l.error(p.value.place, "listen: no address")
	}
	var list []string
	first := make(map[string]bool)
	for _, v := range values {
		text, ok := r.filled("listen", v)
		if !ok {
			continue
		}
		_, port, err := net.SplitHostPort(text)
		n, numeric := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil || numeric != nil || n == 0 && port != "0":
			l.error(v.place, "listen: %s is not an address such as \":2222\" or \"[::1]:22\"", quoted(text))
		case first[text]:
			l.error(v.place, "listen: %s stands twice", quoted(text))
		}
		first[text] = true
		list = append(list, text)
	}
	return list
}

func (l *loader) stateDir() string {
	if p, ok := l.single["state_dir"]; ok {
		text, _ := l.reader().path("state_dir", p.value)
		return text
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = l.folder
	}
	return defaultStateDir(os.Geteuid(), home, os.Getenv)
}

// defaultStateDir is the folder that systemd made for the unit, else
// /var/lib/consoled for root, else the user's state folder.
func defaultStateDir(euid int, home string, getenv func(string) string) string {
	if dir, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":"); filepath.IsAbs(dir) {
		return dir
	}
	switch {
	case euid == 0:
		return "/var/lib/consoled"
	case filepath.IsAbs(getenv("XDG_STATE_HOME")):
		return filepath.Join(getenv("XDG_STATE_HOME"), "consoled")
	case runtime.GOOS == "windows" && getenv("LOCALAPPDATA") != "":
		return filepath.Join(getenv("LOCALAPPDATA"), "consoled")
	}
	return filepath.Join(home, ".local", "state", "consoled")
}

func (l *loader) suffixes() []string {
	p, ok := l.single["suffixes"]
	if !ok {
		return []string{".con", ".console"}
	}
	r := l.reader()
	values, _ := r.values("suffixes", p.value)
	list := []string{}
	for _, v := range values {
		text, ok := r.filled("suffixes", v)
		if !ok {
			continue
		}
		rest, dot := strings.CutPrefix(text, ".")
		if !dot || rest == "" || strings.ContainsFunc(rest, func(c rune) bool { return !isNameRune(c) }) {
			l.error(v.place, "suffixes: %s is not a suffix such as .con", quoted(text))
		}
		list = append(list, text)
	}
	return list
}

// isNameRune is for what may stand in a console's name.
func isNameRune(c rune) bool {
	return c < 128 && (isLetter(byte(c)) || isDigit(byte(c)) || c == '.' || c == '-')
}

// paths is a list of file names.
func (l *loader) paths(key string, v *value) []string {
	r := l.reader()
	values, _ := r.values(key, v)
	if v.kind == isList && len(values) == 0 {
		l.error(v.place, "%s: no file", key)
	}
	var list []string
	for _, x := range values {
		if path, ok := r.path(key, x); ok {
			list = append(list, path)
		}
	}
	return list
}

func (l *loader) auth() Auth {
	a := Auth{Keys: []string{filepath.Join(escapeGlob(l.folder), "authorized_keys")}}
	for _, p := range l.entries("auth", "auth", []string{"keys", "default_grant", "contact"}, []string{"user_ca", "revoked"}) {
		switch p.key.text {
		case "keys":
			a.Keys = l.keys(p.value)
		case "default_grant":
			a.DefaultGrant = l.rights("default_grant", p.value)
		case "contact":
			a.Contact, _ = l.reader().text("contact", p.value)
		}
	}
	return a
}

// keys is the files of keys. They may be patterns, but not by what the folder
// of the configuration happens to be called.
func (l *loader) keys(v *value) []string {
	r := l.reader()
	values, _ := r.values("keys", v)
	if v.kind == isList && len(values) == 0 {
		l.error(v.place, "keys: no file")
	}
	var list []string
	for _, x := range values {
		path, ok := r.path("keys", x)
		if !ok {
			continue
		}
		if path != x.text { // it is relative
			path = filepath.Join(escapeGlob(filepath.Dir(x.file.path)), x.text)
		}
		if _, err := filepath.Match(path, ""); err != nil {
			l.error(x.place, "keys: %s is not a valid pattern", quoted(x.text))
		}
		list = append(list, path)
	}
	return list
}

// rights is a bundle, a right, or a list of them.
func (l *loader) rights(key string, v *value) (all auth.Rights) {
	r := l.reader()
	values, _ := r.values(key, v)
	for _, x := range values {
		text, ok := r.filled(key, x)
		if !ok {
			continue
		}
		rights, err := auth.ParseRights(text)
		if err != nil {
			l.error(x.place, "%s: %v", key, err)
		}
		all |= rights
	}
	return all
}

func (l *loader) log(stateDir string) Log {
	log := Log{Dir: filepath.Join(stateDir, "consoles")}
	later := []string{"keep", "compress", "rotate", "total", "input", "syslog"}
	for _, p := range l.entries("log", "log", []string{"dir", "group"}, later) {
		switch p.key.text {
		case "dir":
			log.Dir, _ = l.reader().path("dir", p.value)
		case "group":
			log.Group, _ = l.reader().filled("group", p.value)
		}
	}
	return log
}

// limits have bounds of their own: a limit that is no limit, or that lets
// nobody in, is a mistake.
func (l *loader) limits() Limits {
	m := Limits{
		Connections: 2000, HalfOpen: 200, PerAddress: 50, Sessions: 10,
		Handshake: 30 * time.Second, Keepalive: 30 * time.Second, KeepaliveCount: 3, AuthTries: 20,
	}
	number := func(to *int, most int) func(*reader, string, *value) {
		return func(r *reader, key string, v *value) {
			if n, ok := r.integer(key, v, 1, most); ok {
				*to = n
			}
		}
	}
	span := func(to *time.Duration, least, most time.Duration) func(*reader, string, *value) {
		return func(r *reader, key string, v *value) {
			if d, ok := r.duration(key, v, least, most); ok {
				*to = d
			}
		}
	}
	limits := []struct {
		key  string
		read func(*reader, string, *value)
	}{
		{"connections", number(&m.Connections, 1_000_000)},
		{"half_open", number(&m.HalfOpen, 100_000)},
		{"per_address", number(&m.PerAddress, 100_000)},
		{"sessions", number(&m.Sessions, 1000)},
		{"handshake", span(&m.Handshake, time.Second, 10*time.Minute)},
		{"keepalive", span(&m.Keepalive, time.Second, time.Hour)},
		{"keepalive_count", number(&m.KeepaliveCount, 100)},
		{"auth_tries", number(&m.AuthTries, 1000)},
	}
	var known []string
	for _, x := range limits {
		known = append(known, x.key)
	}
	for _, p := range l.entries("limits", "limits", known, nil) {
		for _, x := range limits {
			if x.key == p.key.text {
				x.read(l.reader(), x.key, p.value)
			}
		}
	}
	return m
}

// entries is a part with known keys, each of which stands in one file only.
func (l *loader) entries(part, where string, known, later []string) []pair {
	var out []pair
	for _, p := range l.once(part, where) {
		if l.known(where, p.key, known, later) {
			out = append(out, p)
		}
	}
	return out
}
