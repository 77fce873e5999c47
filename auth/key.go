package auth

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Key is one line of an authorized_keys file.
type Key struct {
	Public      ssh.PublicKey
	User        string // user=, or the name of its file in a keys.d folder; may be empty
	Comment     string // a label, never an identity; printable
	File        string
	Line        int
	Grants      []Grant  // consoles= or environment="CONSOLES=..."
	Listed      bool     // has a consoles= option at all; if not, and no role applies, the default grant counts
	Roles       []string // role=
	From        []From
	Expires     time.Time // zero: never
	NoPTY       bool      // no-pty, or restrict without pty
	Write       string    // write=, such as "explicit"; empty: the console's own
	MaxSessions int       // max-sessions=; 0: no limit of its own
}

// What a key file may hold; more is no key file.
const (
	maxFile     = 16 << 20
	maxLine     = 64 << 10
	maxProblems = 100 // reported of one file
	minRSA      = 2048
)

// ParseKeys reads an authorized_keys file line by line. A line that is broken
// or has an unknown option is refused alone and reported. user is the identity
// that the file's name gives (keys.d/NAME.pub), or empty.
//
// The first line of a key counts, even one that was refused: were it the union
// of two lines, or the later one, then a line that somebody appends could
// widen what a line above limits.
func ParseKeys(file, user string, data []byte) ([]Key, []Problem) {
	var r ring
	r.read(file, user, data)
	return r.keys, r.problems
}

// A ring collects the keys of one file or several.
type ring struct {
	keys     []Key
	problems []Problem
	first    map[string]firstLine // by marshalled key
	reported int                  // problems of this file
}

type firstLine struct {
	place   string
	refused bool
}

func (r *ring) report(file string, line int, warning bool, text string) {
	r.reported++
	if r.reported <= maxProblems {
		r.problems = append(r.problems, Problem{File: file, Line: line, Text: oneLine(text), Warning: warning})
	}
}

func (r *ring) read(file, user string, data []byte) {
	r.reported = 0
	data, err := checkFile(user, data)
	if err != nil {
		r.problems = append(r.problems, Problem{File: file, Text: oneLine(err.Error() + " - this file is refused"), Lost: true})
		return
	}
	for number := 1; len(data) > 0; number++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		line = bytes.Trim(line, " \t\r")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := foreign(line); err != nil {
			r.report(file, number, false, err.Error()+" - the rest of the file is refused")
			break
		}
		r.line(file, user, number, line)
	}
	if more := r.reported - maxProblems; more > 0 {
		r.problems = append(r.problems, Problem{File: file, Text: fmt.Sprintf("%d more lines like these", more)})
	}
}

