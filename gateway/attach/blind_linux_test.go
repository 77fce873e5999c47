package attach

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// replace puts a descriptor that can only be written in the place of another.
func replace(t *testing.T, name string) {
	t.Helper()
	fd, err := strconv.Atoi(name)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := unix.Dup3(int(null.Fd()), fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}
