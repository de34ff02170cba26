package account

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/network"
	"github.com/merlon-web/merlon/password"
)

// A User is who is signed in.
type User struct {
	ID    int64
	Name  string
	Email string
	Roles []string
	Lang  string // the language that the user has chosen, empty: as the browser says
}

// UserLang implements [merlon.Spoken].
func (u User) UserLang() string { return u.Lang }

// FrameUser implements [merlon.Framed]: layouts name the user and ask for roles, by the rule of [User.Has].
func (u User) FrameUser() (name string, roles []string, every bool) {
	return u.Name, u.Roles, slices.Contains(u.Roles, Admin)
}

// UserID implements [merlon.Identified].
func (u User) UserID() int64 { return u.ID }

// Has reports whether the user has a role. Administrators have every one, once they have shown a second factor: before that
// they have no Roles. In a page the same is asked by {{$site.Has "editor"}}.
func (u User) Has(role string) bool {
	return slices.Contains(u.Roles, role) || slices.Contains(u.Roles, Admin)
}

// A Guest is who came by a route with [Anyone]: perhaps signed in.
type Guest struct {
	User     User
	SignedIn bool
}

// FrameUser implements [merlon.Framed].
func (g Guest) FrameUser() (name string, roles []string, every bool) { return g.User.FrameUser() }

// UserLang implements [merlon.Spoken].
func (g Guest) UserLang() string { return g.User.Lang }

// UserID implements [merlon.Identified].
func (g Guest) UserID() int64 { return g.User.ID }

type userRow struct {
	ID       int64
	Email    string
	Name     string
	Password string
	Roles    string
	Created  int64
	Disabled int64
	Verified int64
	Chosen   int64
	Leaving  int64
	Lang     string
}

// userColumns are the columns of a userRow.
const userColumns = "id, email, name, password, roles, created, disabled, verified, chosen, leaving, lang"

// named implements merlon.Part.Named.
func named(from db.Querier, user int64) (string, error) {
	row, err := userByID.One(from, user)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return row.Name + " <" + row.Email + ">", err
}

// Member is one line of [List].
type Member struct {
	ID       int64
	Email    string
	Name     string
	Roles    []string
	Created  time.Time
	Disabled time.Time // zero: not
}

var (
	userByID      = db.Query[userRow](schema, "SELECT "+userColumns+" FROM merlon_user WHERE id = $1 LIMIT 1")
	userByEmail   = db.Query[userRow](schema, "SELECT "+userColumns+" FROM merlon_user WHERE email = $1 LIMIT 1")
	listUsers     = db.Query[userRow](schema, "SELECT "+userColumns+" FROM merlon_user ORDER BY id DESC LIMIT $1")
	countAdmins   = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_user WHERE disabled = 0 AND ',' || roles || ',' LIKE '%,admin,%' LIMIT 1")
	insertUser    = db.Returning[int64](schema, "INSERT INTO merlon_user (email, name, password, roles, created, verified, entered) VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN substr($3, 1, 1) = '!' THEN 0 ELSE CAST($5 AS BIGINT) END) RETURNING id")
	updateHash    = db.Exec(schema, "UPDATE merlon_user SET password = $2 WHERE id = $1 AND password = $3")
	updateName    = db.Exec(schema, "UPDATE merlon_user SET name = $2 WHERE id = $1")
	updateRoles   = db.Exec(schema, "UPDATE merlon_user SET roles = $2 WHERE id = $1")
	updateDisable = db.Exec(schema, "UPDATE merlon_user SET disabled = $2 WHERE id = $1")
)

type count struct{ N int64 }

// speaks is the language of a mail to the user: the chosen one, else that of the page on which it is sent.
func (r userRow) speaks(lang string) string {
	if r.Lang != "" {
		return r.Lang
	}
	return lang
}

func (r userRow) user() User {
	u := User{ID: r.ID, Name: r.Name, Email: r.Email, Lang: r.Lang}
	if r.Roles != "" {
		u.Roles = strings.Split(r.Roles, ",")
	}
	return u
}

// mayEnter reports whether the user may be signed in.
func (r userRow) mayEnter() bool { return r.Disabled == 0 && r.Verified != 0 }

