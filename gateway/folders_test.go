package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"consoled/gateway/config"
)

// serveError is why a gateway with a changed configuration does not start.
func serveError(t *testing.T, change func(*config.Config)) string {
	t.Helper()
	f := prepare(t, "", change, told)
	err := f.Serve(t.Context())
	if err == nil {
		t.Fatal("it served")
	}
	return err.Error()
}

// TestOneRecordFolder shows that two gateways with state folders of their own
// do not write into one record.
func TestOneRecordFolder(t *testing.T) {
	f := start(t, "", nil, told)
	err := serveError(t, func(c *config.Config) { c.Log.Dir = f.conf.Load().Log.Dir })
	if !strings.Contains(err, "log.dir") || !strings.Contains(err, "in use by another gateway (process ") || !strings.Contains(err, "\nfix: ") {
		t.Error(err)
	}
}

// TestFolders names the key and the remedy where a folder cannot be used.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	file, closed := filepath.Join(dir, "file"), filepath.Join(dir, "closed")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	paths := []string{file, filepath.Join(file, "below")}
	if os.Getuid() > 0 { // root may write anywhere, Windows has other modes
		paths = append(paths, closed, filepath.Join(closed, "below"))
	}
	for _, path := range paths {
		for key, change := range map[string]func(*config.Config){
			"state_dir": func(c *config.Config) { c.StateDir = path },
			"log.dir":   func(c *config.Config) { c.Log.Dir = path },
		} {
			if err := serveError(t, change); !strings.Contains(err, dir) || !strings.Contains(err, "\nfix: ") || !strings.Contains(err, key) {
				t.Errorf("%s %s: %s", key, path, err)
			}
		}
	}
}

// TestLinkInPlaceOfTheLock leaves the file alone to which somebody leads the lock.
func TestLinkInPlaceOfTheLock(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege on Windows")
	}
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := serveError(t, func(c *config.Config) {
		if err := errors.Join(os.Mkdir(c.StateDir, 0o700), os.Symlink(precious, filepath.Join(c.StateDir, "lock"))); err != nil {
			t.Fatal(err)
		}
	})
	if text, readErr := os.ReadFile(precious); string(text) != "text" {
		t.Errorf("the file holds %q, %v; refused with %s", text, readErr, err)
	}
}

// TestLooseFolders warns of folders into which anybody may write.
func TestLooseFolders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	f := start(t, "", func(c *config.Config) { c.StateDir = dir }, told)
	if got := strings.Join(f.Health().Warnings, "\n"); !strings.Contains(got, dir+": mode 0777 lets anybody replace the host key") {
		t.Errorf("warnings: %s", got)
	}
}
