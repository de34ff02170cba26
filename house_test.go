package merlon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// These tests hold the house: the floors, the words on every door, and how much a site links. The rules are those of
// docs/design.md and CONTRIBUTING.md; where a rule has an exception, it stands here with its reason.

const houseModule = "github.com/merlon-web/merlon"

// houseFloors is the order of the house: a package imports only packages of lower floors, so the rooms of one floor know
// nothing of each other. The root folder is ".". What tests need (bench, examples, internal/e2e) lies above everything.
var houseFloors = []string{
	0:  "check secret internal/look internal/place internal/qr internal/terminal internal/whole internal/datafolder internal/setting internal/browse internal/network internal/noise internal/background",
	1:  "event keyring internal/source internal/text internal/swap check/host check/asvs",
	2:  "db form csrf header trust trust/cert static check/build",
	3:  "page session throttle mailbox journal outbound/command outbound/export outbound/fetch outbound/file outbound/mail outbound/valkey trust/wire internal/steps internal/pool",
	4:  "password outbound/ldap session/sessiontest throttle/throttletest session/valkey throttle/valkey",
	5:  ".",
	6:  "account backup metrics sqlite postgres valkey db/enginetest",
	7:  "merlontest passkey backup/s3 backup/sftp backup/targettest",
	8:  "attack",
	9:  "cli examples/club/site",
	10: "examples/club examples/club/large examples/club/site/sitetest examples/guestbook examples/notes cmd/merlon",
	11: "internal/e2e/need examples/leaky/site examples/leaky/holes",
	12: "internal/e2e/browser examples/leaky",
	13: "internal/e2e examples/mistakes examples/mistakes/beside bench",
}

// houseLater are rooms of the table that are not built yet.
var houseLater = ""

// houseOutside is what each room may import that is neither the standard library nor Merlon. Above floor 10 anything goes.
// A driver or a terminal library in a lower room would be linked into every site.
var houseOutside = map[string]string{
	"attack":              "golang.org/x/net",
	"account":             "github.com/pquerna/otp",
	"backup":              "filippo.io/age github.com/klauspost/compress golang.org/x/sys",
	"backup/s3":           "github.com/minio/minio-go/v7",
	"backup/sftp":         "github.com/pkg/sftp golang.org/x/crypto",
	"cli":                 "github.com/BurntSushi/toml github.com/spf13/cobra github.com/spf13/pflag golang.org/x/sys",
	"cmd/merlon":          "github.com/spf13/cobra github.com/spf13/pflag",
	"page":                "golang.org/x/net",
	"internal/text":       "golang.org/x/text",
	"trust":               "golang.org/x/net",
	"trust/cert":          "golang.org/x/crypto",
	"merlontest":          "golang.org/x/net",
	"metrics":             "github.com/prometheus/client_golang",
	"outbound/fetch":      "golang.org/x/net",
	"outbound/ldap":       "github.com/go-ldap/ldap/v3",
	"outbound/mail":       "github.com/wneessen/go-mail",
	"outbound/valkey":     "github.com/valkey-io/valkey-go",
	"password":            "golang.org/x/crypto",
	"session":             "golang.org/x/crypto",
	"passkey":             "github.com/go-webauthn/webauthn",
	"postgres":            "github.com/jackc/pgx/v5",
	"sqlite":              "github.com/ncruces/go-sqlite3 golang.org/x/sys",
	"internal/qr":         "github.com/boombuler/barcode",
	"internal/steps":      "github.com/pressly/goose/v3",
	"internal/background": "golang.org/x/sys",
	"internal/datafolder": "golang.org/x/sys",
	"internal/terminal":   "golang.org/x/sys",
	"internal/browse":     "golang.org/x/net",
}

// houseLong are the Go files of more than 500 lines, with the reason why they are one topic.
var houseLong = map[string]string{}

// houseCeilings are how many modules a program may link beside Merlon itself.
var houseCeilings = map[string]int{"examples/guestbook": 20, "examples/notes": 32, "examples/club": 42, "examples/club/large": 50}

