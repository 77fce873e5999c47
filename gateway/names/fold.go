package names

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Fold writes names as few patterns with ranges as possible, the reverse of
// Expand: numbers of the same place in otherwise equal names become a range.
// Names that differ in padding stay apart ("node[1-9]", "node[01-09]").
// The patterns are in natural order of the first name of each.
func Fold(names []string) []string {
	sorted := slices.Clone(names)
	slices.SortFunc(sorted, Compare)
	var list []folded
	for _, name := range slices.Compact(sorted) {
		list = append(list, folded{name, dissect(name)})
	}
	// The last place first, so that r1n1 r1n2 r2n1 r2n2 becomes r1n[1-2] r2n[1-2]
	// and then r[1-2]n[1-2].
	for place := 2*maxRanges - 1; place > 0; place -= 2 {
		list = merge(list, place)
	}
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = strings.Join(f.parts, "")
	}
	return out
}

// folded is one pattern in the making: literals at even places, numbers and
// ranges at odd ones.
type folded struct {
	first string // the first name that it stands for
	parts []string
}

// dissect parts a name into literals and numbers; numbers that Expand would
// not take are part of a literal.
func dissect(name string) []string {
	parts := []string{""}
	if strings.ContainsAny(name, "[]") {
		return []string{name}
	}
	for rest := name; rest != ""; {
		n := digits(rest)
		switch {
		case n == 0:
			parts[len(parts)-1] += rest[:1]
			rest = rest[1:]
			continue
		case n > maxDigits || len(parts) > 2*maxRanges-1:
			parts[len(parts)-1] += rest[:n]
		default:
			parts = append(parts, rest[:n], "")
		}
		rest = rest[n:]
	}
	return parts
}

// merge joins the patterns that differ in one place only.
func merge(list []folded, place int) []folded {
	var out []folded
	groups := make(map[string][]folded)
	for _, f := range list {
		if len(f.parts) <= place {
			out = append(out, f)
			continue
		}
		// Parts hold neither NUL nor line feed, being valid names.
		key := strings.Join(f.parts[:place], "\x00") + "\n" + strings.Join(f.parts[place+1:], "\x00")
		groups[key] = append(groups[key], f)
	}
	for _, group := range groups {
		for _, numbers := range byPadding(group, place) {
			f := folded{numbers[0].first, slices.Clone(numbers[0].parts)}
			f.parts[place] = writeRange(numbers, place)
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b folded) int { return Compare(a.first, b.first) })
	return out
}

// byPadding parts a group by the width that its numbers are padded to. A
// number without a zero in front belongs to the padded ones of its length,
// where there are any ("098 099 100").
func byPadding(group []folded, place int) [][]folded {
	widths := make(map[int][]folded)
	for _, f := range group {
		if text := f.parts[place]; padded(text) {
			widths[len(text)] = nil
		}
	}
	for _, f := range group {
		width := len(f.parts[place])
		if _, ok := widths[width]; !ok {
			width = 0
		}
		widths[width] = append(widths[width], f)
	}
	return slices.Collect(maps.Values(widths))
}

// writeRange writes the numbers that patterns have in one place.
func writeRange(list []folded, place int) string {
	if len(list) == 1 {
		return list[0].parts[place]
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(list[i].parts[place]) // digits only, few enough
		return n
	}
	slices.SortFunc(list, func(a, b folded) int { return Compare(a.parts[place], b.parts[place]) })
	var items []string
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && number(j) == number(j-1)+1 {
			j++
		}
		item := list[i].parts[place]
		if j-i > 1 {
			item = fmt.Sprintf("%s-%s", item, list[j-1].parts[place])
		}
		items = append(items, item)
		i = j
	}
	return "[" + strings.Join(items, ",") + "]"
}
