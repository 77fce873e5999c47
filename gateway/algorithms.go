package gateway

import gossh "golang.org/x/crypto/ssh"

// keyAlgorithms are the signatures by which people may prove a key: no
// ssh-rsa, which is SHA-1, and no DSA.
func keyAlgorithms() []string {
	return []string{
		gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519,
		gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoSKECDSA256,
		gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256,
	}
}
