package ports_test

import (
	"os"
	"testing"
)

// missing skips a test for want of something, which is a failure where
// everything has to be there.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
