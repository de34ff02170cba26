package merlon

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/page"
)

// send writes the answer: cookies, length, body. Nothing was written before.
func (w *walk) send(status int, contentType string, body []byte) {
	w.closeReader()
	w.freeBody() // it was read: who takes long to read the answer keeps no other's out
	h := w.ResponseWriter.Header()
	w.setCookies()
	if contentType != "" {
		h["Content-Type"] = contentTypes(contentType)
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.begun.Store(true)
	w.ResponseWriter.WriteHeader(status)
	if w.r.Method != http.MethodHead {
		_, _ = w.ResponseWriter.Write(body)
	}
}

func (w *walk) setCookies() {
	for _, c := range w.cookies {
		if err := header.SetCookie(w.ResponseWriter.Header(), c); err != nil {
			e := event.New(RulePanic, event.Failed, slog.String("error", err.Error()))
			e.Time = w.now
			w.run.record(e)
		}
	}
}

var (
	typeHTML = []string{"text/html; charset=utf-8"}
	typeText = []string{"text/plain; charset=utf-8"}
	typeJSON = []string{"application/json"}
)

func contentTypes(t string) []string {
	switch t {
	case "html":
		return typeHTML
	case "text":
		return typeText
	case "json":
		return typeJSON
	}
	return []string{t}
}

// render is what the page needs of the request.
func (w *walk) render() *page.Render {
	w.renderTo = page.Render{Frame: w.frame, Tokens: w, Form: w.formTexts(), Refused: w.pageRefused}
	return &w.renderTo
}

// pageRefused records what a page did not print as it came: an address with a scheme that runs, a path of dots.
func (w *walk) pageRefused(rule check.Rule, where string) {
	w.refused(rule, slog.String("page", where))
}

// fillFrame fills the typed $site of every template. A notice is shown once: its cookie is deleted with the page.
func (w *walk) fillFrame() {
	w.frame.Site, w.frame.Path, w.frame.Lang, w.frame.Notice = w.site.title, w.r.URL.Path, w.lang, ""
	if w.run == nil || w.quiet {
		return
	}
	name := w.site.cookieName("notice")
	raw, ok := header.Find(w.r, name)
	if !ok {
		return
	}
	var n string
	if w.run.openText("notice", raw, &n) {
		w.frame.Notice, _ = text.Own().Translate(w.lang, n) // a part's own sentence; a site's stays as it is
	}
	w.cookies = append(w.cookies, header.Cookie{Name: name, MaxAge: -1, Strict: true})
}

// origins are the addresses that are this site's own for the CSRF check: the configured one; in development the allowed
// host of the request over http, since the port is chosen by serve.
func (w *walk) origins() []string {
	if o := w.site.env.Settings.Origin; o != "" {
		return []string{o}
	}
	return []string{w.client.Origin()}
}

// policy sets the page's Content-Security-Policy, opened for framing where the route says so.
func (w *walk) policy(v *view) {
	h := w.ResponseWriter.Header()
	h["Content-Security-Policy"], h["Permissions-Policy"] = v.policy, v.opens
	if w.route == nil || len(w.route.opt.embeddable) == 0 {
		return
	}
	opened, ok := v.opened.Load(w.route)
	if !ok { // once a page and route: which pages a route shows is not known before
		policy := v.facts.Policy
		policy.Report = header.ReportPath
		fixed, faults := header.New(header.Options{Policy: policy, Frames: w.route.frames(), Features: v.facts.Features}, w.route.where)
		if len(faults) > 0 {
			return // stays closed; New told the fault of the origin
		}
		opened, _ = v.opened.LoadOrStore(w.route, fixed.Over(header.Strict))
	}
	delete(h, "X-Frame-Options")
	opened.(*header.Fixed).Apply(h)
}

// basePolicy is what a mounted handler starts with: nothing is allowed until it says so itself.
func (w *walk) basePolicy() {
	w.ResponseWriter.Header()["Content-Security-Policy"] = basePolicy
}

var basePolicy = []string{header.Policy{}.String()}

// cacheRule says who may keep the answer: nobody, when it depends on who asked or sets a cookie; any other public page may
// be kept and asked for again (OWASP ASVS 14.3.2).
func (w *walk) cacheRule() {
	h := w.ResponseWriter.Header()
	if w.personal || len(w.cookies) > 0 || w.r.Method != "GET" && w.r.Method != "HEAD" || w.binding != nil ||
		w.state.Live() && (w.state.Touched() || w.route.access.session) {
		h["Cache-Control"] = noStore
		return
	}
	h["Cache-Control"] = noCache
	h["Vary"] = w.vary(varyOrigin)
	if w.route.access.session {
		h["Vary"] = w.vary(varyCookie)
	}
}

var (
	noCache    = []string{"no-cache"}
	varyOrigin = []string{csrf.Vary} // who asked from elsewhere may have been refused
	varyCookie = []string{csrf.Vary + ", Cookie"}
)
