package account

import (
	"fmt"
	"slices"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// Admin is the role of the owner: it has every other one.
const Admin = "admin"

// barred reports whether a session may not use the roles that its user has: an administrator's, who has shown one factor.
// What an administrator may do is worth more than one password.
func barred(l session.Level, roles []string) bool {
	return l.Factors < 2 && (l.Class == session.Administrator || slices.Contains(roles, Admin))
}

// HasRole lets users with a role in: others who are signed in get 403. Administrators have every role, once they have shown
// a second factor; before that they are sent to show or to set up one.
func HasRole(role constant) merlon.Access[User] {
	return merlon.NewAccess("signed in", func(v *merlon.Visit) (User, error) {
		u, ok, err := load(v)
		switch {
		case err != nil:
			return u, err
		case !ok:
			return u, merlon.ErrSignIn
		case u.Has(string(role)):
			return u, nil
		}
		row, err := userByID.One(v.DB, u.ID)
		if err == nil && barred(v.Session.Level(), row.user().Roles) && row.user().Has(string(role)) {
			err = merlon.AgainFor(askFactor)
		}
		if err == nil {
			err = merlon.ErrForbidden
		}
		return User{}, err
	}).Of("account").With(roleNeed(role))
}

// roleKind is the kind of a role's need, and rolePrefix what its name begins with.
const (
	roleKind   = merlon.RoleKind
	rolePrefix = roleKind + " "
)

// roleNeed only names the role in the access table; the check is HasRole's own.
func roleNeed(role constant) merlon.Need {
	return merlon.NamedNeed(roleKind, role, func(*merlon.Visit) error { return nil })
}

// What [merlon.AgainFor] is told.
const (
	askAny    = "1" // any factor
	askAll    = "a" // all that the user has
	askFactor = "f" // a second one, or to set it up
)

// recentFor is how long a user who has shown a factor is not asked again: 15 minutes, administrators 10. It does not slide.
func recentFor(l session.Level) time.Duration {
	if l.Class == session.Administrator {
		return 10 * time.Minute
	}
	return 15 * time.Minute
}

const leastRecent = 30 * time.Second

// NeedRecent asks a user to have shown a factor within the last 15 minutes, administrators 10, or within a shorter time that
// is given; it does not slide. Who has not is asked for the password, a code of the app or a passkey, and led back: what was
// typed into a form is kept meanwhile (OWASP ASVS 5.0 7.5.3). Less than half a minute is over before the visitor is back: it
// panics, when the routes are declared.
func NeedRecent(within ...time.Duration) merlon.Need {
	for _, d := range within {
		if d < leastRecent {
			panic(fmt.Sprintf("account: NeedRecent(%v): nobody could be back in time, and each would be asked for ever; give %v or more", d, leastRecent))
		}
	}
	need := merlon.NewNeed("recent sign-in", func(v *merlon.Visit) error {
		limit := recentFor(v.Session.Level())
		for _, d := range within {
			limit = min(limit, d)
		}
		if v.Now.Sub(v.Session.Level().Recent) > limit {
			return merlon.ErrAgain
		}
		return nil
	})
	if len(within) > 0 {
		need = need.Within(slices.Min(within))
	}
	return need
}

// NeedRecentAll asks for all factors that the user has within the time of [NeedRecent]: for what a thief of the session would
// do first, such as a change of the address, the factors or the recovery codes (OWASP ASVS 5.0 7.5.1). A sign-in by passkey
// is one, since it asks the user, too.
func NeedRecentAll() merlon.Need {
	return merlon.NewNeed("recent sign-in with all factors", func(v *merlon.Visit) error { return recentAll(v.DB, v.Session, v.Now) })
}

// recentAll is what [NeedRecentAll] asks, for pages on which it depends on the user.
func recentAll(q db.Querier, s leveled, now time.Time) error {
	if !isRecent(s.Level(), now) {
		return merlon.AgainFor(askAll)
	}
	m, err := missing(q, s, now)
	if err == nil && m.any() {
		err = merlon.AgainFor(askAll)
	}
	return err
}

// recentStep asks for a recent sign-in, and for the code too where the user has an app: it is for what cannot be taken back
// (the download of all data, the deletion). OWASP ASVS 5.0 7.5.3 demands one factor there; with an app a password alone is
// not how the account is protected. Who has a passkey beside the password is not asked for it: if it is lost, and the recovery
// codes with it, there would be no way to the own data. Who has an app and no password shows it, or has a password set by mail.
var recentStep = merlon.NewNeed("recent sign-in with the second step", func(v *merlon.Visit) error {
	on, err := HasApp(v.DB, v.Session.User())
	if err != nil {
		return err
	}
	again := merlon.ErrAgain
	if on {
		again = merlon.AgainFor(askAll)
	}
	if !isRecent(v.Session.Level(), v.Now) {
		return again
	}
	m, err := missing(v.DB, v.Session, v.Now)
	if err == nil && on && m.any() {
		err = again
	}
	return err
})

// lacks are the factors of a user that the session has not seen of late.
type lacks struct{ password, code, way bool }

func (l lacks) any() bool { return l.password || l.code || l.way }

// leveled is a session, of a Read or a Write.
type leveled interface {
	session.Values
	User() int64
	Level() session.Level
}

// missing tells what the session's user has not shown within the time of [NeedRecent].
func missing(q db.Querier, s leveled, now time.Time) (l lacks, err error) {
	row, err := userByID.One(q, s.User())
	if err != nil {
		return l, err
	}
	on, _, _, err := totpState(q, s.User())
	if err != nil {
		return l, err
	}
	seen, _ := shownKey.Get(s)
	since := now.Add(-recentFor(s.Level())).UnixMicro()
	password, code := row.hasPassword() && seen.Password >= since, seen.Code >= since
	second := on || seen.Weak || seen.Way > 0
	switch {
	case seen.Way >= since:
	case second && !row.hasPassword():
		l.way = true // a code counts only beside a password: one that was found opens nothing
	case on:
		l.password, l.code = !password, !code
	case second:
		// beside a passkey the password alone is half of what the account is protected with; a recovery code is the other one
		l.way = !password || !code
	default:
		l.password = row.hasPassword() && !password
	}
	return l, nil
}

// NeedFactor asks for that many factors in the session's sign-in. Who has a second one is asked for it, who has none is led
// to set it up.
func NeedFactor(n int) merlon.Need {
	return merlon.NewNeed("more factors", func(v *merlon.Visit) error {
		if v.Session.Level().Factors < n {
			return merlon.AgainFor(askFactor)
		}
		return nil
	})
}

// sleeps reports whether a user is an administrator without any second factor, so that there is no way in to the rights.
func (a *part) sleeps(q db.Querier, row userRow) (bool, error) {
	if !isAdmin(row) {
		return false, nil
	}
	on, _, _, err := totpState(q, row.ID)
	if err != nil || on {
		return false, err
	}
	has, err := a.hasWay(q, row.ID)
	return !has, err
}

// isAdmin reports whether a user is an administrator, whatever the session has shown.
func isAdmin(row userRow) bool { return slices.Contains(row.user().Roles, Admin) }

// Introduce implements [merlon.Introducer]: error pages of a user who is signed in say so.
func (a *part) Introduce(v *merlon.Visit) (merlon.Framed, error) {
	u, ok, err := load(v)
	return Guest{u, ok}, err
}

// KeepsSite implements [merlon.Keeper]: administrators who have shown a second factor are let in during maintenance.
func (a *part) KeepsSite(v *merlon.Visit) (bool, error) {
	u, ok, err := load(v)
	return ok && slices.Contains(u.Roles, Admin), err
}
