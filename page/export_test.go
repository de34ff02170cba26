package page

import (
	"io/fs"
	"testing/fstest"
)

// FilesOf declares files that a test wrote: [From] takes embedded ones alone.
func FilesOf(files map[string]string, opts ...Option) *Files {
	m := fstest.MapFS{"pages": &fstest.MapFile{Mode: fs.ModeDir}}
	for name, text := range files {
		m["pages/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	f := &Files{fsys: m, root: "pages"}
	for _, o := range opts {
		o(f)
	}
	return f
}

// NewNamed is New with a name that is no constant.
func NewNamed[Data any](files *Files, name string) *Page[Data] {
	return declare[Data](files, name, false)
}

// NewFragmentNamed is NewFragment with a name that is no constant.
func NewFragmentNamed[Data any](files *Files, name string) *Page[Data] {
	return declare[Data](files, name, true)
}

// OnDisk tells Files that the folder of its declaration is dir.
func OnDisk(f *Files, dir string) { f.dir = dir }

// For fuzz targets and tables of the inner functions.
var (
	AppendHTML      = appendHTML
	AppendAddress   = appendAddress
	AppendComponent = appendComponent
	ReachOf         = reachOf
	Dots            = dots
	HideSite        = hideSite
)

// Local is the reach of an address of this site.
const Local, Foreign, Mail, Nowhere = local, foreign, mail, nowhere

// IsFragment reports how a page was declared.
func IsFragment[D any](p *Page[D]) bool { return p.decl.fragment }
