package gateway

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"consoled/gateway/config"
)

// TestThousandReloads reloads a thousand times, every other time from a file
// that is broken in one of many ways, while the target goes on talking to
// somebody attached: the last good file rules, nobody is sent away, the line is
// not opened again, and no byte is lost.
func TestThousandReloads(t *testing.T) {
	const reloads = 1000
	key := signer(t, "alice")
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()

	var f *fixture
	file := filepath.Join(t.TempDir(), "consoled.yaml")
	f = startWith(t, line(`user="alice",consoles="admin=@all"`, key), func(c *config.Config) {
		writeSite(t, file, c, target.Addr(), "")
	}, attached(&f), func() (*config.Config, error) { return config.Load(file) })
	nc, err := target.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	out, client := join(t, f, "node1", key)
	var seen lockedBuffer
	go func() { _, _ = io.Copy(&seen, out) }()

	good := func(n int) (consoles string, names []string) {
		for i := range n % 5 {
			names = append(names, fmt.Sprintf("other%d", (n+i)%7))
			consoles += fmt.Sprintf("  %s: { sim: echo, description: \"file %d\" }\n", names[i], n)
		}
		return consoles, append(names, "node1")
	}
	bad := []string{
		"  node2: { tpc: \"h:1\" }\n", "  node2: { tcp: h }\n", "  node2: { tcp: \"h:1\", baud: 9600 }\n", "  node2: { }\n", "  node2: [\n",
		"  node1: { sim: echo }\n", "  \"n[2-\": { sim: echo }\n", "  \"bad name\": { sim: echo }\n", "\tnode2: { sim: echo }\n",
		"  node2: { use: nosuch }\n", "  node2: { serial: /dev/ttyS0, parity: both }\n", "nodes: {}\n", "  node2: { sim: echo, aliases: [node1] }\n",
		"  node2: { sim: nosuch }\n", "limits: { connections: 0 }\n", "roles: { r: { grant: everything } }\n",
	}
	place := regexp.MustCompile(`consoled\.yaml:[0-9]+:[0-9]+: `)
	ruling, mistakes, sent := []string{"node1"}, map[string]bool{}, ""
	for n := range reloads {
		said := fmt.Sprintf("line %d of it\r\n", n)
		sent += said
		if _, err := io.WriteString(nc, said); err != nil {
			t.Fatalf("reload %d: %v", n, err)
		}
		broken := ""
		if n%2 == 1 {
			broken = bad[n/2%len(bad)]
			writeSite(t, file, f.conf.Load(), target.Addr(), broken)
		} else {
			consoles, names := good(n)
			writeSite(t, file, f.conf.Load(), target.Addr(), consoles)
			ruling = slices.Sorted(slices.Values(names))
		}
		_, err := f.Reload(t.Context(), "test")
		switch {
		case broken == "" && err != nil:
			t.Fatalf("reload %d of a good file: %v", n, err)
		case broken != "" && (err == nil || !place.MatchString(err.Error()) || !strings.Contains(err.Error(), "running configuration unchanged")):
			t.Fatalf("reload %d of %q: %v", n, broken, err)
		case broken != "":
			mistakes[err.Error()] = true
		}
		var have []string
		for _, c := range f.Consoles() {
			have = append(have, c.Name())
		}
		if slices.Sort(have); !slices.Equal(have, ruling) {
			t.Fatalf("reload %d: consoles %q, want %q", n, have, ruling)
		}
		if c, _ := f.Console("node1"); len(c.Status().Clients) != 1 {
			t.Fatalf("reload %d: %d clients", n, len(c.Status().Clients))
		}
	}
	if len(mistakes) < len(bad) {
		t.Errorf("%d different errors of %d broken files", len(mistakes), len(bad))
	}
	await(t, "the last line on the person's screen", func() bool { return strings.Contains(seen.String(), fmt.Sprintf("line %d of it", reloads-1)) })
	for n, m := range regexp.MustCompile(`line (\d+) of it`).FindAllStringSubmatch(seen.String(), -1) {
		if m[1] != strconv.Itoa(n) {
			t.Fatalf("the person saw line %s as number %d", m[1], n)
		}
	}
	if log, err := os.ReadFile(filepath.Join(f.conf.Load().Log.Dir, "node1", "console.log")); err != nil || string(log) != sent {
		t.Errorf("the record has %d bytes of %d, %v", len(log), len(sent), err)
	}
	if _, _, err := client.SendRequest(keepaliveRequest, true, nil); err != nil {
		t.Errorf("the person's connection: %v", err)
	}
}

// writeSite writes a configuration file of one console that is a target's, and of more.
func writeSite(t *testing.T, file string, c *config.Config, target net.Addr, more string) {
	t.Helper()
	text := fmt.Sprintf("listen: \"127.0.0.1:0\"\nstate_dir: %s\nauth: { keys: [%s] }\nlog: { dir: %s }\nconsoles:\n  node1: { tcp: %q }\n%s",
		c.StateDir, c.Auth.Keys[0], c.Log.Dir, target, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
