package account

import (
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
)

// EndSessions is the form of the list of sessions: one button a session, and one for all others.
type EndSessions struct {
	End    int64 `form:"min=0" label:"Session"`
	Others bool  `form:"" label:"All other sessions"`
}

// SessionLine is a session in the list.
type SessionLine struct {
	ID      int64
	Device  string
	Network string
	How     string
	Began   Moment
	Seen    Moment
	Own     bool // the one that looks at the list
}

// SessionsPage is the data of the page account-sessions.html.
type SessionsPage struct {
	Lines  []SessionLine
	Others bool // there are others than the own one
	Recent bool // the sign-in is fresh enough for the buttons
}

var sessionsPage = page.New[SessionsPage](pages, "account-sessions.html")

func (a *part) showSessions(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	list, err := a.house.Sessions.List(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	p := SessionsPage{Others: len(list) > 1, Recent: isRecent(r.Session.Level(), r.Now())}
	for _, s := range list {
		line := SessionLine{ID: s.ID, Device: browser(r, s.Device), Network: s.Network, How: howWords(r, s.Level), Own: s.ID == r.Session.ID(),
			Began: Minute(r.Lang(), s.Began), Seen: Ago(r.Lang(), s.Seen, r.Now())}
		if line.Own {
			line.Seen = Ago(r.Lang(), r.Now(), r.Now()) // what is kept is a minute old at times
			p.Lines = append([]SessionLine{line}, p.Lines...)
			continue
		}
		p.Lines = append(p.Lines, line)
	}
	return merlon.Show(sessionsPage, p), nil
}

// toSessions is the way back of those who signed in again to get the buttons.
func (a *part) toSessions(*merlon.Read[User], merlon.None) (*merlon.Response, error) {
	return merlon.Redirect("/account/sessions"), nil
}

// howWords says by what a session was signed in; of a way that has no words here, how many factors it was.
func howWords(r asked, l session.Level) string {
	switch l.How {
	case byTOTP:
		return say(r, "account.sessions.totp")
	case byCode:
		return say(r, "account.sessions.code")
	case byTrusted:
		return say(r, "account.sessions.trusted")
	case "passkey": // room passkey lies above
		return say(r, "account.sessions.passkey")
	case byPassword:
		return say(r, "account.sessions.one")
	}
	if l.Factors >= 2 {
		return say(r, "account.sessions.two")
	}
	return say(r, "account.sessions.one")
}

// endSessions ends one session or all but this one. A session that is ended from here is one that its user does not want, so the
// second step is asked for on every browser again: which one it was, nothing tells. A number that is no session of this user's does
// nothing, and is answered the same.
func (a *part) endSessions(w *merlon.Write[User], f form.Form[EndSessions]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.Redirect("/account/sessions"), nil
	}
	if in.Others {
		if err := w.Session.EndOthers(w.User.ID, "ended by its user"); err != nil {
			return nil, err
		}
		if err := distrust(w.DB, w.User.ID); err != nil {
			return nil, err
		}
		w.Record(RuleSessions, event.Done, slog.Int64("account", w.User.ID), slog.String("sessions", "all others"))
		return merlon.Redirect("/account/sessions").Notice("Signed out there."), nil
	}
	if in.End == w.Session.ID() {
		w.Record(RuleSignedOut, event.Done, slog.Int64("account", w.User.ID))
		if err := w.Session.End("signed out"); err != nil {
			return nil, err
		}
		return merlon.RedirectLocal(a.home()).Notice("You are signed out."), nil
	}
	done, err := a.house.Sessions.EndOne(w.DB, w.User.ID, in.End, "ended by its user")
	if err != nil || !done {
		return merlon.Redirect("/account/sessions"), err
	}
	if err := distrust(w.DB, w.User.ID); err != nil {
		return nil, err
	}
	w.Record(RuleSessions, event.Done, slog.Int64("account", w.User.ID), slog.Int64("session", in.End))
	return merlon.Redirect("/account/sessions").Notice("Signed out there."), nil
}

// lost says on the sign-in page why the session that this browser had is over, "" when it had none.
func lost(r asked, s *session.Reader) string {
	reason, ok := s.Lost()
	switch {
	case !ok:
		return ""
	case reason == "password changed":
		return say(r, "account.lost.password")
	case reason == "ended by its user":
		return say(r, "account.lost.ended")
	case reason == session.ReasonExpired:
		return say(r, "account.lost.expired")
	case reason == session.ReasonTooMany:
		return say(r, "account.lost.many")
	}
	return say(r, "account.lost.over")
}
