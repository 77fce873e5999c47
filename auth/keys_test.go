package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

// newKey makes the public half of a key of a kind; nobody has the private one.
func newKey(t testing.TB, kind string) ssh.PublicKey {
	t.Helper()
	curves := map[string]elliptic.Curve{"ecdsa256": elliptic.P256(), "ecdsa384": elliptic.P384(), "ecdsa521": elliptic.P521()}
	point, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var public any
	switch kind {
	case "ed25519":
		public = point
	case "ecdsa256", "ecdsa384", "ecdsa521":
		private, err := ecdsa.GenerateKey(curves[kind], rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public = private.Public()
	case "rsa1024", "rsa2047", "rsa2048", "rsa4096":
		var size int
		fmt.Sscanf(kind, "rsa%d", &size)
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(size-2)))
		if err != nil {
			t.Fatal(err)
		}
		public = &rsa.PublicKey{N: n.SetBit(n.SetBit(n, size-1, 1), 0, 1), E: 65537}
	case "sk-ed25519":
		return parsed(t, ssh.Marshal(struct {
			Kind        string
			Point       []byte
			Application string
		}{ssh.KeyAlgoSKED25519, point, "ssh:"}))
	case "sk-ecdsa":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		q, err := private.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return parsed(t, ssh.Marshal(struct {
			Kind, Curve string
			Point       []byte
			Application string
		}{ssh.KeyAlgoSKECDSA256, "nistp256", q, "ssh:"}))
	default:
		t.Fatalf("no kind %s", kind)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parsed(t testing.TB, blob []byte) ssh.PublicKey {
	t.Helper()
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// text is TYPE BASE64 of a key.
func text(key ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) }

// certificate wraps a key in one that a random authority signed.
func certificate(t testing.TB, key ssh.PublicKey) *ssh.Certificate {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: key, CertType: ssh.UserCert, KeyId: "erin", ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	return cert
}

const (
	keyA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJDSmqC6rw9cm6jt0hCwFOf+EihxlXWu8D3NYC6ACgG1"
	keyB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDMkbRUvBJMrIAaFoaBmXVTKpdt6Qf5QyzGl+1mCHh5c"
)

func TestKeyLine(t *testing.T) {
	noon := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		options string
		want    Key
	}{
		{"", Key{}},
		{"restrict ", Key{NoPTY: true}},
		{"RESTRICT,Pty ", Key{}},
		{"pty,restrict ", Key{NoPTY: true}},
		{"no-pty\t ", Key{NoPTY: true}},
		{`user="alice",from="10.0.0.0/8" `, Key{User: "alice"}},
		{`consoles="" `, Key{Listed: true}},
		{`consoles="rw=node1" `, Key{Listed: true}},
		{`environment="CONSOLES=rw=node1",environment="LANG=C" `, Key{Listed: true}},
		{`expiry-time="202701011200Z" `, Key{Expires: noon}},
		{`expiry-time="20270101120000Z" `, Key{Expires: noon}},
		{`expiry-time="20270101" `, Key{Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.Local)}},
		{`write="explicit",max-sessions="2",role="oncall",role="a,b" `, Key{Write: "explicit", MaxSessions: 2, Roles: []string{"oncall", "a", "b"}}},
		{`no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-user-rc,user-rc,permitopen="a:1",permitopen="b:2" `, Key{}},
	} {
		keys, problems := ParseKeys("k", "", []byte(c.options+keyA+" a \"label\"\x1b[2J # x\n"))
		if len(problems) != 0 || len(keys) != 1 {
			t.Errorf("%s: %d keys, problems %v", c.options, len(keys), problems)
			continue
		}
		got := keys[0]
		if text(got.Public) != keyA || got.File != "k" || got.Line != 1 || got.Comment != `a "label"?[2J # x` {
			t.Errorf("%s: %+v", c.options, got)
		}
		got.Public, got.File, got.Line, got.Comment, got.Grants, got.From = nil, "", 0, "", nil, nil
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.options, diff)
		}
	}
}

