package source

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/internal/place"
)

// A Text is what a call is given as its first argument, where that is a literal.
type Text struct {
	At   string // file:line, as [place.Of] tells it
	Text string
}

// Texts returns the texts that a top-level function of the folder gives to the calls of a function of another package:
// Texts(folder, "addBook", "github.com/merlon-web/merlon", "Redirect"). What the functions that it calls give to it is not
// among them.
func Texts(folder, function, pkg, name string) (all []Text) {
	within(folder, function, pkg, func(called string, call *ast.CallExpr, _ []*ast.File) {
		if called != name {
			return
		}
		if text, ok := constant(call.Args[0]); ok {
			at := set.Position(call.Pos())
			all = append(all, Text{place.Of(at.Filename) + ":" + strconv.Itoa(at.Line), text})
		}
	})
	return all
}

// Variables returns the texts that declare the package variables among the arguments of such calls, whose names begin with the
// given one: for merlon.Show(notesPage, …), where notesPage is page.New[…](pages, "notes.html"), that is "notes.html".
func Variables(folder, function, pkg, begin string) (all []string) {
	within(folder, function, pkg, func(called string, call *ast.CallExpr, files []*ast.File) {
		if !strings.HasPrefix(called, begin) {
			return
		}
		for _, a := range call.Args {
			if id, ok := a.(*ast.Ident); ok {
				all = append(all, textsOf(files, id)...)
			}
		}
	})
	return all
}

// textsOf are the literals that a package variable's declaration gives to the call that makes it.
func textsOf(files []*ast.File, id *ast.Ident) (texts []string) {
	for _, f := range files {
		object := f.Scope.Lookup(id.Name)
		if object == nil || id.Obj != nil && id.Obj != object { // a local variable of that name is another one
			continue
		}
		spec, ok := object.Decl.(*ast.ValueSpec)
		if !ok || len(spec.Names) != len(spec.Values) {
			continue
		}
		for i, name := range spec.Names {
			call, ok := spec.Values[i].(*ast.CallExpr)
			if !ok || name.Name != id.Name {
				continue
			}
			for _, a := range call.Args {
				if text, ok := constant(a); ok {
					texts = append(texts, text)
				}
			}
		}
	}
	return texts
}

// within tells of the calls of functions of another package, with an argument or more, in a top-level function of the folder,
// and of the files of its package.
func within(folder, function, pkg string, tell func(called string, call *ast.CallExpr, files []*ast.File)) {
	files := read(folder)
	for _, f := range files {
		local := imported(f, pkg)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || local == "" || fn.Recv != nil || fn.Name.Name != function || fn.Body == nil || times(files, f.Name.Name, function) != 1 {
				continue
			}
			same := slices.DeleteFunc(slices.Clone(files), func(other *ast.File) bool { return other.Name.Name != f.Name.Name })
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == local && id.Obj == nil { // a local variable has an Obj
					tell(sel.Sel.Name, call, same)
				}
				return true
			})
		}
	}
}

// imported returns the name by which a file knows a package, "" if it does not import it.
func imported(f *ast.File, pkg string) string {
	for _, i := range f.Imports {
		if strings.Trim(i.Path.Value, "`\"") != pkg {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}