func TestImportsPointDown(t *testing.T) {
	floor := make(map[string]int)
	for n, rooms := range houseFloors {
		for room := range strings.FieldsSeq(rooms) {
			floor[room] = n
		}
	}
	has := make(map[string]bool)
	for _, p := range housePackages(t) {
		room := houseRoom(p.folder)
		n, known := floor[room]
		if !known {
			t.Errorf("%s is on no floor: add it to the table in house_test.go, or move it below a room's internal folder", p.folder)
			continue
		}
		has[room] = true
		for _, f := range p.code {
			for _, spec := range f.Imports {
				to, _ := strconv.Unquote(spec.Path.Value)
				if err := houseMayImport(room, n, floor, to); err != "" {
					t.Errorf("%s: import of %s: %s", p.at(spec), to, err)
				}
			}
		}
	}
	for room := range floor {
		switch waits := slices.Contains(strings.Fields(houseLater), room); {
		case !has[room] && !waits:
			t.Errorf("room %s of the table is not there: take it out, or name it in houseLater", room)
		case has[room] && waits:
			t.Errorf("room %s is there: take it out of houseLater", room)
		}
	}
}

// houseMayImport says why a room on floor n must not import a package, "" when it may.
func houseMayImport(room string, n int, floor map[string]int, to string) string {
	if to == houseModule || strings.HasPrefix(to, houseModule+"/") {
		target := houseRoom(strings.TrimPrefix(strings.TrimPrefix(to, houseModule), "/"))
		m, known := floor[target]
		switch {
		case target == room, known && m < n:
			return ""
		case !known:
			return "it is on no floor"
		}
		return fmt.Sprintf("imports point strictly down, and %s (floor %d) is not below %s (floor %d)", target, m, room, n)
	}
	if first, _, _ := strings.Cut(to, "/"); n > 10 || !strings.Contains(first, ".") {
		return ""
	}
	for allowed := range strings.FieldsSeq(houseOutside[room]) {
		if to == allowed || strings.HasPrefix(to, allowed+"/") {
			return ""
		}
	}
	return "the room may not import it: see houseOutside in house_test.go, and docs/dependencies.md for the reasons"
}

// houseRoom returns the room that a folder belongs to: what lies below ROOM/internal is part of ROOM, and what lies below
// the tests and benchmarks is part of them.
func houseRoom(folder string) string {
	if folder == "" {
		return "."
	}
	for _, whole := range []string{"bench", "internal/e2e"} {
		if strings.HasPrefix(folder, whole+"/") && folder != "internal/e2e/need" && folder != "internal/e2e/browser" {
			return whole
		}
	}
	room, _, _ := strings.Cut(folder, "/internal/")
	return room
}

