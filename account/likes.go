package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"github.com/merlon-web/merlon/db"
)

// Accounts that were imported keep the hashes of the program that they come from until their first sign-in, and some of
// those take three times as long as the site's own; so may those from before its costs were changed. An address without an
// account must then take as long as some account does: which one is chosen by a keyed hash of the address, always the same,
// so that of ten thousand unknown addresses as many are slow as of ten thousand accounts.

// likes are the kinds of hashes of a site with their weights, the site's own among them. They never change; new ones are made
// in their place.
type likes []like

type like struct {
	kind   string  // "": the site's own
	weight float64 // how many accounts have it
	hash   string  // one of the kind, "" of the site's own
}

type passwordRow struct{ Password string }

// Only accounts of which a hash is compared count: at the others the work is that for an address without one.
// A hash that is void since a theft ([voidPassword]) is computed all the same, and so counts as what it was.
var (
	foreignHashes = db.Query[passwordRow](schema, `SELECT password FROM (SELECT CASE substr(password, 1, 6) WHEN '!void:' THEN substr(password, 7) ELSE password END AS password
		FROM merlon_user WHERE verified <> 0 AND disabled = 0) AS hashes WHERE password NOT LIKE $1 AND substr(password, 1, 1) <> '!'`)
	countPasswords = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_user WHERE verified <> 0 AND disabled = 0 AND (substr(password, 1, 1) <> '!' OR substr(password, 1, 6) = '!void:') LIMIT 1")
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

// makeLikes gives each kind the weight of its accounts.
func makeLikes(counts map[string]uint64, one map[string]string, of uint64) (all likes) {
	own := of
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		own -= min(own, counts[kind])
		all = append(all, like{kind, float64(counts[kind]), one[kind]})
	}
	return append(all, like{weight: float64(own)})
}

// likeFor returns a hash whose work is to be done for an address without an account, "" for that of the site's own. The key is
// the oldest of the ring, which stays when a new one is added: no address changes its kind with it.
func (a *part) likeFor(email string) string {
	all := a.likes.Load()
	keys := a.house.Keys.Keys()
	if all == nil || len(*all) < 2 || len(keys) == 0 {
		return ""
	}
	key, _ := a.house.Keys.For("merlon/likes/v1").Key(keys[0].ID)
	return all.of(func(kind string) uint64 {
		h := hmac.New(sha256.New, key.Reveal())
		h.Write([]byte(kind + "\x00" + email))
		return binary.BigEndian.Uint64(h.Sum(nil))
	})
}

// of chooses by weighted rendezvous: each kind draws a number of its own for the address, and the best for its weight wins. Of
// many addresses each kind so gets its share, and a kind that comes, grows or shrinks moves addresses into it or out of it only,
// never between two others.
func (all likes) of(draw func(kind string) uint64) (hash string) {
	best := math.Inf(1)
	for _, l := range all {
		if l.weight <= 0 {
			continue
		}
		u := (float64(draw(l.kind)>>11) + 0.5) / (1 << 53) // between 0 and 1, neither of them
		if score := -math.Log(u) / l.weight; score < best {
			best, hash = score, l.hash
		}
	}
	return hash
}
