package merlon

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/trust"
)

// ErrorPage is the data of the page error.html, which a site may replace by a file of that name among its own pages.
type ErrorPage struct {
	Status  int
	Title   string
	Text    string
	Request string // the id that stands in the log; only for status 500
	Detail  string // development only
}

// StalePage is the data of the page stale.html: a form that was not accepted, with what was typed.
type StalePage struct {
	Text   string
	Form   page.HTML // the whole form, written by room form
	Detail string    // development only
}

// failures are the statuses that have an error page; what it says is in the catalogue, error.404.title and error.404.text.
var failures = []int{400, 403, 404, 405, 410, 413, 414, 415, 421, 422, 429, 431, 500, 503, 505}

// fail answers an error page. Detail may be an error (shown in development), a time (when to try again) or a duration.
func (w *walk) fail(status int, detail any) {
	if w.begun.Load() {
		return
	}
	if !slices.Contains(failures, status) {
		status = http.StatusInternalServerError
	}
	id := fmt.Sprintf("error.%d", status)
	p := ErrorPage{Status: status, Title: w.say(id + ".title"), Text: w.say(id + ".text")}
	if status == http.StatusForbidden && (w.r.Method == http.MethodGet || w.r.Method == http.MethodHead) { // nothing could be changed
		p.Text = w.say("error.403.seen")
	}
	if status == http.StatusUnsupportedMediaType && w.route != nil && w.route.opt.json {
		p.Text = w.say("error.415.json")
	}
	h := w.ResponseWriter.Header()
	switch d := detail.(type) {
	case time.Time:
		wait := w.retryAt(d)
		p.Text = w.say("error.retry", (wait+59)/60, d.UTC().Format("15:04:05")+" UTC")
	case time.Duration:
		h["Retry-After"] = []string{strconv.Itoa(max(1, int(d.Seconds()+0.999)))}
	case error:
		if errors.Is(d, errMaintenance) {
			h["Retry-After"] = []string{strconv.Itoa(int(maintenanceRetry.Seconds()))}
		}
		p.Detail = w.inside(status, d)
	default:
		p.Detail = w.inside(status, nil)
	}
	if status == http.StatusServiceUnavailable && h["Retry-After"] == nil {
		h["Retry-After"] = []string{"10"}
	}
	if status >= 500 {
		p.Request = w.requestID()
	}
	w.answerError(status, p)
}

// retryAt sets Retry-After, and returns the seconds in it.
func (w *walk) retryAt(until time.Time) int {
	wait := max(1, int(until.Sub(w.now).Seconds()+0.999))
	w.ResponseWriter.Header()["Retry-After"] = []string{strconv.Itoa(wait)}
	return wait
}

// answerError writes the site's error page; when even that fails, a plain one that needs nothing.
func (w *walk) answerError(status int, p ErrorPage) {
	h := w.ResponseWriter.Header()
	h["Cache-Control"] = noStore
	delete(h, "Content-Disposition")
	// what the failed answer would have set is not set, and its tokens were bound to what did not happen
	w.buf, w.cookies, w.binding = w.buf[:0], w.cookies[:0], nil
	if w.failJSON(status, p, nil) {
		return
	}
	if w.site.pages != nil && w.site.sound {
		if err := w.tryPage(&Response{status: status, shown: &showing[ErrorPage]{errorPage, p}}); err == nil {
			w.send(status, "html", w.buf)
			return
		}
	}
	w.buf = append(w.buf[:0], p.Title+"\n\n"+p.Text+"\n"...)
	if p.Request != "" {
		w.buf = append(w.buf, "\n"+w.say("error.request", p.Request)+"\n"...)
	}
	w.send(status, "text", w.buf)
}

// tryPage is writePage that survives a page that panics or fails, and a visitor whose session was never read.
func (w *walk) tryPage(res *Response) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("merlon: error page: %v", p)
		}
	}()
	if res.status != http.StatusTooManyRequests && res.status != http.StatusServiceUnavailable { // whose point is that nothing more is done
		w.introduce()
	}
	if w.state == nil && w.run != nil {
		w.state, w.blind = w.run.sessions.Nobody(), true
		w.frame.User, w.frame.Roles = "", nil
	}
	w.quiet = true
	return w.writePage(res)
}