func TestFloorsTable(t *testing.T) {
	floor := map[string]int{"check": 0, "db": 2, "form": 2, "page": 3, ".": 5, "sqlite": 6, "bench": 13}
	for _, c := range []struct {
		name, from, to string
		allowed        bool
	}{
		{"down is allowed", "db", houseModule + "/check", true},
		{"down by two floors is allowed", ".", houseModule + "/form", true},
		{"page may import form", "page", houseModule + "/form", true},
		{"up is refused", "db", houseModule + "/page", false},
		{"sideways is refused", "form", houseModule + "/db", false},
		{"the root imports no engine", ".", houseModule + "/sqlite", false},
		{"the root imports no driver", ".", "github.com/ncruces/go-sqlite3", false},
		{"an engine imports its driver", "sqlite", "github.com/ncruces/go-sqlite3/ext/fts5", true},
		{"a prefix of letters is not a houseModule", "sqlite", "github.com/ncruces/go-sqlite33", false},
		{"an unknown room is refused", ".", houseModule + "/util", false},
		{"a room imports its own internal folder", "form", houseModule + "/form/internal/x", true},
		{"another's internal folder counts as that room", "form", houseModule + "/db/internal/x", false},
		{"the standard library is free", "check", "net/http", true},
		{"a benchmark may import anything", "bench", "github.com/alexedwards/scs/v2", true},
	} {
		if got := houseMayImport(c.from, floor[c.from], floor, c.to); (got == "") != c.allowed {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

// Whoever opens a package reads first what it is for, and of every name what it does.
func TestEveryNameHasItsComment(t *testing.T) {
	for _, p := range housePackages(t) {
		if len(p.code) == 0 {
			continue
		}
		if !slices.ContainsFunc(p.code, func(f *ast.File) bool { return f.Doc != nil }) {
			t.Errorf("package %s has no package comment", p.folder)
		}
		for _, f := range p.code {
			if ast.IsGenerated(f) || f.Name.Name == "main" { // nobody imports a program
				continue
			}
			for _, d := range f.Decls {
				for _, fault := range houseUndocumented(d) {
					t.Errorf("%s: %s", p.at(d), fault)
				}
			}
		}
	}
}

// houseUndocumented returns what is wrong with the comments of a top-level declaration.
func houseUndocumented(d ast.Decl) (faults []string) {
	need := func(name string, exact bool, docs ...*ast.CommentGroup) {
		for _, doc := range docs {
			if text := strings.TrimSpace(doc.Text()); text != "" {
				for _, article := range []string{"A ", "An ", "The "} {
					text = strings.TrimPrefix(text, article)
				}
				if exact && !regexp.MustCompile(`^`+regexp.QuoteMeta(name)+`\b`).MatchString(text) {
					faults = append(faults, fmt.Sprintf("the comment of %s does not begin with its name", name))
				}
				return
			}
		}
		faults = append(faults, name+" has no comment")
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if ast.IsExported(d.Name.Name) && (d.Recv == nil || ast.IsExported(houseReceiver(d.Recv.List[0].Type))) {
			need(d.Name.Name, true, d.Doc)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if ast.IsExported(s.Name.Name) {
					need(s.Name.Name, len(d.Specs) == 1, s.Doc, d.Doc)
				}
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if ast.IsExported(name.Name) {
						need(name.Name, false, s.Doc, s.Comment, d.Doc)
					}
				}
			}
		}
	}
	return faults
}

func houseReceiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return houseReceiver(e.X)
	case *ast.IndexExpr:
		return houseReceiver(e.X)
	case *ast.IndexListExpr:
		return houseReceiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// A way out of a guard says Insecure and why: the reason is a constant of the program, and an empty one does not pass review.
func TestEveryInsecureNameTakesAReason(t *testing.T) {
	for _, p := range housePackages(t) {
		for _, f := range p.code {
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && ast.IsExported(d.Name.Name) && strings.Contains(d.Name.Name, "Insecure") && !houseTakesReason(d.Type) {
					t.Errorf("%s: %s takes no reason: give it a parameter reason of the type constant", p.at(d), d.Name.Name)
				}
			}
		}
	}
}

func houseTakesReason(f *ast.FuncType) bool {
	for _, field := range f.Params.List {
		kind, _ := field.Type.(*ast.Ident)
		if slices.ContainsFunc(field.Names, func(n *ast.Ident) bool { return n.Name == "reason" }) && kind != nil && kind.Name == "constant" {
			return true
		}
	}
	return false
}

