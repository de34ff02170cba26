package merlon

import (
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/trust"
	"github.com/merlon-web/merlon/trust/cert"
)

// A site in the world whose address begins with https:// answers nothing without TLS: pages are led to their https address,
// and whatever is no page is refused, so that a program that was given the wrong address notices before it sends a secret
// (OWASP ASVS 5.0 4.1.2).

// Redirect returns the handler of the port for plain HTTP, which leads visitors to TLS, and answers the questions of the
// authority that Env.Certificates come from (RFC 8555 8.3). The site must be started.
func (s *Site) Redirect() http.Handler {
	var lead http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.(*walk).toTLS() })
	if a, ok := s.env.Certificates.(*cert.ACME); ok {
		lead = a.Handler(lead)
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		buf := buffers.Get().(*[]byte)
		w := &walk{ResponseWriter: rw, site: s, run: s.running.Load(), r: r, ctx: r.Context(), buf: (*buf)[:0], now: s.clock()}
		defer s.observe(w)()
		w.lang = w.negotiate()
		defer w.end(buf)
		header.Strict.Apply(rw.Header())
		if w.run == nil {
			w.fail(http.StatusServiceUnavailable, nil)
			return
		}
		w.ctx = event.With(w.ctx, w)
		err := trust.CheckRequest(r, s.mountMethods...)
		if err == nil {
			w.client, err = w.run.trust.Request(r)
		}
		if err != nil {
			w.refuseTrust(err)
			return
		}
		if w.allowRate() {
			lead.ServeHTTP(w, r)
		}
	})
}

// needsTLS reports whether a request that came without TLS is not answered.
func (w *walk) needsTLS() bool {
	return w.site.env.Mode == Production && !w.client.HTTPS && strings.HasPrefix(w.site.env.Settings.Origin, "https://")
}

// toTLS leads a page to its https address and refuses the rest.
func (w *walk) toTLS() {
	rt, _ := w.site.find(w.r.Method, w.r.URL)
	read := w.r.Method == http.MethodGet || w.r.Method == http.MethodHead
	if !read || rt != nil && rt.mount != nil {
		to := w.r.Method
		if rt != nil {
			to = rt.id()
		}
		w.refused(RulePlain, slog.String("to", to)) // a path may be a secret: that of a webhook, a mailed link's
		w.ResponseWriter.Header()["Connection"] = []string{"close"}
		w.fail(http.StatusForbidden, nil)
		return
	}
	h := w.ResponseWriter.Header()
	h["Location"] = []string{w.site.secureOrigin(w.client.Host) + w.r.URL.RequestURI()}
	h["Cache-Control"] = noStore
	w.ResponseWriter.WriteHeader(http.StatusPermanentRedirect)
}

// secureOrigin is the https address of one of the site's hosts: the site's own where the name is the same, for its port.
func (s *Site) secureOrigin(host string) string {
	if strings.HasPrefix(s.env.Settings.Origin, "https://") && s.isOwnName(host) {
		return s.env.Settings.Origin
	}
	return "https://" + host
}

// isOwnName reports whether a host is that of the site's address.
func (s *Site) isOwnName(host string) bool {
	return strings.EqualFold(s.ownName, strings.Trim(host, "[]"))
}

// nameOf is the host of an origin, without its port.
func nameOf(origin string) string {
	_, name, _ := strings.Cut(origin, "://")
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	return strings.Trim(name, "[]")
}

// byAnotherName reports whether a page of a site in the world is asked for under one of its further names. Its cookies,
// forms and passkeys belong to the site's own address alone: a form that was shown elsewhere would be refused as forged.
func (w *walk) byAnotherName() bool {
	return w.site.env.Mode == Production && w.site.ownName != "" && (w.r.Method == http.MethodGet || w.r.Method == http.MethodHead) && !w.site.isOwnName(w.client.Host)
}

// toOrigin leads a page to the site's own address.
func (w *walk) toOrigin() {
	h := w.ResponseWriter.Header()
	h["Location"] = []string{w.site.env.Settings.Origin + w.r.URL.RequestURI()}
	h["Cache-Control"] = noStore
	w.ResponseWriter.WriteHeader(http.StatusPermanentRedirect)
}
