package dialogue

import (
	"strings"
	"testing"
)

func TestWindow(t *testing.T) {
	var w window
	w.add([]byte("\x1b[1mlogin\x1b[0m: "))
	l := w.look()
	if string(l.text) != "login: " {
		t.Errorf("looks like %q", l.text)
	}
	w.add([]byte("more"))
	w.consume(l, len("log"))
	if got := w.look(); string(got.text) != "in: more" {
		t.Errorf("left is %q", got.text)
	}
	w.add([]byte(strings.Repeat("x", 3*longest)))
	if len(w.text) != longest {
		t.Errorf("%d bytes are kept", len(w.text))
	}
	w.consume(w.look(), 1)
	if len(w.text) != longest-1 {
		t.Errorf("%d bytes are left", len(w.text))
	}
}

// What is looked for is found however much is said meanwhile, up to the window.
func FuzzWindow(f *testing.F) {
	f.Add("login: ", "abc\x1b[", 3)
	f.Fuzz(func(t *testing.T, first, then string, n int) {
		var w window
		w.add([]byte(first))
		l := w.look()
		w.add([]byte(then))
		w.consume(l, min(max(n, 0), len(l.text)))
		if len(w.text) > longest {
			t.Errorf("%d bytes are kept", len(w.text))
		}
		if len(first)+len(then) < longest && !strings.HasSuffix(string(w.text), then) {
			t.Errorf("%q lost of %q", then, w.text)
		}
	})
}
