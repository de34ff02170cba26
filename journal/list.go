package journal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/merlon-web/merlon/db"
)

// An Entry is an event of the table.
type Entry struct {
	Seq      int64           `json:"seq"`
	Time     time.Time       `json:"time"`
	ID       string          `json:"id"`
	Property string          `json:"guards"`
	Outcome  string          `json:"outcome"`
	Title    string          `json:"title"`
	Request  string          `json:"request,omitempty"`
	Method   string          `json:"method,omitempty"`
	Route    string          `json:"route,omitempty"`
	Client   string          `json:"client,omitempty"`
	User     int64           `json:"user,omitempty"`
	Detail   json.RawMessage `json:"detail,omitempty"`
	Link     int64           `json:"link,omitempty"` // its place in the chain, 0: not linked yet
	Hash     string          `json:"hash,omitempty"` // hex
}

// A Filter says which entries are wanted. Its zero fields want all.
type Filter struct {
	ID       string // a rule's id, whole
	Property string // integrity, confidentiality, availability
	Outcome  string // refused, failed, done
	User     int64  // who did it
	Account  int64  // whose account the detail "account" names, whoever did it. ID and User are then not minded
	Since    time.Time
	Until    time.Time // not included
	Before   int64     // only seqs below: the last one of the page before
	Limit    int       // at most 500; zero: 50
}

// maxList bounds a list, whatever is asked for.
const maxList = 500

func (f Filter) limit() int64 {
	if f.Limit <= 0 {
		return 50
	}
	return int64(min(f.Limit, maxList))
}

const forever = int64(1<<63 - 1)

func bounds(since, until time.Time) (int64, int64) {
	from, to := -forever, forever
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	if !until.IsZero() {
		to = until.UnixMicro()
	}
	return from, to
}

// A text for each index.
var (
	listAll = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event
		WHERE seq < $1 AND at >= $2 AND at < $3 AND ($4 = '' OR property = $4) AND ($5 = '' OR outcome = $5)
		ORDER BY seq DESC LIMIT $6`)
	listID = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event
		WHERE id = $7 AND seq < $1 AND at >= $2 AND at < $3 AND ($4 = '' OR property = $4) AND ($5 = '' OR outcome = $5)
			AND ($8 = 0 OR user_id = $8)
		ORDER BY seq DESC LIMIT $6`)
	listUser = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event
		WHERE user_id = $7 AND user_id <> 0 AND seq < $1 AND at >= $2 AND at < $3
			AND ($4 = '' OR property = $4) AND ($5 = '' OR outcome = $5)
		ORDER BY seq DESC LIMIT $6`)
	listAccount = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event
		WHERE account = $7 AND seq < $1 AND at >= $2 AND at < $3
			AND ($4 = '' OR property = $4) AND ($5 = '' OR outcome = $5)
		ORDER BY seq DESC LIMIT $6`)
	listExport = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event WHERE at >= $1 AND at < $2 ORDER BY seq`)
)

// List returns the entries that a filter wants, newest first.
func List(from db.Querier, f Filter) ([]Entry, error) {
	before := f.Before
	if before <= 0 {
		before = forever
	}
	since, until := bounds(f.Since, f.Until)
	args := []any{before, since, until, f.Property, f.Outcome, f.limit()}
	query := listAll
	switch {
	case f.Account != 0:
		query, args = listAccount, append(args, f.Account)
	case f.ID != "":
		query, args = listID, append(args, f.ID, f.User)
	case f.User != 0:
		query, args = listUser, append(args, f.User)
	}
	rows, err := query.All(from, args...)
	if err != nil {
		return nil, fmt.Errorf("journal: the events could not be listed: %w", err)
	}
	list := make([]Entry, len(rows))
	for i := range rows {
		list[i] = rows[i].entry()
	}
	return list, nil
}

func (r *row) entry() Entry {
	e := Entry{
		Seq: r.Seq, Time: time.UnixMicro(r.At).UTC(), ID: r.ID, Property: r.Property, Outcome: r.Outcome, Title: r.Title,
		Request: r.Request, Method: r.Method, Route: r.Route, Client: r.Client, User: r.UserID,
	}
	if r.Detail != "{}" && json.Valid([]byte(r.Detail)) {
		e.Detail = json.RawMessage(r.Detail)
	}
	if r.Link != nil {
		e.Link, e.Hash = *r.Link, fmt.Sprintf("%x", r.Hash)
	}
	return e
}

// Export writes the entries of a time, oldest first, as JSON, one a line; the zero times are no bounds. It reads in one
// transaction and holds one entry at a time.
func Export(from db.Querier, to io.Writer, since, until time.Time) (int, error) {
	a, b := bounds(since, until)
	out := bufio.NewWriter(to)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	n := 0
	for r, err := range listExport.Each(from, a, b) {
		if err == nil {
			err = encode.Encode(r.entry())
		}
		if err != nil {
			return n, fmt.Errorf("journal: the events could not be exported: %w", err)
		}
		n++
	}
	return n, out.Flush()
}

// A Refused is a row of counted refusals.
type Refused struct {
	Minute   time.Time
	ID       string
	Network  string // a prefix; "" unknown, [Other] many
	Route    string // method and pattern; "" before routing, [Other] many
	Property string
	Title    string
	Count    int64
	First    time.Time
	Last     time.Time
}

type refusedRow struct {
	Minute   int64
	ID       string
	Network  string
	Route    string
	Property string
	Title    string
	Count    int64
	First    int64
	Last     int64
}

var listRefused = db.Query[refusedRow](schema, `
	SELECT minute, id, network, route, property, title, count, first, last
	FROM merlon_refusal
	WHERE minute >= $1 AND minute < $2 AND ($3 = '' OR id = $3) AND ($4 = '' OR property = $4)
	ORDER BY minute DESC, count DESC, id, network, route LIMIT $5`)

// ListRefused returns counted refusals, newest minute first and there the most frequent. Of the filter it minds ID, Property,
// Since, Until and Limit.
func ListRefused(from db.Querier, f Filter) ([]Refused, error) {
	a, b := int64(0), forever
	if !f.Since.IsZero() {
		a = f.Since.Unix() / 60
	}
	if !f.Until.IsZero() {
		b = (f.Until.Unix() + 59) / 60
	}
	rows, err := listRefused.All(from, a, b, f.ID, f.Property, f.limit())
	if err != nil {
		return nil, fmt.Errorf("journal: the refusals could not be listed: %w", err)
	}
	list := make([]Refused, len(rows))
	for i, r := range rows {
		list[i] = Refused{time.Unix(r.Minute*60, 0).UTC(), r.ID, r.Network, r.Route, r.Property, r.Title, r.Count,
			time.UnixMicro(r.First).UTC(), time.UnixMicro(r.Last).UTC()}
	}
	return list, nil
}