// The two tests above see what they are for.
func TestHouseSeesFaults(t *testing.T) {
	const source = `package p
func Bare() {}
// Says something else.
func Wrong() {}
// A Type is right.
type Type struct{}
func (t *Type) Method() {}
func (t *Generic[T]) Inner() {}
func (t *hidden) Method() {}
const Value = 1 // Value is right by its line.
var Nothing = 2
// Kinds, all of them.
const ( One = iota; Two )
// InsecureRight takes one.
func InsecureRight(reason constant) {}
// InsecureNone takes none.
func InsecureNone() {}
// InsecureText takes any text.
func InsecureText(reason string) {}
`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var got, noReason []string
	for _, d := range f.Decls {
		got = append(got, houseUndocumented(d)...)
		if f, ok := d.(*ast.FuncDecl); ok && strings.Contains(f.Name.Name, "Insecure") && !houseTakesReason(f.Type) {
			noReason = append(noReason, f.Name.Name)
		}
	}
	want := []string{"Bare has no comment", "the comment of Wrong does not begin with its name", "Method has no comment", "Inner has no comment", "Nothing has no comment"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := []string{"InsecureNone", "InsecureText"}; !slices.Equal(noReason, want) {
		t.Errorf("without a reason: got %q, want %q", noReason, want)
	}
}

// Every rule of every room is whole, explained on one screen, and its id is its own.
func TestRules(t *testing.T) {
	var program strings.Builder
	var imports, calls []string
	for _, p := range housePackages(t) {
		for _, f := range p.code {
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "Rules" && f.Name.Name != "main" {
					name := fmt.Sprintf("room%d", len(imports))
					imports = append(imports, fmt.Sprintf("%s %q", name, path.Join(houseModule, p.folder)))
					calls = append(calls, fmt.Sprintf("all[%q] = list(%s.Rules())", p.folder, name))
				}
			}
		}
	}
	if len(imports) == 0 {
		t.Fatal("no room has rules: the test looks in the wrong place")
	}
	// The rooms are asked by a program that does not lie in the tree: so this test binary builds when a room does not, and
	// a new room cannot be forgotten.
	fmt.Fprintf(&program, `package main
import ("encoding/json"; "os"; "strings"; %q
%s)
type rule struct { ID, Invalid string; Lines int }
func list(rules []check.Rule) (l []rule) {
	for _, r := range rules {
		one := rule{ID: r.ID, Lines: strings.Count(strings.TrimRight(r.Explain(), "\n"), "\n") + 1}
		if err := r.Valid(); err != nil { one.Invalid = err.Error() }
		l = append(l, one)
	}
	return l
}
func main() {
	all := map[string][]rule{}
	%s
	json.NewEncoder(os.Stdout).Encode(all)
}
`, houseModule+"/check", strings.Join(imports, "\n"), strings.Join(calls, "\n\t"))

	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(houseRoot(t), "internal", "rules", "main.go"): write("main.go", program.String())}})
	if err != nil {
		t.Fatal(err)
	}
	out := houseRun(t, "go", "run", "-overlay", write("overlay.json", string(overlay)), "./internal/rules")
	var all map[string][]struct {
		ID, Invalid string
		Lines       int
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^MRL-[A-Z0-9]+-[0-9]{3}$`)
	owner := make(map[string]string)
	for room, rules := range all {
		if len(rules) == 0 {
			t.Errorf("%s.Rules() is empty", room)
		}
		for _, r := range rules {
			if r.Invalid != "" {
				t.Errorf("%s: %s", room, r.Invalid)
			}
			if r.Lines > 40 {
				t.Errorf("%s: %s explains itself in %d lines, want at most 40", room, r.ID, r.Lines)
			}
			if !id.MatchString(r.ID) {
				t.Errorf("%s: the id %q is not MRL-ROOM-NNN", room, r.ID)
			}
			if other, taken := owner[r.ID]; taken {
				t.Errorf("%s: the id %s is also one of %s", room, r.ID, other)
			}
			owner[r.ID] = room
		}
	}
	t.Logf("%d rules of %d rooms", len(owner), len(all))
}

func TestFiles(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9._-]+$`)
	capital := regexp.MustCompile(`^(README|LICENSE|CHANGELOG|CONTRIBUTING|SECURITY|AGENTS|Makefile|Dockerfile)(\.[a-z]+)?$`)
	// Folders of this or that developer's machine; written so that this file does not hold them.
	machines := regexp.MustCompile(`/(work|root|home)` + `/(main|shared|plan|go/pkg|[a-z]+/go)\b`)
	// Papers of the time before the first line of code; written as above.
	papers := regexp.MustCompile(`\b(mistakes|requirements|DESIGN|UX|faults|first-hour|STYLE)` + `\.md\b|\brequirements` + ` [0-9]|\bbrowser` + `-facts\b`)
	lines := make(map[string]int)
	for _, f := range houseFiles(t) {
		base := path.Base(f)
		inData := strings.Contains(f, "testdata/")
		if !inData && !name.MatchString(base) && !capital.MatchString(base) {
			t.Errorf("%s: file names are lower case, digits, dot, dash and underscore", f)
		}
		text, err := os.ReadFile(filepath.Join(houseRoot(t), f))
		if err != nil {
			t.Fatal(err)
		}
		if at := machines.FindIndex(text); at != nil {
			t.Errorf("%s:%d: holds %q, a path of one machine", f, bytes.Count(text[:at[0]], []byte("\n"))+1, text[at[0]:at[1]])
		}
		if e := path.Ext(f); e == ".go" || e == ".md" {
			if at := papers.FindIndex(text); at != nil {
				t.Errorf("%s:%d: names %q, which readers do not have: name a public source", f, bytes.Count(text[:at[0]], []byte("\n"))+1, text[at[0]:at[1]])
			}
		}
		if path.Ext(f) != ".go" {
			continue
		}
		most := 500
		if strings.HasSuffix(f, "_test.go") {
			most = 800 // long tables of cases are one topic
		}
		if lines[f] = bytes.Count(text, []byte("\n")); lines[f] > most && houseLong[f] == "" && !houseGenerated.Match(text) {
			t.Errorf("%s has %d lines: split it by topic, or give the reason in house_test.go", f, lines[f])
		}
		if pretty, err := format.Source(text); err != nil && !inData {
			t.Errorf("%s: %v", f, err)
		} else if err == nil && !bytes.Equal(pretty, text) {
			t.Errorf("%s is not gofmt'ed", f)
		}
	}
	for f := range houseLong {
		if lines[f] <= 500 {
			t.Errorf("%s is listed as long and has %d lines: take it from the list", f, lines[f])
		}
	}
}

