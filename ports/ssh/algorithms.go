package ssh

import (
	"runtime"
	"slices"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/cpu"
)

// Algorithms are the lists that this program offers in SSH, best first, as the
// gateway to people; towards targets a few are added. Nothing rests on SHA-1.
// The cipher is worth a factor of three in CPU time: AES-GCM where the CPU has
// AES, then counter mode for what knows no GCM (dropbear), and ChaCha20 only where AES would be
// slow: older OpenSSH clients prefer it. Key exchange is over curves alone: the
// classic groups make a server raise numbers of 2048 or 4096 bits to a
// power, 10 to 80 ms of a CPU for a packet that costs a stranger nothing, and no
// client of the last ten years needs them.
func Algorithms() gossh.Config {
	ciphers := []string{
		gossh.CipherAES128GCM, gossh.CipherAES256GCM, gossh.CipherAES256CTR, gossh.CipherAES128CTR,
	}
	if !hasAES() {
		ciphers = append([]string{gossh.CipherChaCha20Poly1305}, ciphers...)
	}
	return gossh.Config{
		KeyExchanges: []string{
			gossh.KeyExchangeMLKEM768X25519, gossh.KeyExchangeCurve25519,
			gossh.KeyExchangeECDHP256, gossh.KeyExchangeECDHP384, gossh.KeyExchangeECDHP521,
		},
		Ciphers: ciphers,
		MACs:    []string{gossh.HMACSHA256ETM, gossh.HMACSHA512ETM, gossh.HMACSHA256, gossh.HMACSHA512},
	}
}

// hasAES reports whether the CPU computes AES-GCM itself.
func hasAES() bool {
	switch runtime.GOARCH {
	case "amd64", "386":
		return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ
	case "arm64":
		// Every Apple CPU has both; the flags are not filled in on darwin.
		return cpu.ARM64.HasAES && cpu.ARM64.HasPMULL || runtime.GOOS == "darwin"
	case "s390x":
		return cpu.S390X.HasAES && cpu.S390X.HasAESGCM
	}
	return false
}

// algorithms are what a target may choose from. To the curves come the classic
// groups with SHA-2, which BMCs and terminal servers of some years ago know
// alone, and of which we compute one at our own bidding; ChaCha20 everywhere, last.
//
// legacy adds what devices before about 2015 need (iDRAC 7, IOS 15): group 14
// with SHA-1, HMAC-SHA-1, and signatures with ssh-rsa. Against a host whose
// key is pinned none of the three is broken: each would take a second
// preimage, or a collision found while the handshake waits. Group 1 (1024 bits), DSA, CBC
// and RC4 are broken or nearly so, and are not to be had.
func algorithms(legacy bool) gossh.Config {
	c := Algorithms()
	c.KeyExchanges = append(c.KeyExchanges, gossh.KeyExchangeDH16SHA512, gossh.KeyExchangeDH14SHA256, gossh.KeyExchangeDHGEXSHA256)
	if !slices.Contains(c.Ciphers, gossh.CipherChaCha20Poly1305) {
		c.Ciphers = append(c.Ciphers, gossh.CipherChaCha20Poly1305)
	}
	if legacy {
		c.KeyExchanges = append(c.KeyExchanges, gossh.InsecureKeyExchangeDH14SHA1)
		c.MACs = append(c.MACs, gossh.HMACSHA1)
	}
	return c
}

// A keyKind is a kind of host key with the algorithms that its signatures may have.
type keyKind struct {
	format     string
	algorithms []string // of the plain key
	certified  []string // of its certificate
}

// hostKeyKinds are the kinds of host keys that are accepted, best first.
func hostKeyKinds(legacy bool) []keyKind {
	rsa := keyKind{
		gossh.KeyAlgoRSA,
		[]string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256},
		[]string{gossh.CertAlgoRSASHA512v01, gossh.CertAlgoRSASHA256v01},
	}
	if legacy {
		rsa.algorithms = append(rsa.algorithms, gossh.KeyAlgoRSA)
	}
	return []keyKind{
		{gossh.KeyAlgoED25519, []string{gossh.KeyAlgoED25519}, []string{gossh.CertAlgoED25519v01}},
		{gossh.KeyAlgoECDSA256, []string{gossh.KeyAlgoECDSA256}, []string{gossh.CertAlgoECDSA256v01}},
		{gossh.KeyAlgoECDSA384, []string{gossh.KeyAlgoECDSA384}, []string{gossh.CertAlgoECDSA384v01}},
		{gossh.KeyAlgoECDSA521, []string{gossh.KeyAlgoECDSA521}, []string{gossh.CertAlgoECDSA521v01}},
		rsa,
	}
}

// restrict leaves an RSA key its signatures with SHA-2 (RFC 8332); without
// it the library signs with SHA-1 for a server that does not say what it knows.
func restrict(signer gossh.Signer, legacy bool) (gossh.Signer, error) {
	able, ok := signer.(gossh.AlgorithmSigner)
	if !ok || signer.PublicKey().Type() != gossh.KeyAlgoRSA {
		return signer, nil
	}
	kinds := []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}
	if legacy {
		kinds = append(kinds, gossh.KeyAlgoRSA)
	}
	return gossh.NewSignerWithAlgorithms(able, kinds)
}
