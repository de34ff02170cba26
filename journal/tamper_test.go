package journal_test

import (
	"embed"
	"testing"

	"github.com/merlon-web/merlon/db"
)

//go:embed testdata/none
var none embed.FS

// tamper is what someone who got into the database does: statements of another schema over the journal's tables.
var tamper = db.From(none, "testdata/none").Named("tamper")

// tamperings are one change each to row 3 of 6, and what Verify must say: the link that breaks first.
var tamperings = map[string]struct {
	do    *db.Statement[db.Affected]
	first int64
}{
	"at edited":                  {db.Exec(tamper, "UPDATE merlon_event SET at = at + 1 WHERE seq = 3"), 3},
	"id edited":                  {db.Exec(tamper, "UPDATE merlon_event SET id = 'MRL-TEST-002' WHERE seq = 3"), 3},
	"property edited":            {db.Exec(tamper, "UPDATE merlon_event SET property = 'availability' WHERE seq = 3"), 3},
	"outcome edited":             {db.Exec(tamper, "UPDATE merlon_event SET outcome = 'failed' WHERE seq = 3"), 3},
	"title edited":               {db.Exec(tamper, "UPDATE merlon_event SET title = '' WHERE seq = 3"), 3},
	"request edited":             {db.Exec(tamper, "UPDATE merlon_event SET request = 'r9' WHERE seq = 3"), 3},
	"method edited":              {db.Exec(tamper, "UPDATE merlon_event SET method = 'GET' WHERE seq = 3"), 3},
	"route edited":               {db.Exec(tamper, "UPDATE merlon_event SET route = '/' WHERE seq = 3"), 3},
	"client edited":              {db.Exec(tamper, "UPDATE merlon_event SET client = '192.0.2.99' WHERE seq = 3"), 3},
	"user edited":                {db.Exec(tamper, "UPDATE merlon_event SET user_id = 7 WHERE seq = 3"), 3},
	"detail edited":              {db.Exec(tamper, "UPDATE merlon_event SET detail = '{}' WHERE seq = 3"), 3},
	"text moved between columns": {db.Exec(tamper, "UPDATE merlon_event SET method = method || route, route = '' WHERE seq = 3"), 3},
	"seq edited":                 {db.Exec(tamper, "UPDATE merlon_event SET seq = 30 WHERE seq = 3"), 3},
	"link edited":                {db.Exec(tamper, "UPDATE merlon_event SET link = 30 WHERE seq = 3"), 3},
	"prev edited":                {db.Exec(tamper, "UPDATE merlon_event SET prev = zeroblob(32) WHERE seq = 3"), 3},
	"hash edited":                {db.Exec(tamper, "UPDATE merlon_event SET hash = zeroblob(32) WHERE seq = 3"), 3},
	"hash cut":                   {db.Exec(tamper, "UPDATE merlon_event SET hash = substr(hash, 1, 16) WHERE seq = 3"), 3},
	"hash taken away":            {db.Exec(tamper, "UPDATE merlon_event SET hash = NULL WHERE seq = 3"), 3},
	"unlinked":                   {db.Exec(tamper, "UPDATE merlon_event SET link = NULL, prev = NULL, hash = NULL WHERE seq = 3"), 3},
	"deleted":                    {db.Exec(tamper, "DELETE FROM merlon_event WHERE seq = 3"), 3},
	"first deleted":              {db.Exec(tamper, "DELETE FROM merlon_event WHERE seq = 1"), 1},
	"last deleted":               {db.Exec(tamper, "DELETE FROM merlon_event WHERE seq = 6"), 6},
	"all deleted":                {db.Exec(tamper, "DELETE FROM merlon_event WHERE seq > 0"), 1},
	"inserted before the first": {db.Exec(tamper, `INSERT INTO merlon_event (seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash)
		SELECT 100, at, id, property, outcome, title, request, method, route, client, user_id, detail, 0, prev, hash FROM merlon_event WHERE seq = 3`), 0},
	"inserted after the last": {db.Exec(tamper, `INSERT INTO merlon_event (seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash)
		SELECT 100, at, id, property, outcome, title, request, method, route, client, user_id, detail, 7, prev, hash FROM merlon_event WHERE seq = 3`), 7},
	"head moved back":    {db.Exec(tamper, "UPDATE merlon_event_chain SET head_link = 5 WHERE one = 1"), 7},
	"head hash edited":   {db.Exec(tamper, "UPDATE merlon_event_chain SET head_hash = zeroblob(32) WHERE one = 1"), 7},
	"head damaged":       {db.Exec(tamper, "UPDATE merlon_event_chain SET head_hash = zeroblob(3) WHERE one = 1"), 0},
	"anchor damaged":     {db.Exec(tamper, "UPDATE merlon_event_chain SET anchor_hash = zeroblob(3) WHERE one = 1"), 0},
	"ends deleted":       {db.Exec(tamper, "DELETE FROM merlon_event_chain WHERE one = 1"), 0},
	"anchor moved":       {db.Exec(tamper, "UPDATE merlon_event_chain SET anchor_link = 2, anchor_hash = (SELECT hash FROM merlon_event WHERE link = 2) WHERE one = 1"), 2},
	"anchor hash edited": {db.Exec(tamper, "UPDATE merlon_event_chain SET anchor_hash = (SELECT hash FROM merlon_event WHERE link = 2) WHERE one = 1"), 0},
}

