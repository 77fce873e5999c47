package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is said about the files of testdata as what is wanted")

// TestMistakes loads one file a mistake and compares the exact text.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("testdata/*/consoled.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 || len(folders) < 2 {
		t.Fatalf("%d files and %d folders, some are missing", len(files), len(folders))
	}
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, folders...) {
		name := strings.TrimSuffix(strings.TrimSuffix(file, "/consoled.yaml"), ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, err := Load(file)
			got := ""
			switch {
			case err != nil && c != nil:
				t.Error("a configuration besides an error")
			case err != nil:
				got = err.Error() + "\n"
			case len(c.Warnings) == 0:
				t.Fatal("no complaint")
			default:
				got = Problems(c.Warnings).Error() + "\n"
			}
			got = strings.ReplaceAll(got, here, "/FOLDER")
			want := name + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(text), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
