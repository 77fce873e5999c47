//go:build unix

package auth

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHostKeyModes holds the modes whatever the umask. Umask is the process's:
// no test of this package runs in parallel.
func TestHostKeyModes(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077, 0o777} {
		dir := t.TempDir()
		old := unix.Umask(mask)
		_, _, err := HostKeys(nil, dir)
		unix.Umask(old)
		if err != nil {
			t.Fatalf("umask %#o: %v", mask, err)
		}
		for name, want := range map[string]os.FileMode{hostKeyName: 0o600, hostKeyName + ".pub": 0o644} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %#o: %s has mode %v, %v", mask, name, info.Mode(), err)
			}
		}
	}
}

// TestFIFO: a FIFO among the key files makes nobody wait.
func TestFIFO(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, problems, err := LoadKeys([]string{file})
	if len(keys) != 0 || len(problems) != 1 || problems[0].Text != "not a regular file" || err != nil {
		t.Errorf("%d keys, %v, %v", len(keys), problems, err)
	}
}
