package merlon

import (
	"log/slog"
	"net/http"

	"github.com/merlon-web/merlon/throttle"
)

// rates bound how often one network may ask: each kind of request by what it costs the site. They are for availability; what
// guards a secret has limits of its own, in room throttle.
type rates struct {
	requests *throttle.Rate // pages, acts, mounted handlers, and what is not there
	files    *throttle.Rate // static files: from memory, without a session, and a page loads many at once
	forms    *throttle.Rate // POSTs of visitors who are not signed in, beside the first: each is a transaction, or a hash
}

// The limits of one address (IPv6: one /64); its /24 (/48) may ask ten times as often. Those of requests are the defaults of
// [throttle.RateConfig]: 50 a second, 200 at once.
var (
	fileRate = throttle.RateConfig{PerSecond: 200, Burst: 1000, Entries: 16 << 10}
	// An office behind one address signs in, and nobody types that fast.
	formRate = throttle.RateConfig{PerSecond: 1, Burst: 60, Entries: 16 << 10}
)

func newRates() *rates {
	return &rates{throttle.NewRate(throttle.RateConfig{}), throttle.NewRate(fileRate), throttle.NewRate(formRate)}
}

// allowRate counts a request for a route, or for what is not there.
func (w *walk) allowRate() bool {
	return w.run.rates == nil || w.allow(w.run.rates.requests, "requests")
}

// allowFile counts a request for a static file.
func (w *walk) allowFile() bool {
	return w.run.rates == nil || w.allow(w.run.rates.files, "files")
}

// allowForm counts what a visitor who is not signed in sends. Routes with [InsecureNoToken] are for machines, which come in
// bursts from few addresses: they have the limit of all requests alone.
func (w *walk) allowForm() bool {
	if w.run.rates == nil || w.r.Method == http.MethodGet || w.r.Method == http.MethodHead || w.route.opt.noToken != nil || w.state.User() != 0 {
		return true
	}
	return w.allow(w.run.rates.forms, "forms")
}

// allow asks one limit. Who is over it gets 429 with the time of the next try, and is an event.
func (w *walk) allow(rate *throttle.Rate, of string) bool {
	if w.site.env.Mode == Development && w.client.Local() {
		return true // the developer's own browser and tools; in the world this address may be a proxy's that names nobody
	}
	until, ok := rate.Allow(w.client.Addr, w.now)
	if !ok {
		w.refused(RuleRate, slog.String("of", of))
		w.fail(http.StatusTooManyRequests, until)
	}
	return ok
}
