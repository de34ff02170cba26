package merlon

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/internal/look"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/static"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/trust"
)

// A Site is a website: made by [New], which needs no data and takes no lock, brought up by [Site.Start]. Its methods are
// safe for concurrent use.
type Site struct {
	env   Env
	cfg   Config
	name  string
	title string
	lang  string
	clock func() time.Time
	log   *slog.Logger

	routes    []*route
	jobs      map[string]*kind
	words     *text.Catalogue // the site's texts over Merlon's own
	several   bool            // the site answers in several languages
	noWords   bool            // they have a fault
	formTexts map[string]*form.Render
	mux       *http.ServeMux
	schemas   []*db.Schema
	pages     *page.Set
	views     sync.Map   // page.Declared → *view
	looks     look.Glass // at the static files, in development
	statics   []*static.Files
	signIn    string
	checks    []check.Check
	sound     bool

	mountMethods []string // what mounted handlers answer besides GET, HEAD and POST
	unlimited    []check.Finding
	unproven     atomic.Pointer[error] // why the statements were not proven yet: the database's server did not answer
	called       bool                  // the calls of statements were looked at
	pageFiles    []*page.Files
	faults       check.Faults
	watchers     []Watcher

	sender     *mail.Sender // nil: no mail server is set
	origin     atomic.Pointer[string]
	ownName    string // the host of Settings.Origin; "": it is not set
	running    atomic.Pointer[running]
	demo       atomic.Bool       // see [House.Demo]
	draining   atomic.Bool       // Serve was told to end
	maintained atomic.Bool       // visitors are told to come again
	heard      atomic.Int64      // the number of the word about that
	mu         sync.Mutex        // Start and Close
	replace    chan func() error // see [House.Replace]
}

// view is what the walk needs of a page: which route each of its forms posts to, and its headers.
type view struct {
	forms  []string
	tokens []string
	facts  *page.Facts
	policy []string // Content-Security-Policy as it is sent
	opens  []string // Permissions-Policy, the same
	opened sync.Map // *route → *header.Fixed, for routes that may be framed
}

var (
	b64       = base64.RawURLEncoding.Strict()
	zeroTime  time.Time
	nameShape = regexp.MustCompile(`^[a-z0-9-]{0,32}$`)
)

// New puts a site together and proves it: routes, access, forms, pages, and every statement prepared in an empty scratch
// database. It needs no data and takes no lock. When something does not fit the error is [Faults]: all findings at once,
// each with its place; the site returned with it can still be checked.
func New(env Env, cfg Config) (*Site, error) {
	s := &Site{env: env, cfg: cfg, name: string(cfg.Name), clock: env.clock(), log: env.log(), lang: cfg.Lang, title: cfg.Title,
		mux: http.NewServeMux(), replace: make(chan func() error, 1)}
	if s.lang == "" {
		s.lang = "en"
	}
	if s.title == "" {
		s.title = s.name
	}
	if !nameShape.MatchString(s.name) {
		s.fault(RuleName.Finding("Config.Name", fmt.Sprintf("%q has other characters or is longer than 32", s.name), `use a-z, 0-9 and -, for example "shop"`))
	}
	s.judgeNeeds()
	s.gather()
	s.watch()
	s.judgeParts()
	s.judgeReasons()
	s.addRoutes()
	s.addJobs()
	s.addTexts()
	s.addStatics()
	s.mux.Handle("/", http.HandlerFunc(s.notFound))
	s.compilePages()
	s.judgeForgotten()
	s.judgeForms()
	s.judgeRedirects()
	s.prepare()
	s.settings()
	s.addChecks()
	s.faults = distinct(s.faults)
	s.sound = len(s.faults) == 0
	sort.SliceStable(s.faults, func(i, j int) bool { return s.faults[i].Where < s.faults[j].Where })
	return s, s.faults.Err()
}

// distinct leaves out what two rooms told: the finding with a line stays, the one with only a type's name goes.
func distinct(all check.Faults) check.Faults {
	placed := map[string]bool{}
	for _, f := range all {
		if strings.Contains(f.Where, ".go:") {
			placed[f.ID+f.What] = true
		}
	}
	seen := map[check.Finding]bool{} // what a layout has is told once, not once a page
	return slices.DeleteFunc(all, func(f check.Finding) bool {
		twice := seen[f]
		seen[f] = true
		return twice || !strings.Contains(f.Where, ":") && placed[f.ID+f.Where+": "+f.What]
	})
}

