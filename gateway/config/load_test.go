package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consoled/auth"
	"consoled/gateway/console"
	"consoled/ports"
	"consoled/ports/ssh"
)

// write makes a file below a folder of the test's own.
func write(t testing.TB, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load is for text that is right.
func load(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Load(write(t, t.TempDir(), "consoled.yaml", text))
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	return c
}

// named finds a console.
func named(t testing.TB, c *Config, name string) Console {
	t.Helper()
	i := slices.IndexFunc(c.Consoles, func(x Console) bool { return x.Subject.Name == name })
	if i < 0 {
		t.Fatalf("no console %q", name)
	}
	return c.Consoles[i]
}

func TestDefaults(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("STATE_DIRECTORY", filepath.Join(folder, "state"))
	c, err := Load(write(t, folder, "consoled.yaml", ""))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Files:    []string{filepath.Join(folder, "consoled.yaml")},
		Listen:   []string{":2222"},
		StateDir: filepath.Join(folder, "state"),
		Auth:     Auth{Keys: []string{filepath.Join(folder, "authorized_keys")}},
		Log:      Log{Dir: filepath.Join(folder, "state", "consoles")},
		Limits: Limits{
			Connections: 2000, HalfOpen: 200, PerAddress: 50, Sessions: 10,
			Handshake: 30 * time.Second, Keepalive: 30 * time.Second, KeepaliveCount: 3, AuthTries: 20,
		},
		Suffixes: []string{".con", ".console"},
		Consoles: []Console{},
		Groups:   map[string]string{},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestStateDir(t *testing.T) {
	tests := []struct {
		name string
		euid int
		env  map[string]string
		want string
	}{
		{"root", 0, nil, "/var/lib/consoled"},
		{"root with XDG", 0, map[string]string{"XDG_STATE_HOME": "/x"}, "/var/lib/consoled"},
		{"systemd", 99, map[string]string{"STATE_DIRECTORY": "/var/lib/lab:/var/lib/other"}, "/var/lib/lab"},
		{"user", 1000, nil, "/home/u/.local/state/consoled"},
		{"user with XDG", 1000, map[string]string{"XDG_STATE_HOME": "/x"}, "/x/consoled"},
		{"relative XDG is not valid", 1000, map[string]string{"XDG_STATE_HOME": "x"}, "/home/u/.local/state/consoled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := defaultStateDir(test.euid, "/home/u", func(key string) string { return test.env[key] })
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestGlobal(t *testing.T) {
	folder := t.TempDir()
	c, err := Load(write(t, folder, "consoled.yaml", `
listen: ["10.0.0.5:22", "[fd00::5]:22"]
state_dir: state
host_key: [keys/a, /etc/b]
suffixes: []
auth: { keys: [authorized_keys, "keys.d/*.pub"], default_grant: rw, contact: lab@example.org }
log: { dir: records, group: adm }
limits: { connections: 10, handshake: 1m30s, keepalive_count: 5 }
`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	if diff := cmp.Diff([]string{"10.0.0.5:22", "[fd00::5]:22"}, c.Listen); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{at("keys/a"), "/etc/b"}, c.HostKeys); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Auth{Keys: []string{at("authorized_keys"), at("keys.d/*.pub")}, DefaultGrant: auth.Read | auth.Write | auth.Break, Contact: "lab@example.org"}, c.Auth); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Log{Dir: at("records"), Group: "adm"}, c.Log); diff != "" {
		t.Error(diff)
	}
	if c.StateDir != at("state") || len(c.Suffixes) != 0 || c.Limits.Connections != 10 || c.Limits.Handshake != 90*time.Second || c.Limits.Sessions != 10 {
		t.Errorf("%+v", c)
	}
}

func TestRanges(t *testing.T) {
	c := load(t, `
consoles:
  leaf[01-40]: { telnet: "ts${(n-1)/20+1}.example.org:${7000+(n-1)%20+1}" }
  r[1-2]n[08-10]: { tcp: "${name}-${n1}-${n2}:${n1*1000+n2}", description: "$${n} is ${n2}" }
  007: { unix: "/run/${name}" }
  1e3: { unix: "/run/${name}" }
  yes: { unix: "/run/${name}" }
`)
	want := map[string]string{
		"leaf01": "telnet ts1.example.org:7001", "leaf20": "telnet ts1.example.org:7020", "leaf21": "telnet ts2.example.org:7001",
		"r1n08": "tcp r1n08-1-08:1008", "r2n10": "tcp r2n10-2-10:2010",
		"007": "unix /run/007", "1e3": "unix /run/1e3", "yes": "unix /run/yes",
	}
	for name, line := range want {
		if got := named(t, c, name).Backend.String(); got != line {
			t.Errorf("%s is %s, want %s", name, got, line)
		}
	}
	if got := named(t, c, "r1n09").Description; got != "${n} is 09" {
		t.Errorf("description %q", got)
	}
	if len(c.Consoles) != 49 || c.Consoles[0].Subject.Name != "1e3" || c.Consoles[2].Subject.Name != "leaf01" {
		var order []string
		for _, x := range c.Consoles {
			order = append(order, x.Subject.Name)
		}
		t.Errorf("order %v", order)
	}
}

func TestMerge(t *testing.T) {
	c := load(t, `
defaults: { baud: 9600, tags: [all-of-them], write: explicit, lines: { dtr: on }, reconnect: { first: 2s } }
templates:
  board: { serial: { stop: 2, lines: { rts: off } }, tags: [boards], aliases: "b-${name}" }
  old: { baud: 300, tags: [old, boards], grace: 1m, idle_release: 0 }
consoles:
  b1: { use: [board, old], serial: usb-1, tags: mine, reconnect: { max: 5s } }
  b2: { use: [old, board], serial: { path: /dev/ttyS1, baud: 1200 }, write: on-key }
  vm: { unix: /run/vm.sock }
groups:
  all-boards: "@boards"
  more: "@all-boards,vm"
`)
	b1, b2, vm := named(t, c, "b1"), named(t, c, "b2"), named(t, c, "vm")
	if diff := cmp.Diff(&ports.Serial{Path: "usb-1", Baud: 300, Data: 8, Parity: "none", Stop: "2", Flow: "none", DTR: "on", RTS: "off"}, b1.Backend); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&ports.Serial{Path: "/dev/ttyS1", Baud: 1200, Data: 8, Parity: "none", Stop: "2", Flow: "none", DTR: "on", RTS: "off"}, b2.Backend); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"all-of-them", "boards", "mine", "old"}, b1.Subject.Tags); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"all-boards", "more"}, b2.Subject.Groups); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b-b1"}, b1.Subject.Aliases); diff != "" {
		t.Error(diff)
	}
	if want := (console.Reconnect{First: 2 * time.Second, Max: 5 * time.Second}); b1.Reconnect != want {
		t.Errorf("reconnect %v, want %v", b1.Reconnect, want)
	}
	lock := console.LockOptions{Write: console.Explicit, IdleRelease: -1, Grace: time.Minute, ForceReason: "required", ForceCooldown: 10 * time.Second}
	if b1.Lock != lock {
		t.Errorf("lock %+v, want %+v", b1.Lock, lock)
	}
	if b2.Lock.Write != console.OnKey || vm.Lock.Write != console.Explicit {
		t.Errorf("write %v and %v", b2.Lock.Write, vm.Lock.Write)
	}
	if _, has := vm.Settings.Get("baud"); has {
		t.Error("a socket has a speed")
	}
}

