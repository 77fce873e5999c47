package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consoled/gateway/names"
	"consoled/ports"
)

// secretOf reads a value as the secret of console node07, in a configuration
// with the definitions, and returns the complaints too.
func secretOf(t *testing.T, definitions, text string) (s ports.Secret, shown string, bound binding, complaints string) {
	t.Helper()
	folder := t.TempDir()
	path := write(t, folder, "consoled.yaml", definitions+"\ngroups:\n  here: "+text+"\n")
	l, err := newLoader(path)
	if err != nil {
		t.Fatal(err)
	}
	l.readAll()
	left := 1 << 20
	r := &reader{
		report: &l.report, left: &left, secrets: l.secrets(),
		scope: &scope{name: "node07", numbers: []names.Number{{Value: 7, Text: "07"}}, host: "gw"},
	}
	s, shown, _ = r.secret("password", l.parts["groups"][0].value)
	return s, shown, r.bound, strings.ReplaceAll(l.problems().Error(), folder, "FOLDER")
}

func TestSecret(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
	const vault = "secrets: { bmc: { exec: [/usr/bin/vault-read, \"bmc/${name}\"], cache: 1h }, term: { env: TERM_PASSWORD } }"
	for _, test := range []struct{ name, definitions, text, shown, is string }{
		{"reference", vault, "secret:term", "secret:term", "{env: TERM_PASSWORD}"},
		{"of each console", vault, "secret:bmc", "secret:bmc", "{exec: [/usr/bin/vault-read, bmc/node07]}"},
		{"credential", "", "{ file: \"${credentials}/pdu\" }", "{file: /run/credentials/x/pdu}", "{file: /run/credentials/x/pdu}"},
		{"variable", "", `{ env: "BMC_${n}" }`, "{env: BMC_07}", "{env: BMC_07}"},
		{"relative", "", "{ file: pdu }", "{file: FOLDER/pdu}", "{file: FOLDER/pdu}"},
		{"inline", "allow_inline_secrets: true", "hunter2", "***", "***"},
		{"inline below", "allow_inline_secrets: true\nsecrets: { pdu: hunter2 }", "secret:pdu", "secret:pdu", "***"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, shown, bound, complaints := secretOf(t, test.definitions, test.text)
			if s == nil {
				t.Fatal(complaints)
			}
			if dir := filepath.Dir(strings.TrimPrefix(shown, "{file: ")); test.name == "relative" {
				shown = strings.ReplaceAll(shown, dir, "FOLDER")
				test.is = strings.ReplaceAll(test.is, "FOLDER", dir)
			}
			if shown != test.shown || s.String() != test.is || bound == (binding{}) {
				t.Errorf("shown %s, is %s", shown, s)
			}
		})
	}
}

// TestSecretBinding: what a reference is bound to tells a change, although the
// reference stays.
func TestSecretBinding(t *testing.T) {
	seen := map[binding]string{}
	for _, definition := range []string{"{ env: A }", "{ env: B }", "A", "hunter2", "hunter3", "{ exec: [a, b] }", "{ exec: [a b] }", "{ exec: [a, b], cache: 1h }"} {
		_, _, bound, complaints := secretOf(t, "allow_inline_secrets: true\nsecrets: { x: "+definition+" }", "secret:x")
		if before, twice := seen[bound]; twice || bound == (binding{}) {
			t.Errorf("%s is bound like %q: %s", definition, before, complaints)
		}
		seen[bound] = definition
	}
}

// TestSecretMistakes: the mistake is told, and the password is not.
func TestSecretMistakes(t *testing.T) {
	open := write(t, t.TempDir(), "open", "hunter2")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, definitions, text, says string }{
		{"inline", "", "hunter2", "a password does not stand in the configuration"},
		{"inline below", "secrets: { pdu: hunter2 }", "secret:pdu", "a password does not stand in the configuration"},
		{"unknown", "secrets: { bmc: { env: A } }", "secret:bmcs", `unknown secret "bmcs"; it has to stand below secrets:; did you mean "bmc"?`},
		{"none", "", "{}", "has exactly one of file, env and exec"},
		{"two", "", "{ env: A, file: /b }", "has exactly one of file, env and exec"},
		{"cache", "", "{ env: A, cache: 1h }", "it is for exec alone"},
		{"shell", "", "{ exec: vault-read bmc }", "the program and its arguments are a list"},
		{"no program", "", "{ exec: [] }", "no program"},
		{"variable", "", "{ env: A-B }", "no name for a variable"},
		{"key", "", "{ envv: A }", `unknown key "envv"`},
		{"open", "", "{ file: " + open + " }", "is open to everybody; chmod o-rwx it"},
		{"control", "allow_inline_secrets: true", `"hunter2\e"`, "with control characters"},
		{"empty", "allow_inline_secrets: true", `""`, "empty"},
		{"list", "", "[a]", "a list where a map is expected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _, _, complaints := secretOf(t, test.definitions, test.text)
			if s != nil || !strings.Contains(complaints, test.says) {
				t.Errorf("%v\n%s", s, complaints)
			}
			if strings.Contains(complaints, "hunter") {
				t.Errorf("the password is told:\n%s", complaints)
			}
		})
	}
}

// TestSecretExcerpt: a mistake beside a password shows the line without it,
// which is no line at all.
func TestSecretExcerpt(t *testing.T) {
	for _, text := range []string{
		"consoles: { a: { ipmi: { host: b, user: u, password: hunter2, cipher: 99 } } }",
		"consoles: { a: { ipmi: { host: b, user: u, pasword: hunter2 } } }",
		"consoles: { a: { ipmi: { host: b, user: u, password: secret:x, kg: \"hunter2\", cipher: 99 } } }",
		"consoles:\n  a:\n    ssh:\n      to: u@h\n      \"password\": [hunter2]",
		"consoles: { a: { ssh: { to: u@h, Password : { text: hunter2 } } } }",
		"consoles: { a: { telnet: \"x:99999\", on_connect: [ { password: hunter2 } ] } }",
		"consoles: { a: { ssh: { to: u@h, password: ${hunter2} } } }",
		"secrets: { x: [hunter2] }",
		"secrets:\n  # some\n\n  x: hunter2\n  y: [hunter2]\n  z: {fil: hunter2}",
		"secrets:\n  x: @hunter2",
		"consoles:\n  a:\n    ssh:\n      to: u@h\n      password:\n        hunter2: [",
		"consoles:\n  a:\n    ssh:\n      to: u@h\n      password: x\n        y: hunter2",
		"consoles:\n  a:\n    ssh:\n      to: u@h\n      password: |\n        x\n\n        hunter2\n      \tkey: y",
		"consoles:\n  a:\n    ssh: {\n        to: u@h, password: \"x\\\"\n\n    z\n    hunter2\\q\" }",
		"consoles:\n  a:\n    ssh: {\n        password: 'it''s\n    hunter2' ]",
	} {
		for _, inline := range []string{"true", "false"} {
			path := write(t, t.TempDir(), "consoled.yaml", "allow_inline_secrets: "+inline+"\n"+text+"\n")
			if _, err := Load(path); err == nil || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s:\n%v", text, err)
			}
		}
	}
	path := write(t, t.TempDir(), "consoled.yaml", "consoles: { a: { ipmi: { host: b, user: u, password: secret:x, cipher: 99 } } }\n")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "cipher: 99 } } }") {
		t.Errorf("a reference is not shown: %v", err)
	}
}
