package page

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/template/parse"
	"unsafe"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/look"
	"github.com/merlon-web/merlon/static"
)

// Options are what a site compiles its pages with.
type Options struct {
	// Static are the static files whose addresses are replaced by those with a fingerprint, and which must be there.
	Static []*static.Files

	// Development reads pages again from the folder of their declaration when they change, and holds them to the same
	// rules: a page with a fault answers with a [*CompileError] until it is mended. Without that folder, as with -trimpath,
	// nothing is read again.
	Development bool

	// Text returns the message of the catalogue with an id, in a language. It holds places {0}, {1} … for the values that
	// {{text "id" …}} gives it, and is text, not markup. Nil is an empty catalogue.
	Text func(lang, id string) (string, bool)
	// Plural returns a message with plural forms, which Text has not: the words of its forms, and which of them is for a
	// number; nil words for any other message. The number is the first value that {{text "id" …}} gives. Nil is none.
	Plural func(lang, id string) (words []string, pick func(n int) int)
	// TextIDs lists the ids of the catalogue, for "did you mean"; nil lists none.
	TextIDs func() []string
	// Langs are the catalogue's languages; the first one is for visitors of others. Nil is one language, "".
	Langs []string
	// Same tells one catalogue from another: compilations whose Same is equal have Text, Plural and TextIDs that answer
	// alike. Then a process that puts a site together again, as a command and a test do, compiles its pages once. It is
	// comparable; nil is like no other.
	Same any
}

func (o *Options) languages() []string {
	if len(o.Langs) == 0 {
		return []string{""}
	}
	return o.Langs
}

// A Set is the compiled pages of a site. It is safe for concurrent use.
type Set struct {
	opts  Options
	files []*Files
	only  *declaration // for Execute
	now   atomic.Pointer[generation]

	mu    sync.Mutex // of development
	stamp string
	looks look.Glass
}

// generation is one compilation. In development a later one replaces it.
type generation struct {
	pages  map[*declaration]*compiled
	order  []*declaration
	faults check.Faults
}

type compiled struct {
	prog  *program
	facts *Facts
	langs []string
}

// CompileError is the error of a page that does not compile, in development or of [Page.Execute].
type CompileError struct{ Findings check.Faults }

// Error returns the findings.
func (e *CompileError) Error() string { return e.Findings.Error() }

// Unwrap returns the findings, for [errors.As].
func (e *CompileError) Unwrap() error { return e.Findings.Err() }

// Compile compiles the declared pages of the files. A page that is declared by several of them, as after [Files.Over], is
// compiled with the first. All pages are looked at, so that all faults are told at once; with faults the set still has the
// facts of the pages that compiled, and shows none of the others.
func Compile(opts Options, files ...*Files) (*Set, check.Faults) {
	return compileSet(opts, files, nil)
}

func compileSet(opts Options, files []*Files, only *declaration) (*Set, check.Faults) {
	s := &Set{opts: opts, files: files, only: only}
	if opts.Development {
		s.stamp = s.stampNow()
	}
	k := s.key()
	g := known.find(k)
	if g == nil {
		g = s.compile()
		known.keep(k, g)
	}
	s.now.Store(g)
	return s, g.faults
}

// stampNow sums up the files on disk, in development, and the addresses of static files.
func (s *Set) stampNow() string {
	all := ""
	for _, f := range s.files {
		if s.opts.Development {
			all += f.stamp()
		}
	}
	for _, f := range s.opts.Static { // a style sheet that was saved has another address
		for _, name := range f.Names() {
			address, _, _ := f.Address(name)
			all += address + "\n"
		}
	}
	return all
}

