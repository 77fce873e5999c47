package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"consoled/gateway/names"
)

// A reader turns values into settings and reports what does not fit. Its
// methods take the key's name for messages, and report false after a mistake.
type reader struct {
	*report
	scope   *scope // what ${...} means; nil where it means nothing
	left    *int   // bytes that ${...} may still be read from and make
	secrets *secrets
	folder  string  // of the main file
	bound   binding // of the key that is being read
}

const (
	maxText = 4 << 10 // bytes of one text
	maxList = 1000    // entries of one list
	fewKeys = 15      // keys of a map that a message names all
)

// mistake reports a value that does not fit; where the value differs from
// console to console it says which one it is about.
func (r *reader) mistake(key string, v *value, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r.scope != nil && v.dynamic {
		r.error(v.place, "%s for %s: %s", key, r.scope.name, text)
		return
	}
	r.error(v.place, "%s: %s", key, text)
}

// raw is a single value with every ${...} replaced.
func (r *reader) raw(key string, v *value) (string, bool) {
	switch {
	case v.kind == isNull:
		r.mistake(key, v, "no value")
		return "", false
	case v.kind != isText:
		r.mistake(key, v, "%s where a single value is expected", v.kind)
		return "", false
	case len(v.text) > maxText:
		r.mistake(key, v, "longer than %d bytes", maxText)
		return "", false
	case r.scope == nil || !v.dynamic:
		return v.text, true
	}
	if *r.left < 0 {
		return "", false
	}
	text, err := r.scope.expand(v.text)
	if err != nil {
		r.mistake(key, v, "%v", err)
		return "", false
	}
	if *r.left -= len(v.text) + len(text); *r.left < 0 || len(text) > 2*maxText {
		r.mistake(key, v, "too much text comes of ${...}")
		return "", false
	}
	return text, true
}

// text is a text on one line.
func (r *reader) text(key string, v *value) (string, bool) {
	text, ok := r.raw(key, v)
	if ok && strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		r.mistake(key, v, "control characters and line ends are not allowed")
		return "", false
	}
	return text, ok
}

// block is a text that may have several lines.
func (r *reader) block(key string, v *value) (string, bool) {
	text, ok := r.raw(key, v)
	if ok && strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) && c != '\n' && c != '\t' }) {
		r.mistake(key, v, "control characters are not allowed")
		return "", false
	}
	return text, ok
}

// filled is a text on one line with something in it.
func (r *reader) filled(key string, v *value) (string, bool) {
	text, ok := r.text(key, v)
	if ok && strings.TrimSpace(text) == "" {
		r.mistake(key, v, "no value")
		return "", false
	}
	return text, ok
}

// path is a file name, relative to the file it stands in.
func (r *reader) path(key string, v *value) (string, bool) {
	text, ok := r.filled(key, v)
	return v.file.resolve(text), ok
}

// choice is one of a few words.
func (r *reader) choice(key string, v *value, words ...string) (string, bool) {
	text, ok := r.text(key, v)
	if !ok || slices.Contains(words, text) {
		return text, ok
	}
	r.mistake(key, v, "%s is not one of %s%s", quoted(text), strings.Join(words, ", "), didYouMean(text, words))
	return "", false
}

// boolean is true or false. YAML's other words for them have surprised too
// many people.
func (r *reader) boolean(key string, v *value) (value, ok bool) {
	text, ok := r.text(key, v)
	if !ok || text == "true" || text == "false" {
		return text == "true", ok
	}
	hint := ""
	switch strings.ToLower(text) {
	case "yes", "on", "y", "true":
		hint = "; write true"
	case "no", "off", "n", "false":
		hint = "; write false"
	}
	r.mistake(key, v, "%s is not true or false%s", quoted(text), hint)
	return false, false
}

// integer is a whole number in decimal.
func (r *reader) integer(key string, v *value, least, most int) (int, bool) {
	text, ok := r.text(key, v)
	if !ok {
		return 0, false
	}
	digits := strings.TrimPrefix(text, "-")
	if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_o") == "" {
		hint := ""
		if decimal := strings.TrimLeft(digits, "0"); decimal != "" && strings.Trim(decimal, "0123456789") == "" {
			hint = "; write " + decimal
		}
		r.mistake(key, v, "%s: a leading 0 means octal to some programs%s", text, hint)
		return 0, false
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && strings.Trim(digits, "0123456789") != "":
		r.mistake(key, v, "%s is not a whole number", quoted(text))
		return 0, false
	case err != nil || n < least || n > most:
		r.mistake(key, v, "%s is out of range, %d to %d", oneLine(text), least, most)
		return 0, false
	}
	return n, true
}

// factor is a number that may have a fraction.
func (r *reader) factor(key string, v *value, least, most float64) (float64, bool) {
	text, ok := r.text(key, v)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(least <= n && n <= most) || strings.Trim(text, "0123456789.") != "" {
		r.mistake(key, v, "%s is not a number from %v to %v", quoted(text), least, most)
		return 0, false
	}
	return n, true
}

// duration is a time span such as 90s, 1h30m or 2d. 0 needs no unit.
func (r *reader) duration(key string, v *value, least, most time.Duration) (time.Duration, bool) {
	text, ok := r.text(key, v)
	if !ok {
		return 0, false
	}
	d, err := parseDuration(text)
	switch {
	case err != nil && strings.Trim(text, "0123456789") == "":
		r.mistake(key, v, "%s needs a unit, such as 30s, 10m or 2h", quoted(text))
		return 0, false
	case err != nil:
		r.mistake(key, v, "%s is not a duration such as 30s, 10m or 2h", quoted(text))
		return 0, false
	case d < least || d > most:
		r.mistake(key, v, "%s is out of range, %s to %s", oneLine(text), showDuration(least), showDuration(most))
		return 0, false
	}
	return d, true
}

