package session

import (
	"errors"
	"time"

	"github.com/merlon-web/merlon/db"
)

// A Row is what a store keeps of a session. All but Data is readable without the cookie, because lists, jobs and revocation
// need it; Data is sealed. Times are Unix microseconds, 0 is never.
type Row struct {
	ID       int64  // names the session in lists, forms and logs; rises; no secret and no key to it
	Key      Digest // SHA-256 of the token
	User     int64  // 0: a visitor who is not signed in
	Class    Class
	Factors  int
	How      string // by what it was signed in
	Remember bool
	Recent   int64 // last step-up
	Created  int64 // sign-in, or the first value of a visitor
	Seen     int64 // last use, coarse: [Coarse]
	Idle     int64 // ends then, if not used before
	Absolute int64 // ends then; never moves
	Ended    int64 // when it was revoked; 0: it was not
	Reason   string
	Device   string // label of the browser
	Network  string // prefix of the address it began from
	Version  int64  // rises with each write of Data
	Data     []byte // sealed values; empty once ended
}

// alive reports whether the row is a session at the time now, last used at seen.
func (r *Row) alive(now, seen int64, idle time.Duration) bool {
	if seen < r.Seen {
		seen = r.Seen
	}
	end := r.Idle
	if own := seen + idle.Microseconds(); seen > r.Seen || own < end {
		end = own // used since the row was written, or the owner has shortened the idle time since
	}
	return r.Ended == 0 && now < r.Absolute && now < end && now+Skew.Microseconds() >= seen
}

func (r *Row) level() Level {
	l := Level{User: r.User, Factors: r.Factors, Class: r.Class, Remember: r.Remember, How: r.How}
	if r.Recent != 0 {
		l.Recent = time.UnixMicro(r.Recent)
	}
	return l
}

// A Use is what a process saw of one session since its row was last written, for [Store.Touch].
type Use struct {
	Key   Digest
	First int64 // the first use; between it and the last the session was never idle for too long
	Seen  int64 // the last use
	Idle  int64 // the new idle deadline, never past the absolute one
}

// A Ref names a row for [Store.Delete], in the store's own way and order.
type Ref string

// ErrNoRow is what a [Store] answers for a key that it does not have.
var ErrNoRow = errors.New("session: no such row")

// A Store keeps rows by the digest of their tokens. It never sees a token, nor what is sealed. Package sessiontest proves a
// store; session.NewStore is the one in the site's own database, which most sites use.
//
// A row that was damaged beside the site stops nothing: it is no session ([RuleRow]) or one whose seal is broken ([RuleSeal]), lists
// go on without what cannot be read of it, EndAll and Delete take it away.
//
// Methods are called with the request's own reader or writer, and do what they do within that transaction; a store outside
// the database uses only its context. All are safe for concurrent use.
type Store interface {
	// Schema returns the store's migrations and statements, nil when it keeps no tables.
	Schema() *db.Schema
	// Get returns a row, ended or not, without Device and Network; [ErrNoRow] if there is none. It never writes. Data is the
	// caller's own: the values are unsealed in its place.
	Get(q db.Querier, key Digest) (Row, error)
	// Insert adds a row and returns its id. A key that is there, ended or not, is an error and changes nothing.
	Insert(w *db.Writer, row *Row) (int64, error)
	// Update writes Data, Version, Seen and Idle of the row with row.Key, if it is not ended and its version is exactly
	// row.Version-1; else it reports false and changes nothing. It never inserts: a session does not rise again.
	Update(w *db.Writer, row *Row) (bool, error)
	// End marks a row as ended and throws its Data away. It reports false if there is no such row or it has ended before.
	End(w *db.Writer, key Digest, at int64, reason string) (bool, error)
	// EndAll ends every row that has not ended, and returns how many, with those that are damaged.
	EndAll(w *db.Writer, at int64, reason string) (int64, error)
	// OfUser returns rows of a user (never 0) that have not ended or expired at the time now, without Data, the one unseen
	// for longest first, at most limit. With an earlier time than the present one rows that have expired since are among them.
	OfUser(q db.Querier, user, now int64, limit int) ([]Row, error)
	// Page returns such rows of all users with an ID below the given one (0: from the newest), newest first, at most limit.
	Page(q db.Querier, below, now int64, limit int) ([]Row, error)
	// Count returns how many rows of users (not 0) have not ended or expired at the time now.
	Count(q db.Querier, now int64) (int64, error)
	// Touch sets Seen and Idle of rows that have not ended, were not idle for too long at the first use nor past their
	// absolute deadline at the last, and were not seen later.
	Touch(w *db.Writer, uses []Use) error
	// Dead returns references to rows that ended or expired before the time, rising, after the given one ("": from the start),
	// at most limit. There may be one among them that a use has kept alive.
	Dead(q db.Querier, after Ref, before int64, limit int) ([]Ref, error)
	// Delete removes rows by such references, each only if it ended or expired before the time; and returns how many.
	Delete(w *db.Writer, refs []Ref, before int64) (int64, error)
}