func TestModulesLinked(t *testing.T) {
	for program, most := range houseCeilings {
		if _, err := os.Stat(filepath.Join(houseRoot(t), program)); err != nil {
			t.Logf("%s is not there yet", program)
			continue
		}
		linked := houseModules(t, "./"+program)
		t.Logf("%s links %d modules beside Merlon, %d allowed: %s", program, len(linked), most, strings.Join(linked, " "))
		if i := slices.IndexFunc(linked, func(m string) bool { return strings.Contains(m, "/jackc/") || strings.Contains(m, "/valkey-io/") }); i >= 0 && program != "examples/club/large" {
			t.Errorf("%s is a site on SQLite and links %s", program, linked[i])
		}
		if len(linked) > most {
			t.Errorf("%s links %d modules beside Merlon, at most %d are allowed", program, len(linked), most)
		}
	}
}

// docs/dependencies.md names every module that Merlon's own packages, examples, tests and benchmarks import, and no other.
// The table under "Linked into sites" also says what each brings along.
func TestDependenciesHaveReasons(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(houseRoot(t), "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllSubmatch(text, -1) {
		named[string(m[1])] = true
	}
	required := regexp.MustCompile(`(?m)^\s*(?:require )?(\S+\.\S+/\S+) v\S+`).FindAllSubmatch([]byte(houseRead(t, "go.mod")), -1)
	used := make(map[string]bool)
	for _, p := range housePackages(t) {
		for _, f := range append(slices.Clone(p.code), p.tests...) {
			for _, spec := range f.Imports {
				to, _ := strconv.Unquote(spec.Path.Value)
				for _, m := range required {
					if mod := string(m[1]); to == mod || strings.HasPrefix(to, mod+"/") {
						used[mod] = true
						if !named[mod] {
							t.Errorf("%s: imports %s, which has no reason in docs/dependencies.md", p.at(spec), mod)
							named[mod] = true // once is enough
						}
					}
				}
			}
		}
	}
	for mod := range named {
		if !used[mod] {
			t.Errorf("docs/dependencies.md names %s, which nothing imports", mod)
		}
	}
}
