package account

import (
	"math"

	"github.com/merlon-web/merlon/db"
)

var (
	deleteTotp     = db.Exec(schema, "DELETE FROM merlon_totp WHERE \"user\" = $1")
	deleteRecovery = db.Exec(schema, "DELETE FROM merlon_recovery WHERE \"user\" = $1")
	deleteUser     = db.Exec(schema, "DELETE FROM merlon_user WHERE id = $1")
)

// dropFactors takes all second factors of a user away, those of other parts too, and the trust in devices that rests on them.
func (a *part) dropFactors(w *db.Writer, user int64) error {
	for _, s := range []*db.Statement[db.Affected]{deleteTotp, deleteRecovery, forgetDevices} {
		if _, err := s.Run(w, user); err != nil {
			return err
		}
	}
	for _, way := range a.ways {
		if way.Delete == nil {
			continue
		}
		if err := way.Delete(w, user); err != nil {
			return err
		}
	}
	return nil
}

// erase deletes an account and all that this part keeps of it. Invitations of its address are void since it became the account's;
// that of one with which a stranger has signed up is its owner's, and stays.
// The site's hook comes first, while the rows that it may want to read are there; a sign-up that waits is none of its accounts, see
// [Hooks].
func (a *part) erase(w *db.Writer, row userRow) error {
	if gone := a.cfg.Hooks.Deleted; gone != nil && !row.waiting() {
		if err := gone(w.Context(), w, row.user(), a.house.Clock()); err != nil {
			return err
		}
	}
	return a.eraseRows(w, row.ID)
}

// noAccount is the number of nobody, above all accounts.
const noAccount = math.MaxInt64

func (a *part) eraseRows(w *db.Writer, user int64) error {
	if err := a.dropFactors(w, user); err != nil {
		return err
	}
	if _, err := eraseTickets.Run(w, user); err != nil { // with the address in them
		return err
	}
	if _, err := a.house.Sessions.EndUser(w, user, "account deleted"); err != nil {
		return err
	}
	_, err := deleteUser.Run(w, user)
	return err
}