// compile compiles everything once.
func (s *Set) compile() *generation {
	g := &generation{pages: map[*declaration]*compiled{}}
	told := &findings{}
	for _, f := range s.files {
		u, faults := newUnit(s.opts, f)
		told.add(nil, faults)
		for _, d := range f.declarations() {
			if s.only != nil && d != s.only || g.pages[d] != nil {
				continue
			}
			var c *compiled
			if !u.torn {
				c, faults = u.page(d)
				told.add(d, faults)
			}
			g.pages[d] = c
			g.order = append(g.order, d)
		}
		u.opts.Text, u.opts.Plural, u.opts.TextIDs = nil, nil, nil // a compilation that is kept keeps no site
	}
	g.faults = told.all()
	return g
}

// newUnit reads the files of one Files and parses what its pages share.
func newUnit(opts Options, f *Files) (*unit, check.Faults) {
	files, faults := f.read(opts.Development)
	u := &unit{opts: opts, files: files, layers: f.layers(), sources: map[string]*source{}, shared: map[string]*parse.Tree{}, attrs: map[string]Sink{}}
	for _, a := range f.declaredAttrs() {
		if why := a.fault(); why != "" {
			faults = append(faults, RuleAttr.Finding(f.layers()[0].root, fmt.Sprintf("page.Attr(%q, …): %s", a.name, why), "declare attributes of libraries: hx-get, data-name, x-text"))
			continue
		}
		if _, ok := u.attrs[a.name]; !ok {
			u.attrs[a.name] = a.sink
		}
	}
	layer := map[string]int{}
	for _, name := range names(files) {
		if !shared(name) {
			continue
		}
		src, bad := u.parse(name)
		faults = append(faults, bad...)
		if src == nil {
			u.torn = true // each page would lack what it defines
			continue
		}
		for _, t := range names(src.trees) {
			tree := src.trees[t]
			if old := u.shared[t]; old != nil {
				switch l := files[name].layer; {
				case layer[t] < l:
					continue // a site's template comes before its parts'
				case layer[t] == l:
					faults = append(faults, RuleRedefined.Finding(position(src.file, int(tree.Root.Pos)), fmt.Sprintf("template %q is also defined in %s", t, old.ParseName), "give one of them another name"))
					continue
				}
			}
			u.shared[t], layer[t] = tree, files[name].layer
		}
	}
	return u, faults
}

// shared reports whether every page sees a file: the layout, and what lies in a folder called shared. A leading _ would be
// another mark, but go:embed leaves such files out of a folder.
func shared(name string) bool {
	return name == "layout.html" || strings.HasPrefix(name, "shared/") || strings.Contains(name, "/shared/")
}

// parse parses a file once.
func (u *unit) parse(name string) (*source, check.Faults) {
	if src := u.sources[name]; src != nil {
		return src, nil
	}
	src, faults := parseFile(u.files[name])
	if src != nil {
		u.sources[name] = src
	}
	return src, faults
}

// page compiles one declared page.
func (u *unit) page(d *declaration) (*compiled, check.Faults) {
	f := u.files[d.name]
	if f == nil {
		var pages []string
		for _, n := range names(u.files) {
			if !shared(n) && u.layers[u.files[n].layer] == d.files { // a part's own files lead its site astray
				pages = append(pages, n)
			}
		}
		return nil, check.Faults{RuleFile.Finding(d.where, fmt.Sprintf("there is no page file %q", d.name), didYouMean(d.name, pages, "add it to the folder of page.From, and the folder to //go:embed"))}
	}
	src, faults := u.parse(d.name)
	if src == nil {
		return nil, faults
	}
	faults = append(faults, typeFaults(d.data, position(f, 0))...)
	c := &compiler{unit: u, decl: d, file: f, trees: map[string]*parse.Tree{}, assign: map[string]bool{},
		facts: &Facts{Name: d.name, Where: f.path, Data: d.data, Fragment: d.fragment}}
	for n, t := range u.shared {
		c.trees[n] = t
	}
	for n, t := range src.trees {
		c.trees[n] = t
	}
	for _, t := range c.trees {
		assigned(t.Root, c.assign)
	}
	if len(faults) > 0 {
		return nil, faults // what is wrong with the type would be told again at each action
	}
	prog := c.compile()
	if prog != nil {
		c.judgeShown(src)
	}
	c.found = append(c.found, c.facts.Policy.Faults(f.path)...)
	if prog == nil || len(c.found) > 0 {
		return nil, c.found
	}
	return &compiled{prog, c.facts, u.opts.languages()}, nil
}

