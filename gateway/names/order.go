package names

import (
	"cmp"
	"strings"
)

// Compare orders names naturally: runs of digits by value ("node2" before
// "node10"), letters without regard to case. It is zero for equal names only:
// of what differs in padding only the shorter one is first, then the bytes decide.
func Compare(a, b string) int {
	for i, j := 0, 0; ; {
		switch {
		case i == len(a) || j == len(b):
			return cmp.Or(cmp.Compare(len(a)-i, len(b)-j), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
		case isDigit(a[i]) && isDigit(b[j]):
			m, n := digits(a[i:]), digits(b[j:])
			if c := compareNumbers(a[i:i+m], b[j:j+n]); c != 0 {
				return c
			}
			i, j = i+m, j+n
		default:
			if c := cmp.Compare(lower(a[i]), lower(b[j])); c != 0 {
				return c
			}
			i, j = i+1, j+1
		}
	}
}

// compareNumbers compares by value, however many digits there are.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// digits counts the digits at the start of text.
func digits(text string) int {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return n
}