// introduce names the user on an error page whose route asked no access rule, or was refused by it. Without a reader (an
// unknown address, an answer after the reader was closed) one is opened for it, by the cookie that came; what fails here
// leaves the page as it would be for a stranger.
func (w *walk) introduce() {
	if w.run == nil || w.frame.User != "" || w.client.Host == "" || w.route != nil && w.route.opt.noToken != nil || w.state != nil && w.reader == nil {
		return
	}
	state := w.state
	if state == nil {
		if w.route != nil { // refused before the session was read
			return
		}
		reader := w.run.engine.Read(w.ctx)
		defer reader.Close()
		var err error
		if state, err = w.run.sessions.Load(reader, w.r); err != nil || !state.Live() {
			return
		}
		state.SetClient(w.client.Addr)
		w.state, w.reader = state, reader
		defer func() { w.reader = nil }()
	}
	visit := w.newVisit()
	for _, i := range Offers[Introducer](w.run.house) {
		if who, err := i.Introduce(&visit); err == nil && who != nil {
			w.frame.User, w.frame.Roles, w.frame.Every = who.FrameUser()
			return
		}
	}
}

// failed answers what nobody expected: an event, a log line with the cause, and a page that says nothing of it.
func (w *walk) failed(err error, stack []byte) {
	if w.retries > 0 && errors.Is(err, db.ErrAway) && !w.begun.Load() {
		w.retries, w.repeat = w.retries-1, true // see serveGet
		return
	}
	if errors.Is(err, context.Canceled) && w.r.Context().Err() != nil {
		w.fail(http.StatusServiceUnavailable, nil) // the visitor has gone, or a middleware gave up: nothing to log
		return
	}
	status := http.StatusInternalServerError
	var detail any = err
	var limited *throttle.Limited
	var busy *password.BusyError
	switch {
	case errors.As(err, &limited):
		w.fail(http.StatusTooManyRequests, limited.Until)
		return
	case errors.As(err, &busy):
		w.fail(http.StatusServiceUnavailable, busy.RetryAfter)
		return
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, db.ErrBusy), errors.Is(err, db.ErrDiskFull), errors.Is(err, db.ErrDiskReadOnly), errors.Is(err, db.ErrClosed):
		status = http.StatusServiceUnavailable
	}
	rule := RulePanic
	if errors.Is(err, errRedirect) {
		rule = RuleRedirect
	}
	w.recordFailure(rule, err, stack)
	var compile *page.CompileError
	if w.site.env.Mode == Development && errors.As(err, &compile) {
		w.compileFault(compile)
		return
	}
	w.fail(status, detail)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (w *walk) routeID() string {
	if w.route == nil {
		return ""
	}
	return w.route.id()
}

// compileFault shows the faults of a page that was saved with one, in development.
func (w *walk) compileFault(c *page.CompileError) {
	if w.begun.Load() {
		return
	}
	w.ResponseWriter.Header()["Cache-Control"] = noStore
	w.because(check.Rule{ID: c.Findings[0].ID})
	b := append(w.buf[:0], `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Error: a page does not compile</title></head><body><main><h1>A page does not compile</h1><p>Correct it and load this page again.</p>`...)
	b = append(b, "<pre>"+html.EscapeString(w.inside(http.StatusInternalServerError, errors.New("the findings below")))+"</pre>"...)
	for _, f := range c.Findings {
		b = append(b, "<pre>"+html.EscapeString(f.Text())+"</pre>"...)
	}
	w.buf = append(b, `</main></body></html>`...)
	w.send(http.StatusInternalServerError, "html", w.buf)
}

