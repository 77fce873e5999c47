package names

import "fmt"

// An Instance is one name that a pattern with ranges stands for.
type Instance struct {
	Name    string
	Numbers []Number // one for each range, in the pattern's order
}

// A Number is the value that a range has in an Instance.
type Number struct {
	Text  string // as written, with its zero padding
	Value int
}

// Expand lists what a pattern such as "node[001-016,020]" or "r[1-2]n[1-9/2]"
// stands for, in order. A pattern without a range is itself. More than limit
// instances is an error, and so is a name that the pattern gives twice.
func Expand(pattern string, limit int) ([]Instance, error) {
	pieces, err := parsePieces(pattern)
	if err != nil {
		return nil, err
	}
	total, err := size(pieces, limit)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %w", quote(pattern), err)
	}
	list := make([]Instance, 1, total)
	for _, p := range pieces {
		list = p.extend(list)
	}
	seen := make(map[string]struct{}, len(list))
	for _, x := range list {
		if _, twice := seen[x.Name]; twice {
			return nil, fmt.Errorf("pattern %s: gives %s twice", quote(pattern), quote(x.Name))
		}
		seen[x.Name] = struct{}{}
	}
	return list, nil
}

// size counts the instances before any of them is made, and bounds their length.
func size(pieces []piece, limit int) (int, error) {
	total, length, ranged := 1, 0, false
	for _, p := range pieces {
		if p.spans == nil {
			length += len(p.text)
			continue
		}
		ranged = true
		length++ // a number has at least one digit
		n := 0
		for _, s := range p.spans {
			if n += s.count(); n > limit {
				break // before the sum can overflow
			}
		}
		if n > limit/total {
			return 0, fmt.Errorf("more than %d names", limit)
		}
		total *= n
	}
	switch {
	case total > limit:
		return 0, fmt.Errorf("more than %d names", limit)
	case ranged && length > MaxLength:
		return 0, fmt.Errorf("gives names of more than %d bytes", MaxLength)
	}
	return total, nil
}

// extend appends the piece to each instance, the last range turning fastest.
func (p piece) extend(list []Instance) []Instance {
	if p.spans == nil {
		for i := range list {
			list[i].Name += p.text
		}
		return list
	}
	var next []Instance
	for _, x := range list {
		for _, s := range p.spans {
			for i := range s.count() {
				n := s.low + i*s.step
				text := s.text(n)
				// A full slice expression: each instance gets numbers of its own.
				numbers := append(x.Numbers[:len(x.Numbers):len(x.Numbers)], Number{text, n})
				next = append(next, Instance{x.Name + text, numbers})
			}
		}
	}
	return next
}
