package ssh

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

// The library's package knownhosts is not used: it takes the key of an
// authority for a host's own, cannot say which kinds of keys a host is known by, fails on a
// broken line about another host, and does not look for the bare name of a host
// on a port of its own, as OpenSSH does, so that "@cert-authority *.lab" would
// not hold for port 2200.

// A knownKey is a line of a known_hosts file.
type knownKey struct {
	place string // file:line
	key   gossh.PublicKey
}

// known is what a known_hosts file says about one host.
type known struct {
	file        string
	keys        []knownKey
	authorities []knownKey
	revoked     []knownKey // whatever the host
}

const maxKnownHosts = 16 << 20

// lookUp reads the file, which people change while the gateway runs. One that
// is missing knows nobody.
func lookUp(file string, h host) (known, error) {
	data, mode, err := readFile(file, maxKnownHosts)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return known{file: file}, nil
	case err != nil:
		return known{}, fmt.Errorf("known hosts: %w", err)
	case loose(mode, 0o002):
		return known{}, fmt.Errorf("known hosts %s: mode %#o lets anybody vouch for a host; chmod o-w %[1]s", file, mode.Perm())
	}
	k, err := knownIn(data, file, h.known())
	if err == nil && len(k.keys)+len(k.authorities) == 0 && h.port != "22" {
		return knownIn(data, file, h.name)
	}
	return k, err
}

// knownIn finds the lines for a name (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
// Keys of others are not even parsed: a thousand lines that come back at once
// read the file a thousand times.
func knownIn(data []byte, file, name string) (known, error) {
	k := known{file: file}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		patterns, marker := string(line), ""
		fields := strings.Fields(patterns)
		if len(fields) > 0 && strings.HasPrefix(fields[0], "@") {
			marker, fields = fields[0], fields[1:]
		}
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if marker != "@revoked" && !matchHost(fields[0], name) {
			continue
		}
		place := fmt.Sprintf("%s:%d", filepath.Base(file), number)
		_, _, key, _, _, err := gossh.ParseKnownHosts(line)
		if errors.Is(err, io.EOF) {
			err = errors.New("no key after the host")
		}
		if err != nil {
			return known{}, fmt.Errorf("known hosts %s, line %d: %w", file, number, err)
		}
		switch marker {
		case "":
			k.keys = append(k.keys, knownKey{place, key})
		case "@cert-authority":
			k.authorities = append(k.authorities, knownKey{place, key})
		case "@revoked":
			k.revoked = append(k.revoked, knownKey{place, key})
		default:
			return known{}, fmt.Errorf("known hosts %s, line %d: unknown marker %q", file, number, marker)
		}
	}
	return k, nil
}

// matchHost reports whether patterns, a list with commas or one hashed name,
// stand for the name. One with a ! before it that matches rules all others out.
func matchHost(patterns, name string) bool {
	if hashed, ok := strings.CutPrefix(patterns, "|1|"); ok {
		return matchHash(hashed, name)
	}
	matched := false
	for pattern := range strings.SplitSeq(strings.ToLower(patterns), ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		switch {
		case !matchPattern(pattern, name):
		case negated:
			return false
		default:
			matched = true
		}
	}
	return matched
}

// matchHash compares with SALT|HASH, both base64: an HMAC-SHA-1 of the name.
func matchHash(hashed, name string) bool {
	salt, hash, _ := strings.Cut(hashed, "|")
	key, err1 := base64.StdEncoding.DecodeString(salt)
	want, err2 := base64.StdEncoding.DecodeString(hash)
	if err1 != nil || err2 != nil {
		return false
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(name))
	return hmac.Equal(mac.Sum(nil), want)
}

// matchPattern knows * and ?. It goes back to the last * only, which is enough
// and takes no more than the product of the lengths.
func matchPattern(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// readFile reads a regular file of at most so many bytes.
func readFile(name string, most int64) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", name) // a FIFO could make us wait for ever
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: more than %d bytes", name, most)
	}
	return data, info.Mode(), err
}

func loose(mode, others fs.FileMode) bool {
	return runtime.GOOS != "windows" && mode.Perm()&others != 0
}
