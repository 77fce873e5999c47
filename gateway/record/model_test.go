package record

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A model is what a record ought to hold, byte by byte.
type model struct {
	disk    *memory
	r       *Record
	sent    []byte
	lost    []byte  // 1 where it is not in the log
	when    []int64 // of arrival
	told    int64   // what the owner was told of, in all
	cursors []*Cursor
	at      []int64 // where each cursor is
	exact   bool    // times are known; not after a torn index
}

func (m *model) open(t *rapid.T) {
	r, err := open(Options{Warn: func(_ error, lost int64) { m.told += lost }}, m.disk)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.cursors {
		c.Close()
	}
	m.r, m.cursors, m.at = r, nil, nil
}

func (m *model) append(t *rapid.T) {
	small := rapid.IntRange(1, 200)
	size := rapid.OneOf(small, small, small, small, small, small, rapid.IntRange(1, 9000), rapid.Just(70000)).Draw(t, "size")
	p := make([]byte, size)
	for i := range p {
		p[i] = byte((len(m.sent) + i) * 7 / 5)
	}
	before := len(m.log())
	off := m.r.Append(p)
	written := len(m.log()) - before
	if off != int64(len(m.sent)) {
		t.Fatalf("appended at %d, want %d", off, len(m.sent))
	}
	m.sent = append(m.sent, p...)
	m.lost = append(m.lost, make([]byte, written)...)
	m.lost = append(m.lost, bytes.Repeat([]byte{1}, size-written)...)
	m.when = append(m.when, slices.Repeat([]int64{time.Now().UnixNano()}, size)...)
	clear(p) // Append must not keep it
}

func (m *model) log() []byte { return m.disk.files[logName] }

// read reads with one of the cursors and checks every byte.
func (m *model) read(t *rapid.T) {
	if len(m.cursors) == 0 {
		m.cursors = append(m.cursors, m.r.Cursor(0))
		m.at = append(m.at, 0)
	}
	i := rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")
	c := m.cursors[i]
	p := make([]byte, rapid.IntRange(1, 40000).Draw(t, "buffer"))
	n, err := c.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	skipped := c.Skipped()
	from := m.at[i] + skipped
	m.at[i] = from + int64(n)
	if c.Offset() != m.at[i] {
		t.Fatalf("cursor is at %d, read to %d", c.Offset(), m.at[i])
	}
	for k := from - skipped; k < from; k++ {
		if m.lost[k] == 0 {
			t.Fatalf("byte %d was jumped over and is in the log", k)
		}
	}
	if !bytes.Equal(p[:n], m.sent[from:m.at[i]]) {
		t.Fatalf("read at %d differs", from)
	}
	if n == 0 && c.Offset() != int64(len(m.sent)) {
		t.Fatalf("nothing read at %d of %d", c.Offset(), len(m.sent))
	}
}

func (m *model) wait(t *rapid.T) {
	if len(m.cursors) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")
	if wake, err := m.r.join(m.at[i]); err != nil {
		t.Fatal(err)
	} else if wake != nil {
		m.r.quit(wake)
	} else if m.at[i] == int64(len(m.sent)) {
		t.Fatal("no wait at the end")
	}
}

func (m *model) fail(t *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(t, "failure") {
	case 0:
		m.disk.room[logName] = int64(len(m.log()) + rapid.IntRange(0, 500).Draw(t, "room"))
	case 1:
		m.disk.dead[logName] = errInput
	case 2:
		m.disk.dead[indexName] = errInput
	case 3:
		m.disk.room[indexName] = int64(len(m.disk.files[indexName]) + rapid.IntRange(0, 100).Draw(t, "room"))
	}
}

// crash goes on with what a kill leaves. What was lost in a gap under way may
// be forgotten as far as nobody promised it.
func (m *model) crash(t *rapid.T) {
	m.disk = m.disk.copy()
	m.open(t)
	end := int(m.r.End())
	if end > len(m.sent) {
		t.Fatalf("the record ends at %d, %d were sent", end, len(m.sent))
	}
	for k := end; k < len(m.sent); k++ {
		if m.lost[k] == 0 {
			t.Fatalf("byte %d is in the log, the record ends at %d", k, end)
		}
	}
	m.cut(end)
}

func (m *model) cut(end int) { m.sent, m.lost, m.when = m.sent[:end], m.lost[:end], m.when[:end] }

// power cuts the log below what the index says.
func (m *model) power(t *rapid.T) {
	m.r.Close()
	m.disk = m.disk.copy()
	keep := rapid.IntRange(0, len(m.log())).Draw(t, "keep")
	m.disk.files[logName] = m.log()[:keep]
	pos := 0
	for k := range m.lost {
		if m.lost[k] == 0 {
			if pos++; pos > keep {
				m.lost[k] = 1
			}
		}
	}
	m.open(t)
	if end := int(m.r.End()); end < len(m.sent) && len(m.disk.dead)+len(m.disk.room) == 0 {
		t.Fatalf("offsets went back from %d to %d", len(m.sent), end)
	}
	m.cut(int(m.r.End()))
}

