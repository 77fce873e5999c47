package record

import (
	"sync"
	"sync/atomic"
)

const (
	blockSize  = 4 << 10
	tailBlocks = 16 // 64 KiB
)

// A block is a piece of a tail. Bytes that are published never change while
// somebody holds it.
type block struct {
	holds atomic.Int32 // readers that copy from it just now
	base  int64        // offset of its first byte
	bytes [blockSize]byte
}

// spare keeps blocks between one use and the next; it holds no state.
var spare = sync.Pool{New: func() any { return new(block) }}

// A tail is the newest bytes, for live readers and for the time while the disk
// fails. Everything in it is guarded by the record's short mutex; only the bytes
// of a held block are read without.
type tail struct {
	start, end int64 // offsets of what it holds
	n          int
	blocks     [tailBlocks]*block // the first n are in use, oldest first, each full but the last
}

// write adds the bytes that begin at t.end.
func (t *tail) write(p []byte) {
	if over := len(p) - tailBlocks*blockSize; over >= 0 {
		t.reset(t.end + int64(over))
		p = p[over:]
	}
	for len(p) > 0 {
		if t.n == 0 || t.end == t.blocks[t.n-1].base+blockSize {
			t.grow()
		}
		b := t.blocks[t.n-1]
		n := copy(b.bytes[t.end-b.base:], p)
		t.end += int64(n)
		p = p[n:]
	}
}

// grow makes place for one more block, the oldest going if there is none.
func (t *tail) grow() {
	if t.n == tailBlocks {
		t.blocks[0].discard()
		copy(t.blocks[:], t.blocks[1:])
		t.n--
		t.start = t.blocks[0].base
	}
	b := spare.Get().(*block)
	b.base = t.end
	t.blocks[t.n] = b
	t.n++
}

// reset empties the tail; it goes on at offset.
func (t *tail) reset(offset int64) {
	for i := range t.n {
		t.blocks[i].discard()
		t.blocks[i] = nil
	}
	t.n, t.start, t.end = 0, offset, offset
}

// hold finds the bytes from offset on that lie in one block and keeps the block
// from being used again until it is let go; nil where the tail has none.
func (t *tail) hold(offset int64) (*block, []byte) {
	if offset < t.start || offset >= t.end {
		return nil, nil
	}
	b := t.blocks[(offset-t.blocks[0].base)/blockSize]
	b.holds.Add(1)
	return b, b.bytes[offset-b.base : min(blockSize, t.end-b.base)]
}

func (b *block) release() { b.holds.Add(-1) }

// discard gives the block back, or leaves it to its last reader and the collector.
func (b *block) discard() {
	if b.holds.Load() == 0 {
		spare.Put(b)
	}
}
