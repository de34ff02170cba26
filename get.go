package merlon

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/page"
)

// serveGet is the rest of the walk of a GET: session, access, input, handler, page. The transaction is a reader's. If its server has
// left meanwhile, all of it is done again, as a visitor's reload would: nothing was written and nothing was sent. A server that ends
// leaves its connections one after the other, and a second try may have one that is left a moment later: hence a third. What a replica
// did not have, refused or broke off is asked of the primary, see replica.go.
func serveGet[U, In any](w *walk, who Access[U], h func(*Read[U], In) (*Response, error)) {
	if !w.pass() {
		return
	}
	w.retries = 2
	tryGet(w, who, h)
	for w.repeat {
		w.repeat = false
		w.forget()
		tryGet(w, who, h)
	}
}

// forget takes back what a try has found out, before the next one.
func (w *walk) forget() {
	w.mu.Lock()
	w.later = nil
	w.mu.Unlock()
	w.closeReader()
	if w.file != nil {
		_ = w.file.Close()
		w.file = nil
	}
	w.state, w.visit, w.user, w.frame = nil, Visit{}, 0, page.Frame{}
	w.forms, w.tokens, w.local, w.binding, w.blind, w.clear = nil, nil, "", nil, false, false
	w.cookies, w.buf = w.cookies[:0], w.buf[:0]
}

func tryGet[U, In any](w *walk, who Access[U], h func(*Read[U], In) (*Response, error)) {
	if !w.enter() {
		return
	}
	u, ok := admit(w, who)
	if !ok {
		return
	}
	in, ok := bindGet[In](w)
	if !ok {
		return
	}
	r := Read[U]{facts: facts{w}, User: u, DB: w.pageReader(), Session: w.state.Reader()}
	res, err := h(&r, in)
	if err == nil && res != nil {
		err = w.write(res)
	}
	switch {
	case w.copy != nil && (err != nil || res == nil || res.status >= http.StatusBadRequest):
		w.primary, w.repeat = true, true
	case err != nil:
		w.handlerFailed(err)
	case res == nil:
		w.failed(fmt.Errorf("merlon: %s returned no response and no error: a handler answers something; return merlon.Show, Redirect, NotFound …", w.route.handler), nil)
	default:
		w.closeReader()
		w.out(res)
	}
}

func bindGet[In any](w *walk) (In, bool) {
	var none In
	if _, isNone := any(none).(None); isNone {
		return none, true
	}
	in, err := form.BindQuery[In](w.r.URL.RawQuery, w.r.PathValue)
	if err == nil {
		return in, true
	}
	w.badInput(err)
	return none, false
}

// badInput answers a form or query that cannot be read.
func (w *walk) badInput(err error) {
	if w.crowdedOut() {
		return
	}
	var refusal *form.Refusal
	if !errors.As(err, &refusal) {
		w.failed(err, nil)
		return
	}
	if refusal.Rule.ID == form.RulePictures.ID && w.r.Context().Err() != nil {
		w.fail(refusal.Status, nil) // the visitor has gone, nobody was refused
		return
	}
	if refusal.Status != http.StatusNotFound {
		w.refused(refusal.Rule, slog.String("detail", refusal.Detail))
	}
	if refusal.Rule.ID == form.RulePictures.ID {
		w.fail(refusal.Status, w.now.Add(picturesRetry))
		return
	}
	w.fail(refusal.Status, err)
}

// handlerFailed answers an error that a handler returned.
func (w *walk) handlerFailed(err error) {
	over, isOver := errors.AsType[*file.Over](err) // of a handler that keeps what no form has shown to fit
	switch {
	case errors.Is(err, db.ErrNoRow):
		w.fail(http.StatusNotFound, nil)
	case isOver:
		w.overQuota(over)
		w.fail(w.noRoom, err)
	case errors.Is(err, ErrSignIn), errors.Is(err, ErrAgain), errors.Is(err, ErrForbidden), errors.Is(err, ErrHidden):
		w.denied(err)
	default:
		w.failed(err, nil)
	}
}

