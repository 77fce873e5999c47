package record

import (
	"encoding/binary"
	"hash/crc32"
)

// The index is a file of entries of 32 bytes, little endian:
//
//	0  int64   time of arrival, nanoseconds since 1970
//	8  int64   offset
//	16 int64   position in the log file
//	24 uint8   kind
//	25 uint24  clock: how often the wall clock had been set back before
//	28 uint32  CRC-32C of the 28 bytes before
//
// An entry says: from this offset on the bytes lie at this position, and
// arrived at this time. Where the offset grew more than the position since the
// entry before, the bytes in between were lost: first those that the position
// accounts for, then the gap. Entries are aligned, so none crosses a sector.
const entrySize = 32

// A kind says why an entry was made. Readers of bytes need none of it but kindSync.
type kind uint8

const (
	kindData  kind = iota + 1 // time has passed, or writing works again
	kindStart                 // the first bytes after Open
	kindLost                  // from here on nothing is on the disk until the next entry
	kindSync                  // all entries before this one had been forced to the disk
)

const (
	maxClock  = 1<<24 - 1
	maxOffset = 1 << 62 // sums of two stay positive
)

type entry struct {
	time   int64
	offset int64
	pos    int64
	clock  uint32
	kind   kind
}

// shift is what separates offset from position; it grows with every gap.
func (e entry) shift() int64 { return e.offset - e.pos }

// put writes the entry to the first 32 bytes of b.
func (e entry) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(e.time))
	le.PutUint64(b[8:], uint64(e.offset))
	le.PutUint64(b[16:], uint64(e.pos))
	le.PutUint32(b[24:], uint32(e.kind)|e.clock<<8)
	le.PutUint32(b[28:], crc32.Checksum(b[:28], castagnoli()))
}

// parse reads an entry; ok is false where the bytes are none.
func parse(b []byte) (e entry, ok bool) {
	le := binary.LittleEndian
	if len(b) < entrySize || le.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli()) {
		return entry{}, false
	}
	k := le.Uint32(b[24:])
	e = entry{
		time:   int64(le.Uint64(b[0:])),
		offset: int64(le.Uint64(b[8:])),
		pos:    int64(le.Uint64(b[16:])),
		clock:  k >> 8,
		kind:   kind(k),
	}
	ok = e.kind != 0 && e.pos >= 0 && e.offset >= e.pos && e.offset <= maxOffset
	return e, ok
}

// follows reports whether e may stand behind prev: nothing goes back, and time
// only where the clock was set back.
func (e entry) follows(prev entry) bool {
	return e.offset >= prev.offset && e.pos >= prev.pos && e.shift() >= prev.shift() &&
		(e.clock > prev.clock || e.clock == prev.clock && e.time >= prev.time)
}

// castagnoli is made once by the standard library, and is not ours to change.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
