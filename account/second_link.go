package account

import (
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/throttle"
)

// Whoever knows a password can enter wrong codes until no more are taken from browsers that are not known. The owner then asks
// for a link by mail: in the browser that opens it codes have a count of their own, and all such browsers together a hundred
// of the mailbox, which a thief of the password alone does not reach. The link proves nothing and signs nobody in: password
// and code are asked for as ever.

// opened is what such a link is traded for: whose codes may be tried, and the count of the link.
type opened struct {
	User int64  `json:"u"`
	Link string `json:"l"`
}

var codeStep = merlon.NewStep[opened]("code", 15*time.Minute)

// codeLinks is how many of these links are mailed. The limit is apart from that of other mails, which anybody fills.
var codeLinks = throttle.Limit{Burst: 3, Window: time.Hour}

// FullPage is the data of the page second-full.html: when codes are taken again without a link.
type FullPage struct{ Until Moment }

// CodeSentPage is the data of the page second-sent.html.
type CodeSentPage struct{ Email, Mails string } // Mails as in [SentPage]

// CodeLinkPage is the data of the page second-open.html.
type CodeLinkPage struct {
	Email string
	Waits bool // the password was entered in this browser
	Link  string
}

var (
	fullPage     = page.New[FullPage](pages, "second-full.html")
	codeSentPage = page.New[CodeSentPage](pages, "second-sent.html")
	codeLinkPage = page.New[CodeLinkPage](pages, "second-open.html")
)

// limitCodeLink counts that a link is asked for, by somebody who has shown the password.
func (a *part) limitCodeLink(r *merlon.Read[Guest], _ form.Form[OneButton]) (quota, error) {
	p, waits := waiting(r.Session, r.Now())
	if !waits {
		return quota{}, nil
	}
	row, holds, err := p.holds(r.DB)
	if err != nil || !holds {
		return quota{}, err
	}
	_ = r.DB.Close()
	q, err := a.mayAsk(r, []throttle.Bucket{throttle.Own("account-code-link", codeLinks, row.Email)})
	return quota{full: !q.until.IsZero()}, err
}

// askCodeLink mails the link. Past the limit the answer is the same and true: the last link works for as long as the limit.
func (a *part) askCodeLink(w *merlon.Write[Guest], _ form.Form[OneButton], q quota) (*merlon.Response, error) {
	p, waits := waiting(w.Session, w.Now())
	if !waits {
		return merlon.Redirect("/sign-in"), nil
	}
	row, holds, err := p.holds(w.DB)
	if err != nil || !holds {
		return merlon.Redirect("/sign-in"), err
	}
	if !q.full {
		code, err := reissue(w.DB, codeTicket, row.ID, row.Email, w.Now())
		if err != nil {
			return nil, err
		}
		if err := a.notice(w.DB, w.Lang(), w.Now(), row, "account.mail.code-link", a.link(codeTicket, code)); err != nil {
			return nil, err
		}
		w.Record(RuleCodeLink, event.Done, slog.Int64("account", row.ID))
	}
	return merlon.Redirect("/sign-in/second/sent"), nil
}

func (a *part) showCodeLinkSent(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	p, waits := waiting(r.Session, r.Now())
	if !waits {
		return merlon.Redirect("/sign-in"), nil
	}
	row, holds, err := p.holds(r.DB)
	if err != nil || !holds {
		return merlon.Redirect("/sign-in"), err
	}
	return merlon.Show(codeSentPage, CodeSentPage{row.Email, r.DevMail()}), nil
}

func (a *part) showCodeLink(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, codeTicket)
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	p, waits := waiting(r.Session, r.Now())
	return merlon.Show(codeLinkPage, CodeLinkPage{l.Email, waits && p.User == l.User, l.text}), nil
}

// openCodeLink uses the link up: this browser's codes have a count of their own for a quarter of an hour.
func (a *part) openCodeLink(w *merlon.Write[Guest], f form.Form[Press]) (*merlon.Response, error) {
	t, fate, err := a.useLink(w.DB, w.Now(), f.Raw("Link"), codeTicket)
	if err != nil || fate != linkWorks {
		return a.over(w, t, fate, err)
	}
	row, ok, err := ticketUser(w.DB, t.ticketRow)
	if err != nil || !ok {
		return a.over(w, t, linkVoid, err)
	}
	w.Record(RuleCodeOpened, event.Done, slog.Int64("account", row.ID))
	it := opened{row.ID, hex.EncodeToString(t.Hash[:16])}
	if p, waits := waiting(w.Session, w.Now()); waits && p.User == row.ID {
		return merlon.Trade(codeStep, it, "/sign-in/second"), nil
	}
	return merlon.Trade(codeStep, it, "/sign-in"), nil
}
