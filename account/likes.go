package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/merlon-web/merlon/db"
)

// Accounts that were imported keep the hashes of the program that they come from until their first sign-in, and some of
// those take three times as long as the site's own; so may those from before its costs were changed. An address without an
// account must then take as long as some account does: which one is chosen by a keyed hash of the address, always the same,
// so that of ten thousand unknown addresses as many are slow as of ten thousand accounts.

// likes are the kinds of imported hashes of a site with their shares. They never change; new ones are made in their place.
type likes []like

type like struct {
	upTo uint64 // of 2^32: addresses whose place lies below it and not below the one before
	hash string // one of the kind
}

type passwordRow struct{ Password string }

// A hash that is void since a theft ([voidPassword]) is computed all the same, and so counts as what it was.
var (
	foreignHashes = db.Query[passwordRow](schema, `SELECT password FROM (SELECT CASE substr(password, 1, 6) WHEN '!void:' THEN substr(password, 7) ELSE password END AS password
		FROM merlon_user) AS hashes WHERE password NOT LIKE $1 AND substr(password, 1, 1) <> '!'`)
	countPasswords = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_user WHERE substr(password, 1, 1) <> '!' OR substr(password, 1, 6) = '!void:' LIMIT 1")
)

// countLikes looks at the hashes of all accounts: at the start, after an import, and now and then.
func (a *part) countLikes(ctx context.Context) error {
	r := a.house.Engine.Read(ctx)
	defer r.Close()
	counts, one := map[string]uint64{}, map[string]string{}
	for row, err := range foreignHashes.Each(r, "$merlon1$k=%$argon2id$v=19$"+a.hasher.Params().String()+"$%") {
		if err != nil {
			return err
		}
		if kind := a.hasher.Kind(row.Password); kind != "" {
			counts[kind]++
			one[kind] = row.Password
		}
	}
	all, err := countPasswords.One(r)
	if err != nil {
		return err
	}
	found := makeLikes(counts, one, uint64(max(all.N, 1)))
	a.likes.Store(&found)
	return nil
}

// makeLikes gives each kind its share of the places. The order of kinds is fixed, so that a share that shrinks, as users sign
// in, moves places out of it and none back.
func makeLikes(counts map[string]uint64, one map[string]string, of uint64) (all likes) {
	sum := uint64(0)
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		sum += counts[kind]
		all = append(all, like{min(sum, of) << 32 / of, one[kind]})
	}
	return all
}

// likeFor returns a hash whose work is to be done for an address without an account, "" for that of the site's own.
func (a *part) likeFor(email string) string {
	all := a.likes.Load()
	if all == nil || len(*all) == 0 {
		return ""
	}
	h := hmac.New(sha256.New, a.house.Keys.Key("merlon/likes/v1").Reveal())
	h.Write([]byte(email))
	return all.at(binary.BigEndian.Uint32(h.Sum(nil)))
}

func (all likes) at(place uint32) string {
	for _, l := range all {
		if uint64(place) < l.upTo {
			return l.hash
		}
	}
	return ""
}
