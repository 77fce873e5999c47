package auth

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree writes files below a new folder and returns it; a name with a slash at
// the end is a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			name, file = name+"x", filepath.Join(dir, name, "x")
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/x") {
			continue
		}
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadKeys(t *testing.T) {
	a, b, c, d := text(newKey(t, "ed25519")), text(newKey(t, "ed25519")), text(newKey(t, "ed25519")), text(newKey(t, "ed25519"))
	dir := tree(t, map[string]string{
		"authorized_keys":      a + "\nuser=\"carol\" " + b + "\n",
		"keys.d/alice.pub":     c + "\nuser=\"other\" " + d,
		"keys.d/.bob.pub.swp":  b,
		"keys.d/zoe.pub":       `consoles="admin=@all" ` + c,
		"home/eve/.ssh/keys":   text(newKey(t, "ed25519")),
		"team/ops.pub":         text(newKey(t, "ed25519")) + "\n" + text(newKey(t, "ed25519")),
		"team/with space.pub":  text(newKey(t, "ed25519")),
		"keys.d/folder.pub/":   "",
		"listed/keys.d/x@y.pb": text(newKey(t, "ed25519")),
	})
	keys, problems, err := LoadKeys([]string{
		filepath.Join(dir, "authorized_keys"), filepath.Join(dir, "keys.d", "*"), filepath.Join(dir, "keys.d", "alice.pub"),
		filepath.Join(dir, "home", "*", ".ssh", "keys"), filepath.Join(dir, "team", "*.pub"), filepath.Join(dir, "listed", "keys.d", "x@y.pb"),
		filepath.Join(dir, "nowhere"), filepath.Join(dir, "none*"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range keys {
		got = append(got, strings.TrimPrefix(filepath.ToSlash(place(k.File, k.Line)), filepath.ToSlash(dir)+"/")+" "+k.User)
	}
	want := []string{
		"authorized_keys:1 ", "authorized_keys:2 carol", "keys.d/alice.pub:1 alice", "keys.d/alice.pub:2 other", "home/eve/.ssh/keys:1 ",
		"team/ops.pub:1 ops", "team/ops.pub:2 ops", "listed/keys.d/x@y.pb:1 x@y.pb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got)\n%s", diff)
	}
	got = nil
	for _, p := range problems {
		got = append(got, strings.ReplaceAll(filepath.ToSlash(p.String()), filepath.ToSlash(dir)+"/", ""))
	}
	want = []string{
		`keys.d/.bob.pub.swp: file name is no identity: name ".bob.pub.swp" must consist of letters, digits and . _ @ - (and start with one of the former) - this file is refused`,
		`keys.d/folder.pub: not a regular file`,
		`keys.d/zoe.pub:1: same key as keys.d/alice.pub:1 (the first line of a key counts) - this line is ignored`,
		`team/with space.pub: file name is no identity: name "with space" must consist of letters, digits and . _ @ - (and start with one of the former) - this file is refused`,
		`nowhere: no such file`,
		`none*: matches no file`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got)\n%s", diff)
	}
}

func TestKeyFileModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	dir := tree(t, map[string]string{"k": keyA})
	file := filepath.Join(dir, "k")
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o644: "",
		0o664: file + ": mode 0664 lets others write it, and so add keys (fix: chmod go-w)",
		0o602: file + ": mode 0602 lets others write it, and so add keys (fix: chmod go-w)",
	} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		keys, problems, err := LoadKeys([]string{file})
		got := ""
		for _, p := range problems {
			got += p.String()
			if !p.Warning {
				t.Errorf("%v is no warning", p)
			}
		}
		if err != nil || len(keys) != 1 || got != want {
			t.Errorf("%#o: %d keys, %q, %v", mode, len(keys), got, err)
		}
	}
}

func TestLoadKeysBounds(t *testing.T) {
	if _, _, err := LoadKeys([]string{"a[*"}); err == nil {
		t.Error("a malformed pattern is no error")
	}
	dir := tree(t, map[string]string{"big": strings.Repeat("#\n", maxFile/2+1)})
	keys, problems, err := LoadKeys([]string{filepath.Join(dir, "big")})
	if len(keys) != 0 || err != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].Text, "larger than 16 MiB") {
		t.Errorf("%d keys, %v, %v", len(keys), problems, err)
	}
}
