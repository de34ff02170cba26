package merlon

import (
	"context"
	"net/http"

	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/header"
)

// MountToken returns the token that a mounted handler's page puts into the header Merlon-Token of its own requests other
// than GET and HEAD: there Merlon does not read the body. It is bound to the visitor's session and to the mount, and must be
// called before the answer is begun, since a visitor without a session is given a cookie to bind it to. Elsewhere it is "".
func MountToken(ctx context.Context) string {
	w, ok := ctx.Value(walkKey{}).(*walk)
	if !ok || w.route == nil || w.route.mount == nil || w.route.opt.noToken != nil || w.wrote {
		return ""
	}
	if w.binding == nil {
		if w.binding = w.state.Binding(); w.binding == nil {
			var c header.Cookie
			c, w.binding = w.run.sessions.PreSession()
			h := w.ResponseWriter.Header()
			h["Cache-Control"] = noStore
			if err := header.SetCookie(h, c); err != nil {
				return ""
			}
		}
	}
	return string(csrf.AppendToken(nil, w.run.csrfKey, w.binding, w.route.id(), nil))
}

// serveMount is the walk of a mounted handler: the guards before it are those of a route of Merlon's; what it writes is its
// own.
func serveMount[U any](w *walk, who Access[U]) {
	switch w.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		w.methodNotAllowed()
		return
	}
	if !w.enter() {
		return
	}
	if _, ok := admit(w, who); !ok {
		return
	}
	if w.r.ContentLength > w.route.opt.maxBody && w.route.opt.streaming == nil {
		w.ResponseWriter.Header()["Connection"] = []string{"close"}
		w.fail(http.StatusRequestEntityTooLarge, nil)
		return
	}
	unsafe := w.r.Method != http.MethodGet && w.r.Method != http.MethodHead
	if unsafe && w.route.opt.noToken == nil {
		binding := w.state.Binding()
		_, ok := csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), w.r.Header.Get(csrf.HeaderName))
		if !ok || binding == nil {
			w.refused(RuleToken)
			w.fail(http.StatusForbidden, nil)
			return
		}
	}
	_ = w.reader.Close()
	w.reader = nil
	w.cacheRule()
	w.basePolicy()
	var rw http.ResponseWriter = w
	if w.route.opt.streaming != nil {
		rw = w.ResponseWriter
		c := http.NewResponseController(rw)
		_ = c.SetWriteDeadline(zeroTime)
		_ = c.SetReadDeadline(zeroTime)
	} else if w.r.Body != nil {
		w.r.Body = http.MaxBytesReader(w.ResponseWriter, w.r.Body, w.route.opt.maxBody)
	}
	w.route.mount.ServeHTTP(rw, w.r.WithContext(context.WithValue(w.ctx, walkKey{}, w)))
}
