package account

import (
	"errors"
	"strconv"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// device is the device cookie: it says that this browser has signed in to this account before. It opens a limit of its own,
// so that strangers' guesses do not lock the owner out, and grants nothing (OWASP device cookies).
type device struct {
	User  int64  `json:"u"`
	Nonce string `json:"n"`
}

// deviceLife is how long a browser is remembered after its last sign-in.
const deviceLife = 180 * 24 * time.Hour

var deviceCookie = merlon.NewCookie[device]("device", deviceLife)

// A deviceRow is what the server knows of a browser: without a row the cookie is nothing, so that each can be revoked.
type deviceRow struct {
	ID      int64
	User    int64
	Label   string
	Created int64
	Seen    int64
	Trusted int64 // until when the second step is skipped, 0: it is asked
	Entered int64 // 1: every factor was shown on it; 0: it was remembered by a mailed link
}

// name is what the device's own limits are named by.
func (d deviceRow) name() string { return strconv.FormatInt(d.ID, 10) }

// maxDevices is how many browsers of a user are remembered; the one unseen for longest is forgotten.
const maxDevices = 30

var (
	findDevice    = db.Query[deviceRow](schema, "SELECT id, \"user\", label, created, seen, trusted, entered FROM merlon_device WHERE hash = $1 LIMIT 1")
	listDevices   = db.Query[deviceRow](schema, "SELECT id, \"user\", label, created, seen, trusted, entered FROM merlon_device WHERE \"user\" = $1 ORDER BY seen DESC LIMIT $2")
	insertDevice  = db.Returning[int64](schema, "INSERT INTO merlon_device (\"user\", hash, label, created, seen, trusted, entered) VALUES ($1, $2, $3, $4, $5, 0, $6) RETURNING id")
	rotateDevice  = db.Exec(schema, "UPDATE merlon_device SET hash = $2, label = $3, seen = $4, entered = CASE WHEN $5 = 1 THEN 1 ELSE entered END WHERE id = $1")
	trustDevice   = db.Exec(schema, "UPDATE merlon_device SET trusted = $3 WHERE id = $1 AND \"user\" = $2")
	forgetDevice  = db.Exec(schema, "DELETE FROM merlon_device WHERE id = $1 AND \"user\" = $2")
	forgetDevices = db.Exec(schema, "DELETE FROM merlon_device WHERE \"user\" = $1")
	trimDevices   = db.Exec(schema, "DELETE FROM merlon_device WHERE \"user\" = $1 AND id NOT IN (SELECT id FROM merlon_device WHERE \"user\" = $1 ORDER BY seen DESC LIMIT $2)")
	sweepDevices  = db.Exec(schema, "DELETE FROM merlon_device WHERE seen < $1")
)

// knownDevice finds the row of the request's device cookie, if it is this user's. One that was seen in the future is unknown: see
// [newest]. The nonce names the device's own limit.
func knownDevice(cookie device, has bool, from db.Querier, user int64, now time.Time) (deviceRow, bool, error) {
	if !has || cookie.User != user {
		return deviceRow{}, false, nil
	}
	row, err := findDevice.One(from, hashOf(cookie.Nonce))
	if errors.Is(err, db.ErrNoRow) {
		return deviceRow{}, false, nil
	}
	return row, err == nil && row.User == user && row.Seen > now.Add(-deviceLife).UnixMicro() && row.Seen <= newest(now), err
}

var forgetOtherDevices = db.Exec(schema, "DELETE FROM merlon_device WHERE \"user\" = $1 AND id <> $2")

// forgetOthers forgets all devices of a user but the one that asks, and trusts that one no more either: the password or the
// factors have changed.
func forgetOthers[U any](w *merlon.Write[U], user int64) error {
	cookie, has := deviceCookie.Get(w)
	row, _, err := knownDevice(cookie, has, w.DB, user, w.Now())
	if err != nil {
		return err
	}
	if _, err := forgetOtherDevices.Run(w.DB, user, row.ID); err != nil { // 0: none is known
		return err
	}
	return distrust(w.DB, user)
}

// remember gives the browser a device cookie with a new number, and tells whether it was unknown to this user. One in which
// not every factor was shown has a limit of its own for passwords, and none for codes: see [tryCode].
func remember[U any](w *merlon.Write[U], user int64, entered bool) (id int64, unknown bool, err error) {
	cookie, has := deviceCookie.Get(w)
	row, known, err := knownDevice(cookie, has, w.DB, user, w.Now())
	if err != nil {
		return 0, false, err
	}
	nonce, now, label := newCode(), w.Now().UnixMicro(), w.Device()
	all := 0
	if entered {
		all = 1
	}
	if known {
		id = row.ID
		_, err = rotateDevice.Run(w.DB, row.ID, hashOf(nonce), label, now, all)
	} else {
		id, err = insertDevice.Run(w.DB, user, hashOf(nonce), label, now, now, all)
		if err == nil {
			_, err = trimDevices.Run(w.DB, user, maxDevices)
		}
	}
	if err != nil {
		return 0, false, err
	}
	return id, !known, deviceCookie.Set(w, device{user, nonce})
}
