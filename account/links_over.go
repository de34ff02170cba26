package account

import (
	"net/http"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/page"
)

// OverPage is the data of the page link-over.html: what became of a link that opens nothing, and where the next one is asked
// for. It is made of the kind that stands in the link's address and of the link's own row. Of a link that has none nothing is
// known but what whoever has it claims, so a made-up one is answered the same whether there is an account or not (AUTH-6).
type OverPage struct {
	Title string
	About string    // what became of it
	Next  string    // what to do
	Ways  []OverWay // the first one is the next thing to do
}

// OverWay is a link of the page link-over.html.
type OverWay struct{ URL, Words string }

var overPage = page.New[OverPage](pages, "link-over.html")

// over is what a kind of links has on that page, by ids of the catalogue.
type over struct {
	used     string    // what the link did
	usedWays []OverWay // where to go on then
	next     string    // what to do for the next one
	ways     []OverWay // where that is
}

var (
	toSignIn  = OverWay{"/sign-in", "account.sign-in.button"}
	toSignUp  = OverWay{"/sign-up", "account.sign-up.button"}
	toResend  = OverWay{"/sign-up/sent", "account.over.resend"}
	toReset   = OverWay{"/account/reset/ask", "account.over.ask"}
	toChoose  = OverWay{"/account/reset/ask", "account.over.choose"}
	toAccount = OverWay{"/account", "account.over.account"}
	toMove    = OverWay{"/account/address", "account.overview.address-button"}
)

// overs has every kind that is mailed or handed on; the first administrator's link has a page of its own.
var overs = map[ticket]over{
	verifyTicket: {"account.over.verify.used", []OverWay{toSignIn}, "account.over.verify.next", []OverWay{toSignIn, toSignUp}},
	resetTicket:  {"account.over.reset.used", []OverWay{toSignIn, toReset}, "account.over.reset.next", []OverWay{toReset}},
	notMeTicket:  {"account.over.not-me.used", []OverWay{toReset}, "account.over.not-me.next", []OverWay{toChoose}},
	addedTicket:  {"account.over.not-me.used", []OverWay{toReset}, "account.over.not-me.next", []OverWay{toChoose}},
	moveTicket:   {"account.over.move.used", []OverWay{toAccount}, "account.over.move.next", []OverWay{toMove}},
	undoTicket:   {"account.over.undo.used", []OverWay{toReset}, "account.over.undo.next", nil},
	enrolTicket:  {"account.over.enrol.used", []OverWay{toSignIn}, "account.over.enrol.next", []OverWay{toSignIn}},
	inviteTicket: {"account.over.invite.used", []OverWay{toSignIn}, "account.over.invite.next", []OverWay{toSignIn}},
	returnTicket: {"account.over.restore.used", []OverWay{toSignIn}, "account.over.restore.next", []OverWay{toSignIn}},
	codeTicket:   {"account.over.code.used", []OverWay{toSignIn}, "account.over.code.next", []OverWay{toSignIn}},
}

// over answers a link that opens nothing, with 410; an error stays one.
func (a *part) over(r asked, l mailed, fate linkFate, err error) (*merlon.Response, error) {
	if err != nil {
		return nil, err
	}
	return a.overIn(r, l.held.Kind, fate, false), nil
}

// overIn is over that knows whether the browser signed up a moment ago, and can have the mail sent again.
func (a *part) overIn(r asked, kind ticket, fate linkFate, signedUp bool) *merlon.Response {
	it := overs[kind]
	var shown OverPage
	next, ways := it.next, it.ways
	switch fate {
	case linkUsed:
		shown.Title, shown.About = say(r, "account.over.used.title"), say(r, "account.over.used.text")
		next, ways = it.used, it.usedWays
	case linkRanOut:
		shown.Title, shown.About = say(r, "account.over.ran-out.title"), lived(r, ticketLives[kind])
	case linkReplaced:
		shown.Title, shown.About = say(r, "account.over.replaced.title"), say(r, "account.over.replaced.text")
	case linkVoid:
		shown.Title, shown.About = say(r, "account.over.void.title"), say(r, "account.over.void.text")
	case linkAway:
		shown.Title, shown.About = say(r, "account.over.away.title"), say(r, "account.over.away.text")
	case linkOthers:
		shown.Title, shown.About = say(r, "account.over.others.title"), say(r, "account.over.others.text")
		next, ways = "", []OverWay{toAccount}
	default:
		shown.Title, shown.About = say(r, "account.over.unknown.title"), say(r, "account.over.unknown.text")
	}
	if kind == verifyTicket && fate != linkUsed {
		switch {
		case signedUp:
			next, ways = "account.over.verify.again", []OverWay{toResend}
		case a.cfg.Closed: // nobody can sign up once more
			next, ways = "account.over.verify.closed", []OverWay{toSignIn}
		}
	}
	if next != "" {
		shown.Next = say(r, next)
	}
	for _, way := range ways {
		shown.Ways = append(shown.Ways, OverWay{way.URL, say(r, way.Words)})
	}
	return merlon.ShowStatus(http.StatusGone, overPage, shown)
}

// lived says how long a link worked, in one unit.
func lived(r asked, life time.Duration) string {
	switch {
	case life < time.Hour:
		return say(r, "account.over.minutes", int(life/time.Minute))
	case life <= 24*time.Hour:
		return say(r, "account.over.hours", int(life/time.Hour))
	}
	return say(r, "account.over.days", int(life/(24*time.Hour)))
}
