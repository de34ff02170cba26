package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
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

// ticketTrace is how long after its time the row of a link stays, so that who opens the link is told what became of it.
const ticketTrace = 24 * time.Hour

type ticketRow struct {
	Hash    []byte
	Kind    string
	User    int64
	Email   string
	Created int64
	Expires int64
	Ended   int64 // 0: not yet, else what became of it: ticketUsed, ticketReplaced, ticketVoid
}

// What ends a ticket before its time, in the column ended. The row stays: see [ticketTrace].
const (
	ticketUsed     int64 = 1
	ticketReplaced int64 = 2 // by a newer one of its kind
	ticketVoid     int64 = 3 // by what happened to the account, or to the site
)

const ticketColumns = `hash, kind, "user", email, created, expires, ended`

var (
	findTicket   = db.Query[ticketRow](schema, "SELECT "+ticketColumns+" FROM merlon_ticket WHERE hash = $1 LIMIT 1")
	insertTicket = db.Exec(schema, "INSERT INTO merlon_ticket (hash, kind, \"user\", email, created, expires) VALUES ($1, $2, $3, $4, $5, $6)")
	useTicket    = db.Returning[ticketRow](schema, "UPDATE merlon_ticket SET ended = 1 WHERE hash = $1 AND kind = $2 AND ended = 0 AND expires > $3 AND created <= $4 RETURNING "+ticketColumns)
	unuseTicket  = db.Exec(schema, "UPDATE merlon_ticket SET ended = 0 WHERE hash = $1 AND ended = 1")
	endTickets   = db.Exec(schema, "UPDATE merlon_ticket SET ended = $3 WHERE \"user\" = $1 AND kind = $2 AND ended = 0")
	voidOfUser   = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE \"user\" = $1 AND ended = 0")
	voidAsked    = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE \"user\" = $1 AND kind IN ('verify', 'reset', 'move', 'enrol') AND ended = 0")
	eraseTickets = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1")
	sweepTickets = db.Exec(schema, "DELETE FROM merlon_ticket WHERE expires < $1")
)

// newCode is a text of 256 bits that nobody can guess.
func newCode() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64Strict.EncodeToString(b[:])
}

// newLinkCode is the code of a link: until when it works, so that one that has run out is told from one that was cut off when
// nothing else is known of it any more, and 256 bits that nobody can guess. The time is a claim of whoever has the link, and
// decides what a page says, nothing else. 37 bytes end in a letter, never in "-" or "_", which programs that find the links in a
// text leave out.
func newLinkCode(until time.Time) string {
	var b [linkCodeSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(until.Unix())<<24) // five bytes
	_, _ = rand.Read(b[5:])
	return base64Strict.EncodeToString(b[:])
}

const linkCodeSize = 5 + 32

// claimedEnd is until when a link's code says that it works, false for a text that is none.
func claimedEnd(code string) (time.Time, bool) {
	b, err := base64Strict.DecodeString(code)
	if err != nil || len(b) != linkCodeSize {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)>>24), 0), true
}

func hashOf(code string) []byte {
	h := sha256.Sum256([]byte(code))
	return h[:]
}

// issue makes a ticket and returns its code, which is kept nowhere. The email is the address that the ticket is about.
func issue(w *db.Writer, kind ticket, user int64, email string, now time.Time) (string, error) {
	until := now.Add(ticketLives[kind])
	code := newLinkCode(until)
	_, err := insertTicket.Run(w, hashOf(code), string(kind), user, email, now.UnixMicro(), until.UnixMicro())
	return code, err
}

// reissue makes a ticket in the place of those that the user has of its kind: of several mails only the last one's link works.
func reissue(w *db.Writer, kind ticket, user int64, email string, now time.Time) (string, error) {
	if _, err := endTickets.Run(w, user, string(kind), ticketReplaced); err != nil {
		return "", err
	}
	return issue(w, kind, user, email, now)
}

// A linkFate is what became of a link.
type linkFate int

// The fates of links. The zero value opens nothing.
const (
	linkUnknown  linkFate = iota // there is no such link: it was cut off, or is too old to be known
	linkWorks                    // it can be used
	linkUsed                     // it was used
	linkRanOut                   // its time is over
	linkReplaced                 // a newer one took its place
	linkVoid                     // something happened that ended it
	linkAway                     // the page of a link, in a browser that has none open
	linkOthers                   // it is of another account than the one that is signed in
)

