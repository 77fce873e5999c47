package deploy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The manual must not fall behind the program. What the program has is read
// from its source, since a manual may not import it; each of the readers below
// knows one table, and fails when it finds fewer lines than there once were,
// so that a table that moved is noticed.

// readText reads a file of the manual.
func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inspect calls see with every node of the Go files that match a pattern.
func inspect(t *testing.T, pattern string, see func(ast.Node)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", pattern, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			see(n)
			return true
		})
	}
}

// text is the value of a string literal, or "".
func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

// literals are the string literals of []string{...}.
func literals(e ast.Expr) (all []string) {
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, x := range list.Elts {
		all = append(all, text(x))
	}
	return all
}

// keyed is the string of a field in a struct literal: name in verb{name: "ls"}.
func keyed(lit *ast.CompositeLit, field string) string {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == field {
				return text(kv.Value)
			}
		}
	}
	return ""
}

// declared is the value of a package-level variable or constant.
func declared(n ast.Node, name string) ast.Expr {
	spec, ok := n.(*ast.ValueSpec)
	if !ok || len(spec.Values) == 0 || spec.Names[0].Name != name {
		return nil
	}
	return spec.Values[0]
}

// called is the call of a function or method of that name.
func called(n ast.Node, names ...string) *ast.CallExpr {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if slices.Contains(names, f.Name) {
			return call
		}
	case *ast.SelectorExpr:
		if slices.Contains(names, f.Sel.Name) {
			return call
		}
	}
	return nil
}

// atLeast fails where a table was not found as it is known.
func atLeast(t *testing.T, what string, all []string, n int) []string {
	t.Helper()
	if len(all) < n {
		t.Fatalf("%s: found %d in the source, %q; has the table moved?", what, len(all), all)
	}
	return all
}

// holds wants each word in a text, put into a form.
func holds(t *testing.T, name, body string, words []string, form func(string) string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(body, form(w)) {
			t.Errorf("%s has no %q", name, form(w))
		}
	}
}

func TestReadmeVerbs(t *testing.T) {
	var verbs, flags, codes []string
	exits := func(n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Exit") && len(spec.Values) > 0 {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.INT {
				codes = append(codes, lit.Value)
			}
		}
	}
	inspect(t, "../gateway/attach/exit.go", exits)
	inspect(t, "../gateway/command/*.go", func(n ast.Node) {
		exits(n)
		if lit, ok := n.(*ast.CompositeLit); ok {
			switch name := keyed(lit, "name"); {
			case strings.HasPrefix(name, "-"):
				flags = append(flags, name)
			case name != "" && keyed(lit, "does") != "":
				verbs = append(verbs, name)
			}
		}
	})
	readme := readText(t, "../README.md")
	holds(t, "README", readme, atLeast(t, "verbs", verbs, 13), func(s string) string { return "\n| `" + s })
	holds(t, "README", readme, atLeast(t, "flags", flags, 25), func(s string) string { return "`" + s })
	atLeast(t, "exit codes", codes, 11)
	holds(t, "README", readme, codes, func(s string) string { return "\n| " + s + " |" })
	holds(t, "consoled.1", readText(t, "man/consoled.1"), codes, func(s string) string { return "\n.It " + s + "\n" })
}

func TestReadmeKeys(t *testing.T) {
	var keys []string
	inspect(t, "../gateway/attach/keys.go", func(n ast.Node) {
		list, ok := declared(n, "keys").(*ast.CompositeLit)
		if !ok {
			return
		}
		for _, x := range list.Elts {
			if line, ok := x.(*ast.CompositeLit); ok {
				keys = append(keys, regexp.MustCompile(` or | / `).Split(text(line.Elts[0]), -1)...)
			}
		}
	})
	atLeast(t, "escape keys", keys, 12)
	_, table, _ := strings.Cut(readText(t, "../README.md"), "Keys while attached")
	table, _, _ = strings.Cut(table, "\n## ")
	holds(t, "the README's keys", table, keys, func(s string) string { return "`" + s + "`" })
}