// Pages returns the pages of the set, in the order of their files and declarations.
func (s *Set) Pages() []Declared {
	var all []Declared
	for _, d := range s.now.Load().order {
		all = append(all, d.page)
	}
	return all
}

// Facts returns what a page says about itself, nil for one that is not of the set. In development the answer is another one
// when the page has changed and [Set.Reload] or [Append] has seen it: compare the pointers.
func (s *Set) Facts(p Declared) *Facts {
	if c := s.now.Load().pages[p.declaration()]; c != nil {
		return c.facts
	}
	return nil
}

// Append appends a page with its data to dst, and returns dst as it was when it fails: a method of the data that returned an
// error or panicked, a nil pointer that was followed, an index out of range. It is safe for concurrent use; the Render is
// for this rendering alone. Without Tokens a page with a form that posts to this site is refused.
func Append[D any](dst []byte, s *Set, p *Page[D], data D, r *Render) ([]byte, error) {
	c, err := s.find(p.decl)
	if err != nil {
		return dst, err
	}
	return c.append(dst, unsafe.Pointer(&data), r)
}

// find returns the compiled page, in development after a look at the files.
func (s *Set) find(d *declaration) (*compiled, error) {
	s.Reload()
	g := s.now.Load()
	c := g.pages[d]
	if s.opts.Development && c == nil && len(g.faults) > 0 {
		return nil, &CompileError{Findings: g.faults}
	}
	if c == nil {
		return nil, fmt.Errorf("page: %s (%s) is not a page of this set: compile the Files that declare it", d.name, d.where)
	}
	return c, nil
}

// Reload compiles the pages again when a file of theirs has changed, in development only, where of very many calls one in
// 20 milliseconds looks at the files. Its faults are told by [Append].
func (s *Set) Reload() {
	if !s.opts.Development {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.looks.May() {
		return
	}
	if stamp := s.stampNow(); stamp != s.stamp {
		s.stamp = stamp
		s.now.Store(s.compile())
	}
}

// append runs the page.
func (c *compiled) append(dst []byte, data unsafe.Pointer, r *Render) (out []byte, err error) {
	if c.facts.HasForm && r.Tokens == nil {
		return dst, RuleTokens.Finding(c.facts.Where, "the page has a form that posts to this site, and no tokens were given", "use page.Append with Render.Tokens")
	}
	e := envs.Get().(*env)
	e.render, e.site, e.lang = r, r.Frame, max(0, slices.Index(c.langs, r.Frame.Lang))
	n := len(dst)
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				f = failure{e.at, fmt.Sprintf("the site's own code panicked: %s", textOf(p))}
				if e.at == "" {
					f.where = c.facts.Where
				}
			}
			out, err = dst[:n], f
		}
	}()
	f := c.prog.frame(e)
	f.slots[0] = data
	out, _ = f.run(dst, c.prog.steps)
	c.prog.release(f)
	if cap(e.tmp) <= 1<<16 {
		clear(e.tmp[:cap(e.tmp)])
		*e = env{tmp: e.tmp[:0]}
		envs.Put(e)
	}
	return out, nil
}

// Silent returns where the layouts of the files stand that never say $site.Notice, nor does what they share: what a redirect
// tells the visitor would be dropped.
func (s *Set) Silent() (where []string) {
	for _, f := range s.files {
		files, _ := f.read(s.opts.Development) // what cannot be read was told by Compile
		layout := files["layout.html"]
		if layout == nil || slices.Contains(where, position(layout, 0)) {
			continue
		}
		says := false
		for name, one := range files {
			says = says || shared(name) && strings.Contains(one.text, "$site.Notice")
		}
		if !says {
			where = append(where, position(layout, 0))
		}
	}
	return where
}
