package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/session"
)

// What no link leads to in this room lies behind a mailed link, a second factor, or a sign-in that is asked for once more. Each
// approach makes a user in that state and goes there.

// a comer is a user who is made for one approach.
type comer struct {
	id       int64
	email    string
	password string
	cookie   string // of a session, written NAME=VALUE; "": nobody's
	link     string // path of a mailed link
	typed    map[string]string
}

// a made password is the same for all comers of a process: hashing is dear.
type madePassword struct {
	mu   sync.Mutex
	text string
	hash string // "": it was not made yet
}

func (a *part) madeHash(ctx context.Context) (text, hash string, err error) {
	m := &a.made
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hash == "" {
		text = newCode()
		if hash, err = a.hasher.Hash(ctx, secret.New(text), fromServer); err != nil {
			return "", "", err // that of this moment: the next one tries again
		}
		m.text, m.hash = text, hash
	}
	return m.text, m.hash, nil
}

// A Comer is a user who is made for one [merlon.Approach] of another part, and is signed in by the password, a moment ago.
type Comer struct {
	Email, Password string
	Cookie          string // of the session, written NAME=VALUE
}

// Comes makes a user for an approach, in a copy of the data that is attacked. The error is that of the database, or says that the
// site has no room account.
func Comes(ctx context.Context, h *merlon.House) (Comer, error) {
	a, err := of(h)
	if err != nil {
		return Comer{}, err
	}
	c, err := a.comes(ctx, h, func(w *db.Writer, c *comer) error { return c.fresh(w, h, nothingMore) })
	return Comer{c.email, c.password, c.cookie}, err
}

// errNoCopy keeps made-up users out of data that is somebody's.
var errNoCopy = errors.New("account: an approach makes users, and takes the administrator's role away: only in a copy of the data (merlon.Drill)")

// comes makes a user whose address is proven, and what an approach needs of it.
func (a *part) comes(ctx context.Context, h *merlon.House, prepare func(w *db.Writer, c *comer) error) (c comer, err error) {
	if h.Mode != merlon.Drill {
		return c, errNoCopy
	}
	text, hash, err := a.madeHash(ctx)
	if err != nil {
		return c, err
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	err = h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
		c = comer{email: "comes-" + hex.EncodeToString(b[:]) + "@drill.invalid", password: text}
		if c.id, err = Create(w, c.email, "Drill", hash, h.Clock()); err != nil {
			return err
		}
		return prepare(w, &c)
	})
	return c, err
}

// signedIn begins a session of the comer's, to which more is written.
func (c *comer) signedIn(w *db.Writer, h *merlon.House, level session.Level, more func(*session.Writer)) (err error) {
	c.cookie, err = madeSession(w, h, level, more)
	return err
}

// madeSession begins a session and returns its cookie.
func madeSession(w *db.Writer, h *merlon.House, level session.Level, more func(*session.Writer)) (string, error) {
	sw, err := h.Sessions.Begin(h.Sessions.Nobody(), w)
	if err != nil {
		return "", err
	}
	if err := sw.Rotate(level); err != nil {
		return "", err
	}
	more(sw)
	if err := sw.Save(); err != nil {
		return "", err
	}
	cookie, ok := sw.Cookie()
	if !ok {
		return "", errors.New("account: the session of a made-up user has no cookie: a drill could not show that it ends; this is a fault of Merlon")
	}
	return cookie.Name + "=" + cookie.Value, nil
}

// fresh is a session that has shown the password just now.
func (c *comer) fresh(w *db.Writer, h *merlon.House, more func(*session.Writer)) error {
	now := h.Clock()
	return c.signedIn(w, h, session.Level{User: c.id, Factors: 1, Recent: now}, func(sw *session.Writer) {
		shownKey.Set(sw, shown{Password: now.UnixMicro()})
		more(sw)
	})
}

// stale is a session whose sign-in is a day ago.
func (c *comer) stale(w *db.Writer, h *merlon.House) error {
	return c.signedIn(w, h, session.Level{User: c.id, Factors: 1, Recent: h.Clock().Add(-24 * time.Hour)}, nothingMore)
}

