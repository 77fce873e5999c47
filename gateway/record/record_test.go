package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustOpen(t testing.TB, dir string) *Record {
	t.Helper()
	r, err := Open(Options{Dir: dir, Group: -1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A failer is testing.TB or a rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// readAll reads from offset to the end, and counts what was jumped over.
func readAll(t failer, r *Record, offset int64) (string, int64) {
	t.Helper()
	c := r.Cursor(offset)
	defer c.Close()
	var got bytes.Buffer
	buf := make([]byte, 10000)
	for {
		n, err := c.Read(buf)
		got.Write(buf[:n])
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("read at %d: %v", c.Offset(), err)
		}
		if n == 0 {
			return got.String(), c.Skipped()
		}
	}
}

func TestOffsetsSurviveReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node1")
	want := ""
	for i := range 5 {
		r := mustOpen(t, dir)
		if r.End() != int64(len(want)) {
			t.Fatalf("open %d: end %d, want %d", i, r.End(), len(want))
		}
		for k := range 3 {
			text := fmt.Sprintf("start %d line %d\n", i, k)
			if off := r.Append([]byte(text)); off != int64(len(want)) {
				t.Fatalf("append at %d, want %d", off, len(want))
			}
			want += text
		}
		if got, skipped := readAll(t, r, 0); got != want || skipped != 0 {
			t.Fatalf("open %d: read %q, skipped %d", i, got, skipped)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil || string(log) != want {
		t.Fatalf("log holds %q, %v", log, err)
	}
	r := mustOpen(t, dir)
	defer r.Close()
	info, _ := os.Stat(filepath.Join(dir, indexName))
	if r.Size() != int64(len(want))+info.Size() {
		t.Errorf("size %d, files have %d", r.Size(), int64(len(want))+info.Size())
	}
}

func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows has no modes")
	}
	for _, group := range []int{-1, os.Getgid()} {
		dir := filepath.Join(t.TempDir(), "node1")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, logName), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		r, err := Open(Options{Dir: dir, Group: group})
		if err != nil {
			t.Fatal(err)
		}
		r.Append([]byte("secret"))
		if err := errors.Join(r.AddEvent([]byte(`{}`)), r.Close()); err != nil {
			t.Fatal(err)
		}
		wantDir, wantFile := os.FileMode(0o700), os.FileMode(0o600)
		if group >= 0 {
			wantDir, wantFile = 0o750, 0o640
		}
		for name, want := range map[string]os.FileMode{"": wantDir, logName: wantFile, indexName: wantFile, eventsName: wantFile} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("group %d: %q has mode %v, want %v, %v", group, name, info.Mode(), want, err)
			}
		}
	}
}

// link makes a symbolic link.
func link(t *testing.T, to, name string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege on Windows")
	}
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func TestLinkInPlaceOfTheLogIsRefused(t *testing.T) {
	dir := t.TempDir()
	link(t, "/etc/hostname", filepath.Join(dir, logName))
	if r, err := Open(Options{Dir: dir, Group: -1}); err == nil {
		r.Close()
		t.Fatal("opened through a link")
	}
}

// A link that comes later, when the record is open already, is not followed either.
func TestLaterLinkIsNotFollowed(t *testing.T) {
	dir, precious := filepath.Join(t.TempDir(), "n"), filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := mustOpen(t, dir)
	for _, name := range []string{logName, indexName, eventsName} {
		link(t, precious, filepath.Join(dir, name))
	}
	r.Append([]byte("said"))
	if err := r.AddEvent([]byte("{}")); err == nil {
		t.Error("an event went through a link")
	}
	info, err := os.Stat(precious)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(precious); string(text) != "text" || err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file holds %q with mode %v, %v", text, info.Mode(), err)
	}
	if text, _ := readAll(t, r, 0); text != "said" {
		t.Errorf("read %q", text)
	}
}

func TestIdleHoldsNoDescriptor(t *testing.T) {
	dir := t.TempDir()
	r := mustOpen(t, dir)
	r.Append([]byte("x"))
	r.Close()
	r = mustOpen(t, dir)
	defer r.Close()
	if r.log.now.Load() != nil || r.idx.now.Load() != nil {
		t.Error("files are open before anybody needs them")
	}
	if got, _ := readAll(t, r, 0); got != "x" {
		t.Errorf("read %q", got)
	}
}

