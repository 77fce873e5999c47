package record

import (
	"bytes"
	"errors"
	"io"
)

const lineBlock = 8 << 10

// LastLines is the offset where the last n lines begin (an unfinished last
// line counts), not more than limit bytes before end; it looks at no more than limit bytes.
func (r *Record) LastLines(n int, limit int64) (int64, error) {
	r.mu.Lock()
	end := r.end
	first := max(r.start(), end-max(limit, 0))
	r.mu.Unlock()
	if n <= 0 {
		return end, nil
	}
	l := lineFinder{r: r, buf: make([]byte, min(lineBlock, end-first))}
	unfinished, err := l.unfinished(max(first, end-1), end)
	if err != nil {
		return 0, err
	}
	need := n + 1 // line feeds: the one before the first line, too
	if unfinished {
		need = n
	}
	for to := end; to > first; {
		from := max(first, to-lineBlock)
		k, _, err := l.count(from, to, 0)
		if err != nil {
			return 0, err
		}
		if k >= need {
			_, at, err := l.count(from, to, k-need+1)
			return at, err
		}
		need -= k
		to = from
	}
	return first, nil
}

type lineFinder struct {
	r   *Record
	seg segment
	buf []byte
}

// count counts the line feeds in from..to; at is the offset behind the one
// numbered want.
func (l *lineFinder) count(from, to int64, want int) (n int, at int64, err error) {
	for from < to {
		k, next, err := l.r.read(l.buf[:to-from], from, &l.seg)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		if k == 0 {
			break
		}
		start := next - int64(k)
		p := l.buf[:max(0, min(int64(k), to-start))] // a gap may have led beyond to
		for i := bytes.IndexByte(p, '\n'); i >= 0; {
			if n++; n == want {
				return n, start + int64(i) + 1, nil
			}
			j := bytes.IndexByte(p[i+1:], '\n')
			if j < 0 {
				break
			}
			i += j + 1
		}
		from = next
	}
	return n, to, nil
}

// unfinished reports whether the byte in from..to is there and no line feed.
func (l *lineFinder) unfinished(from, to int64) (bool, error) {
	if from == to {
		return false, nil
	}
	var b [1]byte
	k, next, err := l.r.read(b[:], from, &l.seg)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return k == 1 && next <= to && b[0] != '\n', nil
}
