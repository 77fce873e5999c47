package gateway

import (
	"runtime"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/cpu"
)

// algorithms are the lists that we offer, best first; the client's order wins.
// Nothing rests on SHA-1. The cipher is worth a factor of three in CPU time:
// AES-GCM where the CPU has AES, then counter mode for clients that know no
// GCM (dropbear), and ChaCha20 only where AES would be slow: older OpenSSH
// clients prefer it. Key exchange is over curves alone: the classic groups make
// the server raise numbers of 2048 or 4096 bits to a power, 10 to 80 ms of a CPU
// for a packet that costs a stranger nothing, and no client of the last ten
// years needs them.
func algorithms() gossh.Config {
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

// keyAlgorithms are the signatures by which people may prove a key: no
// ssh-rsa, which is SHA-1, and no DSA.
func keyAlgorithms() []string {
	return []string{
		gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519,
		gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoSKECDSA256,
		gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256,
	}
}
