package names

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCheck(t *testing.T) {
	long := strings.Repeat("a", MaxLength)
	for _, name := range []string{"a", "node42", "007", "1e3", "a.b-c_d", "A", "menu1", "ro.x", long} {
		if err := Check(name); err != nil {
			t.Errorf("Check(%q) = %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"":            "must not be empty",
		long + "a":    "64 bytes",
		"-a":          "must begin with",
		".a":          "must begin with",
		"a b":         "only letters",
		"a/b":         "only letters",
		"a\x1b[2J":    "only letters",
		"n\u00f6de":   "only letters",
		"\u212aelvin": "must begin with",
		"menu":        "reserved",
		"GW":          "reserved",
		"Help":        "reserved",
		"ro":          "reserved",
		"rw":          "reserved",
		"raw":         "reserved",
		"quiet":       "reserved",
		"noreplay":    "reserved",
		"all":         "reserved",
	} {
		err := Check(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check(%q) = %v, want %q", name, err, want)
			continue
		}
		if !printable(err.Error()) {
			t.Errorf("Check(%q): raw bytes in %q", name, err)
		}
	}
}

// printable reports whether text can go to a terminal as it is.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

func TestCompare(t *testing.T) {
	want := []string{
		"", "0", "1", "01", "1e3", "2", "007", "10", "99999999999999999999", "100000000000000000000",
		"Node1", "node1", "node1a", "node1b", "node2", "node002", "node10", "node010", "rack1-2", "rack1-10", "rack2-1",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestCompareIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[aB0-2.-]{0,6}`)
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		if Compare(a, b) != -Compare(b, a) {
			t.Fatalf("%q and %q are ordered in one way only", a, b)
		}
		if (Compare(a, b) == 0) != (a == b) {
			t.Fatalf("%q and %q compare as equal", a, b)
		}
		if Compare(a, b) < 0 && Compare(b, c) < 0 && Compare(a, c) >= 0 {
			t.Fatalf("%q < %q < %q, but not the first before the last", a, b, c)
		}
	})
}

func TestSuggest(t *testing.T) {
	site := []string{"node42", "node421", "node422", "node007", "router", "NAS", "r1", "nodes-a", "host", "bmc"}
	for name, want := range map[string]string{
		"nod42":                   "node42 node421 node422",
		"node7":                   "node007 node42",
		"node0042":                "node42 node007",
		"NODE42":                  "node42 node421 node422",
		"ndoe42":                  "node42 node421 node422",
		"nsa":                     "NAS",
		"x9":                      "",
		"root":                    "",
		"bob":                     "",
		"hots":                    "host",
		"charlotte":               "",
		"":                        "",
		strings.Repeat("n", 5000): "",
	} {
		if got := strings.Join(Suggest(name, site), " "); got != want {
			t.Errorf("Suggest(%.20q) = %q, want %q", name, got, want)
		}
	}
	many := []string{"node9", "node10", "node1", "node2", "node3", "node4", "node5", "node1"}
	if got := strings.Join(Suggest("x", many), " "); got != "" {
		t.Errorf("one letter resembles %q", got)
	}
	if got := strings.Join(Suggest("noode1", many), " "); got != "node1 node2 node3 node4 node5" {
		t.Errorf("too many or in bad order: %q", got)
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"baud", "data", "parity", "stop", "description", "telnet", "tcp", "tls", "ls", "log"}
	for word, want := range map[string]string{
		"buad": "baud", "Baud": "baud", "partiy": "parity", "desc": "description", "te": "", "tel": "telnet",
		"lgo": "log", "ld": "ls", "xyz": "", "": "", "telnets": "telnet", "descriptoin": "description",
	} {
		if got := Nearest(word, keys); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	for _, word := range []string{"wait", "-b"} {
		if got := Nearest(word, []string{"tail", "-n"}); got != "" {
			t.Errorf("Nearest(%q) = %q", word, got)
		}
	}
	if got := Nearest("--sine", []string{"--since", "--until"}); got != "--since" {
		t.Errorf("option: %q", got)
	}
}

// TestDistance compares the narrow computation with the whole table.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abAc1]{0,9}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if got, want := distance(a, b), min(wholeDistance(strings.ToLower(a), strings.ToLower(b)), maxDistance+1); got != want {
			t.Fatalf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
	for length := MaxLength - 3; length < MaxLength+6; length++ {
		distance(strings.Repeat("a", length), strings.Repeat("b", length+2))
		distance(strings.Repeat("a", length+2), strings.Repeat("a", length))
	}
}

func wholeDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = cmp.Or(i, j)
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
				continue
			}
			d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
