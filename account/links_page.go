package account

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// A browser has one step cookie, that of the link which it opened last, and people open several mails in several tabs. So the
// page about a link carries the link in its form, sealed, and its button does what the page says, whatever was opened since.

// pageLife is how long the page about a link can be sent: as long as its step.
const pageLife = 15 * time.Minute

// Press is the form of a page about a mailed link that has a button and nothing to type.
type Press struct {
	Link string `form:"max=600,hidden" label:"The mailed link"`
}

// mailed is a link, as the page about it and that page's form know it.
type mailed struct {
	ticketRow
	held held
	text string // for the field Link of the form
}

// carried is what the field holds.
type carried struct {
	Held  held  `json:"h"`
	Until int64 `json:"u"` // Unix microseconds
}

var base64Strict = base64.RawURLEncoding.Strict()

// carry seals a link for the form of the page about it.
func (a *part) carry(it held, now time.Time) (string, error) {
	plain, err := json.Marshal(carried{it, now.Add(pageLife).UnixMicro()})
	if err != nil {
		return "", err
	}
	sealed, err := a.house.Keys.For("merlon/link/v1").Seal(nil, plain, nil)
	return base64Strict.EncodeToString(sealed), err
}

// carriedIn opens the field of a form: false for a text that this site did not seal, or too long ago.
func (a *part) carriedIn(text string, now time.Time) (held, bool) {
	sealed, err := base64Strict.DecodeString(text)
	if err != nil {
		return held{}, false
	}
	plain, err := a.house.Keys.For("merlon/link/v1").Open(nil, sealed, nil)
	var it carried
	if err != nil || json.Unmarshal(plain, &it) != nil || now.UnixMicro() >= it.Until {
		return held{}, false
	}
	return it.Held, true
}

// linkHere finds the link that the browser opened last, if it is of one of these kinds: it is for the page. Only one that works
// can be carried.
func linkHere[U any](a *part, r *merlon.Read[U], kinds ...ticket) (l mailed, fate linkFate, err error) {
	step, has := ticketStep.Get(r)
	if !has || !slices.Contains(kinds, step.Kind) {
		return mailed{held: held{Kind: kinds[0]}}, linkAway, nil
	}
	l.held = step
	if l.ticketRow, fate, err = peek(r.DB, step.Kind, step.Hash, r.Now()); err == nil && fate == linkWorks {
		l.text, err = a.carry(step, r.Now())
	}
	return l, fate, err
}

// linkIn finds the link that a form carries, if it is of one of these kinds.
func (a *part) linkIn(q db.Querier, now time.Time, text string, kinds ...ticket) (l mailed, fate linkFate, err error) {
	return a.carriedLink(now, text, kinds, func(it held) (ticketRow, linkFate, error) { return peek(q, it.Kind, it.Hash, now) })
}

// useLink uses up the link that a form carries.
func (a *part) useLink(w *db.Writer, now time.Time, text string, kinds ...ticket) (l mailed, fate linkFate, err error) {
	return a.carriedLink(now, text, kinds, func(it held) (ticketRow, linkFate, error) { return use(w, it.Kind, it.Hash, now) })
}

func (a *part) carriedLink(now time.Time, text string, kinds []ticket, find func(held) (ticketRow, linkFate, error)) (l mailed, fate linkFate, err error) {
	it, ok := a.carriedIn(text, now)
	if !ok || !slices.Contains(kinds, it.Kind) {
		return mailed{held: held{Kind: kinds[0]}}, linkAway, nil
	}
	l.held, l.text = it, text
	l.ticketRow, fate, err = find(it)
	return l, fate, err
}

// spend is useLink that ends the browser's step too, if it is this link's.
func spend[U any](a *part, w *merlon.Write[U], text string, kinds ...ticket) (l mailed, fate linkFate, err error) {
	if l, fate, err = a.useLink(w.DB, w.Now(), text, kinds...); err == nil && fate == linkWorks {
		endStep(w, l)
	}
	return l, fate, err
}

// endStep ends the browser's step if it is this link's; another tab's stays.
func endStep[U any](w *merlon.Write[U], l mailed) {
	if step, has := ticketStep.Get(w); has && string(step.Hash) == string(l.held.Hash) {
		ticketStep.End(w)
	}
}
