//go:build unix

package ports

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestReasonOfErrno(t *testing.T) {
	for errno, want := range map[syscall.Errno]Reason{
		syscall.ECONNREFUSED: Refused,
		syscall.EHOSTUNREACH: Unreachable,
		syscall.ENETUNREACH:  Unreachable,
		syscall.ETIMEDOUT:    Unreachable,
		syscall.ECONNRESET:   Closed,
		syscall.EPIPE:        Closed,
		syscall.ENOENT:       Gone,
		syscall.ENXIO:        Gone,
		syscall.EIO:          Gone,
		syscall.ENODEV:       Gone,
		syscall.EBUSY:        InUse,
		syscall.EACCES:       Denied,
		syscall.EPERM:        Denied,
		syscall.EINVAL:       Failed,
	} {
		err := Classify("open x", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)})
		if ReasonOf(err) != want {
			t.Errorf("%v: %q, not %q", errno, ReasonOf(err), want)
		}
		if strings.Contains(err.Error(), "dial") || strings.Contains(err.Error(), "connect:") {
			t.Errorf("the operation twice: %v", err)
		}
		if (err.(*Error).Fix != "") != (want == Denied) {
			t.Errorf("%v: fix %q", errno, err.(*Error).Fix)
		}
	}
}

// TestFailedOpen: the fix names a group only where joining it would help.
func TestFailedOpen(t *testing.T) {
	device := t.TempDir() + "/tty"
	if err := os.WriteFile(device, nil, 0o660); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(device, 0, 12345); err != nil {
			t.Fatal(err)
		}
	}
	denied := &os.PathError{Op: "open", Path: device, Err: syscall.EACCES}
	for mode, want := range map[os.FileMode]string{0o660: "to the group ", 0o600: "give the user"} {
		if err := os.Chmod(device, mode); err != nil {
			t.Fatal(err)
		}
		err := failedOpen("open serial x", device, denied).(*Error)
		if err.Reason != Denied || !strings.Contains(err.Fix, want) {
			t.Errorf("%o: %v, %s", mode, err, err.Fix)
		}
	}
}

func FuzzParseHolder(f *testing.F) {
	for _, seed := range []string{"      1234\n", "1234 minicom root\n", "", "\n", "-1", "0", "99999999999999", "x", "\x00\x01\x02\x03", "1234\n5678\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if pid, err := parseHolder(text); err == nil && pid <= 0 {
			t.Errorf("%q: signals to %d reach more than one process", text, pid)
		}
	})
}
