package session

import (
	"embed"
	"encoding/binary"
	"errors"

	"github.com/merlon-web/merlon/db"
)

//go:embed migrations
var migrations embed.FS

var schema = db.From(migrations, "migrations").Named("session")

// Each statement leaves out what it does not need: the one that every request runs reads one row by its unique key.
var (
	selectRow = db.Query[openRow](schema, `SELECT id, key, user_id, class, factors, remember, recent, created, last_seen, idle_deadline,
	absolute_deadline, revoked_at, reason, how, version, data
FROM merlon_session WHERE slot = $1`)

	// The id is the time it began, or one more than the last: it rises, and is never given twice.
	insertRow = db.Returning[int64](schema, `INSERT INTO merlon_session (slot, id, key, user_id, class, factors, remember, recent, created, last_seen,
	idle_deadline, absolute_deadline, revoked_at, reason, device, network, version, data, how)
VALUES ($1, CASE WHEN $9 > (SELECT COALESCE(MAX(id), 0) FROM merlon_session) THEN $9 ELSE (SELECT MAX(id) + 1 FROM merlon_session) END, $2, $3, $4, $5, $6, $7, $8, $9,
	$10, $11, 0, '', $12, $13, $14, $15, $16) RETURNING id`)

	updateRow = db.Exec(schema, `UPDATE merlon_session SET data = $4, version = version + 1, last_seen = $5, idle_deadline = $6
WHERE slot = $1 AND key = $2 AND version = $3 AND revoked_at = 0`)

	// Of nothing, substr is NULL on SQLite.
	endRow = db.Exec(schema, `UPDATE merlon_session SET revoked_at = $3, reason = $4, data = CASE WHEN length(data) = 0 THEN data ELSE substr(data, 1, 0) END
WHERE slot = $1 AND key = $2 AND revoked_at = 0`)

	endRows = db.Exec(schema, `UPDATE merlon_session SET revoked_at = $1, reason = $2, data = CASE WHEN length(data) = 0 THEN data ELSE substr(data, 1, 0) END
WHERE revoked_at = 0`)

	selectOfUser = db.Query[listRow](schema, `SELECT id, key, user_id, class, factors, remember, recent, created, last_seen, idle_deadline,
	absolute_deadline, device, network, how
FROM merlon_session
WHERE user_id = $1 AND user_id <> 0 AND revoked_at = 0 AND idle_deadline > $2 AND absolute_deadline > $2
ORDER BY last_seen, id LIMIT $3`)

	selectPage = db.Query[listRow](schema, `SELECT id, key, user_id, class, factors, remember, recent, created, last_seen, idle_deadline,
	absolute_deadline, device, network, how
FROM merlon_session
WHERE id < $1 AND revoked_at = 0 AND idle_deadline > $2 AND absolute_deadline > $2
ORDER BY id DESC LIMIT $3`)

	countLive = db.Query[int64](schema, `SELECT COUNT(*) FROM merlon_session
WHERE user_id <> 0 AND revoked_at = 0 AND idle_deadline > $1 AND absolute_deadline > $1`)

	touchRow = db.Exec(schema, `UPDATE merlon_session SET last_seen = $3, idle_deadline = $4
WHERE slot = $1 AND key = $2 AND revoked_at = 0 AND last_seen < $3 AND idle_deadline > $5 AND absolute_deadline > $3`)

	selectDead = db.Query[int64](schema, `SELECT slot FROM merlon_session
WHERE slot > $1 AND (revoked_at <> 0 AND revoked_at < $2 OR idle_deadline < $2 OR absolute_deadline < $2)
ORDER BY slot LIMIT $3`)

	deleteRow = db.Exec(schema, `DELETE FROM merlon_session
WHERE slot = $1 AND (revoked_at <> 0 AND revoked_at < $2 OR idle_deadline < $2 OR absolute_deadline < $2)`)
)

type openRow struct {
	ID               int64 `db:"id"`
	Key              Digest
	UserID           int64
	Class            int64
	Factors          int64
	Remember         int64
	Recent           int64
	Created          int64
	LastSeen         int64
	IdleDeadline     int64
	AbsoluteDeadline int64
	RevokedAt        int64
	Reason           string
	How              string
	Version          int64
	Data             []byte
}

type listRow struct {
	ID               int64 `db:"id"`
	Key              []byte
	UserID           int64
	Class            int64
	Factors          int64
	Remember         int64
	Recent           int64
	Created          int64
	LastSeen         int64
	IdleDeadline     int64
	AbsoluteDeadline int64
	Device           string
	Network          string
	How              string
}

