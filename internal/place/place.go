// Package place says where something is written: file and line as whoever started the program would type them, and the
// package that they belong to. All rooms tell their places by it, so that the places of one report have one root.
package place

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// started is the folder that the program was started in; "" if unknown.
var started, _ = os.Getwd()

// Of returns a file's path with slashes: relative to the folder in which the program was started, as compilers print it.
// For a file elsewhere, and in a program built with -trimpath, it is the file's folder and name.
func Of(file string) string { return In(filepath.Dir(file), filepath.Base(file)) }

// In is [Of] for a file of which the folder of the sources is known, and the path below that folder.
func In(folder, below string) string {
	below = path.Clean(filepath.ToSlash(below))
	if folder == "" {
		return below
	}
	if filepath.IsAbs(folder) && started != "" {
		if rel, err := filepath.Rel(started, folder); err == nil && filepath.IsLocal(rel) {
			return path.Join(filepath.ToSlash(rel), below)
		}
	}
	return path.Join(path.Base(filepath.ToSlash(folder)), below)
}

// A Place is where a declaration stands.
type Place struct {
	Folder  string // of the source file; absolute unless built with -trimpath
	At      string // file:line, the file as [Of] tells it
	Package string // its path, or "main"
	Once    bool   // it is a package variable or in a function init: made once, when the program starts
}

// Caller returns the place of the skip-th caller above the function that asks: 1 is its caller. The function in between must
// not be inlined: inlined into a package's initialisation a call has no line (Go 1.26).
func Caller(skip int) Place {
	pc := make([]uintptr, 1)
	if runtime.Callers(skip+2, pc) == 0 {
		return Place{}
	}
	f, _ := runtime.CallersFrames(pc).Next()
	pkg := Package(f.Function)
	in := strings.TrimPrefix(f.Function, pkg+".")
	return Place{Folder: filepath.Dir(f.File), At: Of(f.File) + ":" + strconv.Itoa(f.Line), Package: pkg,
		Once: in == "init" || strings.HasPrefix(in, "init.") || strings.HasPrefix(in, "map.init.")}
}

// Package returns the package of a function by its full name, as package runtime tells it.
func Package(function string) string {
	function, _, _ = strings.Cut(function, "[") // type arguments hold paths too
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		return function[:slash+dot]
	}
	return function
}

// A Registry knows what the packages of a program declared once, so that a site which forgets it can be told. It is safe for
// concurrent use; its zero value is empty.
type Registry[T any] struct {
	mu  sync.Mutex
	all map[string][]T
}

// Add notes a value that was declared at p. What is made again and again while the program runs is not kept.
func (r *Registry[T]) Add(p Place, value T) {
	if !p.Once {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string][]T{}
	}
	r.all[p.Package] = append(r.all[p.Package], value)
}

// All returns what all packages of the program have declared, sorted by package.
func (r *Registry[T]) All() (all []T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pkg := range slices.Sorted(maps.Keys(r.all)) {
		all = append(all, r.all[pkg]...)
	}
	return all
}

// For returns what a package, and the packages whose folders are around it, have declared: the nearest first.
func (r *Registry[T]) For(pkg string) (all []T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pkg != "" {
		all = append(all, r.all[pkg]...)
		i := strings.LastIndexByte(pkg, '/')
		pkg = pkg[:max(i, 0)]
	}
	return all
}

var sealed atomic.Bool

// Seal says that a site of this process has started: what is declared from now on was not written in the program's
// source as a package variable, and rooms that have no files of a site to seal refuse it.
func Seal() { sealed.Store(true) }

// Sealed reports whether [Seal] was called.
func Sealed() bool { return sealed.Load() }
