package account

import (
	"bytes"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
)

// arriveStep holds the address that a browser has just proven, or chosen a password for, so that its sign-in page has it typed
// already. It is sealed and for this browser alone, which was shown the address on the page of the link.
var arriveStep = merlon.NewStep[string]("arrive", 15*time.Minute)

// arrive leads from the page of a link to the sign-in page. The browser has one step: that of a link which another tab has
// opened meanwhile stays.
func arrive(w *merlon.Write[Guest], l mailed, row userRow) *merlon.Response {
	step, has := ticketStep.Get(w)
	if has && !bytes.Equal(step.Hash, l.held.Hash) || row.Email != l.Email { // a link that was mailed to another address of the account tells nothing of this one
		return merlon.Redirect("/sign-in")
	}
	return merlon.Trade(arriveStep, row.Email, "/sign-in")
}

// arrived is the form of the sign-in page, with the address of a browser that comes from the page of a link.
func arrived(r *merlon.Read[Guest]) (f form.Form[SignIn]) {
	if email, has := arriveStep.Get(r); has {
		f = form.New(SignIn{Email: email})
	}
	return f
}

// forgetArrival ends the step once somebody has signed in: the next user of the browser is another one, perhaps.
func forgetArrival[U any](w *merlon.Write[U]) {
	if _, has := arriveStep.Get(w); has {
		arriveStep.End(w)
	}
}
