package gateway_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// The map: which packages of ours each folder may import. Arrows run one way,
// downwards; what has no line here has no place in the tree. "dir/..." stands
// for a folder and all below it. Tests are held to it too, but for what testOnly
// lends them.
var importMap = map[string][]string{
	"cmd/...": {"..."},

	"gateway":          {"gateway/...", "ports/...", "auth/..."},
	"gateway/command":  {"gateway/attach", "gateway/action", "gateway/alert", "gateway/console", "gateway/dialogue", "gateway/record", "gateway/screen", "gateway/names", "ports", "auth"},
	"gateway/attach":   {"gateway/action", "gateway/alert", "gateway/console", "gateway/record", "gateway/screen", "gateway/names", "ports", "auth"},
	"gateway/picker":   {"gateway/action", "gateway/alert", "gateway/console", "gateway/record", "gateway/screen", "gateway/names", "ports", "auth"},
	"gateway/files":    {"gateway/console", "gateway/record", "gateway/screen", "gateway/names", "ports", "auth"},
	"gateway/action":   {"gateway/console", "gateway/record", "gateway/screen", "gateway/names", "ports"},
	"gateway/alert":    {"gateway/console", "gateway/record", "gateway/screen", "gateway/names", "ports"},
	"gateway/cluster":  {"gateway/console", "gateway/record", "gateway/screen", "gateway/names", "ports"},
	"gateway/migrate":  {"gateway/config", "gateway/names"},
	"gateway/config":   {"gateway/action", "gateway/console", "gateway/dialogue", "gateway/names", "gateway/secret", "auth", "ports", "ports/..."},
	"gateway/console":  {"gateway/dialogue", "gateway/record", "gateway/screen", "gateway/names", "ports"},
	"gateway/record":   {"gateway/record/..."},
	"gateway/screen":   {"gateway/screen/..."},
	"gateway/names":    {},
	"gateway/dialogue": {"ports"},
	"gateway/secret":   {"ports"},
	"auth":             {"gateway/names"},
	"auth/audit":       {"auth", "gateway/names"},
	"ports":            {},
	"ports/telnet":     {"ports"},
	"ports/ipmi":       {"ports", "ports/ipmi/wire"},
	"ports/ipmi/...":   {"ports/ipmi/wire"},
	"ports/ssh":        {"ports"},
	"ports/sim":        {"ports"},
	"ports/porttest":   {"ports"},
	"deploy":           {},
	"examples":         {"gateway/config", "gateway/names", "ports"},
}

// testOnly is what a folder's tests may import besides: the contract test of a
// backend lives beside the backend, and a console is tested on a fake port.
var testOnly = map[string][]string{
	"ports":           {"ports/porttest"},
	"ports/telnet":    {"ports/porttest"},
	"ports/ipmi":      {"ports/porttest", "ports/ipmi/bmctest"},
	"ports/ssh":       {"ports/porttest"},
	"ports/sim":       {"ports/porttest", "gateway/screen"},
	"gateway/console": {"ports/porttest", "ports/sim"},
	"gateway/action":  {"ports/porttest"},
	"gateway/attach":  {"ports/porttest", "ports/sim", "gateway/dialogue"},
	"gateway/command": {"ports/porttest", "ports/sim"},
}

// fenced are the modules that a few files alone may see: the rest of the tree
// is to know neither the SSH library's habits nor YAML's. The patterns are of
// path.Match.
var fenced = map[string][]string{
	"github.com/gliderlabs/ssh": {"gateway/*.go"},
	"gopkg.in/yaml.v3":          {"gateway/config/*.go"},
	"go.bug.st/serial":          {"ports/serial*.go"},
}

// topFolders are all that stand at the root, besides single files and what a
// dot hides.
var topFolders = []string{"auth", "cmd", "deploy", "examples", "gateway", "ports"}

// nowhere are names that say nothing of what is inside.
var nowhere = []string{"util", "utils", "common", "internal", "pkg", "types", "helpers"}

const module = "consoled"

// violations reads every Go file's imports, those left out by build tags too,
// and lists what the map forbids.
func violations(tree fs.FS) ([]string, error) {
	var bad []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			bad = append(bad, folder(name)...)
			if hidden(name) || d.Name() == "testdata" || name == "bin" {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := forbidden(name, imported); why != "" {
				bad = append(bad, why)
			}
		}
		return nil
	})
	return bad, err
}

func hidden(name string) bool { return name != "." && strings.HasPrefix(path.Base(name), ".") }

func folder(name string) []string {
	if name == "." || name == "bin" || hidden(name) {
		return nil
	}
	if !strings.Contains(name, "/") && !slices.Contains(topFolders, name) {
		return []string{name + ": no such folder at the top"}
	}
	if slices.Contains(nowhere, path.Base(name)) {
		return []string{name + ": a name that says nothing"}
	}
	return nil
}

