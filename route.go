package merlon

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/place"
)

// None is the input of a GET that takes none.
type None struct{}

// A Route is one way in: method, pattern, who may come, what is bound, and the handler. It is made by [Get], [Post],
// [PostAfter] and [Mount].
type Route struct{ r *route }

type route struct {
	method  string // GET, POST; "" for a mount
	pattern string // as declared
	where   string // file:line of the declaration
	access  *access
	handler string // the function's name
	pkg     string // the function's package
	folder  string // of the file that it stands in
	inline  bool

	input  reflect.Type // struct bound from path and query (GET) or from the body (POST)
	spec   *form.Spec   // POST
	faults check.Faults // of the input

	serve func(*walk) // the part of the walk that knows the types
	mount http.Handler
	wraps []func(http.Handler) http.Handler
	opt   options
	own   bool // a part's, or Merlon's: it reads from the primary

	target csrf.Target                              // for the origin check
	pathOK func(path func(name string) string) bool // do the path's values bind; nil: any
}

type options struct {
	ownLinks   bool
	embeddable []opening
	noToken    *string // reason; nil: the token is asked for
	streaming  *string // reason; nil: it is bounded
	maxBody    int64
	bodySet    bool // by MaxBody
	json       bool // JSONBody
	jsonErrors bool // JSONErrors
	primary    bool // Primary
}

// forScripts reports whether what is refused is answered as JSON.
func (o *options) forScripts() bool { return o.json || o.jsonErrors }

type opening struct{ origin, reason string }

// A RouteOption changes one rule of a route. Each is shown by `routes`; what opens something takes a reason and is listed by
// `check`. On a route for which it means nothing it is a fault of [New].
type RouteOption func(*options)

// OwnLinksOnly closes a page to navigation from other sites: only the site's own links, and a typed address, reach it, and
// the way back after a sign-in for who was on the way there.
func OwnLinksOnly() RouteOption { return func(o *options) { o.ownLinks = true } }

// Primary has the handler of a page read from the database's own server, also where the site has replicas (db.replicas): for a page
// whose handler decides by rows who may see something, or that must not show what was so five seconds ago. Without it a page shows
// what its visitor has written, and may lack for so long what others did. Access rules, forms and the pages of parts always read from there.
func Primary() RouteOption { return func(o *options) { o.primary = true } }

// Embeddable lets one other origin (https://example.org) show the page in a frame. Without it no page can be framed
// (clickjacking).
func Embeddable(origin, reason constant) RouteOption {
	return func(o *options) { o.embeddable = append(o.embeddable, opening{string(origin), string(reason)}) }
}

// InsecureNoToken opens a route to posts without a token and without an origin: webhooks. No cookie is read there, the
// request carries none, and no session is opened, so that nobody's browser can be made to act.
func InsecureNoToken(reason constant) RouteOption {
	return func(o *options) {
		text := string(reason)
		o.noToken = &text
	}
}

// InsecureStreaming lets a mounted handler flush, hijack and write without a deadline: server-sent events, WebSocket.
// Merlon then no longer bounds how long one visitor holds a connection; the handler must check the origin of an upgrade.
func InsecureStreaming(reason constant) RouteOption {
	return func(o *options) {
		text := string(reason)
		o.streaming = &text
	}
}

// MaxBody sets the largest body of a POST in bytes. Without it that is what the fields of the form can hold ([form.Spec.Room]),
// 1 MiB at most if there is no upload in it; of a mounted handler 1 MiB.
func MaxBody(bytes int64) RouteOption {
	return func(o *options) { o.maxBody, o.bodySet = bytes, true }
}

const defaultMaxBody = 1 << 20

// Get declares a page or another answer that reads. The handler is given readers only: what it calls cannot write. In is
// bound from `path:"…"` and `query:"…"` tags before the handler runs: a bad path answers 404, a bad query 400. An error
// of the handler answers 500, [db.ErrNoRow] 404, and those that [NewAccess] names what they name.
//
//go:noinline
func Get[U, In any](pattern constant, who Access[U], h func(*Read[U], In) (*Response, error), opts ...RouteOption) Route {
	r := newRoute("GET", pattern, who.rule, h, opts)
	r.input = reflect.TypeFor[In]()
	if r.input != reflect.TypeFor[None]() {
		if _, faults := form.QuerySpecOf(r.input); len(faults) > 0 {
			r.faults = faults
		}
		r.pathOK = func(path func(string) string) bool {
			_, err := form.BindQuery[In]("", path)
			var refusal *form.Refusal
			return !errors.As(err, &refusal) || refusal.Status != http.StatusNotFound
		}
	}
	r.serve = func(w *walk) { serveGet(w, who, h) }
	return Route{r}
}

// Post declares an act. The handler runs inside one write transaction: a status of 400 or more, an error or a panic leaves
// nothing behind. Only the fields of In are bound, from the body, and `path:"…"` fields from the path.
//
//go:noinline
func Post[U, In any](pattern constant, who Access[U], h func(*Write[U], form.Form[In]) (*Response, error), opts ...RouteOption) Route {
	r := newRoute("POST", pattern, who.rule, h, opts)
	bindPost[In](r)
	r.serve = func(w *walk) {
		servePost(w, who, nil, func(wr *Write[U], f form.Form[In], _ None) (*Response, error) { return h(wr, f) })
	}
	return Route{r}
}

