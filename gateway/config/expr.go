package config

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"consoled/gateway/names"
)

// A scope is what ${...} can refer to in the settings of one console.
type scope struct {
	name    string         // ${name}
	numbers []names.Number // ${n}, ${n1}, ${n2}, ... of the ranges
	host    string         // ${host}, the gateway's host name
}

// expand replaces every ${...} in a text. $${ stands for ${ itself.
func (s *scope) expand(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if plain, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(plain + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("${ without its }; write $${ for the two characters themselves")
		}
		result, err := s.evaluate(inner)
		if err != nil {
			return "", fmt.Errorf("%s: %w", "${"+cut(inner)+"}", err)
		}
		b.WriteString(result)
		text = after
	}
}

func cut(text string) string {
	if len(text) > 60 {
		return text[:60] + "..."
	}
	return text
}

// evaluate is a variable alone, as text with its padding, or the decimal
// result of integer arithmetic.
func (s *scope) evaluate(text string) (string, error) {
	switch word := strings.TrimSpace(text); {
	case word == "name":
		return s.name, nil
	case word == "host":
		return s.host, nil
	case word == "credentials":
		return credentialsDir(), nil
	case isVariable(word):
		n, err := s.number(word)
		return n.Text, err
	}
	p := arithmetic{scope: s, rest: text}
	n, err := p.sum()
	if err == nil && p.peek() != 0 {
		err = fmt.Errorf("%q is out of place", cut(p.rest))
	}
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(n, 10), nil
}

func isVariable(word string) bool {
	return word != "" && !isDigit(word[0]) && !strings.ContainsFunc(word, func(c rune) bool { return c > 127 || !isLetter(byte(c)) && !isDigit(byte(c)) })
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

// number is the range that n, n1, n2 and so on name.
func (s *scope) number(word string) (names.Number, error) {
	digits, ok := strings.CutPrefix(word, "n")
	which := 1
	if ok && digits != "" {
		var err error
		which, err = strconv.Atoi(digits)
		ok = err == nil && which > 0 && digits[0] != '0'
	}
	switch {
	case !ok:
		return names.Number{}, fmt.Errorf("unknown variable %q; known are %s", cut(word), strings.Join(s.variables(), ", "))
	case len(s.numbers) == 0:
		return names.Number{}, errors.New("the name has no range")
	case which > len(s.numbers):
		return names.Number{}, fmt.Errorf("the name has only %s", count(len(s.numbers), "range"))
	}
	return s.numbers[which-1], nil
}

func (s *scope) variables() []string {
	known := []string{"name", "host", "credentials"}
	if len(s.numbers) > 0 {
		known = slices.Insert(known, 0, "n")
	}
	for i := range s.numbers {
		if len(s.numbers) > 1 {
			known = append(known, "n"+strconv.Itoa(i+1))
		}
	}
	return known
}

// arithmetic reads an expression from left to right:
// sum = product { (+|-) product }, product = factor { (*|/|%) factor },
// factor = number | variable | - factor | ( sum ).
type arithmetic struct {
	scope *scope
	rest  string
	depth int
}

// maxBrackets bounds the recursion.
const maxBrackets = 50

var (
	errTooLarge = errors.New("the number is too large")
	errZero     = errors.New("division by zero")
)

// peek is the next byte that is not blank; 0 at the end.
func (p *arithmetic) peek() byte {
	p.rest = strings.TrimLeft(p.rest, " ")
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

func (p *arithmetic) sum() (int64, error) {
	left, err := p.product()
	for err == nil {
		op := p.peek()
		if op != '+' && op != '-' {
			return left, nil
		}
		p.rest = p.rest[1:]
		var right int64
		if right, err = p.product(); err == nil {
			left, err = apply(op, left, right)
		}
	}
	return 0, err
}

func (p *arithmetic) product() (int64, error) {
	left, err := p.factor()
	for err == nil {
		op := p.peek()
		if op != '*' && op != '/' && op != '%' {
			return left, nil
		}
		p.rest = p.rest[1:]
		var right int64
		if right, err = p.factor(); err == nil {
			left, err = apply(op, left, right)
		}
	}
	return 0, err
}

func (p *arithmetic) factor() (int64, error) {
	if p.depth++; p.depth > maxBrackets {
		return 0, errors.New("too many brackets")
	}
	defer func() { p.depth-- }()
	switch c := p.peek(); {
	case c == 0:
		return 0, errors.New("a number is missing at the end")
	case c == '-':
		p.rest = p.rest[1:]
		n, err := p.factor()
		return -n, err // no literal or result is the one number without a negative
	case c == '(':
		p.rest = p.rest[1:]
		n, err := p.sum()
		if err == nil && p.peek() != ')' {
			err = errors.New("a closing bracket is missing")
		}
		if err == nil {
			p.rest = p.rest[1:]
		}
		return n, err
	case isDigit(c):
		n, err := strconv.ParseInt(p.take(isDigit), 10, 64)
		if err != nil {
			return 0, errTooLarge
		}
		return n, nil
	case isLetter(c):
		word := p.take(func(c byte) bool { return isLetter(c) || isDigit(c) })
		if word == "name" || word == "host" {
			return 0, fmt.Errorf("%s is no number", word)
		}
		n, err := p.scope.number(word)
		return int64(n.Value), err
	default:
		return 0, fmt.Errorf("%q is out of place", cut(p.rest))
	}
}

// take cuts off the bytes that belong.
func (p *arithmetic) take(belongs func(byte) bool) string {
	n := 0
	for n < len(p.rest) && belongs(p.rest[n]) {
		n++
	}
	word := p.rest[:n]
	p.rest = p.rest[n:]
	return word
}

// apply keeps results within ±(2^63-1), so that nothing wraps round.
func apply(op byte, a, b int64) (int64, error) {
	switch op {
	case '+', '-':
		if op == '-' {
			b = -b
		}
		n := a + b
		if (n > a) != (b > 0) && b != 0 || n == math.MinInt64 {
			return 0, errTooLarge
		}
		return n, nil
	case '*':
		high, low := bits.Mul64(magnitude(a), magnitude(b))
		if high != 0 || low > math.MaxInt64 {
			return 0, errTooLarge
		}
		return a * b, nil
	}
	if b == 0 {
		return 0, errZero
	}
	if op == '/' {
		return a / b, nil
	}
	return a % b, nil
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-a)
	}
	return uint64(a)
}
