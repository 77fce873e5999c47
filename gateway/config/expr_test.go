package config

import (
	"testing"

	"consoled/gateway/names"
)

func TestExpand(t *testing.T) {
	s := &scope{name: "r2n007", host: "gw", numbers: []names.Number{{Text: "2", Value: 2}, {Text: "007", Value: 7}}}
	tests := []struct{ text, want string }{
		{"", ""},
		{"plain $ {n} $n", "plain $ {n} $n"},
		{"${n}", "2"},
		{"${n1}", "2"},
		{"${n2}", "007"},
		{"${ n2 }", "007"},
		{"${n2+0}", "7"},
		{"${name}-${host}", "r2n007-gw"},
		{"$${n}", "${n}"},
		{"$$${n}", "$${n}"},
		{"$${", "${"},
		{"a}b", "a}b"},
		{"${2000+n}", "2002"},
		{"${1+2*3}", "7"},
		{"${(1+2)*3}", "9"},
		{"${7-2-1}", "4"},
		{"${-n2*-2}", "14"},
		{"${(n2-1)/4}", "1"},
		{"${-7/2}", "-3"},
		{"${-7%3}", "-1"},
		{"${100/10/2}", "5"},
		{"${010}", "10"},
		{"${9223372036854775807}", "9223372036854775807"},
		{"${-9223372036854775807}", "-9223372036854775807"},
		{"${0-9223372036854775807}", "-9223372036854775807"},
		{"${0*-5}", "0"},
	}
	for _, test := range tests {
		if got, err := s.expand(test.text); err != nil || got != test.want {
			t.Errorf("%q is %q, %v, want %q", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{
		"${", "${n", "${}", "${ }", "${n3}", "${n0}", "${n01}", "${m}", "${n}}${", "${1/0}", "${1%(n-2)}", "${1+}", "${(1}", "${1)}",
		"${9223372036854775808}", "${9223372036854775807+1}", "${-9223372036854775807-1}", "${9223372036854775807*2}", "${3037000500*3037000500}",
		"${name+1}", "${1 2}", "${n++}", "${a.b}", "${é}", "${1.5}",
	} {
		if got, err := s.expand(text); err == nil {
			t.Errorf("%q is %q, want an error", text, got)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, text := range []string{"${n}", "ts${(n-1)/20+1}:${7000+(n-1)%20+1}", "$${x", "${-(-n2)*9223372036854775807}", "${((1)}"} {
		f.Add(text)
	}
	s := &scope{name: "r2n007", host: "gw", numbers: []names.Number{{Text: "2", Value: 2}, {Text: "007", Value: 7}}}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := s.expand(text)
		if err == nil && len(got) > 20*len(text) {
			t.Errorf("%d bytes of %d", len(got), len(text))
		}
	})
}