// TestConfigurationKeys wants every key that a configuration can have in both
// places, and the defaults of consoles' keys too.
func TestConfigurationKeys(t *testing.T) {
	var keys []string
	standard := map[string]string{}
	inspect(t, "../gateway/config/*.go", func(n ast.Node) {
		if list, ok := declared(n, "fields").(*ast.CompositeLit); ok {
			for _, x := range list.Elts {
				if line, ok := x.(*ast.CompositeLit); ok {
					key := text(line.Elts[0])
					keys, standard[key] = append(keys, key), text(line.Elts[2])
				}
			}
		}
		for _, name := range []string{"singleKeys", "partKeys", "ownKeys"} {
			keys = append(keys, literals(declared(n, name))...)
		}
		if call := called(n, "entries", "table", "members"); call != nil && len(call.Args) > 2 {
			keys = append(keys, literals(call.Args[2])...)
		}
		// The limits are a table of their own, of a key and its reader.
		if lit, ok := n.(*ast.CompositeLit); ok && lit.Type == nil && len(lit.Elts) == 2 {
			if called(lit.Elts[1], "number", "span") != nil {
				keys = append(keys, text(lit.Elts[0]))
			}
		}
	})
	atLeast(t, "configuration keys", keys, 60)
	readme, page := readText(t, "../README.md"), readText(t, "man/consoled.yaml.5")
	_, readme, _ = strings.Cut(readme, "\n## Configuration\n")
	readme, _, _ = strings.Cut(readme, "\n## ")
	for _, key := range keys {
		if !regexp.MustCompile("`([a-z]+\\.)?" + key + "[`.]").MatchString(readme) {
			t.Errorf("the README's configuration has no key %q", key)
		}
		if !regexp.MustCompile(`\b` + key + `\b`).MatchString(page) {
			t.Errorf("consoled.yaml(5) has no key %q", key)
		}
		if d := standard[key]; d != "" {
			if !strings.Contains(readme, "\n| `"+key+"` | `"+d+"` |") {
				t.Errorf("the README's configuration does not say that %s is %s by default", key, d)
			}
			if !regexp.MustCompile(`\.It Ic ` + key + "\n(?:[^.].*\n)*Default: " + regexp.QuoteMeta(d) + `\.\n`).MatchString(page) {
				t.Errorf("consoled.yaml(5) does not say that %s is %s by default", key, d)
			}
		}
	}
}

func TestKeyLineOptions(t *testing.T) {
	var options []string
	inspect(t, "../auth/options.go", func(n ast.Node) {
		options = append(options, literals(declared(n, "optionWords"))...)
	})
	options = slices.DeleteFunc(atLeast(t, "options of a key line", options, 14), func(s string) bool {
		return strings.HasPrefix(s, "no-") && s != "no-pty" // they change nothing here
	})
	_, access, _ := strings.Cut(readText(t, "../README.md"), "\n## Access\n")
	access, _, _ = strings.Cut(access, "\n## ")
	page := readText(t, "man/consoled.yaml.5")
	for _, o := range options {
		if !strings.Contains(access, "`"+o+"=") && !strings.Contains(access, "`"+o+"`") {
			t.Errorf("the README's access has no option %q", o)
		}
		if !regexp.MustCompile(`\n\.Cm ` + o + `( [,:])?\n`).MatchString(page) {
			t.Errorf("consoled.yaml(5) has no option %q", o)
		}
	}
}

// TestReadmeReasons wants each reason why a line is down explained.
func TestReadmeReasons(t *testing.T) {
	var reasons []string
	inspect(t, "../ports/reason.go", func(n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Reason" {
				reasons = append(reasons, text(spec.Values[0]))
			}
		}
	})
	holds(t, "README", readText(t, "../README.md"), atLeast(t, "reasons", reasons, 10), func(s string) string { return "\n| " + s + " |" })
}

func TestManCommandLine(t *testing.T) {
	var flags, commands []string
	inspect(t, "../cmd/consoled/*.go", func(n ast.Node) {
		if call := called(n, "StringVar", "BoolVar", "IntVar", "DurationVar", "StringVarP", "BoolVarP", "IntVarP"); call != nil {
			flags = append(flags, text(call.Args[1]))
		}
		if lit, ok := n.(*ast.CompositeLit); ok {
			if use, _, _ := strings.Cut(keyed(lit, "Use"), " "); use != "" && use != "consoled" {
				commands = append(commands, use)
			}
		}
	})
	page := readText(t, "man/consoled.1")
	holds(t, "consoled.1", page, atLeast(t, "commands", commands, 4), func(s string) string { return "\n.It Cm " + s + "\n" })
	holds(t, "consoled.1", page, atLeast(t, "flags", flags, 6), func(s string) string { return "Fl Fl " + s })
	holds(t, "README", readText(t, "../README.md"), commands, func(s string) string { return "`consoled " + s })
}
