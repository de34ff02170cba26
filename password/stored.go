package password

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// A Reason says why a stored hash or a password was refused without a hash being computed. To the visitor all of them look
// like a wrong password.
type Reason string

// The reasons.
const (
	Malformed        Reason = "malformed"         // the stored hash is not as its algorithm writes it
	UnknownAlgorithm Reason = "unknown-algorithm" // nothing known begins so
	Unsupported      Reason = "unsupported"       // known, but cannot be verified here: the user must reset
	TooCostly        Reason = "cost"              // its costs are over the caps: a planted hash must not eat the machine
	UnknownKey       Reason = "unknown-key"       // its pepper's key is not in the ring
	PasswordLength   Reason = "password-length"   // empty, or more than 1,024 bytes
	PasswordNUL      Reason = "password-nul"      // a NUL byte, which bcrypt cannot tell from the end
	Unusable         Reason = "unusable"          // marked so by Django: never matches; a dummy hash is computed
)

// algorithm of a stored hash.
type algorithm string

const (
	merlon1      algorithm = "merlon1"
	argon2id     algorithm = "argon2id"
	argon2i      algorithm = "argon2i"
	pbkdf2SHA256 algorithm = "pbkdf2_sha256"
	pbkdf2SHA1   algorithm = "pbkdf2_sha1"
	scryptAlg    algorithm = "scrypt"
	bcryptAlg    algorithm = "bcrypt"
	bcryptSHA256 algorithm = "bcrypt_sha256"
	md5Alg       algorithm = "md5"
	sha1Alg      algorithm = "sha1"
	unusableAlg  algorithm = "unusable"
)

// Caps on what a stored hash may ask of the machine.
const (
	maxStored     = 512            // bytes of a stored hash
	maxIterations = 10_000_000     // PBKDF2; Django 6.1 writes 1.5 M
	maxScryptNR   = 64 << 20 / 128 // N·r: 64 MiB
	maxScryptWork = 1 << 22        // N·r·p
	minBcrypt     = 4
	maxBcrypt     = 16
)

// stored is a parsed hash. Only the fields of its algorithm are set.
type stored struct {
	algorithm algorithm
	key       uint32    // merlon1: the pepper's key
	from      algorithm // merlon1: the fast hash that was wrapped, or ""
	fromSalt  string

	memory, time uint32 // Argon2
	lanes        uint8
	n, r, p      int // scrypt; n alone: PBKDF2 iterations, bcrypt cost
	salt, sum    []byte
	text         string // bcrypt: the $2b$ string
}

// fast says that the hash can be guessed at billions a second: it should be wrapped at once.
func (s *stored) fast() bool { return s.algorithm == md5Alg || s.algorithm == sha1Alg }

// parse reads a stored hash strictly: one spelling for one hash, every number within its cap.
func parse(text string) (*stored, Reason) {
	switch {
	case text == "" || len(text) > maxStored:
		return nil, Malformed
	case text[0] == '!':
		return &stored{algorithm: unusableAlg}, ""
	case !printable(text):
		if knownPrefix(text) {
			return nil, Malformed
		}
		return nil, UnknownAlgorithm
	}
	if s := bareDigest(text); s != nil {
		return s, ""
	}
	name, rest, ok := strings.Cut(strings.TrimPrefix(text, "$"), "$")
	if !ok {
		return nil, UnknownAlgorithm
	}
	if text[0] == '$' {
		switch {
		case name == "merlon1":
			return parseMerlon(rest)
		case strings.HasPrefix(name, "argon2"):
			return parseArgon2(name, rest)
		case strings.HasPrefix(name, "2"):
			return parseBcrypt(bcryptAlg, text)
		}
		return nil, UnknownAlgorithm
	}
	switch name {
	case "pbkdf2_sha256":
		return parsePBKDF2(pbkdf2SHA256, rest, 32)
	case "pbkdf2_sha1":
		return parsePBKDF2(pbkdf2SHA1, rest, 20)
	case "argon2":
		name, rest, _ = strings.Cut(rest, "$")
		return parseArgon2(name, rest)
	case "scrypt":
		return parseScrypt(rest)
	case "bcrypt":
		return parseBcrypt(bcryptAlg, rest)
	case "bcrypt_sha256":
		return parseBcrypt(bcryptSHA256, rest)
	case "md5":
		return parseDigest(md5Alg, rest, 16)
	case "sha1":
		return parseDigest(sha1Alg, rest, 20)
	case "crypt":
		return nil, Unsupported
	}
	return nil, UnknownAlgorithm
}

func knownPrefix(text string) bool {
	for _, p := range []string{"$merlon1$", "$argon2", "$2", "argon2$", "pbkdf2_sha", "scrypt$", "bcrypt", "md5$", "sha1$"} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// printable accepts what Django's salts hold: ASCII without controls.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// number reads decimal digits without sign, leading zeros or underscores. What is beyond limit is [TooCostly], however
// long it is.
func number(s string, limit uint64) (uint64, Reason) {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return 0, Malformed
	}
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return 0, Malformed
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > limit {
		return 0, TooCostly
	}
	return n, ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// unbase64 accepts the one canonical spelling only: the decoder alone would skip line breaks and loose last bits.
func unbase64(e *base64.Encoding, s string) ([]byte, bool) {
	b, err := e.DecodeString(s)
	return b, err == nil && e.EncodeToString(b) == s
}

// unhex accepts lower-case hex only.
func unhex(s string) []byte {
	if s == "" || len(s)%2 != 0 {
		return nil
	}
	out := make([]byte, len(s)/2)
	for i := 0; i < len(s); i++ {
		d := strings.IndexByte("0123456789abcdef", s[i])
		if d < 0 {
			return nil
		}
		out[i/2] = out[i/2]<<4 | byte(d)
	}
	return out
}