// normal is how an address is compared: the part behind the @ in lower case, and the rest too, since no provider tells
// two addresses apart by case, and two accounts that do would be a way to take one over.
func normal(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// ErrExists is returned by [Create] when the address has an account.
var ErrExists = errors.New("account: the address has an account already; sign in, or use another address")

// NoPassword is the hash of an account that cannot sign in by a password.
const NoPassword = "!"

func checkRoles(roles []string) error {
	for _, r := range roles {
		if !merlon.IsRole(r) {
			return fmt.Errorf("account: %q is no name for a role: with a comma in it one role would be two; use a-z, 0-9 and -, at most 32", r)
		}
	}
	return nil
}

// Create makes an account with a hash of [HashFor] or of an import, or [NoPassword]; its address counts as proven. It is for
// parts, commands and demo data: visitors sign up by themselves. A password in the clear is refused.
func Create(w *db.Writer, email, name, hash string, now time.Time, roles ...string) (int64, error) {
	return create(w, email, name, hash, now, now, roles...)
}

// create makes an account whose address was proven at a time, the zero time: not yet. Invitations of the address are void.
func create(w *db.Writer, email, name, hash string, now, verified time.Time, roles ...string) (int64, error) {
	if err := checkRoles(roles); err != nil {
		return 0, err
	}
	if !strings.HasPrefix(hash, NoPassword) && password.Inspect(hash).Algorithm == "" {
		return 0, errors.New("account: the hash is none that room password knows: a password in the clear must never be stored; make one with HashFor")
	}
	if _, err := voidInvites.Run(w, normal(email)); err != nil {
		return 0, err
	}
	id, err := insertUser.Run(w, normal(email), name, hash, strings.Join(roles, ","), now.UnixMicro(), micros(verified))
	if db.IsUnique(err) {
		return 0, ErrExists
	}
	return id, err
}

// micros is a time in a row: Unix microseconds, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// List returns the newest accounts, at most n.
func List(from db.Querier, n int) ([]Member, error) {
	rows, err := listUsers.All(from, n)
	all := make([]Member, len(rows))
	for i, r := range rows {
		all[i] = Member{ID: r.ID, Email: r.Email, Name: r.Name, Roles: r.user().Roles, Created: time.UnixMicro(r.Created)}
		if r.Disabled != 0 {
			all[i].Disabled = time.UnixMicro(r.Disabled)
		}
	}
	return all, err
}

// Rename changes what a user is called.
func Rename(w *db.Writer, user int64, name string) error {
	_, err := updateName.Run(w, user, name)
	return err
}

// Disable shuts a user out at once, or lets the user in again: all sessions end in the same transaction. While an account is shut out
// it is not deleted, whoever asked for that on its page: nobody could call it back. The 14 days of one that was leaving begin anew when
// it is let in, and a mail says so.
func Disable(h *merlon.House, w *db.Writer, user int64, disabled bool) error {
	row, err := userByID.One(w, user)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	at := int64(0)
	if disabled {
		at = h.Clock().UnixMicro()
	}
	if _, err := updateDisable.Run(w, user, at); err != nil {
		return err
	}
	if disabled { // links that are under way must not open it later; what gives it back to its owner stays, and waits too
		if _, err := voidForNotMe.Run(w, user); err != nil {
			return err
		}
		if _, err := forgetDevices.Run(w, user); err != nil {
			return err
		}
	}
	if !disabled && row.Disabled != 0 && row.Leaving != 0 {
		a, err := of(h)
		if err != nil {
			return err
		}
		if _, err := a.beginLeaving(w, h.Lang(), h.Clock(), row); err != nil {
			return err
		}
	}
	_, err = h.Sessions.EndUser(w, user, "account disabled")
	return err
}

// load finds the user of a session. A user who is gone or disabled is nobody, and so is one who leaves: the sign-in page
// sends such a session to the page that calls the account back. An administrator who signed in without a second factor is a
// user without roles: [barred] tells.
func load(v *merlon.Visit) (User, bool, error) {
	id := v.Session.User()
	if id == 0 {
		return User{}, false, nil
	}
	row, err := userByID.One(v.DB, id)
	if errors.Is(err, db.ErrNoRow) || err == nil && (row.Disabled != 0 || row.Leaving != 0) {
		return User{}, false, nil
	}
	u := row.user()
	if barred(v.Session.Level(), u.Roles) {
		u.Roles = nil
	}
	return u, err == nil, err
}

// Anyone lets everybody in and tells the handler who it is, if the visitor is signed in.
func Anyone() merlon.Access[Guest] { return anyone }

// SignedIn lets users in and sends others to sign in and back.
func SignedIn() merlon.Access[User] { return signedIn }

var (
	anyone = merlon.NewAccess("anyone", func(v *merlon.Visit) (Guest, error) {
		u, ok, err := load(v)
		return Guest{u, ok}, err
	}).Of("account")
	signedIn = merlon.NewAccess("signed in", func(v *merlon.Visit) (User, error) {
		u, ok, err := load(v)
		if err == nil && !ok {
			err = merlon.ErrSignIn
		}
		return u, err
	}).Of("account")
)

// networkFor is how the queue of the hasher tells visitors apart.
func networkFor(r interface{ Client() netip.Addr }) string {
	return network.Name(network.Line(r.Client()))
}

var fromServer = password.From{Network: "server", Known: true}
