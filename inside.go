package merlon

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/place"
)

// What a failure says to its developer: one log line, and in development the inside on the error page. In production a visitor
// is told the id of the request and nothing else.

// because keeps the rule that the request is about to be answered by, for [walk.inside].
func (w *walk) because(rule check.Rule) {
	w.mu.Lock()
	w.why = rule
	w.mu.Unlock()
}

// inside is what an error page shows in development: the cause, the route with who may come in, the request's id as it stands
// in the log, and what explains more.
func (w *walk) inside(status int, err error) string {
	if w.site.env.Mode != Development || status == http.StatusServiceUnavailable && w.run == nil {
		return ""
	}
	w.mu.Lock()
	rule := w.why
	w.mu.Unlock()
	var told check.Finding
	if errors.As(err, &told) && told.ID != "" { // the cause explains itself better than that something failed
		rule.ID = told.ID
	}
	var b strings.Builder
	switch {
	case err != nil:
		fmt.Fprintf(&b, "cause    %s\n", err)
	case rule.ID != "":
		fmt.Fprintf(&b, "cause    %s: %s\n", rule.Title, rule.Why)
	case status == http.StatusNotFound && w.route == nil:
		fmt.Fprintf(&b, "cause    no route answers %s %s; %s\n", w.r.Method, w.r.URL.Path, w.site.insteadOf(w.r.URL.Path))
	}
	if w.at != "" {
		fmt.Fprintf(&b, "at       %s\n", w.at)
	}
	if w.route != nil {
		fmt.Fprintf(&b, "route    %s, for %s, %s\n", w.route.id(), w.route.access, w.route.where)
	}
	fmt.Fprintf(&b, "request  %s\n", w.requestID())
	if rule.ID != "" {
		fmt.Fprintf(&b, "more     explain %s\n", rule.ID)
	}
	return b.String()
}

// panicked returns the file and line at which the site's own code was when it panicked: of the calls on the stack the innermost
// one in a package of its handlers, or in the program's own module. Between it and the panic there may be calls of Merlon or of
// others. It is "" where none of the site's code is on the stack, and is called while the panic is recovered.
func (s *Site) panicked() string {
	own := map[string]bool{"main": true}
	for _, r := range s.cfg.Routes {
		if r.r != nil {
			own[r.r.pkg] = true
		}
	}
	delete(own, "")
	module := "" // Merlon's own has no site but in its examples and tests, whose handlers are known
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != merlonModule {
		module = info.Main.Path + "/"
	}
	calls := make([]uintptr, 256)
	frames := runtime.CallersFrames(calls[:runtime.Callers(1, calls)])
	for {
		f, more := frames.Next()
		if pkg := place.Package(f.Function); own[pkg] || len(module) > 1 && strings.HasPrefix(pkg+"/", module) {
			return place.Of(f.File) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return ""
		}
	}
}

const merlonModule = "github.com/merlon-web/merlon"

// insteadOf says what to do about an address that nothing answers: a file's name wants static files, any other a route.
func (s *Site) insteadOf(path string) string {
	if ext := filepath.Ext(path); ext == "" || strings.HasSuffix(path, "/") {
		return s.nearestRoute(http.MethodGet, path)
	}
	for _, f := range s.statics {
		if name, ok := strings.CutPrefix(path, f.Prefix()); ok {
			return "put the file where the static files of " + f.Prefix() + " lie" + nearest(name, f.Names())
		}
	}
	if s.cfg.Static == nil {
		return `it looks like a file: embed its folder, declare static.From(files, "static") and name it as Config.Static`
	}
	return fmt.Sprintf("it looks like a file: those of Config.Static are below %s%s", s.cfg.Static.Prefix(), nearest(filepath.Base(path), s.cfg.Static.Names()))
}

// recordFailure keeps the event of a failure and logs it, once, with the whole error and where it came from; of a flood only
// the first ones of a second, see [loose.mayLog].
func (w *walk) recordFailure(rule check.Rule, err error, stack []byte) {
	w.because(rule)
	e := event.New(rule, event.Failed, slog.String("error", firstLine(err.Error())))
	w.Fill(&e)
	if w.run != nil {
		w.run.loose.add(e)
		w.site.happened(e)
		if !w.run.loose.mayLog(flood{e.ID, w.routeID()}, e.Time) {
			return
		}
	}
	e.Detail = []slog.Attr{slog.String("error", err.Error())}
	if len(stack) > 0 {
		e.Detail = append(e.Detail, slog.String("stack", string(stack)))
	}
	w.site.log.LogAttrs(w.r.Context(), e.Level(), e.Title, e.Attrs()...)
}