// waits is a session of nobody in which the password was right, and the code is asked for.
func (c *comer) waits(w *db.Writer, h *merlon.House) error {
	row, err := userByID.One(w, c.id)
	if err != nil {
		return err
	}
	return c.signedIn(w, h, session.Level{}, func(sw *session.Writer) {
		pendingKey.Set(sw, pending{c.id, passwordMark(row), "", h.Clock().Add(pendingLife).UnixMicro()})
	})
}

func nothingMore(*session.Writer) {}

// hasApp gives the comer an app and recovery codes, and has a form's Code be one of them: a code of the app would have to be
// waited for.
func (a *part) hasApp(w *db.Writer, h *merlon.House, c *comer) error {
	now := h.Clock()
	sealed, err := a.sealTOTP(c.id, newTOTPSecret())
	if err != nil {
		return err
	}
	if _, err := insertTOTP.Run(w, c.id, sealed, now.UnixMicro(), 0); err != nil {
		return err
	}
	codes, err := makeCodes(w, c.id, now)
	if err == nil {
		c.typed = map[string]string{"Code": codes[0]}
	}
	return err
}

// holds gives the comer a mailed link.
func (c *comer) holds(w *db.Writer, h *merlon.House, kind ticket, user int64, email string) error {
	code, err := issue(w, kind, user, email, h.Clock())
	c.link = "/account/link/" + string(kind) + "/" + code
	return err
}

// approach is one that makes a comer, and then loads pages.
func (a *part) approach(name string, signedIn bool, prepare func(*db.Writer, *merlon.House, *comer) error, walk func(context.Context, merlon.Browser, *comer) error) merlon.Approach {
	return merlon.Approach{Name: name, SignedIn: signedIn, Go: func(ctx context.Context, h *merlon.House, b merlon.Browser) (map[string]string, error) {
		c, err := a.comes(ctx, h, func(w *db.Writer, c *comer) error { return prepare(w, h, c) })
		if err != nil {
			return nil, err
		}
		if c.cookie != "" {
			b.SetCookie(c.cookie)
		}
		err = walk(ctx, b, &c)
		return c.typed, err
	}}
}

// opens loads the mailed link and arrives at a page.
func opens(at string) func(context.Context, merlon.Browser, *comer) error {
	return func(ctx context.Context, b merlon.Browser, c *comer) error { return loads(ctx, b, c.link, at) }
}

// visits loads pages, and arrives at the last one.
func visits(paths ...string) func(context.Context, merlon.Browser, *comer) error {
	return func(ctx context.Context, b merlon.Browser, _ *comer) error {
		for _, p := range paths {
			if err := loads(ctx, b, p, p); err != nil {
				return err
			}
		}
		return nil
	}
}

// loads loads a page and makes sure that the browser is at a page then.
func loads(ctx context.Context, b merlon.Browser, path, at string) error {
	status, err := b.Get(ctx, path)
	return isAt(b, status, err, at)
}

func isAt(b merlon.Browser, status int, err error, at string) error {
	where, _, _ := strings.Cut(b.Path(), "?")
	if at, _, _ = strings.Cut(at, "?"); err == nil && (status != http.StatusOK || where != at) {
		err = fmt.Errorf("account: %s was to be seen, and %s answered %d", at, where, status)
	}
	return err
}

