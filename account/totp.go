package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/merlon-web/merlon/db"
)

// An authenticator app and the site share a secret and make codes of it and of the time (RFC 6238: HMAC-SHA-1, six digits,
// steps of 30 seconds; other apps and lengths do not exist in practice).
const (
	totpSecret = 20 // bytes: the length of a SHA-1 (RFC 4226, section 4, R6)
	totpStep   = 30 // seconds
	// totpDrift is how many steps before and after the present one a code may be of (RFC 6238, section 5.2).
	totpDrift = 1
	// totpSkew is how many steps back a code is looked for, only to say that a clock is wrong: a bit more than two hours, a
	// summer time and a half.
	totpSkew = 260
)

type totpRow struct {
	Secret  []byte
	Created int64
	Used    int64
	Step    int64
}

var (
	findTOTP   = db.Query[totpRow](schema, "SELECT secret, created, used, step FROM merlon_totp WHERE \"user\" = $1 LIMIT 1")
	insertTOTP = db.Exec(schema, "INSERT INTO merlon_totp (\"user\", secret, created, used, step) VALUES ($1, $2, $3, $3, $4)")
	useTOTP    = db.Exec(schema, "UPDATE merlon_totp SET step = $2, used = $3 WHERE \"user\" = $1 AND step < $2 AND created = $4")
)

// totpState tells whether a user has an authenticator app, since when, and when it was last used, in Unix microseconds.
func totpState(q db.Querier, user int64) (on bool, since, used int64, err error) {
	row, err := findTOTP.One(q, user)
	if errors.Is(err, db.ErrNoRow) {
		return false, 0, 0, nil
	}
	return err == nil, row.Created, row.Used, err
}

func newTOTPSecret() []byte {
	b := make([]byte, totpSecret)
	_, _ = rand.Read(b)
	return b
}

// sealTOTP and openTOTP keep the secret useless without the key ring, and in another user's row.
func (a *part) sealTOTP(user int64, secret []byte) ([]byte, error) {
	return a.house.Keys.For("merlon/totp/v1").Seal(nil, secret, totpOwner(user))
}

func (a *part) openTOTP(user int64, sealed []byte) ([]byte, error) {
	return a.house.Keys.For("merlon/totp/v1").Open(nil, sealed, totpOwner(user))
}

func totpOwner(user int64) []byte {
	return binary.BigEndian.AppendUint64([]byte("merlon_totp.secret\x00"), uint64(user))
}

var plainBase32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// codeAt is the code of one step.
func codeAt(secret []byte, step int64) (string, error) {
	return hotp.GenerateCodeCustom(plainBase32.EncodeToString(secret), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

// matchTOTP returns the step whose code was typed, of those from back before to ahead after the present one, the latest of
// several. It looks at all of them, whichever it is: its time tells nothing.
func matchTOTP(secret []byte, code string, now time.Time, back, ahead int64) (step int64, ok bool, err error) {
	present := now.Unix() / totpStep
	for s := present - back; s <= present+ahead; s++ {
		want, err := codeAt(secret, s)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok, nil
}

// totpAddress is what the QR code says: the form that all apps read (Google's key URI format).
func totpAddress(site, email string, secret []byte) (string, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: site, AccountName: email, Secret: secret, Period: totpStep, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", err
	}
	return key.URL(), nil
}

// grouped writes a text in groups of four, to be read and typed.
func grouped(s, between string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteString(between)
		}
		b.WriteRune(r)
	}
	return b.String()
}
