package passkey

import (
	"math/big"

	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// The sizes of an RSA modulus in bits: below the least it is weak (NIST SP 800-131A), and above the most each look at a
// signature, which anybody may send, takes the time of many.
const (
	leastRSA = 2048
	mostRSA  = 4096
)

// sizedKey reports whether a public key costs what its kind costs: one of RSA is as long and has the exponent as everybody's.
func sizedKey(cose []byte) bool {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return false
	}
	k, ok := key.(webauthncose.RSAPublicKeyData)
	if !ok {
		return true
	}
	bits, e := new(big.Int).SetBytes(k.Modulus).BitLen(), new(big.Int).SetBytes(k.Exponent)
	return bits >= leastRSA && bits <= mostRSA && e.Cmp(big.NewInt(65537)) == 0
}