func TestWait(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := mustOpen(t, dir)
		c := r.Cursor(0)
		defer c.Close()
		go func() {
			time.Sleep(time.Second)
			r.Append([]byte("late"))
			time.Sleep(time.Second)
			r.Close()
		}()
		start := time.Now()
		if err := c.Wait(t.Context()); err != nil || time.Since(start) != time.Second {
			t.Fatalf("waited %v, %v", time.Since(start), err)
		}
		buf := make([]byte, 10)
		if n, err := c.Read(buf); n != 4 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
		why := errors.New("goodbye")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, why)
		defer cancel()
		if err := c.Wait(ctx); err != why {
			t.Fatalf("wait ended with %v, want the cause", err)
		}
		if err := c.Wait(t.Context()); err != io.EOF {
			t.Fatalf("wait on a closed record: %v", err)
		}
		if n, err := c.Read(buf); n != 0 || err != io.EOF {
			t.Fatalf("read %d, %v", n, err)
		}
	})
}

func TestReadersFinishAfterClose(t *testing.T) {
	r := mustOpen(t, t.TempDir())
	r.Append([]byte("the last words"))
	c := r.Cursor(4)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if string(got) != "last words" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
	c.Close()
	if r.log.now.Load() != nil || r.idx.now.Load() != nil {
		t.Error("the last reader left the files open")
	}
	if r.Append([]byte("x")); r.End() != 14 {
		t.Error("a closed record grew")
	}
}

func TestTimes(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		r := mustOpen(t, dir)
		if !r.LastTime().IsZero() {
			t.Error("an empty record has a last time")
		}
		for range 100 { // 10 bytes each 50 ms: an entry each 200 ms
			r.Append([]byte("0123456789"))
			time.Sleep(50 * time.Millisecond)
		}
		check := func(when string) {
			for at, want := range map[time.Duration]int64{
				-time.Hour: 0, 0: 0, 1: 40, 200 * time.Millisecond: 40,
				1000 * time.Millisecond: 200, 4800 * time.Millisecond: 960, time.Hour: 1000,
			} {
				if got, err := r.OffsetAt(base.Add(at)); got != want || err != nil {
					t.Errorf("%s: offset at %v is %d, want %d, %v", when, at, got, want, err)
				}
			}
			for off, want := range map[int64]time.Duration{0: 0, 39: 0, 40: 200 * time.Millisecond, 999: 4800 * time.Millisecond} {
				if got, err := r.TimeAt(off); !got.Equal(base.Add(want)) || err != nil {
					t.Errorf("%s: time at %d is %v, want %v, %v", when, off, got.Sub(base), want, err)
				}
			}
			if got := r.LastTime().Sub(base); got != 4950*time.Millisecond {
				t.Errorf("%s: last time %v", when, got)
			}
		}
		check("before close")
		r.Close()
		r = mustOpen(t, dir)
		defer r.Close()
		check("after")
	})
}

// A clock that was ahead and is set right must not hide what comes after.
func TestClockSetBack(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		r := mustOpen(t, dir)
		defer r.Close()
		r.writer.last.time = now.Add(100 * 365 * 24 * time.Hour).UnixNano()
		r.Append([]byte("from the future\n"))
		r.writer.last.time = now.Add(100 * 365 * 24 * time.Hour).UnixNano()
		time.Sleep(time.Second)
		at := r.Append([]byte("one\n"))
		time.Sleep(time.Hour)
		two := r.Append([]byte("two\n"))
		if got := r.LastTime().Sub(now); got != time.Hour+time.Second {
			t.Errorf("last time is %v", got)
		}
		for d, want := range map[time.Duration]int64{time.Second: at, time.Minute: two, time.Hour + time.Second: two, 2 * time.Hour: r.End()} {
			if got, err := r.OffsetAt(now.Add(d)); got != want || err != nil {
				t.Errorf("offset at %v is %d, want %d, %v", d, got, want, err)
			}
		}
	})
}

