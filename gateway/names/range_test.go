package names

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func expanded(t *testing.T, pattern string) string {
	t.Helper()
	list, err := Expand(pattern, 2000)
	if err != nil {
		t.Fatalf("Expand(%q): %v", pattern, err)
	}
	var names []string
	for _, x := range list {
		names = append(names, x.Name)
	}
	return strings.Join(names, " ")
}

func TestExpand(t *testing.T) {
	for pattern, want := range map[string]string{
		"node42":               "node42",
		"007":                  "007",
		"a.b-c":                "a.b-c",
		"":                     "",
		"node[1-3]":            "node1 node2 node3",
		"node[001-003,020]":    "node001 node002 node003 node020",
		"node[8-11]":           "node8 node9 node10 node11",
		"node[08-11]":          "node08 node09 node10 node11",
		"node[099-101]":        "node099 node100 node101",
		"node[998-1001]":       "node998 node999 node1000 node1001",
		"node[098-100/2]":      "node098 node100",
		"node[1-9/2]":          "node1 node3 node5 node7 node9",
		"node[1-8/3]":          "node1 node4 node7",
		"node[2]":              "node2",
		"node[5,3]":            "node5 node3",
		"node[ 1 , 2 ]":        "node1 node2",
		"[1-2]":                "1 2",
		"r[1-2]n[1-3/2]x":      "r1n1x r1n3x r2n1x r2n3x",
		"a[0-1][0-1]":          "a00 a01 a10 a11",
		"node[0-1,00]":         "node0 node1 node00",
		"ts[999999999]":        "ts999999999",
		"a[1]b[2]c[3]d[4]e[5]": "a1b2c3d4e5",
	} {
		if got := expanded(t, pattern); got != want {
			t.Errorf("Expand(%q) = %q, want %q", pattern, got, want)
		}
	}
	list, err := Expand("r[1-2]n[08-09]", 4)
	if err != nil {
		t.Fatal(err)
	}
	want := []Instance{
		{"r1n08", []Number{{"1", 1}, {"08", 8}}},
		{"r1n09", []Number{{"1", 1}, {"09", 9}}},
		{"r2n08", []Number{{"2", 2}, {"08", 8}}},
		{"r2n09", []Number{{"2", 2}, {"09", 9}}},
	}
	if fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", list, want)
	}
}

func TestExpandRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		"node[":                           "[ without ]",
		"node[1-2":                        "[ without ]",
		"node]":                           "] without [",
		"node[1]]":                        "] without [",
		"node[]":                          "empty range",
		"node[[1-2]]":                     "is no number",
		"node[1-]":                        "a number is missing",
		"node[-1]":                        "a number is missing",
		"node[1,]":                        "a number is missing",
		"node[a-f]":                       "no letters",
		"node[1-2-3]":                     "is no number",
		"node[3-1]":                       "runs backwards",
		"node[1-9/0]":                     "must not be 0",
		"node[1/2]":                       "needs a first and a last",
		"node[1-9/]":                      "a number is missing",
		"node[1-010]":                     "pad both numbers",
		"node[01-010]":                    "pad both numbers",
		"node[001-10]":                    "pad both numbers",
		"node[1-999999999]":               "more than 2000 names",
		"node[1-1000][1-1000][1-1000]":    "more than 2000 names",
		"node[1-99999999999999999999]":    "more than 9 digits",
		"node[1,1]":                       `gives "node1" twice`,
		"a[1,11][11,1]":                   `gives "a111" twice`,
		strings.Repeat("[", 10000):        "more than 8 ranges",
		strings.Repeat("[1-9]", 10000):    "more than 8 ranges",
		strings.Repeat("a", 1<<20):        "longer than",
		strings.Repeat("a", 63) + "[1-2]": "more than 63 bytes",
		"\x1b[2J":                         "[ without ]",
		"x[" + strings.Repeat("1,", 1000) + "\x07]": "no number",
	} {
		list, err := Expand(pattern, 2000)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Expand(%.40q) = %d names, %v, want %q", pattern, len(list), err, want)
			continue
		}
		if !printable(err.Error()) || len(err.Error()) > 400 {
			t.Errorf("Expand(%.40q): bad error %q", pattern, err)
		}
	}
	// A product that wraps around an int64 to nothing.
	if _, err := Expand(strings.Repeat("[1-65536]", 4), 1<<17); err == nil {
		t.Error("more than the limit")
	}
	if _, err := Expand("node1", 0); err == nil {
		t.Error("more than the limit")
	}
	if _, err := Expand("node[1-10]", 9); err == nil {
		t.Error("more than the limit")
	}
}