// TestGoldenProblems holds the texts that people see.
func TestGoldenProblems(t *testing.T) {
	ed := newKey(t, "ed25519")
	b64 := strings.Fields(keyA)[1]
	for _, c := range []struct{ line, want string }{
		{`console="rw=x" ` + keyA, `unknown option "console=" (did you mean "consoles="?) - this key is refused`},
		{`restrct ` + keyA, `unknown option "restrct" (did you mean "restrict"?) - this key is refused`},
		{`quarks="7" ` + keyA, `unknown option "quarks=" - this key is refused`},
		{"\x1b]0;x\a=\"\" " + keyA, `unknown option "\x1b]0;x\a=" - this key is refused`},
		{`command="ls" ` + keyA, `option "command=" is not supported by this version - this key is refused`},
		{`cert-authority,principals="a" ` + keyA, `option "cert-authority" is not supported by this version - this key is refused`},
		{`verify-required ` + keyA, `option "verify-required" is not supported by this version - this key is refused`},
		{`no-touch-required ` + keyA, `option "no-touch-required" is not supported by this version - this key is refused`},
		{`user=alice ` + keyA, `option "user=" needs its value in "double quotes" - this key is refused`},
		{`user="alice ` + keyA, `option "user=" has no closing quote - this key is refused`},
		{`user="a"x ` + keyA, `option "user=" is followed by "x", not by a comma or a blank - this key is refused`},
		{`user="a",,pty ` + keyA, `empty option (a comma too many?) - this key is refused`},
		{`user="a", pty ` + keyA, `empty option (a comma too many?) - this key is refused`},
		{`user ` + keyA, `option "user" needs a value: user="..." - this key is refused`},
		{`restrict="" ` + keyA, `option "restrict=" takes no value - this key is refused`},
		{`user="a",USER="b" ` + keyA, `option "USER=" stands twice - this key is refused`},
		{`user="a+b" ` + keyA, `option "user=": name "a+b" must consist of letters, digits and . _ @ - (and start with one of the former) - this key is refused`},
		{`user="SHA256:x" ` + keyA, `option "user=": name "SHA256:x" must consist of letters, digits and . _ @ - (and start with one of the former) - this key is refused`},
		{`user="a\b" ` + keyA, `option "user=": name "a\\b" must consist of letters, digits and . _ @ - (and start with one of the former) - this key is refused`},
		{`user="a\"b" ` + keyA, `option "user=": name "a\"b" must consist of letters, digits and . _ @ - (and start with one of the former) - this key is refused`},
		{`user="" ` + keyA, `option "user=": name "" must have 1 to 64 characters - this key is refused`},
		{`role="a,,b" ` + keyA, `option "role=": name "" must have 1 to 64 characters - this key is refused`},
		{`consoles="rv=x" ` + keyA, `option "consoles=": unknown right "rv" (did you mean "rw"?) - this key is refused`},
		{`consoles="rw" ` + keyA, `option "consoles=": "rw" says rights but not where: rw=SELECTOR - this key is refused`},
		{`consoles="rw=" ` + keyA, `option "consoles=": "rw=" chooses no console - this key is refused`},
		{`consoles="=x" ` + keyA, `option "consoles=": no rights before = - this key is refused`},
		{`consoles="rw=@all,-@state:down" ` + keyA, `option "consoles=": selector "@all,-@state:down": @state cannot decide about access - this key is refused`},
		{`consoles="rw=a",environment="CONSOLES=r=b" ` + keyA, `option "environment=": the line says already which consoles - this key is refused`},
		{`environment="CONSOLE=r=b" ` + keyA, `option "environment=": unknown variable "CONSOLE" (did you mean "CONSOLES"?) - this key is refused`},
		{`environment="consoles=r=b" ` + keyA, `option "environment=": unknown variable "consoles" (did you mean "CONSOLES"?) - this key is refused`},
		{`environment="CONSOLED_GRANT=r=b" ` + keyA, `option "environment=": unknown variable "CONSOLED_GRANT" (did you mean "CONSOLES"?) - this key is refused`},
		{`environment="X" ` + keyA, `option "environment=": needs NAME=VALUE - this key is refused`},
		{`from="gw.example.org" ` + keyA, `option "from=": "gw.example.org" is not an address, a CIDR block or a pattern of one (host names are not looked up) - this key is refused`},
		{`from="10.0.0.1/8" ` + keyA, `option "from=": address "10.0.0.1/8" has bits set beyond its mask (10.0.0.0/8?) - this key is refused`},
		{`from="!10.0.0.0/8" ` + keyA, `option "from=": lets nobody in: only "!" patterns (add * at the end) - this key is refused`},
		{`from="" ` + keyA, `option "from=": empty address pattern - this key is refused`},
		{`expiry-time="2027-01-01" ` + keyA, `option "expiry-time=": "2027-01-01" is not a time of the form YYYYMMDD[HHMM[SS]][Z] - this key is refused`},
		{`expiry-time="00010101Z" ` + keyA, `option "expiry-time=": "00010101Z" is not a time of the form YYYYMMDD[HHMM[SS]][Z] - this key is refused`},
		{`expiry-time="20270230" ` + keyA, `option "expiry-time=": "20270230" is not a time of the form YYYYMMDD[HHMM[SS]][Z] - this key is refused`},
		{`write="never" ` + keyA, `option "write=": "never" is none of on-key, explicit, on-attach - this key is refused`},
		{`max-sessions="0" ` + keyA, `option "max-sessions=": "0" is not a number from 1 to 10000 - this key is refused`},
		{`restrict`, `no key on this line - this key is refused`},
		{`restrict ssh-foo AAAA`, `unknown key type "ssh-foo" - this key is refused`},
		{`ssh-foo AAAA`, `unknown key type "ssh-foo" - this key is refused`},
		{`ssh-ed25519`, `broken ssh-ed25519 key (cut off or wrapped?) - this key is refused`},
		{`ssh-ed25519 AAAA!`, `broken ssh-ed25519 key (cut off or wrapped?) - this key is refused`},
		{`ssh-ed25519 ` + b64[:40], `broken ssh-ed25519 key: ssh: short read - this key is refused`},
		{`ssh-rsa ` + b64, `key says ssh-rsa, but is "ssh-ed25519" - this key is refused`},
		{`ssh-dss AAAA`, `ssh-dss keys are too weak - this key is refused`},
		{text(certificate(t, ed)), `certificates are not supported by this version; list the key itself - this key is refused`},
		{text(newKey(t, "rsa1024")), `weak RSA key of 1024 bits; 2048 or more are wanted - this key is refused`},
		{text(newKey(t, "rsa2047")), `weak RSA key of 2047 bits; 2048 or more are wanted - this key is refused`},
		{strings.Repeat("x", maxLine+1), `longer than 64 KiB - this key is refused`},
		{"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", `a private key; only its public half (.pub) belongs here - the rest of the file is refused`},
		{"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", `not in OpenSSH's form; ssh-keygen -i -f FILE converts it - the rest of the file is refused`},
	} {
		keys, problems := ParseKeys("k", "", []byte("# comment\n\n"+c.line+"\n"))
		if len(keys) != 0 || len(problems) != 1 {
			t.Errorf("%.80s: %d keys, problems %v", c.line, len(keys), problems)
			continue
		}
		if want := (Problem{File: "k", Line: 3, Text: c.want}); problems[0] != want {
			t.Errorf("%.80s:\n got %+v\nwant %+v", c.line, problems[0], want)
		}
	}
}

