//go:build darwin || freebsd || openbsd

package ports

// flockHolder is not to be seen here.
func flockHolder(string) int { return 0 }

// commandOf would need another call on each system.
func commandOf(int) string { return "" }
