package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// hostKeyName is the file of the host key that is made on first use, beside
// which its public half lies as NAME.pub.
const hostKeyName = "ssh_host_ed25519_key"

// HostKeys loads the host keys in files, or, where files is empty, the ed25519
// key in stateDir, made with mode 0600 on first use (made reports it). A key
// file that others may read is an error that says how to mend it, on a second
// line that begins with "fix: ". Two that start at once must be kept apart by
// the lock on the state directory.
func HostKeys(files []string, stateDir string) (keys []ssh.Signer, made bool, err error) {
	if len(files) == 0 {
		file := filepath.Join(stateDir, hostKeyName)
		if made, err = makeHostKey(file); err != nil {
			return nil, false, fmt.Errorf("make host key %s: %w", file, err)
		}
		files = []string{file}
	}
	// Of two keys of a kind the SSH library would silently keep the second.
	of := make(map[string]string, len(files))
	for _, file := range files {
		key, err := loadHostKey(file)
		if err != nil {
			return nil, false, fmt.Errorf("host key %s: %w", file, err)
		}
		kind := key.PublicKey().Type()
		if other, ok := of[kind]; ok {
			return nil, false, fmt.Errorf("host keys %s and %s are both %s; clients can be shown one of a kind", other, file, kind)
		}
		of[kind] = file
		keys = append(keys, key)
	}
	return keys, made, nil
}

func loadHostKey(file string) (ssh.Signer, error) {
	data, mode, err := readFile(file, maxLine)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no such file\nfix: ssh-keygen -t ed25519 -N '' -f %s", file)
	case err != nil:
		return nil, err
	case open(mode, 0o077):
		return nil, fmt.Errorf("mode %#o lets others read it\nfix: chmod 600 %s", mode.Perm(), file)
	}
	key, err := ssh.ParsePrivateKey(data)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, fmt.Errorf("protected by a passphrase, which nobody can type at start\nfix: ssh-keygen -p -N '' -f %s", file)
	}
	if err != nil {
		return nil, fmt.Errorf("not a private key that can be read: %w", err)
	}
	return restrictSigner(key)
}

// restrictSigner leaves an RSA key only its signatures with SHA-2 (RFC 8332)
// and refuses weak keys.
func restrictSigner(key ssh.Signer) (ssh.Signer, error) {
	kind := key.PublicKey().Type()
	if kind == "ssh-dss" {
		return nil, errors.New("ssh-dss keys are too weak")
	}
	if err := checkStrength(key.PublicKey()); err != nil {
		return nil, err
	}
	if kind != ssh.KeyAlgoRSA {
		return key, nil
	}
	signer, ok := key.(ssh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("RSA key cannot sign with SHA-2")
	}
	return ssh.NewSignerWithAlgorithms(signer, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
}

// makeHostKey makes a key unless file is there. The file appears whole or not
// at all: half a key after a power cut would change who the gateway is.
func makeHostKey(file string) (made bool, err error) {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return false, err // any other error, or none
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return false, err
	}
	block, err := ssh.MarshalPrivateKey(private, "consoled")
	if err != nil {
		return false, err
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return false, err
	}
	// The public half first: what is cut short here is made anew at the next
	// start, as long as there is no private one.
	if err := writeWhole(file+".pub", ssh.MarshalAuthorizedKey(line), 0o644); err != nil {
		return false, err
	}
	return true, writeWhole(file, pem.EncodeToMemory(block), 0o600)
}

// writeWhole writes a file with exactly this mode, whatever the umask, and
// lets it appear under its name only when it is on the disk.
func writeWhole(file string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // 0600 or less
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	syncDir(filepath.Dir(file))
	return nil
}

// syncDir makes a new name last through a power cut, where the system and the
// file system have a way to; where not, the key is there all the same.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
