package merlon

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/form"
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
	s.judgeMissing()
}

// view returns what the walk needs of a page, nil for a page of another site. In development a page that was saved is judged
// again.
func (s *Site) view(p page.Declared) (*view, error) {
	known, ok := s.views.Load(p)
	if !ok {
		return nil, nil
	}
	v := known.(*view)
	s.reloadStatics()
	s.pages.Reload()
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
	for _, l := range facts.Loads {
		found = append(found, s.judgeLoad(l)...)
	}
	policy := facts.Policy
	policy.Report = header.ReportPath
	v.policy = []string{policy.String()}
	fixed, faults := header.New(header.Options{Features: facts.Features}, facts.Where)
	h := http.Header{}
	fixed.Apply(h)
	v.opens = h["Permissions-Policy"]
	return v, append(found, faults...)
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

func (s *Site) judgeGetForm(f page.FormFact) (found check.Faults) {
	if !strings.EqualFold(f.Method, http.MethodGet) || !strings.HasPrefix(f.Action, "/") {
		return nil // a dialog; a form that asks whatever address shows it
	}
	rt := s.target(http.MethodGet, f.Action)
	if rt == nil {
		return check.Faults{RulePageForm.Finding(f.Where, fmt.Sprintf("the form asks %q, and no route answers GET there", f.Action), s.nearestRoute(http.MethodGet, f.Action))}
	}
	if rt.input == nil {
		return nil // a mounted handler
	}
	known, names := map[string]bool{}, []string(nil)
	if rt.input != reflect.TypeFor[None]() {
		spec, _ := form.QuerySpecOf(rt.input)
		if spec == nil {
			return nil // told with the route
		}
		for _, field := range spec.Fields() {
			if field.Query {
				known[field.Name] = true
				names = append(names, field.Name)
			}
		}
	}
	for _, c := range f.Controls {
		if c.Name != "" && !known[c.Name] {
			found = append(found, RulePageForm.Finding(c.Where, fmt.Sprintf("the form has a control %q, and %s of route %q takes no such value of the query", c.Name, rt.input, rt.id()),
				fmt.Sprintf("name it as the tag%s, or give the struct a field with query:%q", nearest(c.Name, names), c.Name)))
		}
	}
	return found
}

// judgeMissing tells of required fields that no form of any page asks for: every post from the site's own pages would be
// refused. A route that no form posts to is somebody else's.
func (s *Site) judgeMissing() {
	first, asked := map[*route]string{}, map[*route]map[string]bool{}
	for _, p := range s.pages.Pages() {
		facts := s.pages.Facts(p)
		if facts == nil {
			return // a page with a fault may hold the control: it is told first
		}
		for _, f := range facts.Forms {
			if !strings.EqualFold(f.Method, http.MethodPost) || f.Action == "" {
				continue
			}
			rt := s.target(http.MethodPost, f.Action)
			if rt == nil || rt.spec == nil {
				continue
			}
			if asked[rt] == nil {
				first[rt], asked[rt] = f.Where, map[string]bool{}
			}
			for _, c := range f.Controls {
				asked[rt][c.Name] = true
			}
			if len(facts.Raw) > 0 {
				delete(first, rt) // raw HTML may hold any control
			}
		}
	}
	for rt, where := range first {
		for _, field := range rt.spec.Fields() {
			if field.Required && !field.Path && !asked[rt][field.Name] {
				s.fault(RulePageForm.Finding(where, fmt.Sprintf("no form that posts to %q has a control %q, which %s requires", rt.id(), field.Name, rt.spec.Type()),
					fmt.Sprintf("print it: {{field .Form %q}}, or take required out of its tag", field.Name)))
			}
		}
	}
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
	return check.Faults{RuleDeadLink.Finding(l.Where, fmt.Sprintf("the link leads to %q, and no route answers there", l.Address), s.nearestRoute(http.MethodGet, path))}
}

// judgeLoad judges what a page loads of its own site: a static file, which room page has looked for, or what a route answers.
func (s *Site) judgeLoad(l page.LinkFact) check.Faults {
	path, _, _ := strings.Cut(l.Address, "#")
	path, _, _ = strings.Cut(path, "?")
	if s.isStatic(path) || s.target(http.MethodGet, path) != nil || s.cfg.Static != nil && s.rootFile(path) {
		return nil
	}
	do := "put the file into the folder of Config.Static, or correct the address"
	if s.cfg.Static == nil {
		do = `declare the static files and name them: //go:embed static, static.From(files, "static"), Config.Static`
	}
	return check.Faults{RuleLoad.Finding(l.Where, fmt.Sprintf("the page loads %q, and nothing answers there", l.Address), do)}
}

// rootFile reports whether a static file is also served at the root, as browsers ask for it.
func (s *Site) rootFile(path string) bool {
	if !slices.Contains(rootFiles, strings.TrimPrefix(path, "/")) {
		return false
	}
	_, ok := s.cfg.Static.Root(path[1:])
	return ok
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
