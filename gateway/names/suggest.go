package names

import (
	"cmp"
	"slices"
	"strings"
)

const (
	maxDistance    = 2
	shortName      = 4 // bytes; of these half may differ at two, so that one has to do
	maxSuggestions = 5
)

// Suggest returns at most five candidates that resemble name (Damerau-Levenshtein
// distance of at most 2, of 1 in short names, or the same digits after dropping zeros),
// best first. Something of the name must be left: root on a laptop does not mean the
// console host.
func Suggest(name string, candidates []string) []string {
	type scored struct {
		name     string
		distance int
	}
	var found []scored
	bare := dropZeros(name)
	for _, c := range candidates {
		d := distance(name, c)
		if d > 0 && bare == dropZeros(c) {
			d = 1
		} else if short := min(len(name), len(c)); d > maxDistance || d >= short || d > 1 && short <= shortName {
			continue
		}
		found = append(found, scored{c, d})
	}
	slices.SortFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), Compare(a.name, b.name))
	})
	found = slices.Compact(found)
	var out []string
	for _, f := range found[:min(len(found), maxSuggestions)] {
		out = append(out, f.name)
	}
	return out
}

// Nearest returns the word of a vocabulary that a misspelt one most likely
// means, or "" where none is near; for unknown keys, options and verbs. Short
// words must be nearer than long ones, dashes apart: wait does not mean tail, nor
// -b -n. A beginning stands for the one word that has it.
func Nearest(word string, vocabulary []string) string {
	best, least := "", maxDistance+1
	var begun []string
	for _, v := range vocabulary {
		short := min(len(strings.TrimLeft(word, "-")), len(strings.TrimLeft(v, "-")))
		if d := distance(word, v); d < least && d < short && (d <= 1 || short > shortName) {
			best, least = v, d
		}
		if len(word) >= 3 && len(word) < len(v) && equal(v[:len(word)], word) {
			begun = append(begun, v)
		}
	}
	if best == "" && len(begun) == 1 {
		return begun[0]
	}
	return best
}

// dropZeros brings names that differ in case or in padding only to one form.
func dropZeros(name string) string {
	var b strings.Builder
	for rest := name; rest != ""; {
		n := max(digits(rest), 1)
		if digits(rest) > 0 {
			b.WriteString(strings.TrimLeft(rest[:n-1], "0") + rest[n-1:n])
		} else {
			b.WriteByte(lower(rest[0]))
		}
		rest = rest[n:]
	}
	return b.String()
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that part two names, case aside. Above maxDistance it is only
// known to be more: so a row needs no more than the cells near the diagonal.
func distance(a, b string) int {
	const far = maxDistance + 1
	if d := len(a) - len(b); d > maxDistance || -d > maxDistance || len(a) > MaxLength+maxDistance {
		return far
	}
	var rows [3][MaxLength + 2*maxDistance + 2]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		first, last := max(1, i-maxDistance), min(len(b), i+maxDistance)
		row[first-1], above[i+maxDistance] = far, far // outside the band
		if first == 1 {
			row[0] = i
		}
		nearest := row[first-1]
		for j := first; j <= last; j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			row[j] = min(row[j-1]+1, above[j]+1, above[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				row[j] = min(row[j], before[j-2]+1)
			}
			nearest = min(nearest, row[j])
		}
		if nearest > maxDistance {
			return far
		}
	}
	return min(rows[len(a)%3][len(b)], far)
}
