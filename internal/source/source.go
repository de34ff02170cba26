// Package source reads the program's own Go files, where they still lie, for what a compiler does not look at: with how many
// arguments a statement is called, where a handler redirects to, and which page it shows. It knows names, not types: where it cannot tell, it says nothing.
package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/merlon-web/merlon/internal/place"
)

// A Call is one call of a method of a package variable.
type Call struct {
	At     string // file:line, as [place.Of] tells it
	Method string
	Args   int
}

// A Variable is a package variable that a call with a constant text declares.
type Variable struct {
	Name  string
	Calls []Call
}

// maxFile is how much of one file is read, in bytes: a larger one is generated, and is left out.
const maxFile = 2 << 20

// Find returns the package variable whose declaration, in the file of the folder, spans the line and holds the text, and the
// calls of its methods in that package; ok is false where that is not plain. Each folder is read once in a process, and each
// answer is found once.
func Find(folder, file string, line int, text string) (v Variable, ok bool) {
	key := asked{folder, file, line, text}
	if known, ok := answers.Load(key); ok {
		a := known.(answer)
		return a.v, a.ok
	}
	v, ok = find(folder, file, line, text)
	answers.Store(key, answer{v, ok})
	return v, ok
}

type (
	asked struct {
		folder, file string
		line         int
		text         string
	}
	answer struct {
		v  Variable
		ok bool
	}
)

func find(folder, file string, line int, text string) (v Variable, ok bool) {
	files := read(folder)
	for _, f := range files {
		if filepath.Base(set.Position(f.Package).Filename) != file {
			continue
		}
		for _, d := range f.Decls {
			name, spec := declared(d, line, text)
			if name != "" && times(files, f.Name.Name, name) == 1 {
				return Variable{name, calls(files, f.Name.Name, name, spec)}, true
			}
		}
	}
	return v, false
}

var (
	folders sync.Map // folder → func() []*ast.File
	answers sync.Map // asked → answer
	set     = token.NewFileSet()
)

// read parses a folder once.
func read(folder string) []*ast.File {
	once, _ := folders.LoadOrStore(folder, sync.OnceValue(func() []*ast.File { return parse(folder) }))
	return once.(func() []*ast.File)()
}

func parse(folder string) (files []*ast.File) {
	names, _ := filepath.Glob(filepath.Join(folder, "*.go")) // a folder with a strange name has no files
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			continue
		}
		if f, err := parser.ParseFile(set, name, nil, 0); err == nil {
			files = append(files, f)
		}
	}
	return files
}

// declared returns the variable that a declaration makes at the line by a call whose last text is the given one.
func declared(d ast.Decl, line int, text string) (string, *ast.ValueSpec) {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.VAR {
		return "", nil
	}
	for _, s := range g.Specs {
		spec, ok := s.(*ast.ValueSpec)
		if !ok || len(spec.Names) != len(spec.Values) {
			continue
		}
		for i, value := range spec.Values {
			call, ok := value.(*ast.CallExpr)
			if !ok || set.Position(call.Pos()).Line > line || set.Position(call.End()).Line < line {
				continue
			}
			if spec.Names[i].Name != "_" && slices.ContainsFunc(call.Args, func(a ast.Expr) bool { t, ok := constant(a); return ok && t == text }) {
				return spec.Names[i].Name, spec
			}
		}
	}
	return "", nil
}

// constant returns the text of literals and their sums.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return strings.ReplaceAll(text, "\r", ""), err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, okA := constant(e.X)
		b, okB := constant(e.Y)
		return a + b, okA && okB && e.Op == token.ADD
	case *ast.ParenExpr:
		return constant(e.X)
	}
	return "", false
}

// times counts the declarations of a name in a package: files for other systems may declare it again.
func times(files []*ast.File, pkg, name string) (n int) {
	for _, f := range files {
		if f.Name.Name == pkg && f.Scope.Lookup(name) != nil {
			n++
		}
	}
	return n
}

// calls returns the calls of the variable's methods; those of a local variable of the same name are another's.
func calls(files []*ast.File, pkg, name string, spec *ast.ValueSpec) (all []Call) {
	for _, f := range files {
		if f.Name.Name != pkg {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || call.Ellipsis.IsValid() {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !isOf(sel.X, name, spec) {
				return true
			}
			if len(call.Args) == 1 {
				if _, several := call.Args[0].(*ast.CallExpr); several { // one call can give all arguments
					return true
				}
			}
			at := set.Position(call.Pos())
			all = append(all, Call{place.Of(at.Filename) + ":" + strconv.Itoa(at.Line), sel.Sel.Name, len(call.Args)})
			return true
		})
	}
	return all
}

// isOf reports whether an expression is the variable, or what its method Choose returns.
func isOf(e ast.Expr, name string, spec *ast.ValueSpec) bool {
	if call, ok := e.(*ast.CallExpr); ok {
		sel, ok := call.Fun.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Choose" && isOf(sel.X, name, spec)
	}
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name && (id.Obj == nil || id.Obj.Decl == spec)
}
