package cli

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon"
)

// health answers the machine that the site runs on, on a listener of its own, which is on loopback or was handed over:
//
//	/healthz  200 while the process answers
//	/readyz   200 while visitors should be sent here, 503 before the site is up and from the moment it is told to end
//
// and what the site's parts put beside them: room metrics /metrics.
type health struct {
	site  *merlon.Site
	ready atomic.Bool
	srv   *http.Server
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head["Content-Type"] = []string{"text/plain; charset=utf-8"}
	head["Cache-Control"] = []string{"no-store"}
	head["X-Content-Type-Options"] = []string{"nosniff"}
	answer := func(status int, text string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text+"\n")
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head["Allow"] = []string{"GET, HEAD"}
		answer(http.StatusMethodNotAllowed, "GET only")
	case r.URL.Path == "/healthz":
		answer(http.StatusOK, "ok")
	case r.URL.Path != "/readyz":
		if page := h.site.HealthPage(r.URL.Path); page != nil {
			page.ServeHTTP(w, r)
			return
		}
		answer(http.StatusNotFound, "/healthz and /readyz")
	case !h.ready.Load() || h.site.House() == nil:
		answer(http.StatusServiceUnavailable, "not ready")
	case h.site.House().InMaintenance():
		answer(http.StatusOK, "ready, in maintenance") // whoever looks after it must get through
	default:
		// What an owner should know takes no healthy site out of service: it stands below, and the status stays.
		answer(http.StatusOK, strings.Join(append([]string{"ready"}, h.site.Readiness(r.Context())...), "\n"))
	}
}

func (h *health) listen(l net.Listener) {
	h.srv = &http.Server{Handler: h, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 4096}
	go func() { _ = h.srv.Serve(l) }()
}

func (h *health) stop() {
	if h.srv != nil {
		_ = h.srv.Close()
	}
}