func (s *Site) fault(f ...check.Finding) { s.faults = append(s.faults, f...) }

// gather collects what the parts bring; the site's own come first.
func (s *Site) gather() {
	add := func(routes []Route, by string, own bool) {
		for i, r := range routes {
			if r.r == nil {
				s.fault(RuleRoute.Finding(by, fmt.Sprintf("route %d is empty", i+1), "make it with merlon.Get, Post, PostAfter or Mount"))
				continue
			}
			r.r.own = own
			s.routes = append(s.routes, r.r)
		}
	}
	add(s.cfg.Routes, "Config.Routes", false)
	s.schemas = append(s.schemas, schema, session.Schema(), throttle.Schema(), mailbox.Schema(), journal.Schema())
	if s.cfg.Schema != nil {
		s.schemas = append(s.schemas, s.cfg.Schema)
	}
	s.statics = append(s.statics, ownStatic)
	if s.cfg.Static != nil {
		s.statics = append(s.statics, s.cfg.Static)
	}
	s.checks = append(s.checks, s.roomChecks()...)
	for _, p := range s.cfg.Parts {
		add(p.Routes, string(p.Name), true)
		if p.Schema != nil {
			s.schemas = append(s.schemas, p.Schema)
		}
		if p.Static != nil {
			s.statics = append(s.statics, p.Static)
		}
		if p.SignIn != "" && s.signIn == "" {
			s.signIn = string(p.SignIn)
		}
		s.checks = append(s.checks, p.Checks...)
	}
	if s.takesUploads() {
		s.schemas = append(s.schemas, file.Schema())
	}
	add(s.ownRoutes(), "merlon", true)
}

var conflictLine = regexp.MustCompile(`pattern "[^"]*" \(registered at [^)]*\) conflicts with pattern "([^"]*)" \(registered at [^)]*\):\s*`)

// addRoutes judges every route by itself and hands it to the router.
func (s *Site) addRoutes() {
	rows := s.rowTypes()
	byPattern := map[string]*route{}
	for _, rt := range s.routes {
		if rt.access == nil || rt.access.check == nil {
			s.fault(RuleAccess.Finding(rt.where, fmt.Sprintf("route %q has no access rule", rt.id()), "say who may come in: merlon.Public() or account.SignedIn()"))
		}
		if rt.access != nil && rt.access.part != "" && !slices.ContainsFunc(s.cfg.Parts, func(p Part) bool { return string(p.Name) == rt.access.part }) {
			s.fault(RuleAccess.Finding(rt.where, fmt.Sprintf("route %q asks for %q, and the site lacks the part %q, which knows who that is", rt.id(), rt.access.String(), rt.access.part),
				fmt.Sprintf("add the part: Config.Parts = []merlon.Part{%s.New(%[1]s.Config{})}", rt.access.part)))
		}
		if rt.handler == "" && rt.mount == nil {
			s.fault(RuleRoute.Finding(rt.where, fmt.Sprintf("route %q has no handler", rt.id()), "give it a function"))
		}
		if rt.inline {
			s.fault(RuleInline.Finding(rt.where, fmt.Sprintf("the handler of route %q is a function literal", rt.id()), "give it a name: func handler(r *merlon.Read[…], …) and pass the name"))
		}
		for what, reason := range map[string]*string{"takes posts without a token": rt.opt.noToken, "streams": rt.opt.streaming} {
			if reason != nil && strings.TrimSpace(*reason) == "" {
				s.fault(RuleReason.Finding(rt.where, fmt.Sprintf("route %q %s without a reason", rt.id(), what), "say why as the argument"))
			}
		}
		if len(rt.opt.embeddable) > 0 {
			_, faults := header.New(header.Options{Frames: rt.frames()}, rt.where)
			s.fault(faults...)
		}
		_, row := rt.bindsRow(rows)
		for _, f := range rt.faults {
			if row && f.ID == form.RuleUntagged.ID { // tags would not make a row type a form
				continue
			}
			f.Where, f.What = rt.where, f.Where+": "+f.What
			s.fault(f)
		}
		if row, ok := rt.bindsRow(rows); ok {
			s.fault(RuleRowForm.Finding(rt.where, fmt.Sprintf("route %q binds its form to %s, the row type of a statement", rt.id(), row),
				"write a struct with only the fields that a visitor may set, and bind that"))
		}
		if rt.mount != nil {
			s.mountMethods = []string{http.MethodPut, http.MethodPatch, http.MethodDelete}
		}
		for _, name := range rt.pathTags() {
			if !strings.Contains(rt.pattern, "{"+name+"}") && !strings.Contains(rt.pattern, "{"+name+"...}") {
				s.fault(RuleRoute.Finding(rt.where, fmt.Sprintf("route %q has no {%s}, which a path tag of %s binds", rt.id(), name, rt.input), "name the place in the pattern and the tag alike"))
			}
		}
		s.judgeOptions(rt)
		s.judgeRoles(rt)
		rt.finish()
		s.register(rt, byPattern)
	}
	for _, rt := range s.routes {
		if rt.mount != nil && strings.HasSuffix(rt.pattern, "/") && len(rt.pattern) > 1 {
			s.leadTo(rt, byPattern)
		}
	}
}

