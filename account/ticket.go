package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/throttle"
)

// A ticket is a link that works once: mailed, or printed by a command. The table keeps the hash of its code, so that a copy
// of the database opens nothing.
type ticket string

// The kinds of tickets.
const (
	verifyTicket ticket = "verify"  // the address is the visitor's
	resetTicket  ticket = "reset"   // a new password
	notMeTicket  ticket = "not-me"  // what a notice told of was somebody else
	addedTicket  ticket = "added"   // the same of a factor that was added: it goes
	moveTicket   ticket = "move"    // the new address is the user's
	undoTicket   ticket = "undo"    // the old address comes back
	enrolTicket  ticket = "enrol"   // a first password for an account that was made for somebody
	inviteTicket ticket = "invite"  // sign-up where it is closed
	setupTicket  ticket = "setup"   // the first administrator
	returnTicket ticket = "restore" // an account that was to be deleted stays
	codeTicket   ticket = "code"    // tries at the second step, in the browser that opens it
	noTicket     ticket = "none"    // opens nothing: see [decoy]
	noNotMe      ticket = "none-me" // in the place of "that was not me", where there is nobody
)

// ticketLives are how long tickets can be used (OWASP ASVS 5.0 6.5.5: mailed codes at most 10 minutes; a reset link half an
// hour, since mail may be slow; what is handed from person to person a day; an undo as long as a holiday's mail waits).
var ticketLives = map[ticket]time.Duration{
	verifyTicket: 10 * time.Minute,
	resetTicket:  30 * time.Minute,
	notMeTicket:  7 * 24 * time.Hour,
	addedTicket:  7 * 24 * time.Hour,
	moveTicket:   30 * time.Minute,
	undoTicket:   7 * 24 * time.Hour,
	enrolTicket:  24 * time.Hour,
	inviteTicket: 24 * time.Hour,
	setupTicket:  15 * time.Minute,
	returnTicket: leaveAfter,
	codeTicket:   time.Hour,          // three an hour are mailed: there is always one that works, or a next one
	noTicket:     30 * time.Minute,   // what opens nothing lies as long, and in as many places of the index, as what it is taken for
	noNotMe:      7 * 24 * time.Hour, //
}

type ticketRow struct {
	Hash    []byte
	Kind    string
	User    int64
	Email   string
	Created int64
	Expires int64
}

var (
	findTicket   = db.Query[ticketRow](schema, "SELECT hash, kind, \"user\", email, created, expires FROM merlon_ticket WHERE hash = $1 LIMIT 1")
	insertTicket = db.Exec(schema, "INSERT INTO merlon_ticket (hash, kind, \"user\", email, created, expires) VALUES ($1, $2, $3, $4, $5, $6)")
	useTicket    = db.Returning[ticketRow](schema, "DELETE FROM merlon_ticket WHERE hash = $1 AND kind = $2 AND expires > $3 RETURNING hash, kind, \"user\", email, created, expires")
	voidTickets  = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1 AND kind = $2")
	voidOfUser   = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1")
	voidAsked    = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1 AND kind IN ('verify', 'reset', 'move', 'enrol')")
	sweepTickets = db.Exec(schema, "DELETE FROM merlon_ticket WHERE expires < $1")
)

func newCode() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashOf(code string) []byte {
	h := sha256.Sum256([]byte(code))
	return h[:]
}

// issue makes a ticket and returns its code, which is kept nowhere. The email is the address that the ticket is about.
func issue(w *db.Writer, kind ticket, user int64, email string, now time.Time) (string, error) {
	code := newCode()
	_, err := insertTicket.Run(w, hashOf(code), string(kind), user, email, now.UnixMicro(), now.Add(ticketLives[kind]).UnixMicro())
	return code, err
}

// reissue makes a ticket in the place of those that the user has of its kind: of several mails only the last one's link works.
func reissue(w *db.Writer, kind ticket, user int64, email string, now time.Time) (string, error) {
	if _, err := voidTickets.Run(w, user, string(kind)); err != nil {
		return "", err
	}
	return issue(w, kind, user, email, now)
}

// peek looks at a ticket without using it.
func peek(from db.Querier, kind ticket, hash []byte, now time.Time) (ticketRow, bool, error) {
	row, err := findTicket.One(from, hash)
	if errors.Is(err, db.ErrNoRow) {
		return ticketRow{}, false, nil
	}
	return row, err == nil && row.Kind == string(kind) && row.Expires > now.UnixMicro(), err
}

