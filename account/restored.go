package account

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// voidPassword stands before the hash of a password that may not be used any more: the data was stolen, and with it every
// hash. Whoever knows it is sent the link for a new one; nobody is signed in by it.
const voidPassword = NoPassword + "void:"

var (
	voidAllTickets    = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE ended = 0")
	forgetAllDevices  = db.Exec(schema, "DELETE FROM merlon_device")
	passSteps         = db.Exec(schema, "UPDATE merlon_totp SET step = CASE WHEN step > $1 THEN step ELSE $1 END")
	dropAllTOTP       = db.Exec(schema, "DELETE FROM merlon_totp")
	dropAllRecovery   = db.Exec(schema, "DELETE FROM merlon_recovery")
	dropAllUnverified = db.Exec(schema, "DELETE FROM merlon_user WHERE verified = 0 AND disabled = 0 AND roles = '' AND substr(password, 1, 1) <> '!'")
	voidAllPasswords  = db.Exec(schema, "UPDATE merlon_user SET password = $1 || password WHERE password <> '' AND substr(password, 1, 1) <> '!'")
	listPowers        = db.Query[powerRow](schema, "SELECT id, email, roles FROM merlon_user WHERE disabled = 0 AND roles <> '' ORDER BY id")
	listAdmins        = db.Query[count](schema, "SELECT id AS n FROM merlon_user WHERE disabled = 0 AND ',' || roles || ',' LIKE '%,admin,%' ORDER BY id LIMIT 100")
	countUsers        = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_user LIMIT 1")
)

// restored makes accounts of a backup fit for use. Links that were used can be used again in it, browsers that were
// forgotten are known, codes of the app that were shown count as new.
func restored(w *db.Writer, r merlon.Restore) error {
	links, err := voidAllTickets.Run(w)
	if err != nil {
		return err
	}
	if _, err := dropAllLocked.Run(w); err != nil { // of another time
		return err
	}
	devices, err := forgetAllDevices.Run(w)
	if err != nil {
		return err
	}
	r.Count("links void", links.Rows)
	r.Count("devices forgotten", devices.Rows)
	dropped, err := r.House().Mails.Drop(w, "account link", "dropped: its link is void since the data was restored")
	if err != nil {
		return err
	}
	r.Count("mails with void links dropped", dropped)
	if r.AfterTheft {
		err = voidSecrets(w, r)
	} else {
		_, err = passSteps.Run(w, r.Now.Unix()/totpStep+1)
	}
	if err != nil {
		return err
	}
	admins, err := listAdmins.All(w)
	if err != nil {
		return err
	}
	ids := make([]string, len(admins))
	for i, admin := range admins {
		ids[i] = strconv.FormatInt(admin.N, 10)
	}
	users, err := countUsers.One(w)
	if err != nil {
		return err
	}
	r.Users(users.N)
	r.Note(slog.String("administrators", strings.Join(ids, ",")))
	r.MayReturn("accounts that were deleted or disabled since, and roles that were withdrawn: look through user list")
	r.MayReturn("addresses that were moved since are the old ones: links are mailed there")
	if !r.AfterTheft {
		r.MayReturn("passwords that were changed since are the old ones, and recovery codes that were used since work again")
		r.MayReturn("authenticator apps that were removed or replaced since are asked for again: user reset-2fa")
	}
	return nil
}

type powerRow struct {
	ID    int64
	Email string
	Roles string
}

// powers implements merlon.Part.Powers: who has a role.
func powers(q db.Querier) (all []string, err error) {
	for row, err := range listPowers.Each(q) {
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("user %d, %s: %s", row.ID, row.Email, row.Roles))
	}
	return all, nil
}

// voidSecrets voids what a thief of the data could use: every password must be chosen anew, and every app set up again.
func voidSecrets(w *db.Writer, r merlon.Restore) error {
	if _, err := dropAllUnverified.Run(w); err != nil { // nobody proved to be their owner
		return err
	}
	apps, err := dropAllTOTP.Run(w)
	if err != nil {
		return err
	}
	if _, err := dropAllRecovery.Run(w); err != nil {
		return err
	}
	passwords, err := voidAllPasswords.Run(w, voidPassword)
	r.Count("passwords to be chosen anew", passwords.Rows)
	r.Count("authenticator apps to be set up anew", apps.Rows)
	return err
}
