package dialogue

// plenty is how much of a secret, in bytes, is taken for it anywhere. Right
// behind the sending of it less will do: any beginning is its echo there.
const plenty = 4

// A mask hides a secret in what the target says, without changing how long
// that is: offsets stay what they are. It finds the secret whole or its
// beginning, however the echo is cut into pieces, and with controls in between,
// as a terminal wraps a line. It is Knuth, Morris and Pratt's search, so that its
// work is bounded by what is said.
//
// What may be the beginning of the secret is held until that is known.
type mask struct {
	secret  []byte
	fail    []int // how much of the secret still matches where the byte after n does not
	n       int   // bytes of the secret matched
	held    []byte
	at      []int // where in held each of the n lies
	covered int   // bytes of held that are the secret's
	echo    bool  // nothing else was said since the secret was sent
}

func newMask(secret []byte) *mask {
	m := &mask{secret: secret, fail: make([]int, len(secret)+1), echo: true}
	for i, k := 1, 0; i < len(secret); i++ {
		for k > 0 && secret[i] != secret[k] {
			k = m.fail[k]
		}
		if secret[i] == secret[k] {
			k++
		}
		m.fail[i+1] = k
	}
	return m
}

// append hides the secret in src and appends to dst what is settled.
func (m *mask) append(dst, src []byte) []byte {
	for _, b := range src {
		dst = m.step(dst, b)
	}
	return dst
}

func (m *mask) step(dst []byte, b byte) []byte {
	for {
		switch {
		case b == m.secret[m.n]:
			m.at = append(m.at, len(m.held))
			m.held = append(m.held, b)
			if m.n++; m.echo || m.n >= min(plenty, len(m.secret)) {
				m.covered = len(m.held)
			}
			if m.n == len(m.secret) {
				m.echo = false
				dst = m.shift(dst, m.fail[m.n])
			}
			return dst
		case m.n == 0:
			m.echo = m.echo && (isControl(b) || b == ' ')
			return append(dst, b)
		case isControl(b) && len(m.held) < 4*len(m.secret)+64:
			m.held = append(m.held, b)
			return dst
		}
		dst = m.shift(dst, m.fail[m.n])
	}
}

// shift gives out what can no longer be the beginning of the secret; k bytes
// of it still are.
func (m *mask) shift(dst []byte, k int) []byte {
	start := len(m.held)
	if k > 0 {
		start = m.at[m.n-k]
	}
	for i, b := range m.held[:start] {
		if i < m.covered && !isControl(b) {
			b = '*'
		}
		dst = append(dst, b)
	}
	m.held = m.held[:copy(m.held, m.held[start:])]
	m.at = m.at[:copy(m.at, m.at[m.n-k:])]
	for i := range m.at {
		m.at[i] -= start
	}
	m.covered = max(0, m.covered-start)
	m.n = k
	return dst
}

// flush gives out what is held. What is the secret's so far stays hidden.
func (m *mask) flush(dst []byte) []byte { return m.shift(dst, 0) }

func isControl(b byte) bool { return b < ' ' || b == 0x7f }
