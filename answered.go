package merlon

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/merlon-web/merlon/event"
)

// Answered is one request and what became of it. Nothing in it is a text that the visitor chose: no path, no query, no
// header, no cookie, no body and no address (OWASP ASVS 5.0 14.2.1, 16.2.5). Who asks for what is not told; the events of
// refusals name the network's address.
type Answered struct {
	Request  string        // the id that events and error pages have
	Method   string        // GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, else "other"
	Route    string        // the route's pattern, "/notes/{id}"; "" when none was found or the request was refused before
	Status   int           // 0: the connection was broken off without an answer
	Bytes    int64         // of the answer's body
	Took     time.Duration // until the answer was handed to the connection
	Protocol int           // 1 or 2: of HTTP
}

// A Watcher is told of what happens in a site, for a room that counts (see Part.Watch). Its methods are called on the way of
// requests: they must be quick, must not block and must be safe for concurrent use.
type Watcher interface {
	// Answered tells of each request, after its answer.
	Answered(Answered)
	// Happened tells of each event, also of those that the log and the journal only count.
	Happened(event.Event)
}

// methods are those that are told by name: the others are texts of the visitor's.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true}

// counted is the writer of net/http with a count of what went through it.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Write implements [http.ResponseWriter].
func (c *counted) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// WriteHeader implements [http.ResponseWriter].
func (c *counted) WriteHeader(status int) {
	if c.status < 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// observed reports whether anybody wants to know of each request.
func (s *Site) observed() bool { return s.env.Settings.AccessLog || len(s.watchers) > 0 || s.shown() }

// shown reports whether a developer watches the requests.
func (s *Site) shown() bool { return s.env.Mode == Development && s.env.Requests != nil }

// observe counts what a walk answers. The function that it returns runs after the walk's end, and tells.
func (s *Site) observe(w *walk) (tell func()) {
	if !s.observed() {
		return func() {}
	}
	began := time.Now() // the site's clock may be a test's
	c := &counted{ResponseWriter: w.ResponseWriter}
	w.ResponseWriter = c
	r := w.r
	return func() {
		a := Answered{Request: w.requestID(), Method: r.Method, Status: c.status, Bytes: c.bytes, Took: time.Since(began), Protocol: r.ProtoMajor}
		if !methods[a.Method] {
			a.Method = "other"
		}
		if w.route != nil {
			a.Route = w.route.pattern
		}
		for _, one := range s.watchers {
			one.Answered(a)
		}
		if s.shown() {
			path := "" // what the guard below net/http refuses has none
			if r.URL != nil {
				path = r.URL.EscapedPath()
			}
			s.env.Requests(a, path)
		}
		if s.env.Settings.AccessLog {
			s.log.LogAttrs(context.Background(), slog.LevelInfo, "request", slog.String("request", a.Request), slog.String("method", a.Method), slog.String("route", a.Route),
				slog.Int("status", a.Status), slog.Int64("bytes", a.Bytes), slog.Float64("ms", float64(a.Took.Microseconds())/1000), slog.Int("http", a.Protocol))
		}
	}
}

// watch gathers the parts' watchers, and whoever opens the site.
func (s *Site) watch() {
	if s.env.Watch != nil {
		s.watchers = append(s.watchers, s.env.Watch)
	}
	for _, p := range s.cfg.Parts {
		if p.Watch != nil {
			s.watchers = append(s.watchers, p.Watch)
		}
	}
}

// happened tells the watchers of events.
func (s *Site) happened(events ...event.Event) {
	for _, one := range s.watchers {
		for _, e := range events {
			one.Happened(e)
		}
	}
}
