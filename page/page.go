package page

import (
	"io"
	"reflect"
	"slices"
	"sync"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/place"
)

// A Page is a declared page that shows a Data. It is safe for concurrent use.
type Page[Data any] struct {
	decl *declaration

	once  sync.Once // for Execute
	set   *Set
	fault error
}

// Declared is every [Page], whatever its data. It is a pointer and may be the key of a map.
type Declared interface {
	// Name returns the page's file, as it was declared.
	Name() string
	declaration() *declaration
}

// New declares the page in the file of that name: page.New[NotesPage](pages, "notes.html"). It is a whole document, with
// doctype, html lang and title, mostly from a shared layout:
//
//	{{template "layout.html" .}}
//	{{define "title"}}Notes{{end}}
//	{{define "main"}}…{{end}}
//
// Declare pages as package variables; after [Files.Seal] New panics.
//
//go:noinline
func New[Data any](files *Files, name constant) *Page[Data] {
	return declare[Data](files, string(name), false)
}

// NewFragment declares a page that is no document but a piece of one: what a script puts into a page that is already
// shown. Everything else is as with [New]. A browser must not be sent to it.
//
//go:noinline
func NewFragment[Data any](files *Files, name constant) *Page[Data] {
	return declare[Data](files, string(name), true)
}

//go:noinline
func declare[Data any](files *Files, name string, fragment bool) *Page[Data] {
	d := &declaration{files: files, name: name, data: reflect.TypeFor[Data](), fragment: fragment, where: place.Caller(2).At}
	p := &Page[Data]{decl: d}
	d.page = p
	files.declare(d)
	return p
}

// Name returns the page's file, as it was declared.
func (p *Page[Data]) Name() string { return p.decl.name }

func (p *Page[Data]) declaration() *declaration { return p.decl }

// Execute compiles the page at its first call and writes it: for programs that are not Merlon's, and for tests. Nothing is
// written unless the whole page could be made. The catalogue is empty, no address is fingerprinted, and $site is empty; a
// page with a form that posts to this site is refused, since it has no token: use [Append] with [Render].Tokens.
//
// The error of a page that does not compile is a [*CompileError].
func (p *Page[Data]) Execute(w io.Writer, data Data) error {
	p.once.Do(func() {
		var faults check.Faults
		p.set, faults = compileSet(Options{}, []*Files{p.decl.files}, p.decl)
		if len(faults) > 0 {
			p.fault = &CompileError{Findings: faults}
		}
	})
	if p.fault != nil {
		return p.fault
	}
	b, err := Append(nil, p.set, p, data, &Render{})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// A Frame is what every template sees as $site: facts of the site and of the visit, filled by who shows the page.
type Frame struct {
	Site   string   // the site's name
	Path   string   // of the request, as sent
	Lang   string   // of the visitor, one of the catalogue's
	User   string   // who is signed in; "" for nobody
	Roles  []string // of that user
	Every  bool     // the user has every role, as administrators do, also those that are not among Roles
	Notice string   // what the last act said, once
}

// Has reports whether the visitor has a role, or every one: {{if $site.Has "editor"}}. What it hides is still there for who asks for it:
// the route decides.
func (f Frame) Has(role string) bool { return f.Every || slices.Contains(f.Roles, role) }

// Render is what one rendering is given beside the data. It must not be shared by renderings that run at the same time.
type Render struct {
	Frame  Frame
	Tokens Tokens // writes the hidden fields; nil refuses pages with forms that post to this site

	// Form says how the fields of forms are printed; nil is English.
	Form *form.Render

	// Refused is told of each address from data that was printed as "#refused", with the place of the action; nil is nobody.
	Refused func(rule check.Rule, where string)
}

// Tokens writes the hidden field of a form. A form is named by its index among those of the page that post to this site,
// in the order of [Facts].Forms; a form inside a range is written several times under one index.
type Tokens interface {
	AppendField(dst []byte, form int) []byte
}

// RouteTokens is what [Tokens] implement for pages that have a {{token "PATH"}}, which is named by its index in
// [Facts].Tokens. A page that has one and is given Tokens without it fails.
type RouteTokens interface {
	AppendToken(dst []byte, token int) []byte
}
