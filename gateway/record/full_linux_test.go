package record

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

const limitedDir = "RECORD_TEST_LIMITED_DIR"

// A real kernel cuts a write short and refuses the next ones. The limit is of a
// process, so that the test runs itself again as one of its own.
func TestFileSizeLimit(t *testing.T) {
	dir := os.Getenv(limitedDir)
	if dir == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFileSizeLimit$")
		cmd.Env = append(os.Environ(), limitedDir+"="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limited := was
	limited.Cur = 100000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	var failed, lost int64
	r, err := Open(Options{Dir: dir, Group: -1, Warn: func(err error, n int64) {
		if err != nil {
			failed++
		}
		lost += n
	}})
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < 150000; at += 1000 {
		r.Append(stream(at, 1000))
	}
	if text, skipped := readAll(t, r, 0); text != string(stream(0, 150000)) || skipped != 0 {
		t.Errorf("while it fails, %d bytes are readable, %d are not", len(text), skipped)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for lost == 0 && time.Since(freed) < 10*time.Second {
		<-tick.C
		r.Append(stream(r.End(), 1000))
	}
	resumed := r.End() - 1000
	if failed != 1 || lost != resumed-100000 {
		t.Errorf("told %d times that it fails, and of %d bytes lost, want %d", failed, lost, resumed-100000)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = mustOpen(t, dir)
	defer r.Close()
	gaps, err := r.Gaps(0, r.End())
	if len(gaps) != 1 || gaps[0].From != 100000 || gaps[0].To != resumed || err != nil {
		t.Errorf("gaps %v, %v, want 100000 to %d", gaps, err, resumed)
	}
	want := string(stream(0, 100000)) + string(stream(resumed, 1000))
	if text, skipped := readAll(t, r, 0); text != want || skipped != lost {
		t.Errorf("%d bytes are kept, want %d", len(text), len(want))
	}
}
