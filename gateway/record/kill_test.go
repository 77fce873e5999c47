package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// The test binary runs itself again as the process that is killed.
const childDir = "RECORD_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// stream is what the target of the tests sends: the part of numbered lines
// from offset on, so that any byte lost, torn or doubled shows.
func stream(offset int64, size int) []byte {
	const width = 16
	b := make([]byte, 0, size+2*width)
	for n := offset / width; len(b) < size+width; n++ {
		b = append(b, "line 0000000000\n"...)
		for i, v := len(b)-2, n; v > 0; i, v = i-1, v/10 {
			b[i] = '0' + byte(v%10)
		}
	}
	return b[offset%width:][:size]
}

// child appends until it is killed, and tells each offset that is safe by now.
func child(dir string) error {
	r, err := Open(Options{Dir: dir, Group: -1})
	if err != nil {
		return err
	}
	for {
		p := stream(r.End(), 1+rand.IntN(6000))
		off := r.Append(p)
		if _, err := fmt.Println(off + int64(len(p))); err != nil {
			return err
		}
	}
}

func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node1")
	size := int64(0)
	for round := range 20 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := bufio.NewScanner(out)
		safe := size
		read := func() bool {
			if !acked.Scan() {
				return false
			}
			n, err := strconv.ParseInt(acked.Text(), 10, 64)
			if err == nil {
				safe = n
			}
			return true
		}
		for range rand.IntN(100) {
			if !read() {
				t.Fatal("the child ended by itself")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for read() {
		}
		cmd.Wait()

		r := mustOpen(t, dir)
		log, err := os.ReadFile(filepath.Join(dir, logName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // which is made by the first byte
			t.Fatal(err)
		}
		size = int64(len(log))
		if size < safe || r.End() != size {
			t.Fatalf("kill %d: %d bytes were safe, the log has %d, the record %d", round, safe, size, r.End())
		}
		if string(log) != string(stream(0, len(log))) {
			t.Fatalf("kill %d: the log is not what was sent", round)
		}
		off := rand.Int64N(size + 1)
		if text, skipped := readAll(t, r, off); skipped != 0 || text != string(stream(off, int(size-off))) {
			t.Fatalf("kill %d: read %d bytes from %d, skipped %d", round, len(text), off, skipped)
		}
		if gaps, err := r.Gaps(0, size); len(gaps) != 0 || err != nil {
			t.Fatalf("kill %d: gaps %v, %v", round, gaps, err)
		}
		io.Copy(io.Discard, out)
	}
}
