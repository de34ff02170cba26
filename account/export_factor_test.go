package account

import (
	"slices"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// What the tests of the room see of its tables.

type sealedRow struct {
	Secret []byte
	Hash   []byte
}

var (
	setPassword = db.Exec(schema, "UPDATE merlon_user SET password = $2 WHERE id = $1")
	setSecret   = db.Exec(schema, "UPDATE merlon_totp SET secret = $2 WHERE \"user\" = $1")
	allSealed   = db.Query[sealedRow](schema, "SELECT t.secret, r.hash FROM merlon_totp t JOIN merlon_recovery r ON r.user = t.user LIMIT 100")
)

// SetPasswordHash changes a user's hash, as a change of the password does.
func SetPasswordHash(w *db.Writer, user int64, hash string) error {
	_, err := setPassword.Run(w, user, hash)
	return err
}

// MoveSecret writes the sealed secret of one user into the row of another.
func MoveSecret(w *db.Writer, from, to int64) error {
	row, err := findTOTP.One(w, from)
	if err != nil {
		return err
	}
	_, err = setSecret.Run(w, to, row.Secret)
	return err
}

// ReplaceApp gives a user another app, as taking one away and adding one does.
func ReplaceApp(h *merlon.House, w *db.Writer, user int64, now time.Time) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	sealed, err := a.sealTOTP(user, newTOTPSecret())
	if err != nil {
		return err
	}
	if _, err := deleteTotp.Run(w, user); err != nil {
		return err
	}
	_, err = insertTOTP.Run(w, user, sealed, now.UnixMicro(), int64(0))
	return err
}

// Sealed returns all that rests of secrets and codes, as text.
func Sealed(q db.Querier) (text string, err error) {
	rows, err := allSealed.All(q)
	for _, row := range rows {
		text += string(row.Secret) + string(row.Hash)
	}
	return text, err
}

// TrustedDevices returns the ids of the devices on which a user's second step is skipped.
func TrustedDevices(q db.Querier, user int64, now time.Time) (ids []int64, err error) {
	rows, err := trustedDevices(q, user, now)
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids, err
}

// Untrust takes the trust in one device back.
func Untrust(w *db.Writer, user, id int64) error {
	_, err := trustDevice.Run(w, id, user, int64(0))
	return err
}

// StateOf is totpState and codesLeft.
func StateOf(q db.Querier, user int64) (on bool, left int, err error) {
	on, _, _, err = totpState(q, user)
	if err != nil {
		return on, 0, err
	}
	left, err = codesLeft(q, user)
	return on, left, err
}

// SpendStep uses a step of a user's app, without the comparison and the limit before it.
func SpendStep(w *db.Writer, user, step int64) (bool, error) {
	row, err := findTOTP.One(w, user)
	if err != nil {
		return false, err
	}
	done, err := useTOTP.Run(w, user, step, step*totpStep*1_000_000, row.Created)
	return done.Rows == 1, err
}

// SpendCode uses a recovery code in the same way.
func SpendCode(w *db.Writer, user int64, code string) (bool, error) {
	done, err := useRecovery.Run(w, user, recoveryHash(user, readCode(code).recovery), int64(1))
	return done.Rows == 1, err
}

// trustedDevices lists the devices on which a user's second step is skipped.
func trustedDevices(q db.Querier, user int64, now time.Time) ([]deviceRow, error) {
	all, err := listDevices.All(q, user, maxDevices)
	return slices.DeleteFunc(all, func(d deviceRow) bool { return !d.trustedAt(now) }), err
}