// leadTo answers a mount's path without its last slash behind the mount's guards. The router would lead there by itself, before
// every guard: it would tell of mounts that are hidden, without end.
func (s *Site) leadTo(mount *route, byPattern map[string]*route) {
	path := strings.TrimSuffix(mount.pattern, "/")
	if byPattern[path] != nil { // another mount's
		return
	}
	rt := *mount
	rt.mount = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
	})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} { // each, or a neighbour with a place (GET /{name}) would be a conflict
		if pattern := method + " " + path; byPattern[pattern] == nil {
			s.mux.Handle(pattern, s.handler(&rt))
		}
	}
}

// register hands a route to the router, whose conflicts become findings with both places.
func (s *Site) register(rt *route, byPattern map[string]*route) {
	pattern := rt.id()
	if !strings.HasPrefix(rt.pattern, "/") || rt.pattern == "/" && rt.method == "" {
		s.fault(RuleRoute.Finding(rt.where, fmt.Sprintf("the pattern %q does not begin with /, or takes the whole site", rt.pattern), `write a path: "/notes"`))
		return
	}
	if rt.method != "" && strings.HasSuffix(rt.pattern, "/") {
		pattern += "{$}"
	}
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprint(p)
			if m := conflictLine.FindStringSubmatch(text); m != nil {
				text = conflictLine.ReplaceAllString(text, "")
				if other := byPattern[m[1]]; other != nil {
					s.fault(RuleRoute.Finding(rt.where, fmt.Sprintf("route %q conflicts with %q (%s): %s", rt.id(), other.id(), other.where, oneLine(text)), "make one more specific, or remove one"))
					return
				}
			}
			s.fault(RuleRoute.Finding(rt.where, fmt.Sprintf("route %q: %s", rt.id(), oneLine(text)), "correct the pattern; see the patterns of net/http's ServeMux"))
		}
	}()
	s.mux.Handle(pattern, s.handler(rt))
	byPattern[pattern] = rt
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (s *Site) rowTypes() map[reflect.Type]bool {
	rows := map[reflect.Type]bool{}
	for _, sc := range s.schemas {
		for _, t := range sc.RowTypes() {
			rows[t] = true
		}
	}
	return rows
}

// bindsRow reports whether the route's form is the row type of a statement.
func (rt *route) bindsRow(rows map[reflect.Type]bool) (reflect.Type, bool) {
	if rt.method != http.MethodPost || rt.input == nil {
		return nil, false
	}
	return bindsRow(rt.input, rows)
}

func bindsRow(t reflect.Type, rows map[reflect.Type]bool) (reflect.Type, bool) {
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	if rows[t] {
		return t, true
	}
	for f := range t.Fields() {
		if f.Anonymous {
			e := f.Type
			if e.Kind() == reflect.Pointer {
				e = e.Elem()
			}
			if row, ok := bindsRow(e, rows); ok {
				return row, true
			}
		}
	}
	return nil, false
}

// pathTags are the names that the route's input binds from the path.
func (rt *route) pathTags() (names []string) {
	spec := rt.spec
	if spec == nil && rt.input != nil && rt.input != reflect.TypeFor[None]() {
		spec, _ = form.QuerySpecOf(rt.input)
	}
	if spec == nil {
		return nil
	}
	for _, f := range spec.Fields() {
		if f.Path {
			names = append(names, f.Name)
		}
	}
	return names
}

// frames are who may frame the route's pages.
func (rt *route) frames() []header.Frame {
	all := make([]header.Frame, len(rt.opt.embeddable))
	for i, e := range rt.opt.embeddable {
		all[i] = header.Frame{Origin: e.origin, Reason: e.reason}
	}
	return all
}

