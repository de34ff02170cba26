package account

import (
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/throttle"
)

// mailTo queues a mail whose texts are ID.subject and ID.text in the catalogue: the subject's place {0} is the
// site, the text's places are args. An address that cannot be written to is no error: there is nobody to tell.
func (a *part) mailTo(w *db.Writer, lang, address, id string, args ...any) error {
	to, err := mailbox.ParseAddress(address)
	if err != nil {
		return nil
	}
	say := func(key string, args ...any) string {
		return text.Own().Format(lang, id+"."+key, args...)
	}
	m := mailbox.Mail{To: to, Kind: "account", Lang: lang, Subject: say("subject", a.house.Title), Text: say("text", args...), Soon: awaited[id]}
	if onlyLink[id] {
		m.Kind = "account link"
	}
	return a.house.Mails.Queue(w, m)
}

// onlyLink are the mails that are nothing without their link: when all links are void, they are dropped.
var onlyLink = map[string]bool{"account.mail.reset": true, "account.mail.welcome": true, "account.mail.invite": true, "account.mail.move": true, "account.mail.code-link": true}

// awaited are the mails that somebody waits for before a page, with a link that lives for minutes, and those that go in their
// place: they are sent before all notices.
var awaited = map[string]bool{"account.mail.reset": true, "account.mail.no-reset": true, "account.mail.welcome": true, "account.mail.exists": true,
	"account.mail.start": true, "account.mail.move": true, "account.mail.code-link": true}

// Notices to an account are limited, since who is in it makes the site write one by each of many acts. What comes after the
// limit is told by one mail more, and adds no factor: nothing that "that was not me" must take away is added without a mail.
const (
	noticeLimit = 20
	noticeTime  = time.Hour
)

var countNotices = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_ticket WHERE \"user\" = $1 AND kind IN ('not-me', 'added') AND created > $2 AND ended = 0 LIMIT 1")

// unlimited are the notices that are always sent: links that were asked for, which have limits of their own, and those that
// alone have the link by which an account comes back.
var unlimited = map[string]bool{"account.mail.reset": true, "account.mail.code-link": true, "account.mail.moved": true, "account.mail.leaving": true}

// manyNotices is the mail that says that no more come for a while, and where the log is.
const manyNotices = "account.mail.many"

// mayNotice tells whether one more notice may go to an account. The one that reaches the limit, of whatever kind, is told to be the
// last. The error for a factor that is added over the limit is [throttle.Limited], which ends the request: the factor is not added.
func (a *part) mayNotice(w *db.Writer, lang string, now time.Time, u userRow, kind ticket, id string) (bool, error) {
	if id == manyNotices {
		return true, nil
	}
	sent, err := countNotices.One(w, u.ID, now.Add(-noticeTime).UnixMicro())
	if err == nil && sent.N == noticeLimit { // each notice has a ticket: the next one is over the limit
		err = a.notice(w, lang, now, u, manyNotices, a.house.URL("/account/log"))
	}
	switch {
	case err != nil:
		return false, err
	case unlimited[id], sent.N <= noticeLimit:
		return true, nil
	case kind == addedTicket:
		return false, &throttle.Limited{Until: now.Add(noticeTime)}
	}
	return false, nil
}

// notice tells the owner what happened to the account: the first place of ID.text is the address that it
// goes to, the others are args. Not the name: whoever signs up types it, or a thief of a session, and would have the site carry
// a message to the owner in the very mail that warns of it. Each has a link for "that was not me" (OWASP ASVS 5.0 6.3.7).
func (a *part) notice(w *db.Writer, lang string, now time.Time, u userRow, id string, args ...any) error {
	return a.noticeTo(w, lang, now, u, u.Email, id, args...)
}

// factorNotice is notice of a second factor that is gone. An administrator who has none left is told that the rights sleep.
func (a *part) factorNotice(w *db.Writer, lang string, now time.Time, u userRow, id string, args ...any) error {
	sleeps, err := a.sleeps(w, u)
	if err != nil {
		return err
	}
	more := ""
	if sleeps {
		more = text.Own().Format(lang, "account.mail.sleeping.line", a.house.URL("/account/app")) + "\n"
	}
	return a.noticeWith(w, lang, now, u, notMeTicket, u.Email, more, id, args...)
}

// noticeTo is notice to another address than the account's: the one that it had until now.
func (a *part) noticeTo(w *db.Writer, lang string, now time.Time, u userRow, address, id string, args ...any) error {
	return a.noticeWith(w, lang, now, u, notMeTicket, address, "", id, args...)
}

// addedNotice is notice of a factor that was added at this very time: its link takes that away.
func (a *part) addedNotice(w *db.Writer, lang string, now time.Time, u userRow, id string, args ...any) error {
	return a.noticeWith(w, lang, now, u, addedTicket, u.Email, "", id, args...)
}

// noticeWith is noticeTo with the kind of its link and with more to say before that.
func (a *part) noticeWith(w *db.Writer, lang string, now time.Time, u userRow, kind ticket, address, more, id string, args ...any) error {
	to, err := mailbox.ParseAddress(address)
	if err != nil {
		return nil
	}
	if may, err := a.mayNotice(w, lang, now, u, kind, id); err != nil || !may {
		return err
	}
	code, err := issue(w, kind, u.ID, address, now)
	if err != nil {
		return err
	}
	lang = u.speaks(lang)
	all := text.Own()
	end := "account.mail.not-me.line"
	switch {
	case u.waiting() && id != "account.mail.reset-done": // by which it was proven
		end = "account.mail.not-me.unproven.line"
	case id == "account.mail.reset": // which strangers ask for: nothing has happened
		end = "account.mail.not-me.asked.line"
	case id == "account.mail.locked": // by strangers, whom nothing was opened to: it is never the owner alone who reads it
		end = "account.mail.not-me.locked.line"
	case kind == addedTicket:
		end = "account.mail.not-me.added.line"
	}
	body := all.Format(lang, id+".text", append([]any{address}, args...)...) + "\n" + more + all.Format(lang, end, a.link(kind, code))
	m := mailbox.Mail{To: to, Kind: "account", Lang: lang, Subject: all.Format(lang, id+".subject", a.house.Title), Text: body, Soon: awaited[id]}
	if onlyLink[id] {
		m.Kind = "account link"
	}
	return a.house.Mails.Queue(w, m)
}

// link is the address of a ticket.
func (a *part) link(kind ticket, code string) string {
	return a.house.URL("/account/link/" + string(kind) + "/" + code)
}