func TestWholeFiles(t *testing.T) {
	big := make([]byte, maxFile+1)
	many := strings.Repeat("x y\n", maxProblems+7)
	for _, c := range []struct {
		name, user, data string
		lines            []int // of the keys
		problems         []string
	}{
		{"crlf and BOM", "", "\ufeff" + keyA + "\r\n\r\n#\r\n" + keyB + " c\r\n", []int{1, 4}, nil},
		{"no line end", "", keyA + "\n" + keyB, []int{1, 2}, nil},
		{"utf-16", "", "\xff\xfes\x00", nil, []string{"k: written in UTF-16; save it as UTF-8 - this file is refused"}},
		{"too large", "", string(big), nil, []string{"k: larger than 16 MiB - this file is refused"}},
		{"bad name", "a b", keyA, nil, []string{`k: file name is no identity: name "a b" must consist of letters, digits and . _ @ - (and start with one of the former) - this file is refused`}},
		{"broken among good", "", keyA + "\nrubbish\n" + keyB, []int{1, 3}, []string{`k:2: unknown option "rubbish" - this key is refused`}},
		{"twice", "", keyA + "\n" + keyB + "\nconsoles=\"admin=@all\" " + keyA, []int{1, 2}, []string{"k:3: same key as k:1 (the first line of a key counts) - this line is ignored"}},
		{"twice, first refused", "", "consloes=\"r=x\" " + keyA + "\n" + keyA, nil, []string{
			`k:1: unknown option "consloes=" (did you mean "consoles="?) - this key is refused`,
			"k:2: same key as k:1 (it was refused there, and the first line of a key counts) - this line is ignored",
		}},
		{"twice, first without its quote", "", "user=\"x " + keyA + "\n" + keyA, nil, []string{
			`k:1: option "user=" has no closing quote - this key is refused`,
			"k:2: same key as k:1 (it was refused there, and the first line of a key counts) - this line is ignored",
		}},
		{"many", "", many, nil, append(repeat(maxProblems, `k:%d: unknown option "x" - this key is refused`), "k: 7 more lines like these")},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, problems := ParseKeys("k", c.user, []byte(c.data))
			var lines []int
			for _, k := range keys {
				lines = append(lines, k.Line)
			}
			var texts []string
			for _, p := range problems {
				texts = append(texts, p.String())
			}
			if diff := cmp.Diff(c.lines, lines) + cmp.Diff(c.problems, texts); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func repeat(n int, format string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, i+1))
	}
	return list
}

