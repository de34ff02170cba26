package enginetest

import (
	"time"

	"github.com/merlon-web/merlon/db"
)

type item struct {
	ID     int64
	Name   string
	Rank   int
	Parent *int64
}

type role string

type level uint8

// bits and packed are bytes of the test's own.
type (
	bits   uint8
	packed [4]bits
)

type grade int16

type value struct {
	ID   int64
	I    int64
	F    float64
	S    string
	B    []byte
	Flag bool
	At   time.Time
	J    []string `db:"j,json"`
}

type named struct {
	I    level
	F    float32
	S    role
	B    [4]byte
	Flag bool
}

type sized struct {
	A int8
	B int16
	C int32
	D int64
	E int
	F uint8
	G uint16
	H uint32
	I uint64
	J uint
}

type nullable struct {
	I    *int64
	F    *float64
	S    *role
	B    []byte
	Flag *bool
	At   *time.Time
	J    map[string]int `db:"j,json"`
}

var (
	schema = db.From(files, "migrations").Named("suite")

	insertItem  = db.Exec(schema, "INSERT INTO item (name, rank) VALUES ($1, $2)")
	insertChild = db.Returning[item](schema, "INSERT INTO item (name, parent) VALUES ($1, $2) RETURNING id, name, rank, parent")
	insertID    = db.Returning[int64](schema, "INSERT INTO item (name, rank) VALUES ($2, $1) RETURNING id")
	updateRank  = db.Exec(schema, "UPDATE item SET rank = $2 WHERE name = $1")
	addRank     = db.Exec(schema, "UPDATE item SET rank = rank + $1 WHERE name = $2")
	deleteItem  = db.Returning[string](schema, "DELETE FROM item WHERE name = $1 RETURNING name")
	deleteAll   = db.Exec(schema, "DELETE FROM item WHERE name <> $1")
	nullName    = db.Exec(schema, "INSERT INTO item (id, name) VALUES ($1, $2)")

	countItems = db.Query[int64](schema, "SELECT count(*) FROM item")
	sumRank    = db.Query[int64](schema, "SELECT coalesce(sum(rank), 0) FROM item")
	itemByName = db.Query[item](schema, "SELECT id, name, rank, parent FROM item WHERE name = $1")
	itemByID   = db.Query[item](schema, "SELECT id, name, rank, parent FROM item WHERE id = $1")
	allItems   = db.Query[item](schema, "SELECT id, name, rank, parent FROM item ORDER BY id LIMIT $1")
	itemsIn    = db.Query[int](schema, "SELECT rank FROM item WHERE rank IN ($1...) ORDER BY rank LIMIT 1000")
	itemsNotIn = db.Query[int](schema, "SELECT rank FROM item WHERE rank NOT IN ( $1... ) ORDER BY rank LIMIT 1000")
	namesIn    = db.Query[string](schema, "SELECT name FROM item WHERE name IN ($2...) AND rank >= $1 AND rank IN ($3...) ORDER BY rank LIMIT 1000")
	ordered    = db.Query[string](schema, "SELECT name FROM item WHERE rank >= $1 ORDER BY {0}{1} LIMIT 1000",
		db.Choice{"": "rank", "name": "name", "nothing": "length(name) - length(name), rank"}, db.Choice{"": "", "down": " DESC"})
	like     = db.Query[string](schema, "SELECT name FROM item WHERE name LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 1000")
	likeBare = db.Query[string](schema, "SELECT name FROM item WHERE name LIKE $1 ORDER BY id LIMIT 1000")
	endless  = db.Query[int64](schema, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT count(*) FROM n")

	insertValue  = db.Returning[int64](schema, "INSERT INTO value (i, f, s, b, flag, at, j) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id")
	valueByID    = db.Query[value](schema, "SELECT id, i, f, s, b, flag, at, j FROM value WHERE id = $1")
	namedByID    = db.Query[named](schema, "SELECT i, f, s, b, flag FROM value WHERE id = $1")
	nullableByID = db.Query[nullable](schema, "SELECT i, f, s, b, flag, at, j FROM value WHERE id = $1")
	intByID      = db.Query[int64](schema, "SELECT i FROM value WHERE id = $1")
	int8ByID     = db.Query[int8](schema, "SELECT i FROM value WHERE id = $1")
	uintByID     = db.Query[uint64](schema, "SELECT i FROM value WHERE id = $1")
	textByID     = db.Query[string](schema, "SELECT s FROM value WHERE id = $1")
	timeByID     = db.Query[time.Time](schema, "SELECT at FROM value WHERE id = $1")
	sizedRow     = db.Query[sized](schema, "SELECT CAST($1 AS BIGINT) AS a, CAST($2 AS BIGINT) AS b, CAST($3 AS BIGINT) AS c, CAST($4 AS BIGINT) AS d, CAST($5 AS BIGINT) AS e, CAST($6 AS BIGINT) AS f, CAST($7 AS BIGINT) AS g, CAST($8 AS BIGINT) AS h, CAST($9 AS BIGINT) AS i, CAST($10 AS BIGINT) AS j")
	timesBefore  = db.Query[time.Time](schema, "SELECT at FROM value WHERE at < $1 ORDER BY at LIMIT 1000")
)

// What follows is not part of a site that would start.
var (
	wrong = db.From(files, "migrations").Named("wrong")

	_ = db.Query[item](wrong, "SELECT id, name, rank, parent FROM itm LIMIT 1")
	_ = db.Query[item](wrong, "SELECT id, nam, rank, parent FROM item LIMIT 1")
	_ = db.Query[item](wrong, "SELECT id, name, rank FROM item LIMIT 1")
	_ = db.Query[struct{ Nmae string }](wrong, "SELECT name FROM item LIMIT 1")
	_ = db.Query[string](wrong, "SELECT id, name FROM item LIMIT 1")
	_ = db.Query[string](wrong, "SELECT name FROM item WHERE id = ?")
	_ = db.Query[string](wrong, "SELECT name FROM item WHERE id = :id")
	_ = db.Query[string](wrong, "SELECT name FROM item WHERE id = $2 LIMIT $3")
	_ = db.Query[string](wrong, "SELECT name FROM item WHERE id = $1x")
	_ = db.Query[string](wrong, "SELECT name FROM item; DELETE FROM item")
	_ = db.Query[string](wrong, "-- nothing")
	_ = db.Query[string](wrong, "DELETE FROM item RETURNING name")
	_ = db.Query[string](wrong, "WITH x AS (SELECT 1) DELETE FROM item RETURNING name")
	_ = db.Exec(wrong, "DELETE FROM item RETURNING name")
	_ = db.Exec(wrong, "SELECT name FROM item")
	_ = db.Returning[string](wrong, "DELETE FROM item")
	_ = db.Exec(wrong, "DROP TABLE item")
	_ = db.Exec(wrong, "COMMIT")
	_ = db.Exec(wrong, "INSERT INTO item (name, rank) VALUES ($1)")
	_ = db.Query[string](wrong, "SELECT name FROM item ORDER BY {0} LIMIT 1")
	_ = db.Query[string](wrong, "SELECT name FROM item ORDER BY {0} LIMIT 1", db.Choice{"up": "name"})
	_ = db.Query[string](wrong, "SELECT name FROM item LIMIT 1", db.Choice{"": "name"})
	_ = db.Query[string](wrong, "SELECT name FROM item ORDER BY {0} LIMIT 1", db.Choice{"": "name", "bad": "nmae"})
	_ = db.Query[string](wrong, "SELECT name FROM item ORDER BY {0} LIMIT 1", db.Choice{"": "name", "bad": "name --"})
	_ = db.Query[string](wrong, "SELECT name FROM item WHERE rank = $1...")
	_ = db.Query[string](wrong, "SELECT name FROM item WHERE rank IN ($1...) AND rank > $1")
	_ = db.Query[struct{ Name any }](wrong, "SELECT name FROM item LIMIT 1")
	_ = db.Query[time.Time](wrong, "SELECT rank FROM item LIMIT 1")
)

// wrongRules are the rules of the statements of wrong, in their order.
var wrongRules = []string{
	"MRL-SQL-003", "MRL-SQL-003", "MRL-SQL-004", "MRL-SQL-004", "MRL-SQL-004",
	"MRL-SQL-005", "MRL-SQL-005", "MRL-SQL-005", "MRL-SQL-005",
	"MRL-SQL-006", "MRL-SQL-006", "MRL-SQL-007", "MRL-SQL-007",
	"MRL-SQL-008", "MRL-SQL-002", "MRL-SQL-008", "MRL-SQL-002", "MRL-SQL-002", "MRL-SQL-002",
	"MRL-SQL-009", "MRL-SQL-009", "MRL-SQL-009", "MRL-SQL-003", "MRL-SQL-009",
	"MRL-SQL-010", "MRL-SQL-010", "MRL-SQL-011", "MRL-SQL-018",
}

var (
	limitless = db.From(files, "migrations").Named("limitless")

	_ = db.Query[string](limitless, "SELECT name FROM item ORDER BY id")                                   // found
	_ = db.Query[string](limitless, "SELECT name FROM item WHERE rank IN (SELECT rank FROM item LIMIT 1)") // found: the limit is not its own
	_ = db.Query[int64](limitless, "SELECT count(*) FROM item GROUP BY rank")                              // found
	_ = db.Query[string](limitless, "SELECT 'a' UNION ALL SELECT name FROM item")                          // found
	_ = db.Query[string](limitless, "SELECT name FROM item WHERE rank > $1")                               // found
	_ = db.Query[string](limitless, "SELECT name FROM item ORDER BY id LIMIT $1")
	_ = db.Query[string](limitless, "SELECT name FROM item WHERE id = $1")
	_ = db.Query[int64](limitless, "SELECT rank FROM item WHERE name = $1")
	_ = db.Query[int64](limitless, "SELECT count(*) FROM item")
	_ = db.Query[int64](limitless, "SELECT coalesce(max(rank), 0) FROM item WHERE rank > $1")
	_ = db.Query[bool](limitless, "SELECT EXISTS (SELECT 1 FROM item WHERE rank > $1)")
	_ = db.Query[string](limitless, "SELECT name FROM item WHERE id IN ($1...)")
)

// limitlessFound is how many of them have no limit.
const limitlessFound = 5

// The same schema as an older program has it, and one with a migration that breaks a reference.
var (
	edited       = db.From(files, "edited").Named("suite")
	older        = db.From(files, "older").Named("suite")
	brokenSchema = db.From(files, "broken").Named("broken")
	strange      = db.From(files, "older").Named("strange")
	strangeQuery = db.Query[int64](strange, "SELECT count(*) FROM item")
)

// Texts that were never verified, as a laundered one would be.
var (
	unverified    = db.From(files, "migrations").Named("suite")
	deleteByQuery = db.Query[string](unverified, "DELETE FROM item RETURNING name")
	insertByQuery = db.Query[string](unverified, "INSERT INTO item (name) VALUES ('written by a query') RETURNING name")
	commitByQuery = db.Query[string](unverified, "COMMIT")
	twoByQuery    = db.Query[string](unverified, "SELECT name FROM item; DELETE FROM item")
	commitByExec  = db.Exec(unverified, "COMMIT")
	dropByExec    = db.Exec(unverified, "DROP TABLE item")
)
