package merlon

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/page"
)

// judgeForms holds what the pages report against the routes: each form posts to a route that takes its controls, each link
// leads to a page. Room page knows no routes, and no route knows pages.
func (s *Site) judgeForms() {
	if s.pages == nil {
		return
	}
	for _, p := range s.pages.Pages() {
		if facts := s.pages.Facts(p); facts != nil {
			v, faults := s.judge(facts)
			s.fault(faults...)
			s.views.Store(p, v)
		}
	}
}

// view returns what the walk needs of a page, nil for a page of another site. In development a page that was saved is judged
// again.
func (s *Site) view(p page.Declared) (*view, error) {
	known, ok := s.views.Load(p)
	if !ok {
		return nil, nil
	}
	v := known.(*view)
	facts := s.pages.Facts(p)
	if s.env.Mode != Development || facts == nil || facts == v.facts { // nil: saved with a fault, which rendering tells
		return v, nil
	}
	v, faults := s.judge(facts)
	if len(faults) > 0 {
		return nil, &page.CompileError{Findings: faults}
	}
	s.views.Store(p, v)
	return v, nil
}

// judge holds one page against the routes.
func (s *Site) judge(facts *page.Facts) (*view, check.Faults) {
	v := &view{facts: facts}
	var found check.Faults
	for _, f := range facts.Forms {
		if !strings.EqualFold(f.Method, http.MethodPost) {
			found = append(found, s.judgeGetForm(f)...)
			continue
		}
		for len(v.forms) <= f.Token {
			v.forms = append(v.forms, "")
		}
		if f.Action == "" {
			found = append(found, RulePageForm.Finding(f.Where, "the form posts to whatever address shows it", `name the route: action="/notes"`))
			continue
		}
		rt := s.target(http.MethodPost, f.Action)
		if rt == nil {
			found = append(found, RulePageForm.Finding(f.Where, fmt.Sprintf("the form posts to %q, and no route answers POST there", f.Action), s.nearestRoute(http.MethodPost, f.Action)))
			continue
		}
		if f.Token >= 0 {
			v.forms[f.Token] = rt.id()
		}
		found = append(found, s.judgeControls(f, rt)...)
		found = append(found, judgeJSONForm(f, rt)...)
	}
	found = append(found, s.judgeTokens(facts, v)...)
	for _, l := range facts.Links {
		found = append(found, s.judgeLink(l)...)
	}
	policy := facts.Policy
	policy.Report = header.ReportPath
	v.policy = []string{policy.String()}
	return v, found
}

func (s *Site) judgeControls(f page.FormFact, rt *route) (found check.Faults) {
	if rt.spec == nil {
		return nil
	}
	if f.Spec != nil && f.Spec.Type() != rt.spec.Type() {
		return check.Faults{RulePageForm.Finding(f.Where, fmt.Sprintf("the form shows the fields of %s, and %q (%s) takes %s", f.Spec.Type(), rt.id(), rt.where, rt.spec.Type()),
			"give the page a form of the type that the route takes")}
	}
	known := map[string]bool{csrf.FieldName: true}
	var names []string
	for _, field := range rt.spec.Fields() {
		if !field.Path {
			known[field.Name] = true
			names = append(names, field.Name)
		}
	}
	for _, c := range f.Controls {
		if c.Name != "" && !known[c.Name] {
			found = append(found, RulePageForm.Finding(c.Where, fmt.Sprintf("the form has a control %q, and %s of route %q has no such field", c.Name, rt.spec.Type(), rt.id()),
				"name it as the field"+nearest(c.Name, names)+", or add the field to the struct"))
		}
	}
	return found
}

func (s *Site) judgeGetForm(f page.FormFact) check.Faults {
	if f.Action != "" && strings.HasPrefix(f.Action, "/") && s.target(http.MethodGet, f.Action) == nil {
		return check.Faults{RulePageForm.Finding(f.Where, fmt.Sprintf("the form asks %q, and no route answers GET there", f.Action), s.nearestRoute(http.MethodGet, f.Action))}
	}
	return nil
}

func (s *Site) judgeLink(l page.LinkFact) check.Faults {
	if l.Foreign || strings.HasPrefix(l.Address, "{}") || l.Address == "/" && !s.hasFront() {
		return nil // the default error pages lead to "/", which a site need not have
	}
	path, _, _ := strings.Cut(l.Address, "#")
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || s.isStatic(path) {
		return nil
	}
	if s.target(http.MethodGet, path) != nil {
		return nil
	}
	if rt := s.target(http.MethodPost, path); rt != nil {
		return check.Faults{RuleLink.Finding(l.Where, fmt.Sprintf("the link leads to %q, which only answers POST", l.Address), "make it a form with one button")}
	}
	return check.Faults{RuleLink.Finding(l.Where, fmt.Sprintf("the link leads to %q, and no route answers there", l.Address), s.nearestRoute(http.MethodGet, path))}
}

// hasFront reports whether the site answers at /.
func (s *Site) hasFront() bool { return s.target(http.MethodGet, "/") != nil }

func (s *Site) isStatic(path string) bool {
	for _, f := range s.statics {
		if strings.HasPrefix(path, f.Prefix()) {
			return true
		}
	}
	return false
}

// target finds the route of an address of a page, in which {} stands for a value.
func (s *Site) target(method, action string) *route {
	path, _, _ := strings.Cut(action, "?")
	path, _, _ = strings.Cut(path, "#")
	if path == "" {
		return nil
	}
	probe := strings.ReplaceAll(path, "{}", holeSegment)
	u, err := url.Parse(probe)
	if err != nil {
		return nil
	}
	rt, r := s.find(method, u)
	if rt == nil || r == nil {
		return nil
	}
	if strings.Contains(path, "{}") && rt.method != "" && !holesFit(path, rt.pattern) {
		return nil
	}
	return rt
}

const holeSegment = "merlon-hole-0"

// holesFit reports whether each {} of the address stands where the pattern has a {name}.
func holesFit(path, pattern string) bool {
	a, b := strings.Split(path, "/"), strings.Split(pattern, "/")
	for i := range a {
		if i >= len(b) {
			return false
		}
		if strings.HasPrefix(b[i], "{") && strings.HasSuffix(b[i], "...}") {
			return true
		}
		if strings.Contains(a[i], "{}") && !strings.HasPrefix(b[i], "{") {
			return false
		}
	}
	return true
}

func (s *Site) nearestRoute(method, path string) string {
	var names []string
	for _, rt := range s.routes {
		if rt.method == method {
			names = append(names, rt.pattern)
		}
	}
	if n := nearest(path, names); n != "" {
		return "correct the address" + n + ", or declare the route"
	}
	return fmt.Sprintf("declare the route: merlon.%s(%q, …)", map[string]string{"GET": "Get", "POST": "Post"}[method], path)
}

// nearest returns "; did you mean X?" when one of the names is close.
func nearest(name string, names []string) string {
	if n, ok := check.Nearest(name, names); ok {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}

func asFaults(err error, f *check.Faults) bool {
	if errors.As(err, f) {
		return true
	}
	var one check.Finding
	if errors.As(err, &one) {
		*f = check.Faults{one}
		return true
	}
	return false
}
