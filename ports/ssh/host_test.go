package ssh

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHost(t *testing.T) {
	for _, test := range []struct {
		text  string
		want  host
		known string
		wrong string // in the error
	}{
		{text: "bmc1", want: host{"", "bmc1", "22"}, known: "bmc1"},
		{text: "root@BMC1.lab:2200", want: host{"root", "bmc1.lab", "2200"}, known: "[bmc1.lab]:2200"},
		{text: "root@bmc1:22", want: host{"root", "bmc1", "22"}, known: "bmc1"},
		{text: "a@b@c", want: host{"a@b", "c", "22"}, known: "c"},
		{text: "alice:node1@c:23", want: host{"alice:node1", "c", "23"}, known: "[c]:23"},
		{text: "x@::1", want: host{"x", "::1", "22"}, known: "::1"},
		{text: "x@[::1]", want: host{"x", "::1", "22"}, known: "::1"},
		{text: "[::1]:2200", want: host{"", "::1", "2200"}, known: "[::1]:2200"},
		{text: "", wrong: "no name of a host"},
		{text: "x@", wrong: "no name of a host"},
		{text: "@c", wrong: "no user"},
		{text: "x@c:0", wrong: "port"},
		{text: "x@c:ssh", wrong: "port"},
		{text: "x@c:1:2", wrong: "address"},
		{text: "x@:22", wrong: "no host"},
		{text: "x y@c", wrong: "white space"},
		{text: "x@c\x1b", wrong: "control"},
	} {
		got, err := parseHost(test.text)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q: %v", test.text, err)
			}
			continue
		}
		if err != nil || got.known() != test.known {
			t.Errorf("%q: known as %q, %v", test.text, got.known(), err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(host{})); diff != "" {
			t.Errorf("%q: %s", test.text, diff)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		change func(*SSH)
		wrong  string // empty: it is right
	}{
		{func(*SSH) {}, ""},
		{func(s *SSH) { s.Agent = OwnAgent }, ""},
		{func(s *SSH) { s.To = "" }, "no name of a host"},
		{func(s *SSH) { s.Jump = []string{"x@"} }, "jump: "},
		{func(s *SSH) { s.Jump = make([]string, 9) }, "more than 8"},
		{func(s *SSH) { s.KnownHosts = "" }, "no known_hosts"},
		{func(s *SSH) { s.Key = "k" }, "not absolute"},
		{func(s *SSH) { s.Agent = "a" }, "not absolute"},
		{func(s *SSH) { s.Command = "a\x00" }, "NUL"},
		{func(s *SSH) { s.Command = strings.Repeat("a", 33<<10) }, "more than 32768"},
		{func(s *SSH) { s.Cols = 1001 }, "columns"},
		{func(s *SSH) { s.Keepalive = -1 }, "keepalive"},
	} {
		s := SSH{To: "root@bmc1", KnownHosts: "/known_hosts"}
		test.change(&s)
		err := s.Check()
		if test.wrong == "" && err != nil || test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%q: %v", test.wrong, err)
		}
	}
}
