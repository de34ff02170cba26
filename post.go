package merlon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/session"
)

// errRollBack ends a transaction whose answer has a status of 400 or more: nothing of it is kept, the answer is sent.
var errRollBack = errors.New("merlon: roll back")

// servePost is the rest of the walk of a POST: session, access, body, token, fields, what is slow, and then one
// transaction from the reading of the session to the bytes of the answer.
func servePost[U, In, Mid any](w *walk, who Access[U], before func(*Read[U], form.Form[In]) (Mid, error),
	h func(*Write[U], form.Form[In], Mid) (*Response, error)) {
	if !w.pass() || !w.enter() || !w.allowForm() {
		return
	}
	defer w.dropUploads()
	body, answered := w.secondArrival()
	if answered {
		return
	}
	u, err := ask(w, who)
	if err != nil {
		if errors.Is(err, ErrAgain) && w.state.User() != 0 && !w.route.opt.json {
			keepForm[In](w, howAgain(err))
			return
		}
		w.denied(err)
		return
	}
	w.closeReader() // a body may take long: no snapshot is held while it comes
	if body == nil {
		if body, err = w.parse(true); err != nil {
			w.badInput(err)
			return
		}
	}
	mark, fresh := w.checkToken(body)
	f, bound := form.Bind[In](body, w.r.PathValue)
	if w.uploads != nil {
		w.widen()
	}
	w.fullDisk()
	if bound.Refusal != nil {
		w.badInput(bound.Refusal)
		return
	}
	if len(bound.Undeclared) > 0 {
		w.unknown = bound.Undeclared
		w.refused(RuleUndeclared, slog.Any("fields", bound.Undeclared))
	}
	if !fresh {
		w.stale(f, w.tokenFault())
		return
	}
	var mid Mid
	if before != nil {
		w.reader = w.run.engine.Read(w.ctx)
		if first, err := w.claim(w.reader, mark); err != nil || first != nil { // a second click does not pay twice
			finishPost(w, f, first, err)
			return
		}
		r := Read[U]{facts: facts{w}, User: u, DB: w.reader, Session: w.state.Reader()}
		if mid, err = before(&r, f); err != nil {
			w.handlerFailed(err)
			return
		}
	}
	w.closeReader()

	var res *Response
	err = w.run.engine.Write(w.ctx, func(ctx context.Context, dw *db.Writer) error {
		w.collect(true)
		defer w.collect(false)
		sw, err := w.run.sessions.Begin(w.state, dw)
		if err != nil {
			return err
		}
		if first, err := w.claim(dw, mark); err != nil || first != nil {
			res = first
			return err
		}
		wr := Write[U]{facts: facts{w}, User: u, DB: dw, Session: sw}
		if f, err = room(w, dw, f); err != nil {
			return err
		}
		if res, err = h(&wr, f, mid); err != nil {
			return err
		}
		res = w.withoutRoom(res)
		return w.settle(ctx, dw, sw, res, mark)
	})
	if errors.Is(err, session.ErrEnded) { // by the first arrival of the same form, perhaps
		if first, firstErr := w.firstAnswer(mark, false); firstErr == nil && first != nil {
			res, err = first, nil
		}
	}
	finishPost(w, f, res, err)
}

// finishPost sends what came of a POST.
func finishPost(w *walk, f form.Any, res *Response, err error) {
	switch {
	case err == nil:
		w.nextToken()
		w.out(res)
	case errors.Is(err, errRollBack):
		w.out(res)
	case errors.Is(err, errEdited):
		w.stale(f, staleEdited)
	case errors.Is(err, session.ErrEnded):
		w.cookies, w.clear = w.cookies[:0], false // of a handler whose rows were not kept
		w.refused(RuleEnded)
		w.toSignIn("")
	default:
		w.cookies, w.clear = w.cookies[:0], false
		w.handlerFailed(err)
	}
}

// checkToken takes the token out of the body and reports whether it is this session's and this route's. A route that needs
// none ([InsecureNoToken]) has no one-time mark either.
func (w *walk) checkToken(body *form.Body) (once, bool) {
	token := w.sentToken(body)
	if w.route.opt.noToken != nil {
		return once{}, true
	}
	binding := w.state.Binding()
	if binding == nil {
		return once{}, false
	}
	pad, ok := csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), token)
	return w.once(pad, binding, body.Sum(), ok), ok
}

// settle is the end of a POST inside its transaction: the page is written, and what the request leaves behind with it.
func (w *walk) settle(ctx context.Context, dw *db.Writer, sw *session.Writer, res *Response, mark once) error {
	if res == nil {
		return fmt.Errorf("merlon: %s returned no response and no error: a handler answers something; return merlon.Show, Redirect, NotFound …", w.route.handler)
	}
	if res.status >= http.StatusBadRequest {
		w.cookies = w.cookies[:0]
		w.mu.Lock()
		w.events = w.events[:0]
		w.mu.Unlock()
		if err := w.write(res); err != nil {
			return err
		}
		return errRollBack
	}
	if notice := w.notice(res); notice != "" {
		text, err := w.run.sealText("notice", notice)
		if err != nil {
			return err
		}
		w.cookies = append(w.cookies, header.Cookie{Name: w.site.cookieName("notice"), Value: text, MaxAge: time.Minute, Strict: true})
	}
	if err := w.noteWrite(dw, sw); err != nil {
		return err
	}
	if err := sw.Save(); err != nil {
		return err
	}
	if c, ok := sw.Cookie(); ok {
		w.cookies = append(w.cookies, c)
	}
	w.binding = sw.Binding()
	w.clear = sw.Ended()
	if err := w.write(res); err != nil {
		return err
	}
	w.mu.Lock()
	events := w.events
	w.mu.Unlock()
	if len(events) > 0 {
		if err := journal.Append(dw, events...); err != nil {
			return err
		}
		dw.OnRelease(func() { w.run.logAll(ctx, events) })
	}
	return w.remember(dw, mark, res)
}

var _ event.Recorder = (*walk)(nil)
