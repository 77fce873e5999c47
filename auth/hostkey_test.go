package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestHostKeyIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	keys, made, err := HostKeys(nil, dir)
	if err != nil || !made || len(keys) != 1 {
		t.Fatalf("%d keys, made %t, %v", len(keys), made, err)
	}
	again, made, err := HostKeys(nil, dir)
	if err != nil || made || len(again) != 1 {
		t.Fatalf("again: %d keys, made %t, %v", len(again), made, err)
	}
	if !bytes.Equal(keys[0].PublicKey().Marshal(), again[0].PublicKey().Marshal()) {
		t.Error("another key at the second start")
	}
	public, err := os.ReadFile(filepath.Join(dir, hostKeyName+".pub"))
	if err != nil || !bytes.Equal(public, ssh.MarshalAuthorizedKey(keys[0].PublicKey())) {
		t.Errorf("public half %q, %v", public, err)
	}
	private, err := os.ReadFile(filepath.Join(dir, hostKeyName))
	if err != nil || !bytes.HasPrefix(private, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n")) {
		t.Errorf("not in OpenSSH's form: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestHostKeyCutShort: a start that ended between the two files leaves a
// public half alone; the next one makes both.
func TestHostKeyCutShort(t *testing.T) {
	dir := tree(t, map[string]string{hostKeyName + ".pub": keyA + "\n"})
	keys, made, err := HostKeys(nil, dir)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	public, _ := os.ReadFile(filepath.Join(dir, hostKeyName+".pub"))
	if !bytes.Equal(public, ssh.MarshalAuthorizedKey(keys[0].PublicKey())) {
		t.Error("the public half is not that of the private one")
	}
}

// TestHostKeyIsNeverReplaced: a key that cannot be used is an error, and stays.
func TestHostKeyIsNeverReplaced(t *testing.T) {
	dir := tree(t, map[string]string{hostKeyName: "rubbish"})
	if _, made, err := HostKeys(nil, dir); err == nil || made || !strings.Contains(err.Error(), "not a private key that can be read") {
		t.Errorf("made %t, %v", made, err)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, hostKeyName)); string(data) != "rubbish" {
		t.Errorf("now %q", data)
	}
}

// write puts a private key into a file that only its owner reads.
func write(t *testing.T, file string, key any, passphrase string) string {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err == nil {
		err = os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHostKeysRefused(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	_, one, _ := ed25519.GenerateKey(rand.Reader)
	_, two, _ := ed25519.GenerateKey(rand.Reader)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	write(t, in("one"), one, "")
	write(t, in("two"), two, "")
	write(t, in("locked"), one, "secret")
	write(t, in("weak"), weak, "")
	if err := os.WriteFile(in("public"), []byte(keyA), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"absent"}, "host key DIR/absent: no such file\nfix: ssh-keygen -t ed25519 -N '' -f DIR/absent"},
		{[]string{"locked"}, "host key DIR/locked: protected by a passphrase, which nobody can type at start\nfix: ssh-keygen -p -N '' -f DIR/locked"},
		{[]string{"weak"}, "host key DIR/weak: weak RSA key of 1024 bits; 2048 or more are wanted"},
		{[]string{"public"}, "host key DIR/public: not a private key that can be read: ssh: no key found"},
		{[]string{"."}, "host key DIR: not a regular file"},
		{[]string{"one", "two"}, "host keys DIR/one and DIR/two are both ssh-ed25519; clients can be shown one of a kind"},
	} {
		var files []string
		for _, name := range c.files {
			files = append(files, in(name))
		}
		keys, made, err := HostKeys(files, dir)
		if keys != nil || made || err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != c.want {
			t.Errorf("%v: %d keys, made %t, %v", c.files, len(keys), made, err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o644} {
		if err := os.Chmod(in("one"), mode); err != nil {
			t.Fatal(err)
		}
		if _, _, err := HostKeys([]string{in("one")}, dir); err == nil || !strings.HasSuffix(err.Error(), "lets others read it\nfix: chmod 600 "+in("one")) {
			t.Errorf("%#o: %v", mode, err)
		}
	}
}

// TestRSASigns holds that an RSA host key offers SHA-2 only, even when asked
// for the older signature.
func TestRSASigns(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, _, err := HostKeys([]string{write(t, filepath.Join(t.TempDir(), "rsa"), key, "")}, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, ok := keys[0].(ssh.MultiAlgorithmSigner)
	if !ok || !slices.Equal(signer.Algorithms(), []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}) {
		t.Fatalf("%T", keys[0])
	}
	if _, err := signer.SignWithAlgorithm(rand.Reader, []byte("x"), ssh.KeyAlgoRSA); err == nil {
		t.Error("it signs with SHA-1")
	}
}

// dssSigner is a key of a kind that nothing here can make any more.
type dssSigner struct{ ssh.Signer }

func (dssSigner) PublicKey() ssh.PublicKey { return dssKey{} }

type dssKey struct{ ssh.PublicKey }

func (dssKey) Type() string { return "ssh-dss" }

func TestDSSHostKey(t *testing.T) {
	if _, err := restrictSigner(dssSigner{}); err == nil || err.Error() != "ssh-dss keys are too weak" {
		t.Error(err)
	}
}

// TestKeysOfOpenSSH takes host keys that ssh-keygen made, and has it read ours.
func TestKeysOfOpenSSH(t *testing.T) {
	keygen := program(t, "ssh-keygen")
	dir := t.TempDir()
	run := func(arguments ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), keygen, arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen %v: %v\n%s", arguments, err, out)
		}
		return string(out)
	}
	var files []string
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		files = append(files, filepath.Join(dir, kind))
		run("-q", "-t", kind, "-N", "", "-f", files[len(files)-1])
	}
	keys, made, err := HostKeys(files, dir)
	if err != nil || made || len(keys) != 3 {
		t.Fatalf("%d keys, made %t, %v", len(keys), made, err)
	}
	if listed, problems, err := LoadKeys([]string{filepath.Join(dir, "*.pub")}); len(listed) != 3 || len(problems) != 0 || err != nil {
		t.Errorf("%d keys, %v, %v", len(listed), problems, err)
	}
	if keys, _, err = HostKeys(nil, dir); err != nil {
		t.Fatal(err)
	}
	if got := run("-y", "-f", filepath.Join(dir, hostKeyName)); !strings.HasPrefix(got, text(keys[0].PublicKey())) {
		t.Errorf("ssh-keygen reads %s", got)
	}
}

// program finds a program; where tests must not be skipped it has to be there.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true" || !errors.Is(err, exec.ErrNotFound):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}
