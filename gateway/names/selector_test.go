package names

import (
	"slices"
	"strings"
	"testing"
)

var rack = []Subject{
	{Name: "node001", Groups: []string{"compute", "rack3"}, Tags: []string{"board"}, State: "up"},
	{Name: "node002", Groups: []string{"compute"}, State: "down"},
	{Name: "node16", Aliases: []string{"n16", "big"}, Groups: []string{"compute"}, State: "up"},
	{Name: "sw1.lab", Tags: []string{"network"}, State: "connecting"},
	{Name: "SW2", Tags: []string{"network", "board"}, State: "down"},
	{Name: "007", State: "up"},
}

func TestSelectorMatch(t *testing.T) {
	for text, want := range map[string]string{
		"node001":                     "node001",
		"NODE001":                     "node001",
		"sw2":                         "SW2",
		"sw1":                         "",
		"sw1.lab":                     "sw1.lab",
		"sw1?lab":                     "sw1.lab",
		"007":                         "007",
		"7":                           "",
		"big":                         "node16",
		"n[1-20]":                     "node16",
		"node*":                       "node001 node002 node16",
		"*":                           "node001 node002 node16 sw1.lab SW2 007",
		"*1*":                         "node001 node16 sw1.lab",
		"node??":                      "node16",
		"node?":                       "",
		"node[001-016]":               "node001 node002",
		"node[1-16]":                  "node16",
		"node[1-16/5]":                "node16",
		"node[1-16/4]":                "",
		"NODE[001,002]":               "node001 node002",
		"*[001-2]":                    "!pad both",
		"*[01-02]":                    "node001 node002",
		"[007]":                       "007",
		"s*[1-2]*":                    "sw1.lab SW2",
		"node001,SW*":                 "node001 sw1.lab SW2",
		"node001 , sw2":               "node001 SW2",
		"@all":                        "node001 node002 node16 sw1.lab SW2 007",
		"@rack3":                      "node001",
		"@board":                      "node001 SW2",
		"@tag:board":                  "node001 SW2",
		"@group:board":                "",
		"@tag:rack3":                  "",
		"@group:rack3":                "node001",
		"@Board":                      "",
		"@state:down":                 "node002 SW2",
		"@compute,-node001":           "node002 node16",
		"-node001,@compute":           "node002 node16",
		"@compute,-node[001-002]":     "node16",
		"@all,-@network,-@state:down": "node001 node16 007",
		"@all,-big":                   "node001 node002 sw1.lab SW2 007",
		"@all,-*":                     "",
		"":                            "!a name is missing",
		",":                           "!a name is missing",
		"a,,b":                        "!a name is missing",
		"-":                           "!a name is missing",
		"-node001":                    "!only excludes",
		"--node001":                   "!only excludes",
		"@":                           "!a word is missing",
		"@tag:":                       "!a word is missing",
		"@rack*":                      "!plain word",
		"@tag:a:b":                    "!plain word",
		"@host:x":                     "!only @group:",
		"@state:dwon":                 "!a state is one of up, down",
		"node[a-f]":                   "!no letters",
		"node[1-2":                    "![ without ]",
		"node[1,2":                    "![ without ]",
		"a b":                         "!names hold only",
		"a+b":                         "!names hold only",
		"\x1b[2J":                     "![ without ]",
		"n\u00f6de":                   "!names hold only",
		strings.Repeat("a,", 1<<16):   "!longer than",
	} {
		s, err := ParseSelector(text)
		if message, fails := strings.CutPrefix(want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), message) || !printable(err.Error()) {
				t.Errorf("ParseSelector(%.40q) = %v, want %q", text, err, message)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseSelector(%q): %v", text, err)
			continue
		}
		var got []string
		for _, x := range rack {
			if s.Match(x) {
				got = append(got, x.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q chooses %q, want %q", text, got, want)
		}
		if s.String() != text {
			t.Errorf("String() = %q, want %q", s, text)
		}
	}
	if (Selector{}).Match(rack[0]) {
		t.Error("the zero selector chooses")
	}
}

func TestSelectorNames(t *testing.T) {
	for text, want := range map[string][]string{
		"node1": {"node1"}, "node1, Node2": {"node1", "Node2"}, "@all,-node1": nil, "node*,node[1-3],x?": nil, "@rack1,a": {"a"},
	} {
		s, err := ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Names(); !slices.Equal(got, want) {
			t.Errorf("%q names %q, want %q", text, got, want)
		}
	}
}

func TestSelectorLooksAt(t *testing.T) {
	s, err := ParseSelector("@rack3,@tag:board,-@group:old,@all,node1,@rack3,@state:up")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Mentions(); !slices.Equal(got, []string{"rack3", "board", "old"}) {
		t.Errorf("Mentions = %q", got)
	}
	if !s.UsesState() {
		t.Error("it does look at state")
	}
	if s, _ := ParseSelector("@up"); s.UsesState() {
		t.Error("it does not look at state")
	}
}

// TestGlobLimits: a name of full length uses every bit, a longer one matches
// nothing, and stars in numbers cost nothing.
func TestGlobLimits(t *testing.T) {
	full := strings.Repeat("a", MaxLength)
	for pattern, want := range map[string]bool{
		"*": true, full + "*": true, "*" + full: true, strings.Repeat("?", MaxLength): true,
		strings.Repeat("?", MaxLength+1): false, strings.Repeat("*", 5000): true, strings.Repeat("*a", 64): false,
		strings.Repeat("*a", 63): true, "*b": false,
	} {
		g, err := parseGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.match(full); got != want {
			t.Errorf("%.20q (%d bytes): %v", pattern, len(pattern), got)
		}
		if g.match(full + full) {
			t.Errorf("%.20q matches a name that is too long", pattern)
		}
	}
}

func TestIsSelector(t *testing.T) {
	for text, want := range map[string]bool{
		"node42": false, "": false, "a.b-c": false, "alice+node42": false, "@rack3": true, "node*": true,
		"node?": true, "node[1-2]": true, "a,b": true, "alice@corp": false,
	} {
		if got := IsSelector(text); got != want {
			t.Errorf("IsSelector(%q) = %v", text, got)
		}
	}
}

func FuzzSelector(f *testing.F) {
	for _, seed := range []string{
		"node42", "@all,-node[1-2]", "*[001-016,020]*", "@tag:x,@group:y,-@state:up", "[1-999999999]", "-", "a,,b",
		strings.Repeat("*[0-9]", 8), "\x00,\xff", "[,],[",
	} {
		f.Add(seed, "node001")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		s, err := ParseSelector(text)
		if err != nil {
			if !printable(err.Error()) {
				t.Fatalf("raw bytes in %q", err)
			}
			return
		}
		x := Subject{Name: name, Groups: []string{"x"}, State: "up"}
		s.Match(x)
		without, err := ParseSelector(text + ",-*")
		if err == nil && len(name) <= MaxLength && without.Match(x) {
			t.Fatalf("%q is excluded and chosen", name)
		}
	})
}

func BenchmarkSelector(b *testing.B) {
	s, err := ParseSelector("@network,node[001-500],sw*-lab")
	if err != nil {
		b.Fatal(err)
	}
	x := Subject{Name: "rack3-node0042", Groups: []string{"compute"}, Tags: []string{"board"}}
	for b.Loop() {
		s.Match(x)
	}
}
