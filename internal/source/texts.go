package source

import (
	"go/ast"
	"path"
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
	files := read(folder)
	for _, f := range files {
		local := imported(f, pkg)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || local == "" || fn.Recv != nil || fn.Name.Name != function || fn.Body == nil || times(files, f.Name.Name, function) != 1 {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || sel.Sel.Name != name {
					return true
				}
				if id, ok := sel.X.(*ast.Ident); !ok || id.Name != local || id.Obj != nil { // a local variable has an Obj
					return true
				}
				if text, ok := constant(call.Args[0]); ok {
					at := set.Position(call.Pos())
					all = append(all, Text{place.Of(at.Filename) + ":" + strconv.Itoa(at.Line), text})
				}
				return true
			})
		}
	}
	return all
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