// approaches are the ways to all pages of the room to which no link leads.
func (a *part) approaches() []merlon.Approach {
	link := func(kind ticket) func(*db.Writer, *merlon.House, *comer) error {
		return func(w *db.Writer, h *merlon.House, c *comer) error { return c.holds(w, h, kind, c.id, c.email) }
	}
	all := []merlon.Approach{
		a.approach("with a mailed link for a new password", false, link(resetTicket), opens("/account/reset")),
		a.approach("with a mailed notice", false, link(notMeTicket), opens("/account/not-me")),
		a.approach("with a mailed link that proves an address", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			c.typed = map[string]string{"Password": c.password}
			_, err := unproveMade.Run(w, c.id)
			return errors.Join(err, c.holds(w, h, verifyTicket, c.id, c.email))
		}, opens("/account/verify")),
		a.approach("whose address was changed", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			return c.holds(w, h, undoTicket, c.id, "was-"+c.email)
		}, opens("/account/address/undo")),
		a.approach("who changes the address", true, func(w *db.Writer, h *merlon.House, c *comer) error {
			return errors.Join(c.fresh(w, h, nothingMore), c.holds(w, h, moveTicket, c.id, "new-"+c.email))
		}, opens("/account/address/confirm")),
		a.approach("for whom an account was made", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			_, err := noPassword.Run(w, c.id)
			return errors.Join(err, c.holds(w, h, enrolTicket, c.id, c.email))
		}, opens("/account/enrol")),
		a.approach("who is invited", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			return c.holds(w, h, inviteTicket, 0, "invited-"+c.email)
		}, opens("/sign-up")),
		a.approach("who leaves", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			_, err := setLeaving.Run(w, c.id, h.Clock().Add(leaveAfter).UnixMicro())
			return errors.Join(err, c.holds(w, h, returnTicket, c.id, c.email))
		}, opens("/account/stay")),
		a.approach("who is asked for a code", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			return errors.Join(a.hasApp(w, h, c), c.waits(w, h))
		}, visits("/sign-in/second")),
		a.approach("of whom no more codes are taken", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			return errors.Join(a.hasApp(w, h, c), c.waits(w, h))
		}, wrongCodes),
		a.approach("with a mailed link for more codes", false, func(w *db.Writer, h *merlon.House, c *comer) error {
			return errors.Join(a.hasApp(w, h, c), c.waits(w, h), c.holds(w, h, codeTicket, c.id, c.email))
		}, func(ctx context.Context, b merlon.Browser, c *comer) error {
			if err := loads(ctx, b, "/sign-in/second/sent", "/sign-in/second/sent"); err != nil {
				return err
			}
			return loads(ctx, b, c.link, "/sign-in/second/open")
		}),
		a.approach("who is asked for a code once more", true, func(w *db.Writer, h *merlon.House, c *comer) error {
			return errors.Join(a.hasApp(w, h, c), c.fresh(w, h, nothingMore))
		}, func(ctx context.Context, b merlon.Browser, _ *comer) error {
			return loads(ctx, b, "/account/address", "/sign-in/again")
		}),
		a.approach("whose form was kept", true, func(w *db.Writer, h *merlon.House, c *comer) error { return c.stale(w, h) }, keptForm),
		a.approach("who sets an app up", true, func(w *db.Writer, h *merlon.House, c *comer) error { return c.fresh(w, h, nothingMore) }, a.setsUp),
		a.approach("who is shown recovery codes", true, func(w *db.Writer, h *merlon.House, c *comer) error {
			codes, err := makeCodes(w, c.id, h.Clock())
			if err != nil {
				return err
			}
			kept := codes[askedCode-1]
			c.typed = map[string]string{"Last": kept[len(kept)-4:]}
			return c.fresh(w, h, func(sw *session.Writer) { freshCodesKey.Set(sw, freshCodes{codes, ""}) })
		}, visits("/account/codes/file", "/account/codes")),
	}
	if !a.cfg.Closed {
		nobody := func(*db.Writer, *merlon.House, *comer) error { return nil }
		all = append(all,
			a.approach("who has just signed up", false, nobody, signsUp),
			a.approach("who opens the mailed link where they signed up", false, nobody, a.opensOwn),
			a.approach("who signed up with a wrong address", false, nobody, func(ctx context.Context, b merlon.Browser, c *comer) error {
				if err := signsUp(ctx, b, c); err != nil {
					return err
				}
				return loads(ctx, b, "/sign-up/change", "/sign-up/change")
			}))
	}
	return append(all,
		merlon.Approach{Name: "with the first administrator's link", Last: true, Go: a.setsSiteUp("/_merlon/setup")},
		merlon.Approach{Name: "who gets an old site back", Last: true, Go: a.setsSiteUp("/_merlon/setup/from-backup")})
}

