package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad reads any bytes as a configuration: no panic, and either a
// configuration or complaints that are bounded and harmless to a terminal. What
// loads can be shown and read again.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(siteRanges))
	f.Add([]byte(everything))
	path := filepath.Join(f.TempDir(), "consoled.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "include") {
			return // reads what the machine happens to have
		}
		c, err := loadSmall(t, path, data)
		if err != nil {
			text := err.Error()
			if len(text) > 1<<20 {
				t.Errorf("%d bytes of complaint", len(text))
			}
			for _, r := range text {
				if r < ' ' && r != '\n' || r == 0x7f {
					t.Fatalf("control character in %q", text)
				}
			}
			return
		}
		for _, x := range c.Consoles[:min(len(c.Consoles), 20)] {
			var entry strings.Builder
			entry.WriteString("suffixes: []\nconsoles:\n")
			for line := range strings.Lines(x.YAML()) {
				entry.WriteString("  " + line)
			}
			again, err := loadSmall(t, path, []byte(entry.String()))
			if err != nil {
				t.Fatalf("%s\n%v", entry.String(), err)
			}
			again.Consoles[0].Subject.Groups = x.Subject.Groups
			if keys, _ := Changed(x, again.Consoles[0]); keys != nil {
				t.Fatalf("%v changed in\n%s\n%s", keys, entry.String(), again.Consoles[0].YAML())
			}
		}
	})
}

// loadSmall is Load with tight bounds, so that reaching them is quick.
func loadSmall(t testing.TB, path string, data []byte) (*Config, error) {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := newLoader(path)
	if err != nil {
		t.Fatal(err)
	}
	l.bounds = bounds{consoles: 300, settings: 100_000, text: 1 << 20, matches: 100_000}
	return l.load()
}