// forbidden says why a file may not import a package; "" when it may.
func forbidden(file, imported string) string {
	for lib, files := range fenced {
		if imported != lib && !strings.HasPrefix(imported, lib+"/") {
			continue
		}
		if !slices.ContainsFunc(files, func(p string) bool { ok, _ := path.Match(p, file); return ok }) {
			return fmt.Sprintf("%s: only %s may import %s", file, strings.Join(files, " "), imported)
		}
	}
	target, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return ""
	}
	dir := path.Dir(file)
	allowed, known := lookUp(dir)
	if !known {
		return fmt.Sprintf("%s: %s has no place in the map", file, dir)
	}
	if strings.HasSuffix(file, "_test.go") {
		// A test outside its package imports it by its name.
		allowed = slices.Concat(allowed, testOnly[dir], []string{dir})
	}
	if !slices.ContainsFunc(allowed, func(a string) bool { return matches(a, target) }) {
		return fmt.Sprintf("%s: may not import %s", file, target)
	}
	return ""
}

// lookUp finds the folder's own line, or the nearest one with "..." above it.
func lookUp(dir string) ([]string, bool) {
	if a, ok := importMap[dir]; ok {
		return a, true
	}
	for up := path.Dir(dir); up != "."; up = path.Dir(up) {
		if a, ok := importMap[up+"/..."]; ok {
			return a, true
		}
	}
	return nil, false
}

func matches(allowed, target string) bool {
	prefix, tree := strings.CutSuffix(allowed, "...")
	if !tree {
		return allowed == target
	}
	return target+"/" == prefix || strings.HasPrefix(target, prefix)
}

func TestImports(t *testing.T) {
	bad, err := violations(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error(b)
	}
}

// TestImportsForbidden shows that each rule bites.
func TestImportsForbidden(t *testing.T) {
	tree := fstest.MapFS{}
	for name, imported := range map[string]string{
		"cmd/consoled/main.go":        "consoled/gateway",
		"gateway/serve.go":            "github.com/gliderlabs/ssh",
		"gateway/attach/keys.go":      "github.com/gliderlabs/ssh",
		"gateway/command/ls.go":       "consoled/gateway",
		"gateway/config/load.go":      "gopkg.in/yaml.v3",
		"gateway/console/run.go":      "consoled/auth",
		"gateway/console/run_test.go": "consoled/ports/porttest",
		"gateway/console/fake.go":     "consoled/ports/porttest",
		"gateway/names/names.go":      "consoled/gateway/screen",
		"gateway/other/other.go":      "consoled/ports",
		"gateway/record/record.go":    "consoled/gateway/console",
		"ports/port.go":               "consoled/ports/telnet",
		"ports/serial_unix.go":        "go.bug.st/serial",
		"ports/tcp.go":                "go.bug.st/serial/enumerator",
		"ports/telnet/codec.go":       "consoled/ports",
		"ports/telnet/yaml.go":        "gopkg.in/yaml.v3",
		"auth/keys.go":                "consoled/gateway/names",
		"auth/internal/x.go":          "fmt",
		"tools/x.go":                  "fmt",
		"testdata/ignored.go":         "fmt",
	} {
		tree[name] = &fstest.MapFile{Data: fmt.Appendf(nil, "package x\n\nimport _ %q\n", imported)}
	}
	got, err := violations(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"auth/internal: a name that says nothing",
		"gateway/attach/keys.go: only gateway/*.go may import github.com/gliderlabs/ssh",
		"gateway/command/ls.go: may not import gateway",
		"gateway/console/fake.go: may not import ports/porttest",
		"gateway/console/run.go: may not import auth",
		"gateway/names/names.go: may not import gateway/screen",
		"gateway/other/other.go: gateway/other has no place in the map",
		"gateway/record/record.go: may not import gateway/console",
		"ports/port.go: may not import ports/telnet",
		"ports/tcp.go: only ports/serial*.go may import go.bug.st/serial/enumerator",
		"ports/telnet/yaml.go: only gateway/config/*.go may import gopkg.in/yaml.v3",
		"testdata: no such folder at the top",
		"tools: no such folder at the top",
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got)\n%s", diff)
	}
}

// TestImportMap wants the map itself to run one way: no two folders may import
// each other, by however many steps.
func TestImportMap(t *testing.T) {
	dirs := slices.Sorted(maps.Keys(importMap))
	var visit func(dir string, way []string)
	done := map[string]bool{}
	visit = func(dir string, way []string) {
		if slices.Contains(way, dir) {
			t.Errorf("a circle: %s", strings.Join(append(way, dir), " > "))
			return
		}
		if done[dir] {
			return
		}
		for _, next := range dirs {
			if next == dir || strings.HasSuffix(next, "...") || strings.HasPrefix(next, "cmd") {
				continue
			}
			if slices.ContainsFunc(importMap[dir], func(a string) bool { return matches(a, next) }) {
				visit(next, append(slices.Clone(way), dir))
			}
		}
		done[dir] = true
	}
	for _, dir := range dirs {
		if !strings.HasSuffix(dir, "...") {
			visit(dir, nil)
		}
	}
}
