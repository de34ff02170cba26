package merlon

import (
	"context"
	"net/http"
	"strings"

	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/header"
)

// MountToken returns the token that a mounted handler's page puts into the header Merlon-Token of its own requests other
// than GET and HEAD: there Merlon does not read the body. It is bound to the visitor's session and to the mount, and must be
// called before the answer is begun, since a visitor without a session is given a cookie to bind it to. Elsewhere it is "".
func MountToken(ctx context.Context) string {
	w, ok := ctx.Value(walkKey{}).(*walk)
	if !ok || w.route == nil || w.route.mount == nil || w.route.opt.noToken != nil || w.begun.Load() {
		return ""
	}
	if w.binding == nil {
		w.bind()
		for _, c := range w.cookies {
			if err := header.SetCookie(w.ResponseWriter.Header(), c); err != nil {
				return ""
			}
		}
		w.cookies = w.cookies[:0]
	}
	w.ResponseWriter.Header()["Cache-Control"] = noStore // the token is this visitor's
	return string(csrf.AppendToken(nil, w.run.csrfKey, w.binding, w.route.id(), nil))
}

// MountUser returns who asked a mounted handler, as the mount's access rule told it, in the handler or in what it calls with
// the request's context. It is false elsewhere, and for a U that is not the rule's.
func MountUser[U any](ctx context.Context) (U, bool) {
	w, ok := ctx.Value(walkKey{}).(*walk)
	if !ok {
		var nobody U
		return nobody, false
	}
	u, ok := w.mounted.(U)
	return u, ok
}

// serveMount is the walk of a mounted handler: the guards before it are those of a route of Merlon's; what it writes is its
// own.
func serveMount[U any](w *walk, who Access[U]) {
	switch w.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		if w.allowRate() {
			w.methodNotAllowed()
		}
		return
	}
	if !w.pass() || !w.enter() || !w.allowForm() {
		return
	}
	u, ok := admit(w, who)
	if !ok {
		return
	}
	w.mounted = u
	if w.r.ContentLength > w.route.opt.maxBody && w.route.opt.streaming == nil {
		w.ResponseWriter.Header()["Connection"] = []string{"close"}
		w.fail(http.StatusRequestEntityTooLarge, nil)
		return
	}
	unsafe := w.r.Method != http.MethodGet && w.r.Method != http.MethodHead
	if unsafe && w.route.opt.noToken == nil {
		binding := w.state.Binding()
		token := w.r.Header.Get(csrf.HeaderName)
		w.brought = token != ""
		_, ok := csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), token)
		if !ok || binding == nil {
			w.refused(w.tokenFault().rule)
			w.fail(http.StatusForbidden, nil)
			return
		}
		w.noteMounted()
	}
	w.closeReader()
	w.cacheRule()
	w.basePolicy()
	var rw http.ResponseWriter = w
	if w.route.opt.streaming != nil {
		rw = tracked{w.ResponseWriter, w}
		c := http.NewResponseController(rw)
		_ = c.SetWriteDeadline(zeroTime)
		_ = c.SetReadDeadline(zeroTime)
	} else if w.r.Body != nil {
		w.r.Body = http.MaxBytesReader(w.ResponseWriter, w.r.Body, w.route.opt.maxBody)
	}
	w.hideCookies()
	w.route.mount.ServeHTTP(rw, w.r.WithContext(context.WithValue(w.ctx, walkKey{}, w)))
}

// hideCookies takes the site's own cookies out of the request that a mounted handler sees: the session's is a secret between
// the browser and the site.
func (w *walk) hideCookies() {
	lines := w.r.Header["Cookie"]
	if len(lines) == 0 {
		return
	}
	prefix := w.site.cookieName("")
	var kept []string
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part != "" && !strings.HasPrefix(part, prefix) {
				kept = append(kept, part)
			}
		}
	}
	w.r.Header.Del("Cookie")
	if len(kept) > 0 {
		w.r.Header.Set("Cookie", strings.Join(kept, "; "))
	}
}
