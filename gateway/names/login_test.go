package names

import (
	"strings"
	"testing"
)

func TestParseLogin(t *testing.T) {
	ro := Modifiers{ReadOnly: true}
	for text, want := range map[string]Login{
		"":                         {},
		"node42":                   {Name: "node42"},
		"Node42.con":               {Name: "Node42.con"},
		"%n":                       {Name: "%n"},
		"menu":                     {Reserved: "menu"},
		"GW":                       {Reserved: "gw"},
		"help+quiet":               {Reserved: "help", Modifiers: Modifiers{Quiet: true}},
		"ro":                       {Name: "ro"},
		"node42+ro":                {Name: "node42", Modifiers: ro},
		"node42+RO":                {Name: "node42", Modifiers: ro},
		"node42+rw":                {Name: "node42", Modifiers: Modifiers{ReadWrite: true}},
		"node42+ro+rw":             {Name: "node42", Modifiers: ro},
		"node42+rw+ro":             {Name: "node42", Modifiers: ro},
		"node42+raw+quiet":         {Name: "node42", Modifiers: Modifiers{Raw: true, Quiet: true}},
		"node42+noreplay":          {Name: "node42", Modifiers: Modifiers{NoReplay: true}},
		"alice+node42":             {User: "alice", Name: "node42"},
		"alice:node42":             {User: "alice", Name: "node42"},
		"alice+node42+ro":          {User: "alice", Name: "node42", Modifiers: ro},
		"alice:node42+ro":          {User: "alice", Name: "node42", Modifiers: ro},
		"node42+r0":                {User: "node42", Name: "r0"},
		"alice@corp+node42":        {User: "alice@corp", Name: "node42"},
		"alice@corp:node42":        {User: "alice@corp", Name: "node42"},
		"SHA256:ab+c/d+node42":     {User: "SHA256:ab+c/d", Name: "node42"},
		"SHA256:abcd:node42":       {User: "SHA256:abcd", Name: "node42"},
		"alice+menu":               {User: "alice", Reserved: "menu"},
		"@rack3":                   {Selector: "@rack3"},
		"@rack3+ro":                {Selector: "@rack3", Modifiers: ro},
		"@tag:board":               {Selector: "@tag:board"},
		"@tag:board,-node[1-2]":    {Selector: "@tag:board,-node[1-2]"},
		"node*":                    {Selector: "node*"},
		"node1,@tag:x":             {Selector: "node1,@tag:x"},
		"alice+@rack3":             {User: "alice", Selector: "@rack3"},
		"alice:@tag:board":         {User: "alice", Selector: "@tag:board"},
		"alice:node1,@tag:x":       {User: "alice", Selector: "node1,@tag:x"},
		"alice+node[1-2]+quiet+ro": {User: "alice", Selector: "node[1-2]", Modifiers: Modifiers{ReadOnly: true, Quiet: true}},
		"@rack3+foo":               {Selector: "@rack3+foo"},
		"alice+":                   {Name: "alice+"},
		"+node42":                  {Name: "+node42"},
		"+ro":                      {Name: "+ro"},
		"alice:":                   {Name: "alice:"},
		":":                        {Name: ":"},
		"+":                        {Name: "+"},
		"a b":                      {Name: "a b"},
	} {
		want.Text = text
		got, err := ParseLogin(text)
		if err != nil || got != want {
			t.Errorf("ParseLogin(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"\x1b[2J", "a\nb", "n\u00f6de", "a\x00", "\x7f", strings.Repeat("a", MaxLogin+1)} {
		if l, err := ParseLogin(text); err == nil || !printable(err.Error()) {
			t.Errorf("ParseLogin(%.20q) = %+v, %v", text, l, err)
		}
	}
}

func FuzzLogin(f *testing.F) {
	for _, seed := range []string{
		"node42", "alice+node42+ro", "alice:@tag:board", "menu", "@rack3,-x+quiet", "+ro", "SHA256:ab+c+node1", "a\x1b",
		strings.Repeat("+ro", 80),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLogin(text)
		if err != nil {
			if !printable(err.Error()) {
				t.Fatalf("raw bytes in %q", err)
			}
			return
		}
		set := 0
		for _, s := range []string{l.Reserved, l.Selector, l.Name} {
			if s != "" {
				set++
			}
		}
		if set > 1 || set == 0 && text != "" {
			t.Fatalf("%q is not one thing: %+v", text, l)
		}
		if l.Modifiers.ReadOnly && l.Modifiers.ReadWrite {
			t.Fatalf("%q raises what it lowers", text)
		}
		// Valid names carry no grammar of their own.
		if Check(text) == nil && (l.Name != text || l.User != "") {
			t.Fatalf("name %q became %+v", text, l)
		}
	})
}