// fate is what became of a row that is there.
func (t ticketRow) fate(kind ticket, now time.Time) linkFate {
	switch {
	case t.Kind != string(kind):
		return linkUnknown
	case t.Ended == ticketUsed:
		return linkUsed
	case t.Ended == ticketReplaced:
		return linkReplaced
	case t.Ended != 0:
		return linkVoid
	case t.Expires <= now.UnixMicro():
		return linkRanOut
	case t.Created > newest(now): // the clock was ahead, and would let it work for as much longer
		return linkRanOut
	}
	return linkWorks
}

// newest is how far in the future a time may lie that was noted before now. The clock may have been set back since, and nothing that
// was made before is to live for longer by it.
func newest(now time.Time) int64 { return now.Add(session.Skew).UnixMicro() }

// peek looks at a ticket without using it.
func peek(from db.Querier, kind ticket, hash []byte, now time.Time) (ticketRow, linkFate, error) {
	row, err := findTicket.One(from, hash)
	if errors.Is(err, db.ErrNoRow) {
		return ticketRow{}, linkUnknown, nil
	}
	if err != nil {
		return ticketRow{}, linkUnknown, err
	}
	return row, row.fate(kind, now), nil
}

// use uses a ticket up, in the transaction of what it permits: of fifty at once one succeeds, and finds linkWorks. The others
// are told what became of it.
func use(w *db.Writer, kind ticket, hash []byte, now time.Time) (ticketRow, linkFate, error) {
	row, err := useTicket.Run(w, hash, string(kind), now.UnixMicro(), newest(now))
	if errors.Is(err, db.ErrNoRow) {
		return peek(w, kind, hash, now)
	}
	if err != nil {
		return ticketRow{}, linkUnknown, err
	}
	return row, linkWorks, nil
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
		if _, err := endTickets.Run(w, user, string(k), ticketVoid); err != nil {
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

// OpenedLink is the address of a mailed link: what it is for, and its code. The kind stands in the address, so that a link that
// is cut off or known to nobody leads to where the next one is asked for, without telling what there is.
type OpenedLink struct {
	Kind string `path:"kind,max=16"`
	Code string `path:"code,max=64"`
}

// openLink trades a mailed link for a step at once: the code leaves the address bar, and nothing happens before the button
// of the next page is pressed, so that programs which open the links of mails do no harm.
func (a *part) openLink(r *merlon.Read[Guest], in OpenedLink) (*merlon.Response, error) {
	kind := ticket(in.Kind)
	if _, mailed := overs[kind]; !mailed {
		return merlon.NotFound(), nil
	}
	row, fate, err := peek(r.DB, kind, hashOf(in.Code), r.Now())
	if err != nil {
		return nil, err
	}
	if fate == linkUnknown {
		if err := a.countMiss(r); err != nil {
			return nil, err
		}
		if until, ok := claimedEnd(in.Code); ok && !until.After(r.Now()) {
			fate = linkRanOut
		}
	}
	if fate != linkWorks {
		r.Record(RuleLink, event.Refused, slog.String("link", string(kind)))
		_, signedUp := signUpStep.Get(r)
		return a.overIn(r, kind, fate, signedUp), nil
	}
	it := held{Kind: kind, Hash: row.Hash}
	switch kind {
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
	return merlon.NotFound(), nil
}

// countMiss counts a link that nobody knows: who is over the limit gets 429. Only misses are counted and refused, since a code
// of 256 bits cannot be guessed: a neighbour in the network keeps nobody's rescue link out.
func (a *part) countMiss(r *merlon.Read[Guest]) error {
	permit, err := a.house.Limits.Reserve(r.Context(), throttle.Link(r.Client())...)
	if err != nil {
		return err // [throttle.Limited]: 429
	}
	if err := permit.Spend(throttle.ForLink); err != nil {
		return err
	}
	return permit.Settle(r.Context(), false)
}

// setupHeld reports whether the visitor's step is the link of the first administrator, and can be used.
func setupHeld(from db.Querier, step held, has bool, now time.Time) (bool, error) {
	if !has || step.Kind != setupTicket {
		return false, nil
	}
	_, fate, err := peek(from, setupTicket, step.Hash, now)
	return fate == linkWorks, err
}