// use uses a ticket up, in the transaction of what it permits: of fifty at once one succeeds.
func use(w *db.Writer, kind ticket, hash []byte, now time.Time) (ticketRow, bool, error) {
	row, err := useTicket.Run(w, hash, string(kind), now.UnixMicro())
	if errors.Is(err, db.ErrNoRow) {
		return ticketRow{}, false, nil
	}
	return row, err == nil, err
}

// endAsked makes worthless what leads to something that was asked for: whoever knew the old password, or reads the old
// mailbox, may have asked for it. It goes with each change of password or address, and with a deletion.
func endAsked(w *db.Writer, user int64) error {
	_, err := voidAsked.Run(w, user)
	return err
}

// void makes the user's tickets of these kinds worthless, without kinds all of them.
func void(w *db.Writer, user int64, kinds ...ticket) error {
	if len(kinds) == 0 {
		_, err := voidOfUser.Run(w, user)
		return err
	}
	for _, k := range kinds {
		if _, err := voidTickets.Run(w, user, string(k)); err != nil {
			return err
		}
	}
	return nil
}

// held is what a link is traded for: the code's hash, in a sealed cookie.
type held struct {
	Kind  ticket `json:"k"`
	Hash  []byte `json:"h"`
	Proof []byte `json:"p,omitempty"` // of the sign-up of this browser, see [signedUp]
}

// ticketStep is the cookie that a mailed link is traded for.
var ticketStep = merlon.NewStep[held]("ticket", pageLife)

// LinkCode is the last part of a link.
type LinkCode struct {
	Code string `path:"code,max=64"`
}

// openLink trades a mailed link for a step at once: the code leaves the address bar, and nothing happens before the button
// of the next page is pressed, so that programs which open the links of mails do no harm.
func (a *part) openLink(r *merlon.Read[Guest], in LinkCode) (*merlon.Response, error) {
	row, err := findTicket.One(r.DB, hashOf(in.Code))
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return nil, err
	}
	if err != nil || row.Expires <= r.Now().UnixMicro() {
		return a.noLink(r)
	}
	it := held{Kind: ticket(row.Kind), Hash: row.Hash}
	switch it.Kind {
	case verifyTicket:
		if mine, has := signUpStep.Get(r); has && mine.Email == row.Email {
			it.Proof = mine.Proof // there is one step cookie: this one takes its place
		}
		return merlon.Trade(ticketStep, it, "/account/verify"), nil
	case resetTicket:
		return merlon.Trade(ticketStep, it, "/account/reset"), nil
	case notMeTicket, addedTicket:
		return merlon.Trade(ticketStep, it, "/account/not-me"), nil
	case moveTicket:
		return merlon.Trade(ticketStep, it, "/account/address/confirm"), nil
	case undoTicket:
		return merlon.Trade(ticketStep, it, "/account/address/undo"), nil
	case enrolTicket:
		return merlon.Trade(ticketStep, it, "/account/enrol"), nil
	case inviteTicket:
		return merlon.Trade(ticketStep, it, "/sign-up"), nil
	case returnTicket:
		return merlon.Trade(ticketStep, it, "/account/stay"), nil
	case codeTicket:
		return merlon.Trade(ticketStep, it, "/sign-in/second/open"), nil
	}
	return merlon.Gone(), nil
}

// noLink answers a link that opens nothing, and counts it: who is over the limit gets 429. Only misses are counted and
// refused, since a code of 256 bits cannot be guessed: a neighbour in the network keeps nobody's rescue link out.
func (a *part) noLink(r *merlon.Read[Guest]) (*merlon.Response, error) {
	permit, err := a.house.Limits.Reserve(r.Context(), throttle.Link(r.Client())...)
	if err != nil {
		return nil, err // [throttle.Limited]: 429
	}
	if err := permit.Spend(throttle.ForLink); err != nil {
		return nil, err
	}
	if err := permit.Settle(r.Context(), false); err != nil {
		return nil, err
	}
	r.Record(RuleLink, event.Refused)
	return merlon.Gone(), nil
}

// heldTicket returns the ticket of this kind that the visitor's step names, while it can be used.
func heldTicket(r interface {
	Now() time.Time
}, step held, has bool, from db.Querier, kind ticket) (ticketRow, bool, error) {
	if !has || step.Kind != kind {
		return ticketRow{}, false, nil
	}
	return peek(from, kind, step.Hash, r.Now())
}
