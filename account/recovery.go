package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// Recovery codes are for the day on which a factor is lost: ten, each good once, in the place of a code of the app, or beside
// the password in the place of the passkey.
const (
	recoveryCodes = 10
	// recoveryChars of five bits each: 120 bits. What is that long and drawn by chance cannot be searched for, so that its
	// SHA-256 is enough in the database; below 112 bits it would have to be a slow hash (OWASP ASVS 5.0 6.5.2).
	recoveryChars = 24
)

// crockford has no letter that looks like a digit: who types O, I or L is understood.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

type recoveryRow struct {
	Place   int64
	Hash    []byte
	Created int64
	Used    int64
}

var (
	listRecovery   = db.Query[recoveryRow](schema, "SELECT place, hash, created, used FROM merlon_recovery WHERE \"user\" = $1 ORDER BY place LIMIT 10")
	countRecovery  = db.Query[countCodes](schema, "SELECT count(*) AS n, count(NULLIF(kept, 0)) AS kept FROM merlon_recovery WHERE \"user\" = $1 AND used = 0 LIMIT 1")
	insertRecovery = db.Exec(schema, "INSERT INTO merlon_recovery (\"user\", place, hash, created) VALUES ($1, $2, $3, $4)")
	keepRecovery   = db.Exec(schema, "UPDATE merlon_recovery SET kept = $2 WHERE \"user\" = $1 AND kept = 0")
	useRecovery    = db.Exec(schema, "UPDATE merlon_recovery SET used = $3 WHERE \"user\" = $1 AND hash = $2 AND used = 0")
)

// countCodes is how many codes are left, and of how many the owner said that they are kept.
type countCodes struct{ N, Kept int64 }

// unsure reports whether the owner never said to have kept the codes.
func (c countCodes) unsure() bool { return c.Kept < c.N }

// codesLeft returns how many recovery codes a user has that were not used.
func codesLeft(q db.Querier, user int64) (left int, err error) {
	n, err := countRecovery.One(q, user)
	return int(n.N), err
}

// makeCodes gives a user ten new recovery codes; the old ones are void at once. They are returned in groups of four and kept
// nowhere: the table has their hashes.
func makeCodes(w *db.Writer, user int64, now time.Time) ([]string, error) {
	if _, err := deleteRecovery.Run(w, user); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		code := newRecoveryCode()
		if _, err := insertRecovery.Run(w, user, int64(i+1), recoveryHash(user, code), now.UnixMicro()); err != nil {
			return nil, err
		}
		codes[i] = grouped(code, "-")
	}
	return codes, nil
}

// dropCodes takes the codes of the session's user away: what they stood in for is gone.
func dropCodes[U any](w *merlon.Write[U], user int64) error {
	freshCodesKey.Delete(w.Session)
	_, err := deleteRecovery.Run(w.DB, user)
	return err
}

func newRecoveryCode() string {
	var b [recoveryChars]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = crockford[b[i]%32] // 256 is a multiple of 32: each letter is as likely
	}
	return string(b[:])
}

func recoveryHash(user int64, code string) []byte {
	h := sha256.Sum256(append(totpOwner(user), code...))
	return h[:]
}

// holdsCode reports whether a code is one that was not used.
func holdsCode(codes []recoveryRow, hash []byte) bool {
	return slices.ContainsFunc(codes, func(c recoveryRow) bool {
		return c.Used == 0 && subtle.ConstantTimeCompare(c.Hash, hash) == 1
	})
}

// spendRecovery uses a code up, and tells how many are left.
func spendRecovery(w *db.Writer, user int64, hash []byte, now time.Time) (left int, ok bool, err error) {
	done, err := useRecovery.Run(w, user, hash, now.UnixMicro())
	if err != nil || done.Rows != 1 {
		return 0, false, err
	}
	left, err = codesLeft(w, user)
	return left, err == nil, err
}

// A typed code is one of the app, a recovery code, or neither.
type typedCode struct {
	app      string // six digits
	recovery string // 24 letters and digits
}

// readCode forgives what people do to codes: spaces, dashes, small letters, O for 0, I and L for 1.
func readCode(typed string) typedCode {
	clean := strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' || r == '\u2013' {
			return -1
		}
		return r
	}, typed))
	if len(clean) == 6 && strings.Trim(clean, "0123456789") == "" {
		return typedCode{app: clean}
	}
	clean = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(clean)
	if len(clean) == recoveryChars && strings.Trim(clean, crockford) == "" {
		return typedCode{recovery: clean}
	}
	return typedCode{}
}