// tear cuts the index anywhere. What it said of gaps may be gone; no byte of the log is.
func (m *model) tear(t *rapid.T) {
	log := bytes.Clone(m.log())
	if len(m.disk.files[indexName]) == 0 {
		return
	}
	m.disk = m.disk.copy()
	idx := m.disk.files[indexName]
	m.disk.files[indexName] = idx[:rapid.IntRange(0, len(idx)-1).Draw(t, "tear")]
	m.open(t)
	m.exact = false
	if !bytes.Equal(m.log(), log) {
		t.Fatal("the log was changed")
	}
	text, skipped := readAll(t, m.r, 0)
	if text != string(log) || skipped+int64(len(text)) != m.r.End() {
		t.Fatalf("read %d and skipped %d of %d, the log has %d", len(text), skipped, m.r.End(), len(log))
	}
	// From here on the model is what the record says.
	c := m.r.Cursor(0)
	defer c.Close()
	m.sent, m.lost, m.when = nil, nil, nil
	p := make([]byte, 1<<20)
	for {
		n, err := c.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		skipped := int(c.Skipped())
		m.lost = append(m.lost, bytes.Repeat([]byte{1}, skipped)...)
		m.lost = append(m.lost, make([]byte, n)...)
		m.sent = append(append(m.sent, make([]byte, skipped)...), p[:n]...)
		m.when = append(m.when, slices.Repeat([]int64{1 << 62}, skipped+n)...)
		if n == 0 {
			break
		}
	}
}

// check compares all that can be asked.
func (m *model) check(t *rapid.T) {
	if m.r.End() != int64(len(m.sent)) {
		t.Fatalf("end %d, want %d", m.r.End(), len(m.sent))
	}
	var want []Gap
	for k := 0; k < len(m.lost); {
		from := bytes.IndexByte(m.lost[k:], 1)
		if from < 0 {
			break
		}
		from += k
		if k = bytes.IndexByte(m.lost[from:], 0); k < 0 {
			k = len(m.lost) - from
		}
		k += from
		want = append(want, Gap{From: int64(from), To: int64(k)})
	}
	got, err := m.r.Gaps(0, m.r.End())
	if err != nil {
		t.Fatal(err)
	}
	var joined []Gap // a restart in a gap divides it
	for _, g := range got {
		if n := len(joined); n > 0 && joined[n-1].To == g.From {
			joined[n-1].To = g.To
		} else {
			joined = append(joined, Gap{From: g.From, To: g.To})
		}
	}
	if diff := cmp.Diff(want, joined); diff != "" {
		t.Fatalf("gaps: %s", diff)
	}
	if len(m.sent) == 0 {
		return
	}
	k := rapid.IntRange(0, len(m.sent)-1).Draw(t, "offset")
	at, err := m.r.TimeAt(int64(k))
	if err != nil || m.exact && at.UnixNano() > m.when[k] {
		t.Fatalf("byte %d arrived at %v, %v before the index says", k, at, time.Duration(at.UnixNano()-m.when[k]))
	}
	if off, err := m.r.OffsetAt(at); err != nil || off > int64(k) {
		t.Fatalf("offset at the time of %d is %d, %v", k, off, err)
	}
	if off, err := m.r.LastLines(5, 3000); err != nil || off < int64(len(m.sent)-3000) {
		t.Fatalf("last lines at %d of %d, %v", off, len(m.sent), err)
	}
}

func TestModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(bubble{t}, checkModel) })
}

// A bubble has no deadline: the test's is in the time outside.
type bubble struct{ *testing.T }

func (bubble) Deadline() (time.Time, bool) { return time.Time{}, false }

func checkModel(t *rapid.T) {
	m := &model{disk: newMemory(), exact: true}
	m.open(t)
	t.Repeat(map[string]func(*rapid.T){
		"append":  m.append,
		"append2": m.append,
		"append3": m.append,
		"read":    m.read,
		"read2":   m.read,
		"wait":    m.wait,
		"fail":    m.fail,
		"heal":    func(*rapid.T) { m.disk.heal() },
		"pass": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 1200).Draw(t, "ms")) * time.Millisecond)
		},
		"cursor": func(t *rapid.T) {
			c := m.r.Cursor(rapid.Int64Range(-1, int64(len(m.sent)+1)).Draw(t, "from"))
			m.cursors, m.at = append(m.cursors, c), append(m.at, c.Offset())
		},
		"close cursor": func(*rapid.T) {
			if n := len(m.cursors); n > 0 {
				m.cursors[n-1].Close()
				m.cursors, m.at = m.cursors[:n-1], m.at[:n-1]
			}
		},
		"seek": func(t *rapid.T) {
			if len(m.cursors) > 0 {
				m.cursors[0].SeekTo(rapid.Int64Range(0, int64(len(m.sent))).Draw(t, "to"))
				m.at[0] = m.cursors[0].Offset()
			}
		},
		"sync": func(*rapid.T) { m.r.Sync() },
		"reopen": func(t *rapid.T) {
			m.r.Close()
			m.crash(t)
		},
		"crash": m.crash,
		"power": m.power,
		"tear":  m.tear,
		"":      m.check,
	})
}
