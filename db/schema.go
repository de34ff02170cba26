package db

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"sync"

	"github.com/merlon-web/merlon/internal/place"
)

// A Schema is a set of migrations and the statements that are declared against the tables these make. A site has one,
// and so has each of its parts; several sites can live in one process, since a statement belongs to its schema only.
//
// Declare schemas and statements as package variables. A Schema is safe for concurrent use.
type Schema struct {
	fsys  embed.FS
	dir   string
	home  string // the folder of the source file that declares it
	where string // file:line of the call of From

	mu         sync.Mutex
	name       string
	sealed     bool
	statements []*declared
}

// From returns the schema whose migrations lie in the folder dir of fsys, in goose's format
// (https://pressly.github.io/goose/documentation/annotations/). A subfolder named for the engine ("sqlite", "postgres")
// is used instead of dir itself when it is there. The schema is called "site" until it is [Schema.Named].
//
//go:noinline
func From(fsys embed.FS, dir constant) *Schema {
	at := place.Caller(1)
	s := &Schema{fsys: fsys, dir: string(dir), home: at.Folder, where: at.At, name: "site"}
	made.Add(at, s)
	return s
}

var made place.Registry[*Schema]

// DeclaredFor returns the schemas that a package, and those whose folders are around it, hold as package variables: who puts
// a site together can tell which were forgotten.
func DeclaredFor(pkg string) []*Schema { return made.For(pkg) }

// Named gives the schema a name of its own, as parts do: its migrations are counted in the table merlon_version_NAME.
// It returns the schema. The name is lower-case letters, digits and underscores, at most 32.
//
//go:noinline
func (s *Schema) Named(name constant) *Schema {
	if !validName(string(name)) {
		panic(RuleSchemaName.Finding(caller(1), fmt.Sprintf("db: schema name %q", string(name)), "name it with 1 to 32 of a-z, 0-9 and _, a letter first").Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed {
		panic(RuleSealed.Finding(caller(1), fmt.Sprintf("db: schema %q renamed after the site started", s.name), "name schemas where they are declared, as package variables").Error())
	}
	s.name = string(name)
	return s
}

func validName(name string) bool {
	if name == "" || len(name) > 32 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Name returns the schema's name.
func (s *Schema) Name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// Where returns file:line of the call of [From].
func (s *Schema) Where() string { return s.where }

// Seal closes the list of statements: a later [Query], [Exec] or [Returning] on this schema panics. The site calls it
// when it has started. A text laundered into a constant at run time so finds no place to be declared.
func (s *Schema) Seal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = true
}

// RowTypes returns the row types of the schema's statements, each once, in the order of declaration. A form that binds
// one of them would let a visitor set every column; such a form does not start.
func (s *Schema) RowTypes() []reflect.Type {
	s.mu.Lock()
	defer s.mu.Unlock()
	var types []reflect.Type
	seen := map[reflect.Type]bool{}
	for _, d := range s.statements {
		if d.plan.typ.Kind() == reflect.Struct && d.plan.typ != affectedType && d.plan.typ != timeType && !seen[d.plan.typ] {
			seen[d.plan.typ] = true
			types = append(types, d.plan.typ)
		}
	}
	return types
}

// A Declared is what is known of a statement before it runs.
type Declared struct {
	Text    string // as written, with its {0} and $1
	Where   string // file:line of the declaration
	Kind    Kind
	Row     reflect.Type // Affected for an Exec
	Params  int          // how many arguments it takes
	Choices [][]string   // the keys of each Choice, sorted, "" first
}

// Statements returns what was declared, in the order of declaration.
func (s *Schema) Statements() []Declared {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Declared, len(s.statements))
	for i, d := range s.statements {
		all[i] = Declared{Text: d.sql, Where: d.where, Kind: d.kind, Row: d.plan.typ, Params: d.params}
		for _, c := range d.choices {
			all[i].Choices = append(all[i].Choices, append([]string(nil), c.keys...))
		}
	}
	return all
}

// Migrations returns the folder of the schema's migrations for an engine: dir/ENGINE when it is there, else dir. It is
// for writers of engines.
func (s *Schema) Migrations(engine string) (fs.FS, error) {
	dir := path.Clean(s.dir)
	info, err := fs.Stat(s.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, RuleMigration.Finding(s.where, fmt.Sprintf("db: schema %q: the folder %q is not among the embedded files", s.Name(), s.dir), fmt.Sprintf("name it in the go:embed line, or mend the name: //go:embed %s", s.dir))
	}
	if err != nil {
		return nil, fmt.Errorf("db: schema %q: %w", s.Name(), err)
	}
	if info, err := fs.Stat(s.fsys, path.Join(dir, engine)); err == nil && info.IsDir() {
		dir = path.Join(dir, engine)
	}
	return fs.Sub(s.fsys, dir)
}

// place is where a migration's file lies, for findings.
func (s *Schema) place(engine, name string) string {
	dir := path.Clean(s.dir)
	if info, err := fs.Stat(s.fsys, path.Join(dir, engine)); err == nil && info.IsDir() {
		dir = path.Join(dir, engine)
	}
	return place.In(s.home, path.Join(dir, name))
}

// declare adds a statement. What is wrong with it is not said here but by [Verify], so that all of it is said at once.
func (s *Schema) declare(d *declared) {
	if s == nil {
		panic(RuleSealed.Finding(d.where, fmt.Sprintf("db: a statement was declared on no schema: %q", d.sql), "declare the schema before it: var schema = db.From(files, \"migrations\")").Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed {
		panic(RuleSealed.Finding(d.where, fmt.Sprintf("db: statement declared after the site started: %q", d.sql), "declare statements as package variables; what a visitor sends is only ever an argument: $1").Error())
	}
	s.statements = append(s.statements, d)
}

// caller returns file:line of the skip-th caller above the function that asks. The functions that declare are kept from
// being inlined: inlined into a package's initialisation, they have no line (Go 1.26).
//
//go:noinline
func caller(skip int) string { return place.Caller(skip + 1).At }
