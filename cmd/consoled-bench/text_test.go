//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCheckRecord(t *testing.T) {
	const id, want = 41, 30
	lines := make([][]byte, want)
	for i := range lines {
		lines[i] = appendLine(nil, id, uint64(i))
	}
	if got := string(lines[17][:numberAt+numberLen]); got != "c0042 0000000017" {
		t.Fatalf("a line begins with %q", got)
	}
	foreign := func(line []byte) bool { return bytes.HasPrefix(line, []byte("[-- ")) }
	for _, test := range []struct {
		name    string
		record  [][]byte
		foreign func([]byte) bool
		want    verdict
	}{
		{"complete", lines, nil, verdict{lines: want}},
		{"empty", nil, nil, verdict{lost: want}},
		{"lost", slices.Delete(slices.Clone(lines), 3, 5), nil, verdict{lines: want - 2, lost: 2}},
		{"lost at the end", lines[:want-2], nil, verdict{lines: want - 2, lost: 2}},
		{"doubled", slices.Insert(slices.Clone(lines), 8, lines[7]), nil, verdict{lines: want, doubled: 1}},
		{"out of order", slices.Insert(slices.Clone(lines), 8, lines[2]), nil, verdict{lines: want, reordered: 1}},
		{"torn", append(slices.Clone(lines), lines[4][:20]), nil, verdict{lines: want, damaged: 1}},
		{"of another console", append(slices.Clone(lines), appendLine(nil, id+1, want)), nil, verdict{lines: want, damaged: 1}},
		{"foreign line", slices.Insert(slices.Clone(lines), 8, []byte("[-- up\r\n")), nil, verdict{lines: want, damaged: 1}},
		{"known foreign line", slices.Insert(slices.Clone(lines), 8, []byte("[-- up\r\n")), foreign, verdict{lines: want}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "console.log")
			if err := os.WriteFile(file, bytes.Join(test.record, nil), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := checkRecord(file, id, want, test.foreign)
			if err != nil {
				t.Fatal(err)
			}
			wrong := got.err() != nil
			got.first = ""
			if got != test.want {
				t.Errorf("verdict is %+v, want %+v", got, test.want)
			}
			if clean := test.want == (verdict{lines: want}); clean == wrong {
				t.Errorf("err is %v", got.err())
			}
		})
	}
}