// TestExpandCheaply: refusing must not cost what expanding would.
func TestExpandCheaply(t *testing.T) {
	pattern := "a" + strings.Repeat("[1-999999999]", maxRanges)
	if n := testing.AllocsPerRun(10, func() { _, _ = Expand(pattern, 1<<30) }); n > 200 {
		t.Errorf("%v allocations", n)
	}
}

func TestFold(t *testing.T) {
	for names, want := range map[string]string{
		"":                                      "",
		"node1":                                 "node1",
		"node1 node1":                           "node1",
		"node10 node9 node8":                    "node[8-10]",
		"node1 node3 node5":                     "node[1,3,5]",
		"node1 node2 node01 node02":             "node[1-2] node[01-02]",
		"node099 node100 node101":               "node[099-101]",
		"node998 node999 node1000":              "node[998-1000]",
		"node001 node999 node1000":              "node[001,999] node1000",
		"r1n1 r1n2 r2n1 r2n2":                   "r[1-2]n[1-2]",
		"r1n1 r1n2 r2n1":                        "r1n[1-2] r2n1",
		"sw1 node1 sw2 router":                  "node1 router sw[1-2]",
		"n1-a n2-a n1-b":                        "n[1-2]-a n1-b",
		"1 2 3":                                 "[1-3]",
		"a12345678901 a12345678902":             "a12345678901 a12345678902",
		"Node1 node2":                           "Node1 node2",
		"a1b1c1d1e1f1g1h1i1 a1b1c1d1e1f1g1h1i2": "a1b1c1d1e1f1g1h1i1 a1b1c1d1e1f1g1h1i2",
	} {
		if got := strings.Join(Fold(strings.Fields(names)), " "); got != want {
			t.Errorf("Fold(%q) = %q, want %q", names, got, want)
		}
	}
}

func TestFoldIsReversed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,1}[0-2]{1,3}(-[0-3]{1,2}){0,2}`), 0, 30).Draw(t, "names")
		var back []string
		for _, pattern := range Fold(names) {
			list, err := Expand(pattern, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range list {
				back = append(back, x.Name)
			}
		}
		slices.Sort(back)
		slices.Sort(names)
		if want := slices.Compact(names); !slices.Equal(back, want) {
			t.Fatalf("got %q, want %q", back, want)
		}
	})
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{
		"node42", "node[001-016,020]", "node[1-9/2]", "r[1-2]n[08-11]", "[1-999999999]", "[[[[", "a[1,11][11,1]",
		"node[1-010]", "x[", "]", "\x1b[1-2]", "a[0-1,00]", "[1-3/999999999]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		const limit = 300
		list, err := Expand(pattern, limit)
		if err != nil {
			if !printable(err.Error()) {
				t.Fatalf("raw bytes in %q", err)
			}
			return
		}
		if len(list) == 0 || len(list) > limit {
			t.Fatalf("%d instances", len(list))
		}
		g, err := parseGlob(pattern)
		valid := err == nil && !strings.ContainsAny(pattern, "*?")
		for _, x := range list {
			if valid && len(x.Name) <= MaxLength && !g.match(x.Name) {
				t.Fatalf("%q gives %q but does not match it", pattern, x.Name)
			}
		}
	})
}
