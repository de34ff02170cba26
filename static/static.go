// Package static serves the files of the program's own that never change while it runs: style sheets, scripts, images,
// fonts. Each has an address that holds its hash, which browsers keep for a year, and its plain one, which they ask for
// again.
//
// The files are part of the program (embed.FS) and of a closed list of types; each answer says its type, forbids guessing
// and loading by other sites, and an SVG is inert. Files of visitors are not for this package, whatever their name ends in.
package static

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/place"
)

// constant is the type of what must be written in the program's source.
type constant string

// The limits of one [Files].
const (
	MaxFile  = 16 << 20  // bytes of one file
	MaxTotal = 128 << 20 // bytes of all files: they are in the program and in its memory
	MaxCount = 5000      // files
)

// Files are the static files of a site or of a part. Declare them once as a package variable; they are read at the first
// use. Files are safe for concurrent use, by several sites too.
type Files struct {
	fsys   fs.FS
	dir    string
	name   string   // served under /name/
	source string   // the folder of the declaration, for Reload; "" if unknown
	home   string   // the same, however the program was built: for places
	where  string   // file:line of the call of From
	opens  []string // browser features, see [Files.Opens]

	once  sync.Once
	state atomic.Pointer[state]

	reloading sync.Mutex
	stamp     string // of the files on disk at the last Reload
}

// From declares the files below dir, served under "/" + the last part of dir + "/". Hidden files are left out by go:embed.
// What cannot be served is told by [Files.Faults].
//
//go:noinline
func From(fsys embed.FS, dir constant) *Files {
	at := place.Caller(1)
	f := &Files{fsys: fsys, dir: string(dir), name: path.Base(string(dir)), home: at.Folder, where: at.At}
	if filepath.IsAbs(at.Folder) {
		f.source = at.Folder
	}
	made.Add(at, f)
	return f
}

var made place.Registry[*Files]

// DeclaredFor returns the files that a package, and those whose folders are around it, hold as package variables: who puts a
// site together can tell which were forgotten.
func DeclaredFor(pkg string) []*Files { return made.For(pkg) }

// Where returns file:line of the call of [From].
func (f *Files) Where() string { return f.where }

// Under serves the files under "/" + name + "/" instead, for parts whose files must not meet the site's: "_merlon/account".
// It must be called where the files are declared, and panics once they are in use. It returns f.
func (f *Files) Under(name constant) *Files {
	if f.state.Load() != nil {
		panic(fmt.Sprintf("static: Under(%q) after the files were read: their addresses are in use; call it where they are declared", string(name)))
	}
	f.name = string(name)
	return f
}

// Opens names browser features that the scripts among the files use, such as "publickey-credentials-get": pages that load one
// of these scripts open them for this site (Permissions-Policy), all others keep them shut. It must be called where the files
// are declared. It returns f.
func (f *Files) Opens(features ...constant) *Files {
	for _, name := range features {
		f.opens = append(f.opens, string(name))
	}
	return f
}

// Opened returns what [Files.Opens] named.
func (f *Files) Opened() []string { return f.opens }

// Prefix returns where the files are served: "/static/".
func (f *Files) Prefix() string { return "/" + f.name + "/" }

// state is one reading of the files.
type state struct {
	byName    map[string]*file   // "css/site.css"
	byAddress map[string]*answer // whole paths, plain and with hash
	sum       [32]byte           // over names and contents
	inline    []told             // data: addresses of style sheets
	faults    check.Faults
}

// file is one file with its two addresses.
type file struct {
	name      string
	kind      *kind
	content   []byte // as served: references of style sheets are rewritten
	address   string // with hash
	integrity string
	plain     representation
	gzip      representation // empty if it would not be smaller; made once, at the first request that takes it
	once      sync.Once
}

// representation is what is sent of a file, with the headers that differ, shared by all answers.
type representation struct {
	body         []byte
	etag, length []string
}

// answer is a file at one of its addresses.
type answer struct {
	file      *file
	immutable bool
}

func (f *Files) current() *state {
	f.once.Do(func() { f.state.Store(f.read(f.fsys, nil)) })
	return f.state.Load()
}

// Faults returns what cannot be served, nil when all is well: a type that is not on the list, a name with odd letters, a
// file too large (these are not served), a style sheet that names a file that is not there.
func (f *Files) Faults() check.Faults { return f.current().faults }

// Address returns the address with hash of a file, and its integrity ("sha256-…", also its source expression in a content
// security policy). The file is named by its plain address, "/static/site.css", or by its name, "site.css"; a fragment, as
// in "/static/icons.svg#home", is kept. It is false for a file that is not there.
func (f *Files) Address(name string) (address, integrity string, ok bool) {
	name, fragment := cutFragment(name)
	name = strings.TrimPrefix(name, f.Prefix())
	one := f.current().byName[name]
	if one == nil {
		return "", "", false
	}
	return one.address + fragment, one.integrity, true
}

func cutFragment(s string) (name, fragment string) {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// Names returns the names of all files, sorted.
func (f *Files) Names() []string {
	s := f.current()
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Type returns the content type of a file by its name or plain address, "" if it is not there.
func (f *Files) Type(name string) string {
	one := f.current().byName[strings.TrimPrefix(name, f.Prefix())]
	if one == nil {
		return ""
	}
	return one.kind.contentType[0]
}

// prefixName is what files may be served under: plain segments.
var prefixName = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]*(/[a-z0-9_][a-z0-9_-]*)*$`)

var _ http.Handler = (*Files)(nil)
