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

// mailed is a link that can be used, as the page about it and that page's form know it.
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

// linkHere finds the link that the browser opened last, if it is of one of these kinds and can be used: it is for the page.
func linkHere[U any](a *part, r *merlon.Read[U], kinds ...ticket) (l mailed, ok bool, err error) {
	step, has := ticketStep.Get(r)
	if !has || !slices.Contains(kinds, step.Kind) {
		return l, false, nil
	}
	if l.ticketRow, ok, err = peek(r.DB, step.Kind, step.Hash, r.Now()); err != nil || !ok {
		return l, false, err
	}
	l.held = step
	l.text, err = a.carry(step, r.Now())
	return l, err == nil, err
}

// linkIn finds the link that a form carries, if it is of one of these kinds and can be used.
func (a *part) linkIn(q db.Querier, now time.Time, text string, kinds ...ticket) (l mailed, ok bool, err error) {
	if l.held, ok = a.carriedIn(text, now); !ok || !slices.Contains(kinds, l.held.Kind) {
		return l, false, nil
	}
	l.text = text
	l.ticketRow, ok, err = peek(q, l.held.Kind, l.held.Hash, now)
	return l, ok, err
}

// useLink uses up the link that a form carries.
func (a *part) useLink(w *db.Writer, now time.Time, text string, kinds ...ticket) (l mailed, used bool, err error) {
	if l.held, used = a.carriedIn(text, now); !used || !slices.Contains(kinds, l.held.Kind) {
		return l, false, nil
	}
	l.text = text
	l.ticketRow, used, err = use(w, l.held.Kind, l.held.Hash, now)
	return l, used, err
}

// spend is useLink that ends the browser's step too, if it is this link's.
func spend[U any](a *part, w *merlon.Write[U], text string, kinds ...ticket) (l mailed, used bool, err error) {
	if l, used, err = a.useLink(w.DB, w.Now(), text, kinds...); err == nil && used {
		endStep(w, l)
	}
	return l, used, err
}

// endStep ends the browser's step if it is this link's; another tab's stays.
func endStep[U any](w *merlon.Write[U], l mailed) {
	if step, has := ticketStep.Get(w); has && string(step.Hash) == string(l.held.Hash) {
		ticketStep.End(w)
	}
}
