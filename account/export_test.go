package account

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// Sweep runs the part's sweep at once.
func Sweep(h *merlon.House) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	return a.sweep(context.Background(), h)
}

// IssueReset makes a reset link, and returns its code.
func IssueReset(w *db.Writer, user int64, email string, now time.Time) (string, error) {
	return issue(w, resetTicket, user, email, now)
}

// CodeLink makes a link for the second step, and returns its path.
func CodeLink(w *db.Writer, user int64, email string, now time.Time) (string, error) {
	code, err := issue(w, codeTicket, user, email, now)
	return "/account/link/" + string(codeTicket) + "/" + code, err
}

// Remember makes a remembered browser, trusted or not, and returns its id.
func Remember(w *db.Writer, user int64, label string, now, trusted time.Time) (int64, error) {
	id, err := insertDevice.Run(w, user, hashOf(newCode()), label, now.UnixMicro(), now.UnixMicro(), 1)
	if err == nil {
		_, err = trustDevice.Run(w, id, user, micros(trusted))
	}
	return id, err
}

// OnReserve runs something whenever an attempt is counted: after what a request has read, and before its transaction.
func OnReserve(h *merlon.House, do func()) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	own := *h
	own.Limits, err = throttle.New(throttle.Config{Store: onReserve{throttle.NewStore(h.Engine), do}, Clock: h.Clock, Key: make([]byte, 32)})
	a.house = &own
	return err
}

type onReserve struct {
	throttle.Store
	do func()
}

func (s onReserve) Reserve(ctx context.Context, now int64, asks []throttle.Ask) (throttle.Answer, error) {
	s.do()
	return s.Store.Reserve(ctx, now, asks)
}

// BeginAppElsewhere puts another secret of an app into the session of a cookie, whose token stays.
func BeginAppElsewhere(h *merlon.House, w *db.Writer, cookie string) error {
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "/", nil)
	if err != nil {
		return err
	}
	r.AddCookie(&http.Cookie{Name: h.Sessions.CookieName(), Value: cookie})
	state, err := h.Sessions.Load(w, r)
	if err != nil {
		return err
	}
	sw, err := h.Sessions.Begin(state, w)
	if err != nil {
		return err
	}
	freshAppKey.Set(sw, freshApp{Secret: newTOTPSecret()})
	return sw.Save()
}

// Words tells whether users read an event of a rule in their language.
func Words(id string) bool { return logWords[id].words != "" }

// Foreign returns how many hashes were computed, and how many of them of an imported kind.
func Foreign(h *merlon.House) (all, foreign uint64, err error) {
	a, err := of(h)
	if err != nil {
		return 0, 0, err
	}
	stats := a.hasher.Stats()
	return stats.Hashed, stats.Foreign, nil
}

// KindOf is what the site's hasher calls the cost of a hash.
func KindOf(h *merlon.House, hash string) string {
	a, err := of(h)
	if err != nil {
		panic(err)
	}
	return a.hasher.Kind(hash)
}

// LikeFor returns the hash whose work is done for an address without an account.
func LikeFor(h *merlon.House, email string) (string, error) {
	a, err := of(h)
	if err != nil {
		return "", err
	}
	return a.likeFor(email), nil
}

// SetHash stores a hash in the place of an account's, as a sign-in does that upgrades it.
func SetHash(w *db.Writer, user int64, hash string) error {
	row, err := userByID.One(w, user)
	if err != nil {
		return err
	}
	_, err = updateHash.Run(w, user, hash, row.Password)
	return err
}

// TellGuessed tells the owners now whose accounts were guessed.
func TellGuessed(ctx context.Context, h *merlon.House) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	return a.tellGuessed(ctx, h)
}

// NewHasher is the hasher of a site whose config sets no costs.
func NewHasher(ctx context.Context, h *merlon.House) (*password.Hasher, error) {
	return newHasher(ctx, h, password.Params{})
}

// SpendReset uses a reset link up, without the page and the peek before it.
func SpendReset(w *db.Writer, code string, now time.Time) (bool, error) {
	_, fate, err := use(w, resetTicket, hashOf(code), now)
	return fate == linkWorks, err
}

// TicketHashes returns what rests of all links.
func TicketHashes(q db.Querier) (text string, err error) {
	rows, err := allTickets.All(q)
	for _, row := range rows {
		text += string(row.Hash) + "\n"
	}
	return text, err
}

// ShutOut disables an account and nothing else: its sessions go on.
func ShutOut(w *db.Writer, user int64, at time.Time) error {
	_, err := updateDisable.Run(w, user, at.UnixMicro())
	return err
}

// EnterByOne signs a user in by one factor, past the question for the second.
func EnterByOne[U any](w *merlon.Write[U], user int64) (*merlon.Response, error) {
	a, err := of(w.House())
	if err != nil {
		return nil, err
	}
	row, err := userByID.One(w.DB, user)
	if err != nil {
		return nil, err
	}
	return merlon.Redirect("/"), enter(a, w, row, proof{factors: 1})
}

var allTickets = db.Query[ticketRow](schema, "SELECT "+ticketColumns+" FROM merlon_ticket ORDER BY created LIMIT 100")

// FillLine fills the line of hashes of a site, until free is called: whoever comes meanwhile is told to come again.
func FillLine(ctx context.Context, h *merlon.House) (free func(), err error) {
	a, err := of(h)
	if err != nil {
		return nil, err
	}
	before, held := a.hasher, make(chan struct{})
	clock := func() time.Time { // it is read by who has the one slot
		<-held
		return h.Clock()
	}
	full, err := password.New(password.Config{Pepper: h.Keys.For("merlon/password/v1"), Clock: clock, Params: testCost, InsecureCosts: "a test", Slots: 1, Places: 1, KnownPlaces: 1})
	if err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { _, _ = full.Hash(ctx, secret.New("a password of nobody"), password.From{Network: "x"}) })
	}
	for s := full.Stats(); s.Working+s.Waiting < 2; s = full.Stats() {
		time.Sleep(time.Millisecond)
	}
	a.hasher = full
	return func() {
		a.hasher = before
		close(held)
		all.Wait()
	}, nil
}

// Schema is the part's.
var Schema = schema

var setCost = db.Exec(schema, "INSERT INTO merlon_cost (id, memory, passes) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET memory = excluded.memory, passes = excluded.passes")

// KeepCost keeps another cost of hashes.
func KeepCost(w *db.Writer, memory, passes int64) error {
	_, err := setCost.Run(w, memory, passes)
	return err
}
