package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
)

// The link that makes the first administrator: printed by serve, for this machine only, for 15 minutes, once.
const setupLife = 15 * time.Minute

type setupRow struct{ Expires int64 }

var (
	findSetup   = db.Query[setupRow](schema, "SELECT expires FROM merlon_setup WHERE hash = $1 LIMIT 1")
	insertSetup = db.Exec(schema, "INSERT INTO merlon_setup (hash, expires) VALUES ($1, $2)")
	useSetup    = db.Exec(schema, "DELETE FROM merlon_setup WHERE hash = $1 AND expires > $2")
	clearSetup  = db.Exec(schema, "DELETE FROM merlon_setup")
)

// setupStep is what the link is traded for.
type setupStep struct {
	Hash []byte `json:"h"`
}

var step = merlon.NewStep[setupStep]("setup", setupLife)

// SetupPage is the data of the page setup.html.
type SetupPage struct{ Form form.Form[SignUp] }

var setupPage = page.New[SetupPage](pages, "setup.html")

// SetupCode is the last part of the printed link.
type SetupCode struct {
	Code string `path:"code,max=64"`
}

func newCode() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ready makes a new link as long as there is no administrator.
func (a *part) ready(ctx context.Context, h *merlon.House) ([][2]string, error) {
	code := newCode()
	made := false
	err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		n, err := countAdmins.One(w)
		if err != nil || n.N > 0 {
			return err
		}
		if _, err := clearSetup.Run(w); err != nil {
			return err
		}
		hash := sha256.Sum256([]byte(code))
		_, err = insertSetup.Run(w, hash[:], h.Clock().Add(setupLife).UnixMicro())
		made = err == nil
		return err
	})
	if err != nil || !made {
		return nil, err
	}
	return [][2]string{{"first administrator", h.URL("/_merlon/setup/"+code) + "   (this machine only, 15 minutes)"}}, nil
}

// openSetup trades the link for a step at once: the code leaves the address bar.
func (a *part) openSetup(r *merlon.Read[merlon.Visitor], in SetupCode) (*merlon.Response, error) {
	hash := sha256.Sum256([]byte(in.Code))
	ok, err := valid(r.DB, hash[:], r.Now())
	if err != nil {
		return nil, err
	}
	if !ok {
		r.Record(RuleSetupLink, event.Refused)
		return merlon.Gone(), nil
	}
	return merlon.Trade(step, setupStep{hash[:]}, "/_merlon/setup"), nil
}

func valid(from db.Querier, hash []byte, now time.Time) (bool, error) {
	row, err := findSetup.One(from, hash)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	return err == nil && row.Expires > now.UnixMicro(), err
}

func (a *part) showSetup(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	s, ok := step.Get(r)
	if ok {
		var err error
		if ok, err = valid(r.DB, s.Hash, r.Now()); err != nil {
			return nil, err
		}
	}
	if !ok {
		return merlon.Gone(), nil
	}
	return merlon.Show(setupPage, SetupPage{}), nil
}

func (a *part) hashSetup(r *merlon.Read[merlon.Visitor], f form.Form[SignUp]) (hashed, error) {
	in, ok := f.Value()
	s, has := step.Get(r)
	if !ok || !has {
		return hashed{}, nil
	}
	if ok, err := valid(r.DB, s.Hash, r.Now()); err != nil || !ok {
		return hashed{}, err
	}
	_ = r.DB.Close()
	if p := a.problems(r, in.Password, in.Email, in.Name, a.house.Title); len(p) > 0 {
		return hashed{problems: p}, nil
	}
	hash, err := a.hasher.Hash(r.Context(), in.Password, password.From{Network: network(r), Known: true})
	return hashed{hash: hash}, err
}

// setup makes the administrator and uses the link up, in one transaction.
func (a *part) setup(w *merlon.Write[merlon.Visitor], f form.Form[SignUp], h hashed) (*merlon.Response, error) {
	in, ok := f.Value()
	s, has := step.Get(w)
	if !has {
		return merlon.Gone(), nil
	}
	for _, p := range h.problems {
		f, ok = f.Reject("Password", p), false
	}
	if !ok {
		return merlon.ShowStatus(422, setupPage, SetupPage{f}), nil
	}
	if n, err := countAdmins.One(w.DB); err != nil || n.N > 0 {
		return merlon.Gone(), err
	}
	used, err := useSetup.Run(w.DB, s.Hash, w.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	if used.Rows != 1 || h.hash == "" {
		return merlon.Gone(), nil
	}
	id, err := Create(w.DB, in.Email, in.Name, h.hash, w.Now(), Admin)
	if errors.Is(err, ErrExists) {
		return merlon.ShowStatus(422, setupPage, SetupPage{f.Reject("Email", say(w, "account.setup.taken"))}), nil
	}
	if err != nil {
		return nil, err
	}
	step.End(w)
	row := userRow{ID: id, Roles: Admin}
	if err := enter(w, w.Session, row); err != nil {
		return nil, err
	}
	w.Record(RuleFirstAdmin, event.Done)
	return merlon.RedirectLocal(a.home(w)), nil
}
