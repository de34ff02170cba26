// Package metrics tells Prometheus how a site is: a part that puts /metrics beside /healthz, on the listener of
// serve --production that is on loopback. A site that does not list it links none of Prometheus.
//
//	Parts: []merlon.Part{account.New(account.Config{}), metrics.New()}
//
// What is told, all of it by constants of the program: no label is a text, a name, an address or an id of a visitor's, so
// nobody outside can make the server that collects them run full.
//
//	merlon_requests_total{method,route,status}     requests, by the pattern of the route
//	merlon_request_seconds{route}                  how long their answers took, a histogram
//	merlon_response_bytes_total{route}             what was answered
//	merlon_events_total{id,outcome}                security events by rule (explain ID): refusals, failures, what was done;
//	                                               sign-ins are MRL-ACCT-003, those that
//	                                               failed MRL-ACCT-002
//	merlon_sessions                                sessions of signed-in users
//	merlon_mails{state}, merlon_jobs{state}        what waits, is held, or was given up
//	merlon_certificate_days_left{host}             until the certificate ends
//	merlon_replica_up{replica}                     of the database's replicas: whether readers go there
//	merlon_replica_lag_seconds{replica}            how old what they show may be
//	merlon_replica_readers{replica}                transactions of readers since the start
//	merlon_backup_age_seconds                      since the newest backup was what the site is
//	merlon_drill_age_seconds                       since the last restore that was tried and went well
//	go_…, process_…                                memory, goroutines, open files of the process
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
)

// New returns the part. Each site has its own: what two of one process do is not mixed.
func New() merlon.Part {
	m := &measures{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "merlon_requests_total", Help: "Requests that were answered."}, []string{"method", "route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "merlon_request_seconds", Help: "Seconds until the answer was handed to the connection.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"route"}),
		bytes:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "merlon_response_bytes_total", Help: "Bytes of answers' bodies."}, []string{"route"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "merlon_events_total", Help: "Security events, by rule."}, []string{"id", "outcome"}),
	}
	m.registry.MustRegister(m.requests, m.took, m.bytes, m.events, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return merlon.Part{Name: "metrics", Watch: m, Health: []merlon.HealthPage{{Path: "/metrics", Open: m.open}}}
}

type measures struct {
	registry      *prometheus.Registry
	requests      *prometheus.CounterVec
	took          *prometheus.HistogramVec
	bytes, events *prometheus.CounterVec
}

// Answered implements [merlon.Watcher].
func (m *measures) Answered(a merlon.Answered) {
	m.requests.WithLabelValues(a.Method, a.Route, strconv.Itoa(a.Status)).Inc()
	m.took.WithLabelValues(a.Route).Observe(a.Took.Seconds())
	m.bytes.WithLabelValues(a.Route).Add(float64(a.Bytes))
}

// Happened implements [merlon.Watcher].
func (m *measures) Happened(e event.Event) { m.events.WithLabelValues(e.ID, e.Outcome.String()).Inc() }

// collectTime bounds what one collection may take of the database.
const collectTime = 3 * time.Second

// open answers one collection: what was counted, and how the site is now.
func (m *measures) open(h *merlon.House) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), collectTime)
		defer cancel()
		now := prometheus.NewRegistry()
		gauges, err := h.Gauges(ctx)
		if err != nil { // what could be read is told; that something could not be is in the log
			h.Log.Error("not every measure could be read", "error", err.Error())
		}
		now.MustRegister(gaugesOf(gauges))
		promhttp.HandlerFor(prometheus.Gatherers{m.registry, now}, promhttp.HandlerOpts{DisableCompression: true, ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, r)
	})
}

// gaugesOf is a collector of values that were read already. Of two with one name and label the first counts.
type gaugesOf []merlon.Gauge

// Describe implements [prometheus.Collector]: nothing is said beforehand, since what there is depends on the data.
func (gaugesOf) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (all gaugesOf) Collect(to chan<- prometheus.Metric) {
	seen := map[[2]string]bool{}
	for _, g := range all {
		key := [2]string{string(g.Name), g.Of}
		if seen[key] {
			continue
		}
		seen[key] = true
		var labels, values []string
		if g.Label != "" {
			labels, values = []string{string(g.Label)}, []string{g.Of}
		}
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(string(g.Name), string(g.Help), labels, nil), prometheus.GaugeValue, g.Value, values...)
	}
}