// sqlStore is the store in the site's own database.
type sqlStore struct{}

// NewStore returns the store that keeps sessions in the table merlon_session of the site's own database.
func NewStore() Store { return sqlStore{} }

// Schema returns the table of [NewStore] and its statements: what the engine is opened and migrated with.
func Schema() *db.Schema { return schema }

func (sqlStore) Schema() *db.Schema { return schema }

func (sqlStore) Get(q db.Querier, key Digest) (Row, error) {
	r, err := selectRow.One(q, slot(&key))
	if errors.Is(err, db.ErrNoRow) || err == nil && r.Key != key {
		return Row{}, ErrNoRow
	}
	if err != nil {
		return Row{}, err
	}
	return Row{
		ID: r.ID, Key: key, User: r.UserID, Class: Class(r.Class), Factors: int(r.Factors), Remember: r.Remember != 0,
		Recent: r.Recent, Created: r.Created, Seen: r.LastSeen, Idle: r.IdleDeadline, Absolute: r.AbsoluteDeadline,
		Ended: r.RevokedAt, Reason: r.Reason, How: r.How, Version: r.Version, Data: r.Data,
	}, nil
}

func (sqlStore) Insert(w *db.Writer, r *Row) (int64, error) {
	return insertRow.Run(w, slot(&r.Key), r.Key[:], r.User, int64(r.Class), int64(r.Factors), flag(r.Remember), r.Recent, r.Created, r.Seen,
		r.Idle, r.Absolute, r.Device, r.Network, r.Version, r.Data, r.How)
}

func (sqlStore) Update(w *db.Writer, r *Row) (bool, error) {
	done, err := updateRow.Run(w, slot(&r.Key), r.Key[:], r.Version-1, r.Data, r.Seen, r.Idle)
	return done.Rows == 1, err
}

func (sqlStore) End(w *db.Writer, key Digest, at int64, reason string) (bool, error) {
	done, err := endRow.Run(w, slot(&key), key[:], at, reason)
	return done.Rows == 1, err
}

func (sqlStore) EndAll(w *db.Writer, at int64, reason string) (int64, error) {
	done, err := endRows.Run(w, at, reason)
	return done.Rows, err
}

func (sqlStore) OfUser(q db.Querier, user, now int64, limit int) ([]Row, error) {
	rows, err := selectOfUser.All(q, user, now, int64(limit))
	return listed(rows), err
}

func (sqlStore) Page(q db.Querier, below, now int64, limit int) ([]Row, error) {
	if below <= 0 {
		below = 1<<63 - 1
	}
	rows, err := selectPage.All(q, below, now, int64(limit))
	return listed(rows), err
}

func (sqlStore) Count(q db.Querier, now int64) (int64, error) { return countLive.One(q, now) }

func (sqlStore) Touch(w *db.Writer, uses []Use) error {
	for i := range uses {
		if _, err := touchRow.Run(w, slot(&uses[i].Key), uses[i].Key[:], uses[i].Seen, uses[i].Idle, uses[i].First); err != nil {
			return err
		}
	}
	return nil
}

// A reference is a slot, 8 bytes.
func (sqlStore) Dead(q db.Querier, after Ref, before int64, limit int) ([]Ref, error) {
	above := int64(-1)
	if len(after) == 8 {
		above = int64(binary.BigEndian.Uint64([]byte(after)))
	}
	slots, err := selectDead.All(q, above, before, int64(limit))
	refs := make([]Ref, len(slots))
	for i, n := range slots {
		refs[i] = Ref(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	return refs, err
}

func (sqlStore) Delete(w *db.Writer, refs []Ref, before int64) (int64, error) {
	var n int64
	for _, ref := range refs {
		if len(ref) != 8 {
			continue
		}
		done, err := deleteRow.Run(w, int64(binary.BigEndian.Uint64([]byte(ref))), before)
		if err != nil {
			return n, err
		}
		n += done.Rows
	}
	return n, nil
}

func listed(rows []listRow) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = Row{
			ID: r.ID, User: r.UserID, Class: Class(r.Class), Factors: int(r.Factors), Remember: r.Remember != 0, Recent: r.Recent,
			Created: r.Created, Seen: r.LastSeen, Idle: r.IdleDeadline, Absolute: r.AbsoluteDeadline, Device: r.Device, Network: r.Network, How: r.How,
		}
		copy(out[i].Key[:], r.Key)
	}
	return out
}

func slot(key *Digest) int64 { return int64(binary.BigEndian.Uint64(key[:]) >> 1) }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