func TestLines(t *testing.T) {
	folder := t.TempDir()
	_, err := Load(write(t, folder, "consoled.yaml", `
consoles:
  a: { exec: [bin/sim, "-x", "${name}"], env: { N: "${n1}1" }, dir: work, user: nobody, size: 132x43 }
  b: { exec: { argv: [cat], env: { A: "1", B: "two\nlines" } } }
  c: { tcp: { address: "ts1:2001" } }
  d: { unix: run/d.sock }
  e: { unix: "@abstract" }
  f: { serial: { path: usb-1, baud: 9600, data: 7, parity: even, stop: 1, flow: software, lines: { hupcl: on } } }
  g: { exec: [cat], log: none, title: false, escape: "^]", motd: "a\nb", description: "${host}" }
`))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(problems[0].Text, "no range") {
		t.Fatal(err)
	}
	c, err := Load(write(t, folder, "consoled.yaml", `
consoles:
  a[1-2]: { exec: [bin/sim, "-x", "${name}"], env: { N: "${n}1" }, dir: work, user: nobody, size: 132x43 }
  b: { exec: { argv: [cat], env: { A: "1", B: "two\nlines" } } }
  c: { tcp: { address: "ts1:2001" } }
  d: { unix: run/d.sock }
  e: { unix: "@abstract" }
  f: { serial: { path: usb-1, baud: 9600, data: 7, parity: even, stop: 1, flow: software, lines: { hupcl: on } } }
  g: { exec: [cat], log: none, title: false, escape: "^]", motd: "a\nb" }
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]ports.Backend{
		"a2": &ports.Exec{Argv: []string{filepath.Join(folder, "bin/sim"), "-x", "a2"}, Env: map[string]string{"N": "21"}, Dir: filepath.Join(folder, "work"), User: "nobody", Cols: 132, Rows: 43},
		"b":  &ports.Exec{Argv: []string{"cat"}, Env: map[string]string{"A": "1", "B": "two\nlines"}, Cols: 80, Rows: 24},
		"c":  &ports.TCP{Address: "ts1:2001", Network: ports.Network{KeepAlive: 30 * time.Second}},
		"d":  &ports.Unix{Path: filepath.Join(folder, "run/d.sock")},
		"e":  &ports.Unix{Path: "@abstract"},
		"f":  &ports.Serial{Path: "usb-1", Baud: 9600, Data: 7, Parity: "even", Stop: "1", Flow: "software", HUPCL: true},
	}
	for name, backend := range want {
		if diff := cmp.Diff(backend, named(t, c, name).Backend); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if g := named(t, c, "g"); !g.NoLog || !g.NoTitle || g.Escape != "^]" || g.MOTD != "a\nb" {
		t.Errorf("%+v", g)
	}
}

// TestSSH: a template has what is common, in whatever form the host is written.
func TestSSH(t *testing.T) {
	folder := t.TempDir()
	c, err := Load(write(t, folder, "consoled.yaml", `
secrets: { bmc: { env: BMC } }
templates:
  bmc: { ssh: { key: keys/bmc, password: secret:bmc, jump: me@hop } }
  old: { ssh: { legacy: true, keepalive: 1m, known_hosts: keys/known } }
consoles:
  a: { ssh: root@bmc1 }
  b[1-2]: { use: [bmc, old], ssh: "root@bmc${n}:2200" }
  c: { use: bmc, ssh: { to: root@bmc3, jump: [], agent: true, size: 132x43, pty: false, command: uname } }
`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	for name, want := range map[string]*ssh.SSH{
		"a":  {To: "root@bmc1", KnownHosts: at("known_hosts"), Cols: 80, Rows: 24, Keepalive: 30 * time.Second},
		"b2": {To: "root@bmc2:2200", Key: at("keys/bmc"), Jump: []string{"me@hop"}, KnownHosts: at("keys/known"), Cols: 80, Rows: 24, Keepalive: time.Minute, Legacy: true},
		"c":  {To: "root@bmc3", Key: at("keys/bmc"), Jump: []string{}, Agent: ssh.OwnAgent, KnownHosts: at("known_hosts"), Command: "uname", NoPty: true, Cols: 132, Rows: 43, Keepalive: 30 * time.Second},
	} {
		got := *named(t, c, name).Backend.(*ssh.SSH)
		if (got.Password == nil) != (name == "a") || name != "a" && got.Password.String() != "{env: BMC}" {
			t.Errorf("%s: password %v", name, got.Password)
		}
		got.Password = nil
		if diff := cmp.Diff(want, &got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOverride(t *testing.T) {
	c := load(t, `
consoles:
  node[1-3]: { tcp: "ts1:${2000+n}", description: from the range }
  node2: { unix: /run/node2, override: true }
`)
	if x := named(t, c, "node2"); x.Backend.String() != "unix /run/node2" || x.Description != "" || len(c.Consoles) != 3 {
		t.Errorf("%+v", x)
	}
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "more/b.yaml", "consoles: { b: { unix: b.sock } }\ninclude: ../c.yaml\n")
	write(t, folder, "more/a.yaml", "consoles: { a: { unix: a.sock } }\n")
	write(t, folder, "c.yaml", "templates: { t: { write: explicit } }\n")
	write(t, folder, "conf.d/z.yaml", "consoles: { z: { use: t, unix: z.sock } }\nlog: { group: adm }\n")
	write(t, folder, "conf.d/ignored.yml", "not: read\n")
	main := write(t, folder, "consoled.yaml", "include: [more/*.yaml, conf.d/*.yaml]\nlog: { dir: l }\n")
	c, err := Load(main)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, name := range []string{"consoled.yaml", "more/a.yaml", "more/b.yaml", "c.yaml", "conf.d/z.yaml"} {
		files = append(files, filepath.Join(folder, name))
	}
	if diff := cmp.Diff(files, c.Files); diff != "" {
		t.Error(diff)
	}
	a, z := named(t, c, "a"), named(t, c, "z")
	if a.Backend.String() != "unix "+filepath.Join(folder, "more/a.sock") || a.Place != "more/a.yaml:1:13" {
		t.Errorf("%v at %s", a.Backend, a.Place)
	}
	if z.Lock.Write != console.Explicit || c.Log != (Log{Dir: filepath.Join(folder, "l"), Group: "adm"}) {
		t.Errorf("%+v %+v", z.Lock, c.Log)
	}
}

func TestUnreadable(t *testing.T) {
	folder := t.TempDir()
	huge := write(t, folder, "huge.yaml", "")
	if err := os.Truncate(huge, maxFile+1); err != nil {
		t.Fatal(err)
	}
	write(t, folder, "deep.yaml", "include: [deep1.yaml]\n")
	for i := range maxIncludes + 2 {
		write(t, folder, fmt.Sprintf("deep%d.yaml", i), fmt.Sprintf("include: [deep%d.yaml]\n", i+1))
	}
	tests := map[string]string{
		filepath.Join(folder, "missing.yaml"): "no such file",
		folder:                                "not a regular file",
		huge:                                  "larger than 16 MiB",
		filepath.Join(folder, "deep.yaml"):    "files including each other",
	}
	for path, want := range tests {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestAccess(t *testing.T) {
	c := load(t, `
consoles:
  leaf[1-2]: { tcp: "ts1:${2000+n}", tags: [network] }
access:
  roles:
    net: { grant: op, consoles: ["@network"], members: [carol, "bg-*"], write: explicit, from: ["10.9.0.0/16", "!10.9.0.1"] }
    aud: { grant: [read, audit], consoles: "@all", members: dave }
  deny:
    quiet: { rights: [power, force], consoles: [leaf1], until: 2026-12-01T00:00:00Z, except: [aud] }
`)
	if len(c.Roles) != 2 || len(c.Denies) != 1 || len(c.Warnings) != 0 {
		t.Fatalf("%+v", c)
	}
	net, aud, quiet := c.Roles[0], c.Roles[1], c.Denies[0]
	if op, _ := auth.ParseRights("op"); net.Grant != op || net.Write != "explicit" || net.Place != "consoled.yaml:6" || len(net.From) != 2 || !net.From[1].Not {
		t.Errorf("%+v", net)
	}
	if aud.Grant != auth.Read|auth.Audit || !aud.Consoles[0].Match(c.Consoles[0].Subject) || aud.Members[0] != "dave" {
		t.Errorf("%+v", aud)
	}
	if quiet.Rights != auth.Power|auth.Force || quiet.Until.Year() != 2026 || quiet.Except[0] != "aud" || quiet.Consoles[0].Match(c.Consoles[1].Subject) {
		t.Errorf("%+v", quiet)
	}
}

// TestBounded holds hostile files against the limits: each must end soon, with an error.
func TestBounded(t *testing.T) {
	var many, groups strings.Builder
	many.WriteString("templates:\n  t: { motd: '" + strings.Repeat("${n}", 1000) + "', serial: x }\nconsoles: { 'a[1-300]': { use: t } }\n")
	groups.WriteString("consoles: { 'a[1-100]': { sim: echo } }\ngroups:\n")
	for i := range 1100 {
		fmt.Fprintf(&groups, "  g%d: 'x%d'\n", i, i)
	}
	tests := map[string]string{
		"names":     "consoles: { 'a[1-1000]b[1-1000]': { sim: echo } }",
		"settings":  "consoles: { 'a[1-300]': { exec: [" + strings.Repeat("'${n}', ", 900) + "x] } }",
		"text":      many.String(),
		"nesting":   "consoles: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"groups":    groups.String(),
		"brackets":  "consoles: { a: { tcp: '${" + strings.Repeat("(", 2000) + "1" + strings.Repeat(")", 2000) + "}:1' } }",
		"long text": "consoles: { a: { unix: '" + strings.Repeat("x", 1<<20) + "' } }",
		"long line": strings.Repeat("a: ", 1<<20),
		"mistakes":  "consoles:\n" + strings.Repeat("  a: { b: c }\n", 10_000),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := loadSmall(t, filepath.Join(t.TempDir(), "consoled.yaml"), []byte(text))
			if err == nil {
				t.Fatal("no complaint")
			}
			if len(err.Error()) > 100_000 {
				t.Errorf("%d bytes of complaint", len(err.Error()))
			}
			t.Logf("%.300s", err)
		})
	}
}

// TestHarmless: what a file holds must not reach the terminal as it is.
func TestHarmless(t *testing.T) {
	text := "consoles:\n  \"a\\e]0;x\\a\": { \"\\e[2J\": 1, unix: \"\\e[2J\\u202e\" }\n"
	_, err := Load(write(t, t.TempDir(), "consoled.yaml", text))
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\a\u202e") {
		t.Errorf("%q", err)
	}
}

// TestLoose: whoever may write the configuration decides what runs as the
// gateway's user.
func TestLoose(t *testing.T) {
	path := write(t, t.TempDir(), "consoled.yaml", "consoles: {}\n")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Text, "everybody may write") {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestFolderName: the letters of a folder's name are no pattern.
func TestFolderName(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a[1]*")
	write(t, folder, "conf.d/x.yaml", "consoles: { x: { sim: echo } }\n")
	write(t, folder, "more/y.yaml", "consoles: { y: { sim: echo } }\n")
	write(t, folder, "keys.d/alice.pub", "")
	c, err := Load(write(t, folder, "consoled.yaml", "include: more/*.yaml\nauth: { keys: keys.d/*.pub }\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Consoles) != 2 || len(c.Files) != 3 {
		t.Errorf("%v", c.Files)
	}
	if found, err := filepath.Glob(c.Auth.Keys[0]); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}