// write turns a response into bytes, in the buffer, before anything is sent or committed.
func (w *walk) write(res *Response) (err error) {
	if s := res.status; s < 200 || s > 599 || s == 204 || s == 205 || s/100 == 3 && res.kind != kindRedirect && res.kind != kindLocal {
		return fmt.Errorf("merlon: status %d cannot be that of a page: the rows would be kept and the answer be broken; use 200, 422, 404 …", s)
	}
	w.buf = w.buf[:0]
	switch res.kind {
	case kindPage:
		return w.writePage(res)
	case kindRedirect:
		if w.local, err = expand(res.text, res.values); err != nil {
			return err
		}
		// the path alone would not do: //host/ and https://host/ have one too
		if u, err := url.Parse(w.local); header.CheckLocation(w.local) != nil || err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !w.site.isPage(u) {
			return fmt.Errorf("%w: %q", errRedirect, w.local)
		}
	case kindLocal:
		w.local = res.local
	case kindText:
		w.buf = append(w.buf, res.text...)
	case kindJSON, kindDownload:
		if res.problems != nil {
			return w.writeProblems(res.problems)
		}
		w.buf = append(w.buf, res.body...)
	case kindFile:
		if w.r.Method != http.MethodGet && w.r.Method != http.MethodHead {
			return errFilePost
		}
		if w.file, err = w.run.house.Files.Open(res.file); err != nil {
			return fmt.Errorf("merlon: the upload %s: %w", res.file.Name, err)
		}
	case kindError:
		if res.text != "" {
			return errors.New(res.text)
		}
	}
	if res.step != nil {
		text, err := res.step.seal(w)
		if err != nil {
			return err
		}
		name := w.site.cookieName("step")
		w.cookies = slices.DeleteFunc(w.cookies, func(c header.Cookie) bool { return c.Name == name }) // the end of the one that this takes the place of
		w.cookies = append(w.cookies, header.Cookie{Name: name, Value: text, MaxAge: res.step.maxAge})
	}
	return nil
}

var errRedirect = errors.New("merlon: Redirect to a path that is no GET route: a redirect leads to a page of this site only; correct the path or declare the route")

var errFilePost = errors.New("merlon: File as the answer to a POST: a form is answered by a page or a redirect; redirect to the GET that answers the file")

// writePage executes the page and sets what depends on it: its policy and how it may be kept.
func (w *walk) writePage(res *Response) error {
	v, err := w.site.view(res.shown.declared())
	if err != nil {
		return err
	}
	if v == nil {
		return fmt.Errorf("merlon: %s shows a page of another site: pages belong to the Pages of the site or of its parts; declare it there", w.routeID())
	}
	w.fillFrame()
	for {
		w.forms, w.tokens = v.forms, v.tokens
		buf, err := res.shown.append(w.buf, w.site.pages, w.render())
		if err != nil {
			return err
		}
		again, err := w.site.view(res.shown.declared())
		if err != nil {
			return err
		}
		if again == v {
			w.buf = buf
			break
		}
		v = again // the page was saved since it was judged: once more, with the routes of its forms now
	}
	w.policy(v)
	return nil
}

// out sends what write prepared.
func (w *walk) out(res *Response) {
	w.cacheRule()
	if w.clear {
		header.ClearSiteData(w.ResponseWriter.Header())
	}
	switch res.kind {
	case kindPage:
		if !res.retry.IsZero() {
			w.retryAt(res.retry)
		}
		w.send(res.status, "html", w.buf)
	case kindText:
		w.send(res.status, "text", w.buf)
	case kindJSON:
		w.send(res.status, "json", w.buf)
	case kindDownload:
		w.ResponseWriter.Header()["Content-Disposition"] = []string{header.Attachment(res.filename)}
		w.send(res.status, "application/octet-stream", w.buf)
	case kindFile:
		w.sendFile(res.file)
	case kindRedirect, kindLocal:
		w.location(res.status, w.local)
	case kindError:
		var detail any
		if len(res.values) > 0 {
			detail = res.values[0]
		}
		w.fail(res.status, detail)
	}
}

// location answers a redirect to an address that was proven to be of this site.
func (w *walk) location(status int, path string) {
	w.ResponseWriter.Header()["Location"] = []string{path}
	w.send(status, "", nil)
}
