package auth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"consoled/gateway/names"
)

// An option is one option of a key line, taken apart but not yet understood.
type option struct {
	name, value string
	valued      bool // had ="..."
}

func (o option) String() string {
	if o.valued {
		return o.name + "="
	}
	return o.name
}

// splitOptions takes the options off the start of a key line in sshd's way
// (opt_dequote in auth-options): separated by commas without blanks, values in
// double quotes, in which \" stands for a quote and every other backslash for
// itself. rest begins with the blank after them.
func splitOptions(line string) (list []option, rest string, err error) {
	for {
		end := strings.IndexAny(line, "=,\" \t")
		if end < 0 {
			end = len(line)
		}
		if end == 0 {
			return nil, "", errors.New("empty option (a comma too many?)")
		}
		one := option{name: line[:end]}
		line = line[end:]
		if value, ok := strings.CutPrefix(line, "="); ok {
			one.valued = true
			if one.value, line, err = dequote(value); err != nil {
				return nil, "", fmt.Errorf("option %s %w", show(one.String()), err)
			}
		}
		list = append(list, one)
		switch {
		case line == "" || line[0] == ' ' || line[0] == '\t':
			return list, line, nil
		case line[0] != ',':
			return nil, "", fmt.Errorf("option %s is followed by %s, not by a comma or a blank", show(one.String()), show(line[:1]))
		}
		line = line[1:]
	}
}

func dequote(text string) (value, rest string, err error) {
	if text == "" || text[0] != '"' {
		return "", "", errors.New(`needs its value in "double quotes"`)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '"':
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", errors.New("has no closing quote")
}

// What an option of a key line is to this version.
type optionKind uint8

const (
	flag     optionKind = iota + 1
	single              // with a value, once on a line
	repeated            // with a value, any number of times
	idle                // changes nothing here: lowers what is never offered
	idleValued
	missing // a later version's; ignoring it would give more than the line says
)

// kindOf says what an option is, by its name in lower case; 0 for an unknown one.
func kindOf(name string) optionKind {
	switch name {
	case "restrict", "pty", "no-pty":
		return flag
	case "user", "consoles", "from", "expiry-time", "write", "max-sessions":
		return single
	case "role", "environment":
		return repeated
	case "port-forwarding", "agent-forwarding", "x11-forwarding", "user-rc",
		"no-port-forwarding", "no-agent-forwarding", "no-x11-forwarding", "no-user-rc":
		return idle
	case "permitopen", "permitlisten":
		return idleValued
	case "cert-authority", "principals", "command", "no-touch-required", "verify-required", "tunnel":
		return missing
	}
	return 0
}

// optionWords are the options to suggest, those of our own and the common ones.
var optionWords = []string{
	"restrict", "pty", "no-pty", "user", "consoles", "from", "expiry-time", "write",
	"max-sessions", "role", "environment", "no-port-forwarding", "no-agent-forwarding", "no-X11-forwarding", "no-user-rc",
}

// apply understands the options of a line. Case does not matter in their
// names, as with sshd. Of restrict, pty and no-pty the last one counts.
func (k *Key) apply(list []option) error {
	seen := make(map[string]bool, len(list))
	for _, o := range list {
		name := strings.ToLower(o.name)
		kind := kindOf(name)
		if err := o.check(name, kind); err != nil {
			return err
		}
		if kind == single && seen[name] {
			return fmt.Errorf("option %s stands twice", show(o.String()))
		}
		seen[name] = true
		if kind == idle || kind == idleValued {
			continue
		}
		if err := k.set(name, o.value); err != nil {
			return fmt.Errorf("option %s: %w", show(o.String()), err)
		}
	}
	return nil
}

func (o option) check(name string, kind optionKind) error {
	switch kind {
	case 0:
		near := names.Nearest(name, optionWords)
		if near == "" {
			return fmt.Errorf("unknown option %s", show(o.String()))
		}
		if k := kindOf(near); k == single || k == repeated {
			near += "="
		}
		return fmt.Errorf("unknown option %s (did you mean %q?)", show(o.String()), near)
	case missing:
		return fmt.Errorf("option %s is not supported by this version", show(o.String()))
	case flag, idle:
		if o.valued {
			return fmt.Errorf("option %s takes no value", show(o.String()))
		}
	default:
		if !o.valued {
			return fmt.Errorf(`option %s needs a value: %s="..."`, show(o.name), o.name)
		}
	}
	return nil
}

func (k *Key) set(name, value string) (err error) {
	switch name {
	case "restrict", "no-pty":
		k.NoPTY = true
	case "pty":
		k.NoPTY = false
	case "user":
		k.User = value
		return checkName(value)
	case "consoles":
		return k.setGrants(value)
	case "environment":
		return k.setEnvironment(value)
	case "from":
		k.From, err = ParseFrom(value)
	case "expiry-time":
		k.Expires, err = parseExpiry(value)
	case "write":
		k.Write = value
		return checkWrite(value)
	case "max-sessions":
		k.MaxSessions, err = strconv.Atoi(value)
		if err != nil || k.MaxSessions < 1 || k.MaxSessions > 10_000 {
			return fmt.Errorf("%s is not a number from 1 to 10000", show(value))
		}
	case "role":
		for role := range strings.SplitSeq(value, ",") {
			if err := checkName(role); err != nil {
				return err
			}
			k.Roles = append(k.Roles, role)
		}
	}
	return err
}

func (k *Key) setGrants(value string) (err error) {
	if k.Listed {
		return errors.New("the line says already which consoles")
	}
	k.Listed = true
	k.Grants, err = parseGrants(value)
	return err
}

// setEnvironment takes CONSOLES=..., which a file can say that sshd reads too.
// Other variables are for sshd's sessions, unless they look like a slip: a key
// whose CONSOLES is misspelt would get the default grant instead.
func (k *Key) setEnvironment(value string) error {
	name, text, ok := strings.Cut(value, "=")
	switch {
	case !ok || name == "":
		return errors.New("needs NAME=VALUE")
	case name == "CONSOLES":
		return k.setGrants(text)
	case strings.HasPrefix(strings.ToUpper(strings.TrimSpace(name)), "CONSOL"),
		names.Nearest(strings.ToUpper(name), []string{"CONSOLES"}) != "":
		return fmt.Errorf(`unknown variable %s (did you mean "CONSOLES"?)`, show(name))
	}
	return nil
}

func checkWrite(mode string) error {
	switch mode {
	case "on-key", "explicit", "on-attach":
		return nil
	}
	return fmt.Errorf("%s is none of on-key, explicit, on-attach", show(mode))
}

// parseExpiry reads YYYYMMDD[HHMM[SS]][Z], sshd's form: local time without Z.
func parseExpiry(text string) (time.Time, error) {
	zone := time.Local
	digits, utc := strings.CutSuffix(text, "Z")
	if utc {
		zone = time.UTC
	}
	const layout = "20060102150405"
	switch len(digits) {
	case 8, 12, 14:
		at, err := time.ParseInLocation(layout[:len(digits)], digits, zone)
		// The year bounds what a slip can mean; the zero time would mean never.
		if err == nil && at.Year() >= 1970 {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is not a time of the form YYYYMMDD[HHMM[SS]][Z]", show(text))
}
