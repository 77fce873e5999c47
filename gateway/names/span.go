package names

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxDigits keeps every number within 32 bits.
	maxDigits = 9
	// maxText bounds patterns and selectors.
	maxText = 64 << 10
	// maxRanges bounds the brackets of one pattern.
	maxRanges = 8
)

// A span is one item of a range: low, low-high or low-high/step. A number
// belongs to it as it is written: width is the number of digits that zeros
// fill up to, 0 without padding.
type span struct {
	low, high, step, width int
}

// count is how many numbers the span holds.
func (s span) count() int { return (s.high-s.low)/s.step + 1 }

// text writes a number as the span does.
func (s span) text(n int) string { return fmt.Sprintf("%0*d", s.width, n) }

// has reports whether a number, given as written and as value, belongs to the span.
func (s span) has(text string, value int) bool {
	if value < s.low || value > s.high || (value-s.low)%s.step != 0 {
		return false
	}
	if padded(text) {
		return len(text) == s.width
	}
	return len(text) >= s.width
}

// padded reports whether zeros stand before the number.
func padded(text string) bool { return len(text) > 1 && text[0] == '0' }

// parseSpans reads what stands between the brackets of a range.
func parseSpans(body string) ([]span, error) {
	if body == "" {
		return nil, fmt.Errorf("empty range []")
	}
	var spans []span
	for item := range strings.SplitSeq(body, ",") {
		s, err := parseSpan(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("range %s: %w", quote("["+body+"]"), err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

func parseSpan(item string) (span, error) {
	ends, step, stepped := strings.Cut(item, "/")
	low, high, ranged := strings.Cut(ends, "-")
	if !ranged {
		high = low
	}
	s := span{step: 1}
	var err error
	if s.low, err = parseNumber(low); err != nil {
		return span{}, err
	}
	if s.high, err = parseNumber(high); err != nil {
		return span{}, err
	}
	if stepped {
		if s.step, err = parseNumber(step); err != nil {
			return span{}, err
		}
	}
	if padded(low) {
		s.width = len(low)
	}
	switch {
	case stepped && !ranged:
		return span{}, fmt.Errorf("%s: a step needs a first and a last number", quote(item))
	case s.step == 0:
		return span{}, fmt.Errorf("%s: the step must not be 0", quote(item))
	case s.low > s.high:
		return span{}, fmt.Errorf("%s runs backwards", quote(item))
	case padded(high) && len(high) != len(low), len(high) < s.width:
		return span{}, fmt.Errorf("%s: pad both numbers to the same width", quote(item))
	}
	return s, nil
}

func parseNumber(text string) (int, error) {
	switch {
	case text == "":
		return 0, fmt.Errorf("a number is missing")
	case digits(text) != len(text):
		return 0, fmt.Errorf("%s is no number; brackets hold numbers such as [001-016,020], no letters", quote(text))
	case len(text) > maxDigits:
		return 0, fmt.Errorf("%s has more than %d digits", quote(text), maxDigits)
	}
	return strconv.Atoi(text)
}

// A piece of a pattern is literal text, or a range where spans is set.
type piece struct {
	text  string
	spans []span
}

// parsePieces takes a pattern apart at its brackets.
func parsePieces(pattern string) ([]piece, error) {
	if len(pattern) > maxText {
		return nil, fmt.Errorf("pattern %s: longer than %d bytes", quote(pattern), maxText)
	}
	if strings.Count(pattern, "[") > maxRanges {
		return nil, fmt.Errorf("pattern %s: more than %d ranges", quote(pattern), maxRanges)
	}
	var pieces []piece
	for rest := pattern; rest != ""; {
		i := strings.IndexAny(rest, "[]")
		if i < 0 {
			pieces = append(pieces, piece{text: rest})
			break
		}
		if i > 0 {
			pieces = append(pieces, piece{text: rest[:i]})
		}
		if rest[i] == ']' {
			return nil, fmt.Errorf("pattern %s: ] without [", quote(pattern))
		}
		body, after, closed := strings.Cut(rest[i+1:], "]")
		if !closed {
			return nil, fmt.Errorf("pattern %s: [ without ]", quote(pattern))
		}
		spans, err := parseSpans(body)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{text: "[" + body + "]", spans: spans})
		rest = after
	}
	return pieces, nil
}