var (
	swapAway     = db.Exec(tamper, "UPDATE merlon_event SET link = 1000 WHERE link = 3")
	swapHere     = db.Exec(tamper, "UPDATE merlon_event SET link = 3 WHERE link = 4")
	swapBack     = db.Exec(tamper, "UPDATE merlon_event SET link = 4 WHERE link = 1000")
	spoilDetail  = db.Exec(tamper, "UPDATE merlon_event SET detail = 'no \"JSON' WHERE seq = 2")
	deleteBorder = db.Exec(tamper, "DELETE FROM merlon_event WHERE link = (SELECT head_link FROM merlon_event_chain) - 1000")
	damageBorder = db.Exec(tamper, "UPDATE merlon_event SET hash = NULL WHERE link = (SELECT head_link FROM merlon_event_chain) - 1000")
	damageHead   = db.Exec(tamper, "UPDATE merlon_event_chain SET head_hash = zeroblob(3) WHERE one = 1")
	deleteOld    = db.Exec(tamper, "DELETE FROM merlon_event WHERE link <= 2")
	moveAnchor   = db.Exec(tamper, "UPDATE merlon_event_chain SET anchor_link = 2, anchor_hash = (SELECT prev FROM merlon_event WHERE link = 3) WHERE one = 1")
	resetChain   = db.Exec(tamper, "UPDATE merlon_event_chain SET head_link = 0, head_hash = zeroblob(32) WHERE one = 1")
	unlinkAll    = db.Exec(tamper, "UPDATE merlon_event SET link = NULL, prev = NULL, hash = NULL WHERE seq <> 3")
	deleteOne    = db.Exec(tamper, "DELETE FROM merlon_event WHERE seq = 3")
	deleteEnd    = db.Exec(tamper, "DELETE FROM merlon_event WHERE link > 4")
	headBack     = db.Exec(tamper, "UPDATE merlon_event_chain SET head_link = 4, head_hash = (SELECT hash FROM merlon_event WHERE link = 4) WHERE one = 1")
)

type refusalCount struct{ Rows, Total int64 }

var countQuery = db.Query[refusalCount](tamper, "SELECT COUNT(*) AS rows, COALESCE(SUM(count), 0) AS total FROM merlon_refusal")

func countRefusals(t testing.TB, from db.Querier) []refusalCount {
	t.Helper()
	all, err := countQuery.All(from)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
