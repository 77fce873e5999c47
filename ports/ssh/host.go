package ssh

import (
	"fmt"
	"net"
	"os/user"
	"strings"
	"unicode"

	"consoled/ports"
)

// A host is one to log in to.
type host struct {
	user string // empty: whoever the gateway runs as
	name string // lower case, as names are looked up in known_hosts
	port string
}

// parseHost reads [user@]host[:port]. An IPv6 address needs brackets where a
// port follows. A user may hold an @ (alice@site@gateway): the last one counts.
func parseHost(text string) (host, error) {
	var h host
	rest := text
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		if h.user, rest = text[:i], text[i+1:]; h.user == "" {
			return host{}, fmt.Errorf("host %q: no user before the @", text)
		}
	}
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	if strings.ContainsFunc(text, odd) {
		return host{}, fmt.Errorf("host %q: white space or a control character", text)
	}
	switch bare := strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]"); {
	case net.ParseIP(bare) != nil, !strings.ContainsRune(rest, ':'):
		h.name, h.port = bare, "22"
	default:
		if err := ports.CheckAddress(rest); err != nil {
			return host{}, err
		}
		h.name, h.port, _ = net.SplitHostPort(rest)
	}
	if h.name == "" {
		return host{}, fmt.Errorf("host %q: no name of a host; write user@host or user@host:port", text)
	}
	h.name = strings.ToLower(h.name)
	return h, nil
}

func (h host) address() string { return net.JoinHostPort(h.name, h.port) }

// login is the name to log in with. As with ssh itself, it is the user's own
// where none is given.
func (h host) login() (string, error) {
	if h.user != "" {
		return h.user, nil
	}
	me, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("no user is given for %s, and the gateway's own has no name: %w", h.name, err)
	}
	return me.Username, nil
}

// known is how known_hosts calls it: the name alone at port 22.
func (h host) known() string {
	if h.port == "22" {
		return h.name
	}
	return "[" + h.name + "]:" + h.port
}

// keyscan is the command that prints the host's keys for known_hosts.
func (h host) keyscan() string {
	if h.port == "22" {
		return "ssh-keyscan " + h.name
	}
	return "ssh-keyscan -p " + h.port + " " + h.name
}
