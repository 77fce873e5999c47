package command

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testFlags = []flag{
	{name: "--since", takes: word},
	{name: "--reason", takes: free},
	{name: "--time", takes: some},
	{name: "-f"},
	{name: "--enter"},
	{name: "-n", takes: word},
}

func TestSplit(t *testing.T) {
	type flags = map[string]string
	tests := []struct {
		line  string
		plain int
		want  words
		err   string
	}{
		{line: "", plain: -1, want: words{flags: flags{}}},
		{line: "  node1   -f ", plain: -1, want: words{flags: flags{"-f": ""}, plain: []string{"node1"}}},
		{line: "-n 20 node1", plain: -1, want: words{flags: flags{"-n": "20"}, plain: []string{"node1"}}},
		{line: "-n20 node1", plain: -1, want: words{flags: flags{"-n": "20"}, plain: []string{"node1"}}},
		{line: "--since=1h node1", plain: -1, want: words{flags: flags{"--since": "1h"}, plain: []string{"node1"}}},
		{line: "--since -1h node1", plain: -1, want: words{flags: flags{"--since": "-1h"}, plain: []string{"node1"}}},
		{line: "--time node1", plain: -1, want: words{flags: flags{"--time": ""}, plain: []string{"node1"}}},
		{line: "--time=utc node1", plain: -1, want: words{flags: flags{"--time": "utc"}, plain: []string{"node1"}}},
		{line: "--since", plain: -1, err: "--since needs a value"},
		{line: "-f=1", plain: -1, err: "-f takes no value"},
		{line: "--sinc 1h", plain: -1, err: `no flag "--sinc" here; did you mean --since?`},
		{line: "--reason fsck prompt --enter node1", plain: -1, want: words{
			flags: flags{"--reason": "fsck prompt", "--enter": ""}, plain: []string{"node1"},
		}},
		{line: `--reason="fsck prompt" node1`, plain: -1, want: words{flags: flags{"--reason": "fsck prompt"}, plain: []string{"node1"}}},

		// free text
		{line: "node1 it's fine", plain: 1, want: words{flags: flags{}, plain: []string{"node1"}, text: "it's fine", hasText: true}},
		{line: "it's fine --enter", plain: 0, want: words{flags: flags{"--enter": ""}, text: "it's fine", hasText: true}},
		{line: "--enter ls --color  -l", plain: 0, want: words{flags: flags{"--enter": ""}, text: "ls --color  -l", hasText: true}},
		{line: `node1 "two  words"`, plain: 1, want: words{flags: flags{}, plain: []string{"node1"}, text: "two  words", hasText: true}},
		{line: `'a' and 'b'`, plain: 0, want: words{flags: flags{}, text: "a and 'b'", hasText: true}},
		{line: `-- --enter -f`, plain: 0, want: words{flags: flags{}, text: "--enter -f", hasText: true}},
		{line: `echo a\b \r`, plain: 0, want: words{flags: flags{}, text: `echo a\b \r`, hasText: true}},
		{line: "--reason disk full -- reboot now", plain: 0, want: words{
			flags: flags{"--reason": "disk full"}, text: "reboot now", hasText: true,
		}},
	}
	for _, tt := range tests {
		got, err := split(tt.line, testFlags, tt.plain)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("split(%q): error %v, want %q", tt.line, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("split(%q): %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(words{})); diff != "" {
			t.Errorf("split(%q): %s", tt.line, diff)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("node1 --reason a b --enter text", 1)
	f.Add("-n20 -- 'x", 0)
	f.Fuzz(func(t *testing.T, line string, plain int) {
		if len(line) > 4096 || plain < -1 || plain > 1 {
			t.Skip()
		}
		w, err := split(line, testFlags, plain)
		if err == nil && plain < 0 && w.hasText {
			t.Errorf("%q: text where there is none", line)
		}
	})
}