func checkFile(user string, data []byte) ([]byte, error) {
	if user != "" {
		if err := checkName(user); err != nil {
			return nil, fmt.Errorf("file name is no identity: %w", err)
		}
	}
	switch {
	case len(data) > maxFile:
		return nil, errors.New("larger than 16 MiB")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, errors.New("written in UTF-16; save it as UTF-8")
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}

// foreign finds files that hold keys, but in another form. Their further lines
// would only repeat the message.
func foreign(line []byte) error {
	if !bytes.HasPrefix(line, []byte("----")) || !bytes.Contains(line, []byte("BEGIN ")) {
		return nil
	}
	if bytes.Contains(line, []byte("PRIVATE KEY")) {
		return errors.New("a private key; only its public half (.pub) belongs here")
	}
	return errors.New("not in OpenSSH's form; ssh-keygen -i -f FILE converts it")
}

func (r *ring) line(file, user string, number int, line []byte) {
	if len(line) > maxLine {
		r.report(file, number, false, "longer than 64 KiB - this key is refused")
		return
	}
	if r.first == nil {
		r.first = make(map[string]firstLine)
	}
	key, err := parseLine(string(line))
	if err != nil {
		r.report(file, number, false, err.Error()+" - this key is refused")
		if public := anyKey(string(line)); public != nil {
			r.claim(public, place(file, number), true)
		}
		return
	}
	if earlier, ok := r.claim(key.Public, place(file, number), false); !ok {
		why := "the first line of a key counts"
		if earlier.refused {
			why = "it was refused there, and the first line of a key counts"
		}
		r.report(file, number, !earlier.refused, fmt.Sprintf("same key as %s (%s) - this line is ignored", earlier.place, why))
		return
	}
	key.File, key.Line = file, number
	if key.User == "" {
		key.User = user
	}
	r.keys = append(r.keys, key)
}

// claim notes the first line of a key; ok is false if there was one.
func (r *ring) claim(public ssh.PublicKey, at string, refused bool) (earlier firstLine, ok bool) {
	blob := string(public.Marshal())
	if earlier, ok := r.first[blob]; ok {
		return earlier, false
	}
	r.first[blob] = firstLine{place: at, refused: refused}
	return firstLine{}, true
}

// parseLine reads OPTIONS TYPE BASE64 COMMENT, the options being optional.
func parseLine(line string) (Key, error) {
	var key Key
	var list []option
	if word := firstWord(line); !isKeyType(word) {
		if kind, _, _ := strings.Cut(word, "-"); kind == "ssh" || kind == "ecdsa" || kind == "sk" {
			return Key{}, fmt.Errorf("unknown key type %s", show(word))
		}
		var err error
		if list, line, err = splitOptions(line); err != nil {
			return Key{}, err
		}
	}
	if err := key.apply(list); err != nil {
		return Key{}, err
	}
	public, comment, err := parsePublic(strings.TrimLeft(line, " \t"))
	if err != nil {
		return Key{}, err
	}
	key.Public, key.Comment = public, comment
	return key, nil
}

func firstWord(line string) string {
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		return line[:end]
	}
	return line
}

// isKeyType reports whether a word is meant as a type of key, taken or not.
func isKeyType(word string) bool {
	switch word {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256, "ssh-dss":
		return true
	}
	return strings.HasSuffix(word, "-cert-v01@openssh.com")
}

// parsePublic reads TYPE BASE64 COMMENT.
func parsePublic(text string) (public ssh.PublicKey, comment string, err error) {
	kind := firstWord(text)
	text = strings.TrimLeft(text[len(kind):], " \t")
	encoded := firstWord(text)
	comment = strings.Trim(text[len(encoded):], " \t")
	switch {
	case kind == "":
		return nil, "", errors.New("no key on this line")
	case !isKeyType(kind):
		return nil, "", fmt.Errorf("unknown key type %s", show(kind))
	case kind == "ssh-dss":
		return nil, "", errors.New("ssh-dss keys are too weak")
	case strings.HasSuffix(kind, "-cert-v01@openssh.com"):
		return nil, "", errors.New("certificates are not supported by this version; list the key itself")
	}
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || encoded == "" {
		return nil, "", fmt.Errorf("broken %s key (cut off or wrapped?)", kind)
	}
	public, err = ssh.ParsePublicKey(blob)
	if err != nil {
		return nil, "", fmt.Errorf("broken %s key: %w", kind, err)
	}
	// As sshd: a type that disagrees with the key shows a line that was tampered with or cut.
	if public.Type() != kind {
		return nil, "", fmt.Errorf("key says %s, but is %s", kind, show(public.Type()))
	}
	return public, cleanComment(comment), checkStrength(public)
}

func checkStrength(public ssh.PublicKey) error {
	crypto, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return nil
	}
	if key, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		return fmt.Errorf("weak RSA key of %d bits; %d or more are wanted", key.N.BitLen(), minRSA)
	}
	return nil
}

// anyKey looks for a key in a line that was refused for what stands before it.
func anyKey(line string) ssh.PublicKey {
	words := strings.Fields(line)
	for i, word := range words {
		if i+1 < len(words) && isKeyType(word) {
			if public, _, err := parsePublic(word + " " + words[i+1]); err == nil {
				return public
			}
		}
	}
	return nil
}

// cleanComment makes the comment a label that every list and log can print.
func cleanComment(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most]
	}
	return oneLine(text)
}
