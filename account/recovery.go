package account

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
)

// Recovery codes are for the day on which the telephone is lost: ten, each good once in the place of a code of the app.
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
	countRecovery  = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_recovery WHERE \"user\" = $1 AND used = 0 LIMIT 1")
	insertRecovery = db.Exec(schema, "INSERT INTO merlon_recovery (\"user\", place, hash, created) VALUES ($1, $2, $3, $4)")
	useRecovery    = db.Exec(schema, "UPDATE merlon_recovery SET used = $3 WHERE \"user\" = $1 AND hash = $2 AND used = 0")
)

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
