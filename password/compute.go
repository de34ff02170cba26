package password

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// matches computes the hash and compares in constant time. The costs of s are within the caps: [parse] saw to it.
// pepper is set for merlon1 only.
func (s *stored) matches(password, pepper []byte) bool {
	switch s.algorithm {
	case merlon1:
		if s.from != "" {
			password = wrapped(s.from, s.fromSalt, password)
		}
		return s.equal(argon2.IDKey(peppered(pepper, password), s.salt, s.time, s.memory, s.lanes, uint32(len(s.sum))))
	case argon2id:
		return s.equal(argon2.IDKey(password, s.salt, s.time, s.memory, s.lanes, uint32(len(s.sum))))
	case argon2i:
		return s.equal(argon2.Key(password, s.salt, s.time, s.memory, s.lanes, uint32(len(s.sum))))
	case pbkdf2SHA256:
		return s.pbkdf2(sha256.New, password)
	case pbkdf2SHA1:
		return s.pbkdf2(sha1.New, password)
	case scryptAlg:
		sum, err := scrypt.Key(password, s.salt, s.n, s.r, s.p, len(s.sum))
		return err == nil && s.equal(sum)
	case bcryptAlg:
		// Old sites cut at 72 bytes, bcrypt's whole input: the rest of a longer password never counted there.
		return bcrypt.CompareHashAndPassword([]byte(s.text), password[:min(len(password), 72)]) == nil
	case bcryptSHA256:
		sum := sha256.Sum256(password)
		return bcrypt.CompareHashAndPassword([]byte(s.text), hex.AppendEncode(nil, sum[:])) == nil
	case md5Alg, sha1Alg:
		return s.equal(digest(s.algorithm, string(s.salt), password))
	}
	return false
}

func (s *stored) equal(sum []byte) bool { return subtle.ConstantTimeCompare(s.sum, sum) == 1 }

func (s *stored) pbkdf2(h func() hash.Hash, password []byte) bool {
	sum, err := pbkdf2.Key(h, string(password), s.salt, s.n, len(s.sum))
	return err == nil && s.equal(sum)
}

// digest is Django's md5 and sha1: of salt and password joined.
func digest(a algorithm, salt string, password []byte) []byte {
	text := append([]byte(salt), password...)
	if a == md5Alg {
		sum := md5.Sum(text)
		return sum[:]
	}
	sum := sha1.Sum(text)
	return sum[:]
}

// wrapped is what Argon2id gets in the place of the password when it wraps a fast hash: never a text that a visitor typed,
// so typing the old digest does not match.
func wrapped(a algorithm, salt string, password []byte) []byte {
	return wrapSum(a, digest(a, salt, password))
}

func wrapSum(a algorithm, sum []byte) []byte {
	return append([]byte("merlon/password/wrap\x00"+string(a)+"\x00"), sum...)
}

// peppered mixes a key into the password, so that a stolen database alone cannot be guessed at.
func peppered(key, password []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(password)
	return h.Sum(nil)
}
