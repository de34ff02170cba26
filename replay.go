package merlon

import (
	"errors"

	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/form"
)

// secondArrival answers a form that is sent a second time with the token of a session that the first time has replaced or
// ended: the second click of a double click on "sign in" or "sign out", and browsers drop the answer to the first one, its
// cookie with it. Who sends it has the whole form, its token and what was typed: a thief of the cookie alone has nothing (see
// [walk.claim]).
//
// Of a session that has ended only the form that ended it is answered again: what others were answered is not told to
// whoever still has their cookie and their pages. It stands before access is asked, since the replaced session is nobody's. If the form is no second arrival its body is
// returned: it was read.
func (w *walk) secondArrival() (body *form.Body, answered bool) {
	binding := w.state.Former()
	if binding == nil || w.route.opt.noToken != nil || w.route.opt.json {
		return nil, false
	}
	w.closeReader()
	body, err := w.parse(true)
	if err != nil {
		w.badInput(err)
		return nil, true
	}
	token := w.sentToken(body)
	pad, ok := csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), token)
	w.reader = w.run.engine.Read(w.ctx)
	if !ok {
		return body, false
	}
	first, err := w.firstAnswer(w.once(pad, binding, body.Sum(), true), w.state.Replaced() == nil)
	if err != nil {
		w.failed(err, nil)
		return nil, true
	}
	if first == nil {
		return body, false
	}
	w.out(first)
	return nil, true
}

// firstAnswer is [walk.claim] for a request that has no session any more: another text is no second arrival, and if ended
// is set one that did not end the session is none.
func (w *walk) firstAnswer(o once, ended bool) (*Response, error) {
	if w.reader == nil {
		w.reader = w.run.engine.Read(w.ctx)
	}
	first, err := w.kept(w.reader, o)
	if errors.Is(err, errEdited) {
		return nil, nil
	}
	if err != nil || first == nil || ended && !first.Clear {
		return nil, err
	}
	return w.again(first), nil
}
