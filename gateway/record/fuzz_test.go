package record

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// fullScan is what an index holds, found the slow and plain way; ok is false
// where entries before the last sync contradict each other, which no crash leaves.
func fullScan(idx []byte, logSize int64) (end int64, gapless, ok bool) {
	var all []entry
	broken := false
	for i := 0; i+entrySize <= len(idx); i += entrySize {
		e, valid := parse(idx[i:])
		if !valid {
			continue
		}
		if n := len(all); n > 0 && !e.follows(all[n-1]) {
			broken = true
		}
		if broken && e.kind == kindSync {
			return 0, false, false
		}
		if !broken {
			all = append(all, e)
		}
	}
	last := entry{}
	promised := int64(0)
	for _, e := range all {
		if e.pos <= logSize {
			last = e
		}
		promised = e.offset
	}
	end = max(last.offset+logSize-last.pos, promised)
	return end, end == logSize, true
}

// seal makes entries out of anything: small numbers and a checksum that fits, but
// where a slot's last byte is zero.
func seal(idx []byte) []byte {
	idx = bytes.Clone(idx)
	for i := 0; i+entrySize <= len(idx); i += entrySize {
		p := idx[i : i+entrySize]
		if p[31] == 0 {
			continue
		}
		for _, field := range []int{0, 8, 16} {
			v := binary.LittleEndian.Uint64(p[field:])
			binary.LittleEndian.PutUint64(p[field:], v&0xff)
		}
		p[25], p[26], p[27] = p[25]&1, 0, 0
		binary.LittleEndian.PutUint32(p[28:], crc32.Checksum(p[:28], castagnoli()))
	}
	return idx
}

func FuzzIndex(f *testing.F) {
	entries := func(list ...entry) []byte {
		var b []byte
		for _, e := range list {
			b = append(b, make([]byte, entrySize)...)
			e.put(b[len(b)-entrySize:])
		}
		return b
	}
	good := entries(entry{1, 0, 0, 0, kindStart}, entry{2, 5, 5, 0, kindData}, entry{3, 9, 9, 0, kindLost}, entry{4, 20, 9, 0, kindData}, entry{5, 21, 10, 0, kindSync})
	f.Add([]byte{}, []byte("never indexed"), false)
	f.Add(good, []byte("0123456789"), false)
	f.Add(good[:len(good)-5], []byte("0123456789"), false)
	f.Add(good, []byte("0123"), false)
	f.Add(append(make([]byte, 64), good...), []byte("0123456789abcdef"), false)
	f.Add(append(bytes.Clone(good), good...), []byte("0123456789"), true)
	f.Add(bytes.Repeat([]byte{9}, 400), []byte("0123456789"), true)
	f.Fuzz(func(t *testing.T, idx, log []byte, sealed bool) {
		if sealed {
			idx = seal(idx)
		}
		m := newMemory()
		m.files[indexName], m.files[logName] = bytes.Clone(idx), bytes.Clone(log)
		end, gapless, ok := fullScan(idx, int64(len(log)))
		r := openMemory(t, m, nil)
		if ok && r.End() != end {
			t.Fatalf("end %d, a full scan finds %d", r.End(), end)
		}
		ask := func(r *Record) {
			if off, err := r.OffsetAt(instant(100)); err == nil && ok && off > r.End() {
				t.Errorf("offset %d of %d", off, r.End())
			}
			r.TimeAt(3)
			r.Gaps(0, r.End())
			r.LastLines(2, 100)
		}
		check := func(r *Record, log []byte) {
			ask(r)
			if !ok {
				return
			}
			text, skipped := readAll(t, r, 0)
			if text != string(log) || skipped+int64(len(log)) != r.End() {
				t.Fatalf("read %q and skipped %d of %d, the log holds %q", text, skipped, r.End(), log)
			}
			if gaps, err := r.Gaps(0, r.End()); err != nil || gapless != (len(gaps) == 0) {
				t.Fatalf("gaps %v, %v", gaps, err)
			}
		}
		check(r, log)
		if !bytes.Equal(m.files[logName], log) {
			t.Fatal("opening changed the log")
		}
		end = r.End()
		if at := r.Append([]byte("new\n")); at != end {
			t.Fatalf("appended at %d, want %d", at, end)
		}
		log = append(bytes.Clone(log), "new\n"...)
		check(r, log)
		for _, again := range []*Record{openMemory(t, m.copy(), nil), r} {
			if again == r {
				r.Close()
				again = openMemory(t, m, nil)
			}
			if ok && again.End() != end+4 {
				t.Fatalf("opened again, it ends at %d, want %d", again.End(), end+4)
			}
			check(again, log)
			if !bytes.Equal(m.files[logName], log) {
				t.Fatal("the log was changed")
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(int64(1), int64(5), int64(3), uint32(0), uint8(1))
	f.Fuzz(func(t *testing.T, time, offset, pos int64, clock uint32, k uint8) {
		e := entry{time, offset, pos, clock & maxClock, kind(k)}
		var b [entrySize]byte
		e.put(b[:])
		got, ok := parse(b[:])
		if want := k != 0 && pos >= 0 && offset >= pos && offset <= maxOffset; ok != want || got != e {
			t.Fatalf("%+v became %+v, %v", e, got, ok)
		}
		for i := range b {
			b[i] ^= 1
			if _, ok := parse(b[:]); ok {
				t.Fatalf("byte %d may be flipped", i)
			}
			b[i] ^= 1
		}
	})
}