var (
	unproveMade = db.Exec(schema, "UPDATE merlon_user SET verified = 0 WHERE id = $1")
	noAdmins    = db.Exec(schema, "UPDATE merlon_user SET roles = '' WHERE ',' || roles || ',' LIKE '%,admin,%'")
)

// setsSiteUp opens the first administrator's link of a site that has none any more.
func (a *part) setsSiteUp(at string) func(context.Context, *merlon.House, merlon.Browser) (map[string]string, error) {
	return func(ctx context.Context, h *merlon.House, b merlon.Browser) (map[string]string, error) {
		switch {
		case h.Mode != merlon.Drill:
			return nil, errNoCopy
		case at != "/_merlon/setup" && a.rescuer() == nil:
			return nil, errors.New("account: the site has no part that gets an old site back")
		}
		code := ""
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
			if _, err = noAdmins.Run(w); err == nil {
				code, err = reissue(w, setupTicket, 0, "", h.Clock())
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := loads(ctx, b, "/_merlon/setup/"+code, "/_merlon/setup"); err != nil || at == "/_merlon/setup" {
			return nil, err
		}
		return nil, loads(ctx, b, at, at)
	}
}

// mostCodes is how many wrong codes are typed until no more are taken.
const mostCodes = 30

func wrongCodes(ctx context.Context, b merlon.Browser, _ *comer) error {
	if err := loads(ctx, b, "/sign-in/second", "/sign-in/second"); err != nil {
		return err
	}
	for range mostCodes {
		status, err := b.Submit(ctx, "/sign-in/second", map[string]string{"Code": "000000"})
		if err != nil || status == http.StatusTooManyRequests {
			return err
		}
	}
	return fmt.Errorf("account: %d wrong codes were taken", mostCodes)
}

func keptForm(ctx context.Context, b merlon.Browser, _ *comer) error {
	if err := loads(ctx, b, "/account/app", "/account/app"); err != nil {
		return err
	}
	status, err := b.Submit(ctx, "/account/app/start", nil)
	if err := isAt(b, status, err, "/sign-in/again"); err != nil {
		return err
	}
	return loads(ctx, b, "/_merlon/kept", "/_merlon/kept")
}

var shownSecret = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)

// setsUp begins with an app, and has the form's Code be the one that the app would show.
func (a *part) setsUp(ctx context.Context, b merlon.Browser, c *comer) error {
	if err := loads(ctx, b, "/account/app", "/account/app"); err != nil {
		return err
	}
	status, err := b.Submit(ctx, "/account/app/start", nil)
	if err := isAt(b, status, err, "/account/app"); err != nil {
		return err
	}
	m := shownSecret.FindStringSubmatch(b.Body())
	if m == nil {
		return errors.New("account: the page of the app shows no secret")
	}
	secret, err := plainBase32.DecodeString(strings.ReplaceAll(m[1], " ", ""))
	if err != nil {
		return err
	}
	code, err := codeAt(secret, a.house.Clock().Unix()/totpStep)
	c.typed = map[string]string{"Code": code}
	return err
}

func signsUp(ctx context.Context, b merlon.Browser, c *comer) error {
	if err := loads(ctx, b, "/sign-up", "/sign-up"); err != nil {
		return err
	}
	status, err := b.Submit(ctx, "/sign-up", map[string]string{"Name": "Drill", "Email": "signs-up-" + c.email, "Password": c.password})
	return isAt(b, status, err, "/sign-up/sent")
}

// opensOwn signs up and opens the mailed link in the same browser.
func (a *part) opensOwn(ctx context.Context, b merlon.Browser, c *comer) error {
	if err := signsUp(ctx, b, c); err != nil {
		return err
	}
	err := a.house.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		row, err := userByEmail.One(w, "signs-up-"+c.email)
		if err != nil {
			return err
		}
		return c.holds(w, a.house, verifyTicket, row.ID, row.Email)
	})
	if err != nil {
		return err
	}
	return loads(ctx, b, c.link, "/account/verify")
}
