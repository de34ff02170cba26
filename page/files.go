package page

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/place"
)

// Files are the page files of a site or of a part: one file a page, and shared ones, which every page
// sees: layout.html, and what lies in a folder called shared, such as shared/row.html. Declare them, and their pages, as package variables. Files are safe for
// concurrent use, and several sites may compile the same.
type Files struct {
	fsys  fs.FS
	root  string
	dir   string // the folder on disk, for development; "" if unknown
	home  string // the folder of the source file that declares them, however it was built
	where string // file:line of the call of From
	attrs []attrOption
	over  *Files // made by Over: over's files replace base's
	base  *Files

	mu     sync.Mutex
	pages  []*declaration
	sealed bool
}

// From declares the page files below root: page.From(files, "pages"). What cannot be read is told by [Compile]. Files
// whose names begin with "_" or "." are none of them: //go:embed pages leaves them out.
//
// It remembers the folder of the file that calls it, from which development reads pages again when they change.
//
//go:noinline
func From(fsys embed.FS, root constant, opts ...Option) *Files {
	at := place.Caller(1)
	f := &Files{fsys: fsys, root: path.Clean(string(root)), home: at.Folder, where: at.At}
	if filepath.IsAbs(at.Folder) { // with -trimpath it is not
		f.dir = filepath.Join(at.Folder, filepath.FromSlash(f.root))
	}
	for _, o := range opts {
		o(f)
	}
	made.Add(at, f)
	return f
}

var made place.Registry[*Files]

// DeclaredFor returns the files with pages that a package, and those whose folders are around it, hold as package
// variables: who puts a site together can tell which were forgotten.
func DeclaredFor(pkg string) []*Files {
	return slices.DeleteFunc(made.For(pkg), func(f *Files) bool { return len(f.declarations()) == 0 })
}

// Where returns file:line of the call of [From], "" for files made by [Files.Over].
func (f *Files) Where() string { return f.where }

// Has reports whether f is other, or is made from it by [Files.Over].
func (f *Files) Has(other *Files) bool { return slices.Contains(f.layers(), other) }

// Names returns the names of the page files, sorted: "sign-in.html", "shared/row.html". What cannot be read is left out;
// [Compile] tells of it.
func (f *Files) Names() []string {
	files, _ := f.read(false)
	return names(files)
}

// Over returns the files of base with those of the same name in f before them: a site's own "sign-in.html" replaces a
// part's. The pages that base declares keep their data types. Shared files are replaced by name too; a template that a
// file of f defines comes before one of base's. Neither f nor base is changed.
func (f *Files) Over(base *Files) *Files { return &Files{over: f, base: base} }

// Seal closes the declarations: a later [New] panics. A site seals its files when it starts.
func (f *Files) Seal() {
	for _, l := range f.layers() {
		l.mu.Lock()
		l.sealed = true
		l.mu.Unlock()
	}
}

// layers returns the files as they were declared, those that replace first.
func (f *Files) layers() []*Files {
	if f.over == nil {
		return []*Files{f}
	}
	return append(f.over.layers(), f.base.layers()...)
}

// declarations returns the pages declared so far.
func (f *Files) declarations() []*declaration {
	var all []*declaration
	for _, l := range f.layers() {
		l.mu.Lock()
		all = append(all, l.pages...)
		l.mu.Unlock()
	}
	return all
}

// declaredAttrs returns the attributes that the files declare, a site's before its parts'.
func (f *Files) declaredAttrs() []attrOption {
	var all []attrOption
	for _, l := range f.layers() {
		all = append(all, l.attrs...)
	}
	return all
}

func (f *Files) declare(d *declaration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sealed {
		panic(RuleSealed.Finding(d.where, fmt.Sprintf("page %q is declared after the site started", d.name), "declare pages as package variables").Error())
	}
	f.pages = append(f.pages, d)
}

// declaration is what [New] knows of a page.
type declaration struct {
	page     Declared
	files    *Files
	name     string
	data     reflect.Type
	where    string // file:line of the call of New
	fragment bool
}

// file is one page file as it was read.
type file struct {
	name  string // relative to the root: "notes.html"
	path  string // as people know it: "pages/notes.html", see package place
	text  string
	layer int
}

// read returns the page files by name, the replacing ones in place of the replaced. With fromDisk it reads the folders of
// the declarations where they exist, which only development asks for.
func (f *Files) read(fromDisk bool) (map[string]*file, check.Faults) {
	files := map[string]*file{}
	var faults check.Faults
	for i, l := range f.layers() {
		fsys, root := l.fsys, l.root
		if fromDisk && l.onDisk() {
			fsys, root = os.DirFS(l.dir), "."
		}
		err := fs.WalkDir(fsys, root, func(full string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name := strings.TrimPrefix(full, root+"/")
			if path.Ext(name) != ".html" || hidden(name) || files[name] != nil && files[name].layer < i {
				return nil
			}
			b, err := fs.ReadFile(fsys, full)
			if err != nil {
				return err
			}
			files[name] = &file{name, place.In(l.home, path.Join(l.root, name)), string(b), i}
			return nil
		})
		if err != nil {
			what := fmt.Sprintf("cannot read the page files: %v", err)
			if errors.Is(err, fs.ErrNotExist) {
				what = fmt.Sprintf("there is no folder %q among the embedded files", l.root)
			}
			faults = append(faults, RuleFile.Finding(place.In(l.home, l.root), what, "name the folder in //go:embed and in page.From"))
		}
	}
	return files, faults
}

// hidden reports whether go:embed leaves a file of a folder out: then development must not show what production lacks.
func hidden(name string) bool {
	base := path.Base(name)
	return base[0] == '_' || base[0] == '.'
}

// onDisk reports whether the folder of the declaration is there: the program runs where it was built.
func (f *Files) onDisk() bool {
	if f.dir == "" {
		return false
	}
	info, err := os.Stat(f.dir)
	return err == nil && info.IsDir()
}

// stamp sums up names, sizes and times of the files on disk, so that a change shows without reading them.
func (f *Files) stamp() string {
	var b strings.Builder
	for _, l := range f.layers() {
		if !l.onDisk() {
			continue
		}
		_ = fs.WalkDir(os.DirFS(l.dir), ".", func(full string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(full) != ".html" {
				return nil // a file that vanished is a change of the stamp
			}
			if info, err := d.Info(); err == nil {
				fmt.Fprintf(&b, "%s %d %d\n", full, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}

func names[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for name := range m {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// didYouMean returns "did you mean X?", or what to do otherwise.
func didYouMean(name string, known []string, otherwise string) string {
	if near, ok := check.Nearest(name, known); ok {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return otherwise
}
