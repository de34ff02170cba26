package merlon

import (
	"fmt"
	"slices"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/static"
)

// judgeForgotten tells of what the packages of the handlers declare and the configuration does not name: a page of such files
// would fail at the first request. Only a field that is empty is judged, and only by the packages of the routes beside it:
// several sites may live in one process, and in one package.
func (s *Site) judgeForgotten() {
	s.judgeFields("Config", s.cfg.Routes, s.cfg.Pages == nil, s.cfg.Schema == nil, s.cfg.Static == nil)
	for _, p := range s.cfg.Parts {
		s.judgeFields("Part "+string(p.Name), p.Routes, p.Pages == nil, p.Schema == nil, p.Static == nil)
	}
}

// judgeFields judges the empty fields of the site's configuration or of a part's.
func (s *Site) judgeFields(of string, routes []Route, noPages, noSchema, noStatic bool) {
	seen := map[string]bool{}
	for _, r := range routes {
		if r.r == nil || r.r.pkg == "" || seen[r.r.pkg] {
			continue
		}
		seen[r.r.pkg] = true
		if noPages {
			for _, f := range page.DeclaredFor(r.r.pkg) {
				if !slices.ContainsFunc(s.pageFiles, func(has *page.Files) bool { return has.Has(f) }) {
					s.forgot(f.Where(), "page files", of+".Pages", "Pages: pages")
					break
				}
			}
		}
		if noSchema {
			for _, d := range db.DeclaredFor(r.r.pkg) {
				if !slices.Contains(s.schemas, d) {
					s.forgot(d.Where(), "a schema", of+".Schema", "Schema: schema")
					break
				}
			}
		}
		if noStatic {
			for _, f := range static.DeclaredFor(r.r.pkg) {
				if !slices.Contains(s.statics, f) {
					s.forgot(f.Where(), "static files", of+".Static", "Static: assets")
					break
				}
			}
		}
	}
}

func (s *Site) forgot(where, what, field, example string) {
	s.fault(RuleForgotten.Finding(where, fmt.Sprintf("%s beside the handlers, and %s is empty", what, field), fmt.Sprintf("name the variable there: %s", example)))
}
