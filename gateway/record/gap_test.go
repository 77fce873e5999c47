package record

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type told struct {
	Failed bool
	Lost   int64
}

func openMemory(t testing.TB, m *memory, tell *[]told) *Record {
	t.Helper()
	r, err := open(Options{Dir: "memory", Warn: func(err error, lost int64) {
		if tell != nil {
			*tell = append(*tell, told{err != nil, lost})
		}
	}}, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var tell []told
		r := openMemory(t, m, &tell)
		begin := time.Now()
		live := r.Cursor(0)
		defer live.Close()

		r.Append([]byte("kept "))
		m.room[logName] = 8
		time.Sleep(time.Second)
		r.Append([]byte("cut here "))                  // 5..14, of which 3 are written
		r.Append([]byte("lost "))                      // 14..19
		time.Sleep(time.Second)                        //
		r.Append([]byte("lost too "))                  // 19..28: tried again, in vain
		m.heal()                                       //
		time.Sleep(500 * time.Millisecond)             //
		r.Append([]byte("too early "))                 // 28..38: not tried yet
		time.Sleep(500 * time.Millisecond)             //
		if at := r.Append([]byte("kept ")); at != 38 { // 38..43
			t.Errorf("writing works again at %d", at)
		}

		if diff := cmp.Diff([]told{{true, 0}, {false, 30}}, tell); diff != "" {
			t.Errorf("the owner was told: %s", diff)
		}
		want := []Gap{{From: 8, To: 38, At: begin.Add(time.Second), Until: begin.Add(3 * time.Second)}}
		got, err := r.Gaps(0, r.End())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("gaps: %v %s", err, diff)
		}
		if text := readAvailable(t, live); text != "kept cut here lost lost too too early kept " || live.Skipped() != 0 {
			t.Errorf("who reads live got %q", text)
		}
		crashed := openMemory(t, m.copy(), nil)
		r.Close()
		for when, r := range map[string]*Record{"closed": openMemory(t, m, nil), "killed": crashed} {
			if text, skipped := readAll(t, r, 0); text != "kept cutkept " || skipped != 30 || r.End() != 43 {
				t.Errorf("%s: read %q, skipped %d of %d", when, text, skipped, r.End())
			}
			got, err := r.Gaps(10, 11)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: gaps: %v %s", when, err, diff)
			}
			if got, err := r.Gaps(38, 100); len(got) != 0 || err != nil {
				t.Errorf("%s: gaps behind the gap: %v, %v", when, got, err)
			}
		}
	})
}

func readAvailable(t testing.TB, c *Cursor) string {
	t.Helper()
	var text strings.Builder
	buf := make([]byte, 7)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return text.String()
		}
		text.Write(buf[:n])
	}
}

// What readers have seen of a gap is counted even if the gateway ends in it.
func TestOffsetsOfAGapSurvive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		r := openMemory(t, m, nil)
		r.Append([]byte("kept"))
		m.dead[logName] = errInput
		r.Append([]byte("lost"))
		time.Sleep(time.Second)
		r.Append([]byte("lost"))
		killed := openMemory(t, m.copy(), nil)
		if killed.End() != 8 { // up to the last try
			t.Errorf("after a kill the record ends at %d", killed.End())
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = openMemory(t, m, nil)
		if r.End() != 12 {
			t.Errorf("after a clean end the record ends at %d", r.End())
		}
		m.heal()
		r.Append([]byte("kept"))
		if text, skipped := readAll(t, r, 0); text != "keptkept" || skipped != 8 {
			t.Errorf("read %q, skipped %d", text, skipped)
		}
		r.Close()
	})
}

// While only the index fails nothing is lost, and memory stays bounded.
func TestIndexAloneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var tell []told
		m.dead[indexName] = errInput
		r := openMemory(t, m, &tell)
		for range 100 {
			r.Append([]byte("0123456789"))
			time.Sleep(300 * time.Millisecond)
		}
		if err := r.Sync(); !errors.Is(err, errInput) {
			t.Errorf("sync: %v", err)
		}
		m.room[logName] = 1005
		r.Append([]byte("0123456789"))
		time.Sleep(time.Second)
		delete(m.room, logName)
		r.Append([]byte("0123456789")) // where it lies could not be told, so it is not written
		time.Sleep(time.Second)
		m.heal()
		r.Append([]byte("0123456789"))
		if diff := cmp.Diff([]told{{true, 0}, {false, 15}}, tell); diff != "" {
			t.Errorf("the owner was told: %s", diff)
		}
		r = openMemory(t, m.copy(), nil)
		if text, skipped := readAll(t, r, 0); len(text) != 1015 || skipped != 15 {
			t.Errorf("read %d, skipped %d", len(text), skipped)
		}
		if _, skipped := readAll(t, r, 1020); skipped != 0 {
			t.Errorf("skipped %d behind the gap", skipped)
		}
	})
}

// A power cut can take log bytes that the index speaks of.
func TestLogShorterThanIndex(t *testing.T) {
	m := newMemory()
	r := openMemory(t, m, nil)
	r.Append([]byte("0123456789"))
	r.Close()
	m.files[logName] = m.files[logName][:4]
	r = openMemory(t, m, nil)
	if r.End() != 10 {
		t.Fatalf("offsets went back to %d", r.End())
	}
	r = openMemory(t, m, nil) // the promise lasts over starts without a byte
	r.Append([]byte("abc"))
	r = openMemory(t, m.copy(), nil)
	if text, skipped := readAll(t, r, 0); text != "0123abc" || skipped != 6 || r.End() != 13 {
		t.Errorf("read %q, skipped %d, end %d", text, skipped, r.End())
	}
	if text, _ := readAll(t, r, 10); text != "abc" {
		t.Errorf("at 10 there is %q", text)
	}
}