func TestLastLines(t *testing.T) {
	long := strings.Repeat("x", 3*lineBlock)
	for _, c := range []struct {
		text  string
		n     int
		limit int64
		want  string
	}{
		{"", 3, 100, ""},
		{"a\nb\nc\n", 0, 100, ""},
		{"a\nb\nc\n", 1, 100, "c\n"},
		{"a\nb\nc\n", 2, 100, "b\nc\n"},
		{"a\nb\nc\n", 3, 100, "a\nb\nc\n"},
		{"a\nb\nc\n", 9, 100, "a\nb\nc\n"},
		{"a\nb\nc", 1, 100, "c"},
		{"a\nb\nc", 2, 100, "b\nc"},
		{"\n\n\n", 2, 100, "\n\n"},
		{"a\nb\nc\n", 3, 3, "\nc\n"},
		{"a\nb\nc\n", 1, 0, ""},
		{"a\nb\nc\n", 1, -5, ""},
		{"a\n" + long + "\nb", 2, 1 << 20, long + "\nb"},
		{"a\n" + long + "\n", 1, 1 << 20, long + "\n"},
		{"a\n" + long + "\n", 1, 10, "xxxxxxxxx\n"},
		{strings.Repeat("line\n", 10000), 9000, 1 << 20, strings.Repeat("line\n", 9000)},
	} {
		r := mustOpen(t, t.TempDir())
		r.Append([]byte(c.text))
		off, err := r.LastLines(c.n, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.text[off:]; got != c.want {
			t.Errorf("last %d lines within %d of %.20q are %.20q (%d bytes), want %.20q (%d)", c.n, c.limit, c.text, got, len(got), c.want, len(c.want))
		}
		r.Close()
	}
}

func TestNone(t *testing.T) {
	r, err := Open(Options{None: true})
	if err != nil {
		t.Fatal(err)
	}
	slow := r.Cursor(0)
	defer slow.Close()
	text := strings.Repeat("0123456789abcdef", 1000)
	for range 10 {
		r.Append([]byte(text))
	}
	if r.End() != 160000 || r.Size() != 0 {
		t.Errorf("end %d, size %d", r.End(), r.Size())
	}
	if start := r.Start(); start < 160000-64<<10 || start > 160000-60<<10 {
		t.Errorf("start %d", start)
	}
	var got bytes.Buffer
	buf := make([]byte, 1000)
	for n := -1; n != 0; {
		n, _ = slow.Read(buf)
		got.Write(buf[:n])
	}
	skipped := slow.Skipped()
	if skipped != r.Start() || skipped+int64(got.Len()) != r.End() {
		t.Errorf("read %d, skipped %d", got.Len(), skipped)
	}
	if want := strings.Repeat(text, 10)[skipped:]; got.String() != want {
		t.Error("the tail holds something else")
	}
	gaps, err := r.Gaps(0, r.End())
	if diff := cmp.Diff([]Gap{{From: 0, To: r.Start()}}, gaps); diff != "" || err != nil {
		t.Errorf("gaps: %v %s", err, diff)
	}
	if off, err := r.LastLines(1, 10); off != 159990 || err != nil {
		t.Errorf("last lines at %d, %v", off, err)
	}
	if err := errors.Join(r.AddEvent([]byte("{}")), r.Sync(), r.Close()); err != nil {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	dir := t.TempDir()
	r := mustOpen(t, dir)
	read := func() string {
		t.Helper()
		e, err := r.Events()
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		text, err := io.ReadAll(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := read(); got != "" {
		t.Errorf("events of a new record: %q", got)
	}
	if err := r.AddEvent([]byte("{\"a\":\n1}")); err == nil {
		t.Error("an event of two lines was taken")
	}
	for _, line := range []string{`{"n":1}`, `{"n":2}`} {
		if err := r.AddEvent([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	path := filepath.Join(dir, eventsName)
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(text, `{"n":3`...), 0o600); err != nil {
		t.Fatal(err)
	}
	r = mustOpen(t, dir)
	defer r.Close()
	if got := read(); got != "{\"n\":1}\n{\"n\":2}\n" {
		t.Errorf("with a torn end: %q", got)
	}
	if err := r.AddEvent([]byte(`{"n":4}`)); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "{\"n\":1}\n{\"n\":2}\n{\"n\":4}\n" {
		t.Errorf("after a torn end: %q", got)
	}
}
