package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of the files of a configuration.
const (
	maxFiles    = 1000
	maxBytes    = 64 << 20 // of all files
	maxIncludes = 8        // files including each other
)

// bounds keep a configuration of any content from taking minutes or all of the
// memory: a few lines can stand for very much.
type bounds struct {
	consoles int
	settings int // merged and read, for all consoles together
	text     int // bytes that ${...} is read from and makes
	matches  int // selectors held against consoles
}

func defaultBounds() bounds {
	return bounds{consoles: 100_000, settings: 20_000_000, text: 48 << 20, matches: 50_000_000}
}

// Load reads a configuration file and what it includes. Its error is a
// Problems; the Config is nil then.
func Load(path string) (*Config, error) {
	l, err := newLoader(path)
	if err != nil {
		return nil, err
	}
	return l.load()
}

func (l *loader) load() (*Config, error) {
	l.readAll()
	c := l.config()
	problems := l.problems()
	if l.errors > 0 {
		return nil, problems
	}
	c.Warnings = problems
	return c, nil
}

// A loader gathers the parts of a configuration from its files.
type loader struct {
	report
	main   *file
	folder string // of the main file
	files  []*file
	bytes  int
	state  map[string]fileState
	// broken: a file could not be read, so what it defines is missing rather
	// than unknown. incomplete: the same of a console with a mistake.
	broken, incomplete bool

	single map[string]pair // top-level keys that stand once
	parts  map[string][]pair

	host   string
	bounds bounds
}

type fileState int

const (
	reading fileState = 1 + iota
	done
)

func newLoader(path string) (*loader, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, Problems{{File: path, Text: err.Error()}}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	host, _, _ = strings.Cut(host, ".")
	return &loader{
		main:   &file{path: absolute, name: filepath.Base(absolute)},
		folder: filepath.Dir(absolute),
		state:  make(map[string]fileState),
		single: make(map[string]pair),
		parts:  make(map[string][]pair),
		host:   host,
		bounds: defaultBounds(),
	}, nil
}

// readAll reads the main file, what it includes, and the folder conf.d beside it.
func (l *loader) readAll() {
	if err := l.readFile(l.main, 0); err != nil {
		l.error(l.main.at(0, 0), "read %s: %v", l.main.path, err)
		l.broken = true
		return
	}
	beside, err := filepath.Glob(filepath.Join(escapeGlob(l.folder), "conf.d", "*.yaml"))
	if err != nil {
		l.error(l.main.at(0, 0), "read %s: %v", filepath.Join(l.folder, "conf.d"), err)
	}
	for _, path := range beside {
		if l.state[path] != 0 {
			continue
		}
		if err := l.readFile(l.newFile(path), 1); err != nil {
			l.error(l.main.at(0, 0), "read %s: %v", path, err)
			l.broken = true
		}
	}
}

func (l *loader) newFile(path string) *file {
	return &file{path: path, name: displayName(l.folder, path)}
}

// globSigns make a name a pattern.
const globSigns = "*?["

// escapeGlob keeps the letters of a folder's name from being read as a pattern.
func escapeGlob(path string) string {
	if os.PathSeparator == '\\' || !strings.ContainsAny(path, globSigns) {
		return path // there is no escaping on Windows
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// readFile reads a file and, before it returns, the files that it includes.
func (l *loader) readFile(f *file, depth int) error {
	switch {
	case depth > maxIncludes:
		return fmt.Errorf("more than %d files including each other", maxIncludes)
	case len(l.files) >= maxFiles:
		return fmt.Errorf("more than %d files", maxFiles)
	}
	l.state[f.path] = reading
	defer func() { l.state[f.path] = done }()
	f.order = len(l.files)
	loose, err := f.read()
	if err != nil {
		return err
	}
	if l.bytes += len(f.data); l.bytes > maxBytes {
		return fmt.Errorf("more than %d MiB of configuration", maxBytes>>20)
	}
	l.files = append(l.files, f)
	if loose {
		l.warn(f.at(0, 0), "everybody may write to this file; chmod o-w %s", f.path)
	}
	root, ok := parse(&l.report, f)
	l.broken = l.broken || !ok
	if root != nil {
		l.gather(root, depth)
	}
	return nil
}

// Top-level keys. The parts are maps whose entries may stand in several files.
var (
	singleKeys = []string{"listen", "state_dir", "host_key", "suffixes", "allow_inline_secrets"}
	partKeys   = []string{"auth", "log", "limits", "secrets", "defaults", "templates", "consoles", "groups"}
	topKeys    = slices.Concat(singleKeys, partKeys, []string{"include", "access"})
	laterTop   = []string{"host_cert", "cluster", "metrics"}
)

// gather sorts the top level of a file into the parts of the configuration.
func (l *loader) gather(root *value, depth int) {
	var include []pair
	for _, p := range l.table("the configuration", root, topKeys, laterTop) {
		key := p.key.text
		switch {
		case key == "include":
			include = append(include, p)
		case key == "access" && p.value.kind == isNull:
		case key == "access":
			for _, q := range l.table("access", p.value, []string{"roles", "deny"}, nil) {
				l.part("access."+q.key.text, "access."+q.key.text, q.value)
			}
		case slices.Contains(singleKeys, key):
			if before, twice := l.single[key]; twice {
				l.error(p.key.place, "%s stands in two files; the first is at %s", quoted(key), before.key.place)
				continue
			}
			l.single[key] = p
		default:
			l.part(key, key, p.value)
		}
	}
	for _, p := range include {
		l.include(p.value, depth)
	}
}

// part adds the entries of a map to those of other files.
func (l *loader) part(name, where string, v *value) {
	switch v.kind {
	case isNull:
	case isMap:
		l.parts[name] = append(l.parts[name], v.pairs...)
	default:
		l.error(v.place, "%s: %s where a map is expected", where, v.kind)
	}
}

// include reads the files that a list of names and globs stands for, each once.
func (l *loader) include(v *value, depth int) {
	r := l.reader()
	list, _ := r.values("include", v)
	for _, x := range list {
		path, ok := r.path("include", x)
		if !ok {
			continue
		}
		paths := []string{filepath.Clean(path)}
		if strings.ContainsAny(x.text, globSigns) {
			pattern := x.text
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(escapeGlob(filepath.Dir(x.file.path)), pattern)
			}
			var err error
			if paths, err = filepath.Glob(pattern); err != nil { // sorted
				l.error(x.place, "include %s: not a valid pattern", quoted(x.text))
				continue
			}
		}
		for _, path := range paths {
			switch l.state[path] {
			case done:
			case reading:
				l.error(x.place, "include %s: %s is being read already; files must not include each other in a circle", quoted(x.text), displayName(l.folder, path))
			default:
				if err := l.readFile(l.newFile(path), depth+1); err != nil {
					l.error(x.place, "include %s: read %s: %v", quoted(x.text), path, err)
					l.broken = true
				}
			}
		}
	}
}

func (l *loader) reader() *reader { return &reader{report: &l.report} }

// once reports entries of a part that stand in several files, and leaves the first.
func (l *loader) once(part, where string) []pair {
	first := make(map[string]place)
	return slices.DeleteFunc(l.parts[part], func(p pair) bool {
		before, twice := first[p.key.text]
		if twice {
			l.error(p.key.place, "%s in %s stands twice; the first is at %s", quoted(p.key.text), where, before)
		} else {
			first[p.key.text] = p.key.place
		}
		return twice
	})
}
