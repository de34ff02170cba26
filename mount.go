package merlon

import (
	"net/http"

	"github.com/merlon-web/merlon/csrf"
)

// tokenHeader carries the token of a mounted handler's own requests: there Merlon does not read the body.
const tokenHeader = "Merlon-Token"

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
	unsafe := w.r.Method != http.MethodGet && w.r.Method != http.MethodHead
	if unsafe && w.route.opt.noToken == nil {
		if _, ok := csrf.VerifyToken(w.run.csrfKey, w.state.Binding(), w.route.id(), w.r.Header.Get(tokenHeader)); !ok {
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
	w.route.mount.ServeHTTP(rw, w.r)
}