// parseDuration is time.ParseDuration and days.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// size is a number of bytes such as 64KiB.
func (r *reader) size(key string, v *value, most int) (int, bool) {
	text, ok := r.text(key, v)
	if !ok {
		return 0, false
	}
	number := strings.TrimRight(text, "BKMGTikmgtb")
	unit, known := map[string]int{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[text[len(number):]]
	n, err := strconv.ParseUint(number, 10, 31)
	switch {
	case err != nil || !known:
		r.mistake(key, v, "%s is not a size such as 512, 64KiB or 1MiB", quoted(text))
		return 0, false
	case n > uint64(most/unit):
		r.mistake(key, v, "%s is out of range, 0 to %s", oneLine(text), showSize(most))
		return 0, false
	}
	return int(n) * unit, true
}

// list is a list of texts; a single one needs no brackets.
func (r *reader) list(key string, v *value) ([]string, bool) {
	values, ok := r.values(key, v)
	out := make([]string, 0, len(values))
	for _, x := range values {
		text, good := r.filled(key, x)
		out = append(out, text)
		ok = ok && good
	}
	return out, ok
}

// values is the entries of a list, or the single value.
func (r *reader) values(key string, v *value) ([]*value, bool) {
	switch v.kind {
	case isText:
		return []*value{v}, true
	case isList:
		if len(v.items) > maxList {
			r.mistake(key, v, "more than %d entries", maxList)
			return nil, false
		}
		return v.items, true
	case isNull:
		r.mistake(key, v, "no value")
	default:
		r.mistake(key, v, "%s where a list is expected", v.kind)
	}
	return nil, false
}

// table is the pairs of a map whose keys are known; the others are reported
// and left out. where says what the map is, for messages.
func (r *report) table(where string, v *value, known, later []string) []pair {
	if v.kind != isMap {
		r.error(v.place, "%s: %s where a map is expected%s", where, v.kind, keysOf(known))
		return nil
	}
	out := make([]pair, 0, len(v.pairs))
	for _, p := range v.pairs {
		if r.known(where, p.key, known, later) {
			out = append(out, p)
		}
	}
	return out
}

// members reads a map whose keys are known, each by read, which returns its
// canonical rendering. shown is that of the whole; it reports false after a
// mistake in any value.
func (r *reader) members(where string, v *value, known []string, read func(key string, v *value) (shown string, ok bool)) (shown string, ok bool) {
	ok = v.kind == isMap
	var all []string
	for _, p := range r.table(where, v, known, nil) {
		text, good := read(p.key.text, p.value)
		all = append(all, p.key.text+": "+text)
		ok = ok && good
	}
	return showMap(all), ok
}

// known reports a key that is misspelt, or that is meant for a later version.
func (r *report) known(where string, key *value, known, later []string) bool {
	switch {
	case slices.Contains(known, key.text):
		return true
	case slices.Contains(later, key.text):
		r.error(key.place, "%s in %s: this version does not have it yet", quoted(key.text), where)
	default:
		hint := didYouMean(key.text, known, later)
		if hint == "" {
			hint = keysOf(known)
		}
		tell := r.error
		if slices.Contains(passwordKeys, names.Nearest(key.text, passwordKeys)) {
			tell = r.unseen
		}
		tell(key.place, "unknown key %s in %s%s", quoted(key.text), where, hint)
	}
	return false
}

// keysOf names the keys of a map, where they are few.
func keysOf(known []string) string {
	if len(known) > fewKeys {
		return ""
	}
	return "; it has " + strings.Join(known, ", ")
}

// didYouMean is a suggestion, or nothing.
func didYouMean(word string, vocabularies ...[]string) string {
	const most = 2000 // looking through more would only take time
	words := slices.Concat(vocabularies...)
	if near := names.Nearest(word, words[:min(len(words), most)]); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// showDuration is the shortest form: 30m, not 30m0s.
func showDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func showSize(n int) string {
	for _, u := range []struct {
		name string
		size int
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n > 0 && n%u.size == 0 {
			return strconv.Itoa(n/u.size) + u.name
		}
	}
	return strconv.Itoa(n)
}

// show writes a text so that reading it gives the same text again.
func show(text string) string {
	if plainText(text) {
		return text
	}
	return strconv.Quote(strings.ReplaceAll(text, "${", "$${"))
}

// plainText reports whether YAML reads a text without quotes as itself.
func plainText(text string) bool {
	if text == "" || len(text) > 200 {
		return false
	}
	switch strings.ToLower(text) {
	case "null", "true", "false", "yes", "no", "on", "off":
		return false
	}
	for i := range len(text) {
		c := text[i]
		if !isLetter(c) && !isDigit(c) && c != '/' && c != '.' && c != '^' && (i == 0 || strings.IndexByte("-+=@%", c) < 0) {
			return false
		}
	}
	return utf8.ValidString(text)
}

func showList(list []string) string {
	shown := make([]string, len(list))
	for i, x := range list {
		shown[i] = show(x)
	}
	return "[" + strings.Join(shown, ", ") + "]"
}