// PostAfter is [Post] with something slow first: before runs with a reader and no transaction open (a password hash, an
// outgoing call), and what it returns is handed to the handler inside the transaction. A non-nil error of before answers
// at once.
//
//go:noinline
func PostAfter[U, In, Mid any](pattern constant, who Access[U], before func(*Read[U], form.Form[In]) (Mid, error),
	h func(*Write[U], form.Form[In], Mid) (*Response, error), opts ...RouteOption) Route {
	r := newRoute("POST", pattern, who.rule, h, opts)
	bindPost[In](r)
	r.serve = func(w *walk) { servePost(w, who, before, h) }
	return Route{r}
}

func bindPost[In any](r *route) {
	r.input = reflect.TypeFor[In]()
	if r.spec, r.faults = form.SpecOf(r.input); r.spec != nil && !r.opt.bodySet {
		if r.opt.maxBody = r.spec.Room(); !r.spec.HasUpload() {
			r.opt.maxBody = min(defaultMaxBody, r.opt.maxBody)
		}
	}
}

// Mount hangs any handler under a prefix, "/files/" and everything below it, or at one path, "/hook". Access is checked before it, the strict
// headers are set before it, and what is not GET or HEAD needs the origin check and the token in the header
// Merlon-Token, or [InsecureNoToken]. Links of other sites do not lead there: what a handler does with a GET is not known.
//
//go:noinline
func Mount[U any](prefix constant, who Access[U], h http.Handler, opts ...RouteOption) Route {
	r := newRoute("", prefix, who.rule, nil, opts)
	r.handler = fmt.Sprintf("%T", h)
	r.mount = h
	r.serve = func(w *walk) { serveMount(w, who) }
	return Route{r}
}

// Wrap returns the routes with any middleware of the form func(http.Handler) http.Handler around them; the ones that are given
// stay as they are. It runs after the host, the client and the route are known and the strict headers are set, before access
// is checked. A Wrap around what another one returned runs first.
func Wrap(mw func(http.Handler) http.Handler, routes ...Route) []Route {
	wrapped := make([]Route, len(routes))
	for i, r := range routes {
		if r.r == nil {
			continue
		}
		one := *r.r
		one.wraps = append([]func(http.Handler) http.Handler{mw}, one.wraps...)
		wrapped[i] = Route{&one}
	}
	return wrapped
}

//go:noinline
func newRoute(method string, pattern constant, who *access, h any, opts []RouteOption) *route {
	r := &route{method: method, pattern: string(pattern), access: who, where: place.Caller(2).At}
	if h != nil && !reflect.ValueOf(h).IsNil() {
		fn := runtime.FuncForPC(reflect.ValueOf(h).Pointer())
		name := fn.Name()
		file, _ := fn.FileLine(fn.Entry())
		r.folder = filepath.Dir(file)
		r.handler, r.inline, r.pkg = shortName(name), inlineName.MatchString(name), place.Package(name)
	}
	r.opt.maxBody = defaultMaxBody
	for _, o := range opts {
		o(&r.opt)
	}
	return r
}

// inlineName matches the names that the compiler gives to function literals: pkg.open.func1, pkg.glob..func2.
var inlineName = regexp.MustCompile(`\.func\d+(\.\d+)*$|\.gowrap\d+$`)

func shortName(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	name, _, _ = strings.Cut(name, "[")
	return strings.TrimSuffix(name, "-fm")
}

// function is the name of the handler's function in its package.
func (r *route) function() string {
	_, name, _ := strings.Cut(r.handler, ".")
	return name
}

// id is what a form's token is bound to, and what events and the access table call the route.
func (r *route) id() string {
	if r.method == "" {
		return r.pattern
	}
	return r.method + " " + r.pattern
}

// RouteInfo is one line of the access table.
type RouteInfo struct {
	Method  string   `json:"method"`
	Pattern string   `json:"pattern"`
	Who     string   `json:"who"`
	Binds   []string `json:"binds,omitempty"`
	Options []string `json:"options,omitempty"`
	Handler string   `json:"handler"`
	Part    string   `json:"part,omitempty"` // whose it is: a part's name, merlon for what every site has; empty: the site's own
	Where   string   `json:"where"`
}

func (r *route) info() RouteInfo {
	i := RouteInfo{Method: r.method, Pattern: r.pattern, Who: r.access.String(), Handler: r.handler, Where: r.where}
	if r.method == "" {
		i.Method = "any"
	}
	switch {
	case r.spec != nil:
		for _, f := range r.spec.Fields() {
			i.Binds = append(i.Binds, f.Name)
		}
	case r.input != nil && r.input != reflect.TypeFor[None]():
		if spec, _ := form.QuerySpecOf(r.input); spec != nil {
			for _, f := range spec.Fields() {
				i.Binds = append(i.Binds, f.Name)
			}
		}
	}
	o := r.opt
	if o.ownLinks {
		i.Options = append(i.Options, "own links only")
	}
	if o.primary {
		i.Options = append(i.Options, "primary")
	}
	for _, e := range o.embeddable {
		i.Options = append(i.Options, "embeddable by "+e.origin+": "+e.reason)
	}
	if o.noToken != nil {
		i.Options = append(i.Options, "insecure no token: "+*o.noToken)
	}
	if o.streaming != nil {
		i.Options = append(i.Options, "insecure streaming: "+*o.streaming)
	}
	if o.json {
		i.Options = append(i.Options, "JSON body")
	}
	if o.bodySet {
		i.Options = append(i.Options, fmt.Sprintf("body up to %d bytes", o.maxBody))
	}
	if len(r.wraps) > 0 {
		i.Options = append(i.Options, fmt.Sprintf("wrapped by %d", len(r.wraps)))
	}
	return i
}
