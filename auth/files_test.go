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
		0o664: "mode 0664 lets its group write it, and so add keys (fix: chmod g-w)",
		0o602: "mode 0602 lets anybody add keys - this file is refused (fix: chmod o-w)",
	} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		keys, problems, err := LoadKeys([]string{file})
		got, refused := "", mode == 0o602
		for _, p := range problems {
			got += p.Text
			if p.Warning == refused || p.Lost != refused {
				t.Errorf("%#o: %+v", mode, p)
			}
		}
		if err != nil || (len(keys) == 0) != refused || got != want {
			t.Errorf("%#o: %d keys, %q, %v", mode, len(keys), got, err)
		}
	}
}

// TestKeyFolderModes refuses keys that anybody on the machine may replace, or
// to which they may add their own.
func TestKeyFolderModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	dir := tree(t, map[string]string{"keys.d/a.pub": keyA})
	folder := filepath.Join(dir, "keys.d")
	for _, tt := range []struct {
		mode        os.FileMode
		name        string
		wantRefused bool
	}{
		{0o755, "*.pub", false},
		{0o775, "*.pub", false},
		{0o777, "*.pub", true},
		{0o777 | os.ModeSticky, "*.pub", true},
		{0o755, "a.pub", false},
		{0o777, "a.pub", true},
		{0o777 | os.ModeSticky, "a.pub", false},
	} {
		if err := os.Chmod(folder, tt.mode); err != nil {
			t.Fatal(err)
		}
		keys, problems, err := LoadKeys([]string{filepath.Join(folder, tt.name)})
		if err != nil || (len(keys) == 0) != tt.wantRefused || (len(problems) == 1 && problems[0].Lost) != tt.wantRefused {
			t.Errorf("%v %s: %d keys, %v, %v", tt.mode, tt.name, len(keys), problems, err)
		}
	}
}

// TestLostFiles tells a file that is gone from one that gives no key.
func TestLostFiles(t *testing.T) {
	dir := tree(t, map[string]string{"empty": "", "utf16": "\xff\xfea\x00", "folder/": "", "keys.d/no key": "x", "none.d/": ""})
	for name, want := range map[string]bool{
		"empty": false, "utf16": true, "folder": true, "nowhere": true, "no.d/*.pub": true, "none.d/*.pub": false, "keys.d/*.pub": false,
	} {
		_, problems, err := LoadKeys([]string{filepath.Join(dir, name)})
		got := false
		for _, p := range problems {
			got = got || p.Lost
		}
		if err != nil || got != want {
			t.Errorf("%s: lost is %v of %v, %v", name, got, problems, err)
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
