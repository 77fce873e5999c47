package ports_test

import (
	"fmt"
	"testing"

	"consoled/ports"
)

func TestHead(t *testing.T) {
	h := ports.Head{Most: 5}
	for _, text := range []string{"", "abc", "defg", "h"} {
		if n, err := fmt.Fprint(&h, text); n != len(text) || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	if got := string(h.Bytes()); got != "abcde" {
		t.Errorf("kept %q", got)
	}
}