// finish computes what the walk of the route needs, once.
func (rt *route) finish() {
	rt.target = csrf.Target{Linkable: rt.method == http.MethodGet && !rt.opt.ownLinks}
	for _, e := range rt.opt.embeddable {
		rt.target.Embeddable = append(rt.target.Embeddable, e.origin)
	}
}

func (s *Site) compilePages() {
	// The site's files come first, then what parts put over others' pages, then a part's, then the site's defaults: each
	// layer may use the shared files of the later ones, and replaces them by name.
	over := func(base *page.Files) *page.Files {
		for _, p := range s.cfg.Parts {
			if p.Over != nil {
				base = p.Over.Over(base)
			}
		}
		if s.cfg.Pages == nil {
			return base
		}
		return s.cfg.Pages.Over(base)
	}
	files := []*page.Files{over(ownPages)}
	for _, p := range s.cfg.Parts {
		if p.Pages != nil {
			files = append(files, over(p.Pages.Over(ownPages)))
		}
	}
	words := s.words
	var same any // pages do not miss texts while these have a fault
	if !s.noWords {
		same = words
	}
	set, faults := page.Compile(page.Options{Static: s.statics, Development: s.env.Mode == Development,
		Text: s.message, Plural: pluralOf(words), TextIDs: words.IDs, Langs: words.Langs(), Same: same}, files...)
	s.fault(faults...)
	for _, where := range set.Silent() {
		s.fault(RuleNotice.Finding(where, "the layout never shows $site.Notice: what merlon.Redirect(…).Notice says is dropped without a word",
			`write in it: {{if $site.Notice}}<p role="status">{{$site.Notice}}</p>{{end}}`))
	}
	s.pages, s.pageFiles = set, files
}

// settings proves what the owner set, as far as it is set.
func (s *Site) settings() {
	if langs := s.words.Langs(); !slices.Contains(langs, s.lang) && s.cfg.Texts.dir == "" {
		base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(s.lang), "_", "-"), "-") // de-AT, en_GB, EN
		hint := nearest(s.lang, langs)
		if slices.Contains(langs, base) {
			hint = fmt.Sprintf(" (did you mean %q?)", base)
		}
		s.fault(RuleSettings.Finding("Config.Lang", fmt.Sprintf("Merlon has no texts in the language %q", s.lang), "use one of "+strings.Join(langs, ", ")+hint))
	}
	if s.env.Settings.Origin != "" {
		o := strings.TrimSuffix(s.env.Settings.Origin, "/")
		if err := csrf.ValidOrigin(o); err != nil {
			s.fault(RuleSettings.Finding(setting.Origin.String(), err.Error(), `write scheme and host: "https://example.org"`))
		}
		s.env.Settings.Origin, s.ownName = o, nameOf(o)
		s.origin.Store(&o)
	}
	s.fault(s.mailSettings()...)
	if _, err := s.newTrust(); err != nil {
		var f check.Faults
		if asFaults(err, &f) {
			s.fault(asSet(f)...)
			return
		}
		s.fault(RuleSettings.Finding(setting.Hosts.String(), err.Error(), "correct the setting"))
	}
}

func (s *Site) newTrust() (*trust.Policy, error) {
	set := s.env.Settings
	c := trust.Config{Hosts: set.Hosts, Proxies: set.Proxies, ClientHeader: set.ClientHeader}
	if len(c.Hosts) == 0 && set.Origin != "" {
		if _, host, ok := strings.Cut(set.Origin, "://"); ok {
			c.Hosts = []string{strings.TrimSuffix(host, "/")}
		}
	}
	if s.loopback() {
		c.Hosts = append(c.Hosts, trust.DevelopmentHosts(s.name)...)
	}
	return trust.New(c)
}

// loopback reports whether the site is one that only this machine sees.
func (s *Site) loopback() bool { return s.env.Mode != Production }

// Origin returns the site's own address as visitors see it, without a slash at the end.
func (s *Site) Origin() string {
	if o := s.origin.Load(); o != nil {
		return *o
	}
	if s.name != "" {
		return "http://" + s.name + ".localhost"
	}
	return "http://localhost"
}

// HasSignIn reports whether a part of the site signs visitors in: then it needs TLS off loopback.
func (s *Site) HasSignIn() bool { return s.signIn != "" }

// Name returns Config.Name.
func (s *Site) Name() string { return s.name }

// Mode returns what the site was opened for.
func (s *Site) Mode() Mode { return s.env.Mode }

// Parts returns the parts of the site.
func (s *Site) Parts() []Part { return s.cfg.Parts }