// refuseTrust answers what room trust refused: host, framing, method, form of the address.
func (w *walk) refuseTrust(err error) {
	var refusal *trust.Refusal
	if !errors.As(err, &refusal) {
		w.failed(err, nil)
		return
	}
	if refusal.Close {
		w.ResponseWriter.Header()["Connection"] = []string{"close"}
	}
	if !w.client.Addr.IsValid() {
		w.client.Addr = w.run.trust.Sender(w.r)
	}
	if !w.allowRate() { // a refusal is a page and an event: nobody gets them for nothing
		return
	}
	if refusal.Status == http.StatusMethodNotAllowed {
		w.methodNotAllowed()
		return
	}
	if refusal.Status != http.StatusNotFound {
		w.refused(refusal.Rule, slog.String("reason", refusal.Reason))
	}
	w.fail(refusal.Status, err)
}

// methodNotAllowed answers 405 with the methods that the address does answer (RFC 9110 15.5.6).
func (w *walk) methodNotAllowed() {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if rt, _ := w.site.find(m, w.r.URL); rt != nil {
			allow = append(allow, m)
		}
	}
	w.refused(RuleMethod)
	w.ResponseWriter.Header()["Allow"] = []string{strings.Join(allow, ", ")}
	w.fail(http.StatusMethodNotAllowed, nil)
}

// notFound is what the router calls when no route has the address: 405 when another method has it, else 404.
func (s *Site) notFound(rw http.ResponseWriter, r *http.Request) {
	w, ok := rw.(*walk)
	if !ok {
		return // a probe
	}
	if !w.allowRate() { // whoever looks for what is not there asks for much of it
		return
	}
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if rt, _ := s.find(m, r.URL); rt != nil {
			w.methodNotAllowed()
			return
		}
	}
	w.fail(http.StatusNotFound, nil)
}

// A staleness is why a form is shown again and not taken: the rule, and what the page says, an id of the catalogue.
type staleness struct {
	rule check.Rule
	text string
}

var (
	staleNone   = staleness{RuleNoToken, "stale.none"}
	staleToken  = staleness{RuleToken, "stale.token"}
	staleEdited = staleness{RuleEdited, "stale.edited"}
)

// stale records why and shows a form again with what was typed and a fresh token. The handler never ran.
func (w *walk) stale(f form.Any, why staleness) {
	w.refused(why.rule)
	if w.route.opt.json { // a script asks its page for another token, and its visitor whether he means it
		w.ResponseWriter.Header()["Cache-Control"] = noStore
		w.cookies = w.cookies[:0]
		w.failJSON(http.StatusForbidden, ErrorPage{Title: w.say("stale.title"), Text: w.say(why.text), Detail: w.inside(http.StatusForbidden, nil)}, nil)
		return
	}
	w.buf, w.cookies, w.binding = w.buf[:0], w.cookies[:0], nil
	fields := w.formTexts().AppendAgain(nil, f)
	p := StalePage{Text: w.say(why.text), Form: w.sendAgain(w.route.id(), w.r.URL.EscapedPath(), fields, f.FormSpec().HasUpload()), Detail: w.inside(http.StatusForbidden, nil)}
	w.ResponseWriter.Header()["Cache-Control"] = noStore
	if err := w.tryPage(&Response{status: http.StatusForbidden, shown: &showing[StalePage]{stalePage, p}}); err != nil {
		w.failed(err, nil)
		return
	}
	w.send(http.StatusForbidden, "html", w.buf)
}

// toSignIn sends the visitor to the sign-in page, with the way back.
func (w *walk) toSignIn(again string) {
	next := ""
	if w.r.Method == http.MethodGet && !w.route.opt.jsonErrors { // what a script asked for is no page to come back to
		next = w.r.URL.RequestURI()
	}
	w.toSignInFor(again, next)
}

func (w *walk) toSignInFor(again, next string) {
	to := w.site.signIn
	if to == "" {
		w.refused(RuleDenied)
		w.fail(http.StatusForbidden, nil)
		return
	}
	q := url.Values{}
	if back := w.wayBack(next); back != "" {
		q.Set("next", back)
	}
	if again != "" {
		q.Set("again", again)
	}
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	w.ResponseWriter.Header()["Cache-Control"] = noStore
	if w.failJSON(http.StatusForbidden, ErrorPage{Title: w.say("error.403.title"), Text: w.say("error.403.text")}, map[string]any{"signIn": to}) {
		return
	}
	w.location(http.StatusSeeOther, to)
}

var noStore = []string{"no-store"}
