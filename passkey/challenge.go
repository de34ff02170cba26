package passkey

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/merlon-web/merlon/db"
)

// A challenge is 24 random bytes, the time, and a MAC over both, what it is for, the browser, the user and the user's handle.
// So that a flood of visitors writes nothing it rests nowhere before it is answered; the transaction of the POST that accepts
// the answer keeps its hash, once, until the challenge is too old.
const (
	nonceSize     = 24
	challengeSize = nonceSize + 8 + sha256.Size
	// challengeLife is how long an answer is accepted (NIST SP 800-63B 2.2.2: authenticator output is short-lived).
	challengeLife = 5 * time.Minute
)

// What challenges are for.
const (
	toSignIn byte = 1
	toAdd    byte = 2
)

var b64 = base64.RawURLEncoding.Strict()

// bound is what a challenge is good for.
type bound struct {
	purpose byte
	browser []byte // merlon's Binding
	user    int64  // who adds; 0 for a sign-in
	handle  []byte // of that user, nil as long as there is none
}

func (p *part) challenge(now time.Time, b bound) []byte {
	c := make([]byte, nonceSize, challengeSize)
	_, _ = rand.Read(c)
	c = binary.BigEndian.AppendUint64(c, uint64(now.Unix()))
	return p.sign(c, c, b)
}

// sign appends the MAC of the first part of a challenge to dst.
func (p *part) sign(dst, head []byte, b bound) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte("merlon/passkey/challenge/v1\x00"))
	h.Write([]byte{b.purpose})
	h.Write(head)
	for _, part := range [][]byte{b.browser, binary.BigEndian.AppendUint64(nil, uint64(b.user)), b.handle} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write(part)
	}
	return h.Sum(dst)
}

// fresh reports whether a challenge is this site's, for this, and not too old.
func (p *part) fresh(c []byte, now time.Time, b bound) bool {
	if len(c) != challengeSize {
		return false
	}
	head := c[:nonceSize+8]
	if !hmac.Equal(p.sign(nil, head, b), c[nonceSize+8:]) {
		return false
	}
	age := now.Sub(made(c))
	return age >= -time.Second && age < challengeLife
}

func made(c []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(c[nonceSize:])), 0)
}

// firstHandle is the handle of a user who has none: 32 bytes that nobody can guess, made from the random part of the
// challenge, so that a GET need not write it.
func (p *part) firstHandle(c []byte) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte("merlon/passkey/handle/v1\x00"))
	h.Write(c[:nonceSize])
	return h.Sum(nil)
}

func hashOf(c []byte) []byte {
	h := sha256.Sum256(c)
	return h[:]
}

// wasUsed asks whether a challenge was answered before. Only [use], in the transaction, decides.
func wasUsed(q db.Querier, c []byte) (bool, error) {
	_, err := findUsed.One(q, hashOf(c))
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}

// use uses a challenge up: of fifty transactions with the same one, one gets true.
func use(w *db.Writer, c []byte) (bool, error) {
	_, err := insertUsed.Run(w, hashOf(c), made(c).Add(challengeLife+time.Minute).UnixMicro())
	if db.IsUnique(err) {
		return false, nil
	}
	return err == nil, err
}
