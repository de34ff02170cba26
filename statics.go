package merlon

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// rootFiles are what browsers and robots ask for at the root, unasked.
var rootFiles = []string{"favicon.ico", "robots.txt", "apple-touch-icon.png"}

func (s *Site) addStatics() {
	if s.cfg.Static != nil {
		for _, name := range rootFiles {
			if h, ok := s.cfg.Static.Root(name); ok {
				s.mux.Handle("GET /"+name, s.fileHandler("/"+name, h))
			}
		}
	}
	for _, f := range s.statics {
		s.fault(f.Faults()...)
		func() {
			defer func() {
				if p := recover(); p != nil {
					s.fault(RuleRoute.Finding(f.Prefix(), "the static files meet a route: "+oneLine(fmt.Sprint(p)), "give the route another path, or serve the files Under another one"))
				}
			}()
			s.mux.Handle("GET "+f.Prefix(), s.fileHandler(f.Prefix(), f))
			if path := strings.TrimSuffix(f.Prefix(), "/"); !s.taken(path) { // as leadTo
				s.mux.Handle("GET "+path, http.HandlerFunc(s.notFound))
			}
		}()
	}
}

// taken reports whether a route has a path, as it stands in its pattern.
func (s *Site) taken(path string) bool {
	return slices.ContainsFunc(s.routes, func(rt *route) bool { return rt.pattern == path })
}

// fileHandler answers files: the host and the client are known, the origin is checked, no session is read.
func (s *Site) fileHandler(pattern string, f http.Handler) http.Handler {
	rt := &route{method: http.MethodGet, pattern: pattern, access: Public().rule}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w, ok := rw.(*walk)
		if !ok {
			return
		}
		w.route = rt
		if w.allowFile() && w.checkOrigin() {
			s.reloadStatics()
			f.ServeHTTP(w, r)
		}
	})
}

// reloadStatics reads static files again that were saved, in development and where their folder is there. It looks as
// often as [page.Set.Reload] does.
func (s *Site) reloadStatics() {
	if s.env.Mode != Development || !s.looks.May() {
		return
	}
	for _, f := range s.statics {
		if _, err := f.Reload(); err != nil {
			continue // built with -trimpath, or elsewhere: the files are those of the program
		}
	}
}
