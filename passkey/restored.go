package passkey

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

type powerRow struct {
	User    int64
	Public  []byte
	Created int64
}

var (
	countAll   = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_passkey LIMIT 1")
	forgetUsed = db.Exec(schema, "DELETE FROM merlon_passkey_challenge")
	listPowers = db.Query[powerRow](schema, "SELECT \"user\", public, created FROM merlon_passkey ORDER BY created DESC, id DESC")
)

// restored keeps passkeys, also after a theft: what opens them is in their owners' devices, and a copy of the data holds
// public keys. One that was removed since is back, and whoever could write to the data could add one: both are told.
func restored(w *db.Writer, r merlon.Restore) error {
	if _, err := forgetUsed.Run(w); err != nil {
		return err
	}
	n, err := countAll.One(w)
	if err != nil || n.N == 0 {
		return err
	}
	r.Count("passkeys kept", n.N)
	r.MayReturn("passkeys that were removed since sign in again: their owners see them at /account/passkeys; user reset-2fa removes all of one user")
	return nil
}

// powers implements merlon.Part.Powers: the newest passkeys first, each told apart by its public key.
func powers(q db.Querier) (all []string, err error) {
	for row, err := range listPowers.Each(q) {
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("passkey %x of user %d, added %s", fingerprint(row.Public), row.User, time.UnixMicro(row.Created).UTC().Format("2006-01-02 15:04 MST")))
	}
	return all, nil
}

// fingerprint tells a public key from every other: half a hash, since keys can be made until a shorter one fits.
func fingerprint(public []byte) []byte {
	sum := sha256.Sum256(public)
	return sum[:16]
}