// FuzzParseKeys compares what is accepted with x/crypto's parser, which must
// find the same key on the same line, and bounds what is said about the rest.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{
		keyA, "\ufeff" + keyA + " x\r\n\n#y\n" + keyB,
		`restrict,pty,consoles="rw=board[01-08]; r=pdu-*",user="ci",expiry-time="20270101" ` + keyA + " ci",
		`consoles="rw+power=a\"b",from="10.0.0.0/8,!10.1.*" ` + keyA,
		`environment="CONSOLES=r=\\",max-sessions="2",role="a" ` + keyB,
		`user="a ` + keyA + "\n" + keyA, "\x00\x1b[2J " + keyA, "-----BEGIN RSA PRIVATE KEY-----",
		"ssh-rsa " + base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x07ssh-rsa\xff\xff\xff\xff")),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, problems := ParseKeys("k", "", data)
		lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n"))
		seen := make(map[string]bool)
		for _, k := range keys {
			line := lines[k.Line-1]
			public, _, _, _, err := ssh.ParseAuthorizedKey(line)
			if err != nil || !bytes.Equal(public.Marshal(), k.Public.Marshal()) {
				t.Fatalf("line %q: we take %s, x/crypto %v %v", line, text(k.Public), public, err)
			}
			if seen[text(k.Public)] {
				t.Fatalf("key of line %d twice", k.Line)
			}
			seen[text(k.Public)] = true
			checkPrintable(t, k.Comment+k.User+k.Write)
			if k.Listed && !bytes.Contains(bytes.ToLower(line), []byte("consoles=")) {
				t.Fatalf("line %q: listed without consoles=", line)
			}
		}
		if len(problems) > maxProblems+1 {
			t.Fatalf("%d problems", len(problems))
		}
		for _, p := range problems {
			checkPrintable(t, p.String())
		}
	})
}

func checkPrintable(t *testing.T, text string) {
	t.Helper()
	if len(text) > 2000 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("unsafe text %q", text)
	}
}