func TestLostIndexIsRebuilt(t *testing.T) {
	m := newMemory()
	m.files[logName] = []byte("old bytes\n")
	r := openMemory(t, m, nil)
	if at, err := r.TimeAt(3); !at.Equal(time.Unix(1000, 0)) || err != nil {
		t.Errorf("time of the old bytes: %v, %v", at, err)
	}
	r.Append([]byte("new\n"))
	r = openMemory(t, m.copy(), nil)
	if text, skipped := readAll(t, r, 0); text != "old bytes\nnew\n" || skipped != 0 {
		t.Errorf("read %q, skipped %d", text, skipped)
	}
	if at, err := r.TimeAt(3); !at.Equal(time.Unix(1000, 0)) || err != nil {
		t.Errorf("time of the old bytes: %v, %v", at, err)
	}
}

// A block of the index that a power cut dropped hides neither gaps nor what follows.
func TestHoleInTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		r := openMemory(t, m, nil)
		for i := range 600 {
			if i == 500 {
				m.dead[logName] = errInput
				r.Append([]byte("0123456789"))
				time.Sleep(time.Second)
				m.heal()
			}
			r.Append([]byte("0123456789"))
			time.Sleep(time.Second)
		}
		m = m.copy()
		clear(m.files[indexName][4096 : 3*4096])
		r = openMemory(t, m, nil)
		if r.End() != 6010 {
			t.Errorf("end %d", r.End())
		}
		if text, skipped := readAll(t, r, 0); text != string(m.files[logName]) || skipped != 10 {
			t.Errorf("read %d, skipped %d", len(text), skipped)
		}
		if gaps, err := r.Gaps(0, r.End()); len(gaps) != 1 || gaps[0].From != 5000 || gaps[0].To != 5010 || err != nil {
			t.Errorf("gaps %v, %v", gaps, err)
		}
	})
}

// Whatever two system calls a kill falls between, the offsets of what is in the
// log are right: also where writing works again, and where an old index was cut.
func TestKillBetweenAnyTwoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		type state struct {
			*memory
			floor int64 // offsets before it were given out in an earlier run
		}
		var states []state
		for start := range 3 {
			r := openMemory(t, m, nil)
			floor := r.End()
			m.hook = func() { states = append(states, state{m.copy(), floor}) }
			for step := range 10 {
				switch step {
				case 3:
					m.room[logName] = r.size + 5
				case 6:
					m.heal()
				}
				r.Append(stream(r.End(), 40))
				time.Sleep(700 * time.Millisecond)
			}
			if start == 1 {
				r.Close()
				m.files[logName] = m.files[logName][:len(m.files[logName])-30]
			} else {
				m = m.copy()
			}
		}
		for i, m := range states {
			r := openMemory(t, m.memory, nil)
			if r.End() < m.floor {
				t.Fatalf("state %d of %d: offsets went back from %d to %d", i, len(states), m.floor, r.End())
			}
			for range 2 { // as found, and after going on
				c := r.Cursor(0)
				buf := make([]byte, 4096)
				for n := -1; n != 0; {
					var err error
					if n, err = c.Read(buf); err != nil {
						t.Fatal(err)
					}
					if from := c.Offset() - int64(n); string(buf[:n]) != string(stream(from, n)) {
						t.Fatalf("state %d of %d: at %d there is %q", i, len(states), from, buf[:n])
					}
				}
				c.Close()
				r.Append(stream(r.End(), 40))
				r = openMemory(t, m.copy(), nil)
			}
		}
	})
}

// Where the tail is all there is, it is not given up because everybody has seen it.
func TestTailStaysWhileItIsNeeded(t *testing.T) {
	none, err := Open(Options{None: true})
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	m.dead[logName] = errInput
	for name, r := range map[string]*Record{"none": none, "failing": openMemory(t, m, nil)} {
		r.Append([]byte("seen"))
		c := r.Cursor(0)
		readAvailable(t, c)
		wake, err := r.join(c.Offset())
		if err != nil || wake == nil {
			t.Fatal(err)
		}
		r.quit(wake)
		c.Close()
		if text, skipped := readAll(t, r, 0); text != "seen" || skipped != 0 {
			t.Errorf("%s: read %q, skipped %d", name, text, skipped)
		}
	}
}

// A watcher who has seen all costs no memory, and none is left when the last one goes.
func TestTailIsFreed(t *testing.T) {
	r := mustOpen(t, t.TempDir())
	defer r.Close()
	c := r.Cursor(0)
	for range 3 {
		wake, err := r.join(c.Offset())
		if err != nil || wake == nil {
			t.Fatal(err)
		}
		if r.tail.n != 0 {
			t.Errorf("%d blocks are held for a watcher who has seen all", r.tail.n)
		}
		r.Append(stream(0, 30000))
		if r.tail.n == 0 {
			t.Error("the tail does not serve who waited")
		}
		readAvailable(t, c)
	}
	c.Close()
	if r.tail != nil {
		t.Error("a tail is held for nobody")
	}
}
