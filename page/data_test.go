package page_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
)

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range page.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-PAGE-") {
			t.Errorf("id %s", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: %d lines", r.ID, n)
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d rules", len(seen))
	}
}

// nodes are all kinds of nodes of text/template/parse with a source in which the parser makes one, and whether the page
// starts. A kind that Go adds fails the test.
var nodes = map[string]struct {
	source string
	starts bool
}{
	"TextNode": {`x`, true}, "CommentNode": {`{{/* x */}}`, true}, "PipeNode": {`{{.S | print}}`, true}, "ActionNode": {`{{.S}}`, true}, "CommandNode": {`{{print .S}}`, true},
	"IdentifierNode": {`{{len .S}}`, true}, "VariableNode": {`{{$.S}}`, true}, "DotNode": {`{{range .L}}{{.}}{{end}}`, true}, "FieldNode": {`{{.Who.Name}}`, true}, "ChainNode": {`{{(.P).Name}}`, true},
	"BoolNode": {`{{true}}`, true}, "NumberNode": {`{{1}}`, true}, "StringNode": {`{{"x"}}`, true}, "IfNode": {`{{if .On}}{{end}}`, true}, "RangeNode": {`{{range .L}}{{end}}`, true}, "WithNode": {`{{with .S}}{{end}}`, true},
	"TemplateNode": {`{{define "a"}}{{end}}{{template "a"}}`, true}, "BreakNode": {`{{range .L}}{{break}}{{end}}`, true}, "ContinueNode": {`{{range .L}}{{continue}}{{end}}`, true}, "NilNode": {`{{eq .P nil}}`, true},
	"ListNode": {`{{if .On}}a{{.S}}{{end}}`, true}, "BranchNode": {`{{if .On}}a{{else}}b{{end}}`, true}, "elseNode": {`{{if .On}}{{else}}{{end}}`, true}, "endNode": {`{{if .On}}{{end}}`, true},
}

func TestEveryNodeKind(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("the go command is not here: ", err)
	}
	file := filepath.Join(strings.TrimSpace(string(root)), "src/text/template/parse/node.go")
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Skip("the source of Go is not here: ", err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok && strings.HasSuffix(s.Name.Name, "Node") && s.Name.Name != "Node" {
			if _, ok := nodes[s.Name.Name]; !ok {
				t.Errorf("text/template/parse has a %s, which no page was tried with", s.Name.Name)
			}
		}
		return true
	})
	for kind, c := range nodes {
		files := page.FilesOf(map[string]string{"t.html": c.source})
		page.NewFragmentNamed[Data](files, "t.html")
		if _, faults := page.Compile(page.Options{}, files); (len(faults) == 0) != c.starts {
			t.Errorf("%s: %s: %v", kind, c.source, faults)
		}
	}
	if parse.NodeContinue != 22 {
		t.Errorf("text/template/parse has other kinds than this package was written for: NodeContinue is %d", parse.NodeContinue)
	}
}

type withSecret struct{ Hash secret.String }
type withBytes struct{ L []struct{ Key *secret.Bytes } }
type withForm struct{ F form.Form[signInForm] }
type signInForm struct {
	Name     string        `form:"required,max=100"`
	Password secret.String `form:"required,password,max=100"`
}
type withError struct{ E error }
type withMapAny struct{ M map[string]any }
type withEmbedded struct{ withSecret }
type withComplex struct{ C complex128 }
type recursive struct {
	Name string
	Next *recursive
	Kids []recursive
	Map  map[string]recursive
}
type withPtrMethod struct{ V ptrMethod }
type ptrMethod struct{ N int }

func (p *ptrMethod) Up() string     { return "up" }
func (p *ptrMethod) String() string { return "ptr" }

type methods struct{ X int }

func (methods) Any() any                  { return 1 }
func (methods) Hash() secret.String       { return secret.New("x") }
func (methods) Three() (int, int, error)  { return 0, 0, nil }
func (methods) OnlyErr() error            { return nil }
func (methods) Takes(x any) string        { return "" }
func (methods) TakesFunc(f func()) string { return "" }
func (methods) Ch() chan int              { return nil }

func compileFaults[D any](source string) check.Faults {
	files := page.FilesOf(map[string]string{"t.html": source})
	page.NewFragmentNamed[D](files, "t.html")
	_, faults := page.Compile(page.Options{}, files)
	return faults
}

func TestDataTypes(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults check.Faults
		rule   check.Rule
	}{
		{"secret", compileFaults[withSecret](`x`), page.RuleSecret}, {"secret bytes behind a slice and a pointer", compileFaults[withBytes](`x`), page.RuleSecret},
		{"secret in an embedded struct", compileFaults[withEmbedded](`x`), page.RuleSecret}, {"error interface", compileFaults[withError](`x`), page.RuleType}, {"any in a map", compileFaults[withMapAny](`x`), page.RuleType},
		{"any itself", compileFaults[any](`x`), page.RuleType}, {"complex", compileFaults[withComplex](`x`), page.RuleType}, {"channel", compileFaults[chan int](`x`), page.RuleType},
		{"method that returns any", compileFaults[methods](`{{.Any}}`), page.RuleType}, {"method that returns a secret", compileFaults[methods](`{{.Hash}}`), page.RuleSecret}, {"three results", compileFaults[methods](`{{.Three}}`), page.RuleArguments},
		{"only an error", compileFaults[methods](`{{.OnlyErr}}`), page.RuleArguments}, {"parameter any", compileFaults[methods](`{{.Takes 1}}`), page.RuleType}, {"parameter func", compileFaults[methods](`{{.TakesFunc nil}}`), page.RuleType}, {"channel from a method", compileFaults[methods](`{{range .Ch}}{{end}}`), page.RuleType},
		{"pointer method of a value", compileFaults[withPtrMethod](`{{.V.Up}}`), page.RuleArguments}, {"pointer String of a value", compileFaults[withPtrMethod](`{{.V}}`), page.RulePrint},
		{"struct printed", compileFaults[recursive](`{{.}}`), page.RulePrint}, {"slice of structs printed", compileFaults[recursive](`{{.Kids}}`), page.RulePrint}, {"pointer in print", compileFaults[recursive](`{{print .Next}}`), page.RulePrint}, {"pointer in printf", compileFaults[recursive](`{{printf "%v" .Next}}`), page.RulePrint},
		{"printf without constant", compileFaults[Data](`{{printf .S .I}}`), page.RuleArguments}, {"printf verb", compileFaults[Data](`{{printf "%d" .S}}`), page.RuleArguments}, {"printf missing", compileFaults[Data](`{{printf "%d"}}`), page.RuleArguments}, {"printf extra", compileFaults[Data](`{{printf "x" .I}}`), page.RuleArguments}, {"printf %p", compileFaults[Data](`{{printf "%p" .P}}`), page.RuleArguments}, {"printf star", compileFaults[Data](`{{printf "%*d" .I .I}}`), page.RuleArguments}, {"printf huge", compileFaults[Data](`{{printf "%99999d" .I}}`), page.RuleArguments},
		{"call", compileFaults[Data](`{{call .S}}`), page.RuleNode}, {"js", compileFaults[Data](`{{.S | js}}`), page.RuleEscaper}, {"urlquery", compileFaults[Data](`{{urlquery .S}}`), page.RuleEscaper}, {"function near", compileFaults[Data](`{{pritn .S}}`), page.RuleFunction},
		{"data as argument", compileFaults[Data](`{{print (data .S)}}`), page.RuleArguments}, {"nil as command", compileFaults[Data](`{{nil}}`), page.RuleArguments}, {"nil printed", compileFaults[Data](`{{or nil nil}}`), page.RulePrint}, {"argument to a constant", compileFaults[Data](`{{1 2}}`), page.RuleArguments},
		{"assign another type", compileFaults[Data](`{{$x := 1}}{{$x = "a"}}`), page.RuleArguments}, {"range two of a number", compileFaults[Data](`{{range $i, $j := 3}}{{end}}`), page.RuleRange}, {"range two of a Seq", compileFaults[Wide](`{{range $i, $j := .Seq}}{{end}}`), page.RuleRange}, {"range over a nil", compileFaults[Data](`{{range nil}}{{end}}`), page.RuleArguments},
		{"index of a struct", compileFaults[Data](`{{index .Who 1}}`), page.RuleArguments}, {"map key of another type", compileFaults[Data](`{{index .IM "x"}}`), page.RuleArguments}, {"len of a number", compileFaults[Data](`{{len .I}}`), page.RuleArguments}, {"slice of an array value", compileFaults[Data](`{{slice .A 1}}`), page.RuleArguments}, {"slice of a map", compileFaults[Data](`{{slice .M 1}}`), page.RuleArguments},
		{"eq of structs that do not compare", compileFaults[recursive](`{{eq . .}}`), page.RuleComparison}, {"eq of float and int", compileFaults[Data](`{{eq .F 1}}`), page.RuleComparison}, {"nil to a value", compileFaults[Data](`{{eq .I nil}}`), page.RuleComparison}, {"lt of structs", compileFaults[Data](`{{lt .T .T}}`), page.RuleComparison},
		{"complex constant", compileFaults[Data](`{{1i}}`), page.RuleNode}, {"number too large", compileFaults[Data](`{{18446744073709551615}}`), page.RuleArguments}, {"small parameter overflows", compileFaults[Wide](`{{.C.Both 1 99999999999999999999}}`), page.RuleParse}, {"negative to unsigned", compileFaults[Data](`{{index .MI .S .S}}`), page.RuleArguments},
		{"or of two types has no fields", compileFaults[Data](`{{(or .P .Who).Name}}`), page.RuleField}, {"template with or of two types", compileFaults[Data](`{{define "x"}}{{end}}{{template "x" (or .S .I)}}`), page.RuleArguments}, {"declaration in parentheses", compileFaults[Data](`{{print ($x := 1)}}`), page.RuleNode},
		{"data of a form", compileFaults[withForm](`<script type="application/json">{{data .}}</script>`), page.RuleData}, {"data of nothing", compileFaults[Data](`<script type="application/json">{{data (or .S .I)}}</script>`), page.RuleData},
	} {
		if !hasRule(c.faults, c.rule) {
			t.Errorf("%s: want %s (%s), got\n%s", c.name, c.rule.ID, c.rule.Title, c.faults.Error())
		}
	}
	for _, f := range []check.Faults{compileFaults[recursive](`{{.Name}}{{range .Kids}}{{.Name}}{{end}}`), compileFaults[withForm](`<form method="post" action="/in">{{fields .F}}</form>`), compileFaults[*recursive](`{{.Next.Name}}`), compileFaults[string](`{{.}}`), compileFaults[struct{}](`x`), compileFaults[map[string]int](`{{.a}}`)} {
		if len(f) > 0 {
			t.Errorf("an honest type does not start: %v", f)
		}
	}
}

type failing struct {
	P    *failing
	L    []string
	M    map[string]*failing
	Err  bool
	Name string
}

func (f failing) Check() (string, error) {
	if f.Err {
		return "", errors.New("no luck")
	}
	return "ok", nil
}
func (f failing) Panic() string       { panic("boom <secret>") }
func (f failing) Deref() int          { return *(*int)(nil) }
func (f *failing) OnNil() string      { return f.Name }
func (f failing) Cycle() *failing     { return nil }
func (f failing) Fails() (int, error) { return 0, errors.New("int") }

// A page that fails half-way leaves nothing behind (PAGE-2), and says where.
func TestExecutionFails(t *testing.T) {
	loop := &failing{Name: "loop"}
	loop.P = loop
	for _, c := range []struct {
		source string
		data   failing
		want   string
	}{
		{`a{{.P.Name}}b`, failing{}, "pages/t.html:1:4: nil pointer evaluating .P.Name"},
		{`a{{.P.P.Name}}b`, failing{P: &failing{}}, "nil pointer"},
		{`a{{.Check}}`, failing{Err: true}, "error calling .Check: no luck"},
		{`a{{.Fails}}`, failing{}, "error calling .Fails: int"},
		{`a{{.Panic}}`, failing{}, "panicked: boom"},
		{`a{{.Deref}}`, failing{}, "nil pointer dereference"},
		{`a{{.P.OnNil}}`, failing{}, "nil pointer dereference"},
		{`a{{.P.Check}}`, failing{}, "panicked"},
		{`a{{index .L 3}}`, failing{L: []string{"x"}}, "index out of range: 3 of 1"},
		{`a{{index .L -1}}`, failing{L: []string{"x"}}, "index out of range"},
		{`a{{slice .Name 5}}`, failing{Name: "x"}, "out of range"},
		{`a{{slice .L 1 0}}`, failing{L: []string{"x", "y"}}, "invalid slice index"},
		{`a{{len .P.L}}`, failing{}, "nil pointer"},
		{`a{{range .P.L}}{{end}}`, failing{}, "nil pointer"},
		{`a{{.P}}`, failing{P: &failing{}}, "printed whole"},
		{`a{{lt .M.zz.Name "x"}}`, failing{}, "missing key"},
		{`a{{define "x"}}{{.Name}}{{template "x" .P}}{{end}}{{template "x" .}}`, failing{P: loop}, "1,000 deep"},
		{`<script type="application/json">{{data .P}}</script>`, failing{P: loop}, "200 deep"},
		{`{{range .L}}<p title="{{.}}">{{index $.L 9}}</p>{{end}}`, failing{L: []string{"x"}}, "out of range"},
	} {
		files := page.FilesOf(map[string]string{"t.html": c.source})
		p := page.NewFragmentNamed[failing](files, "t.html")
		set := mustCompile(t, page.Options{}, files)
		got, err := page.Append([]byte("before"), set, p, c.data, &page.Render{})
		if err == nil || !strings.Contains(err.Error(), c.want) || string(got) != "before" {
			t.Errorf("%s: got %q, %v; want an error with %q", c.source, got, err, c.want)
		}
		// The same page goes on working.
		if _, err := page.Append(nil, set, p, failing{P: &failing{P: &failing{}, L: []string{"1"}}, L: strings.Split("a b c d e f g h i j k", " "), Name: "long enough"}, &page.Render{}); err != nil && !strings.Contains(c.source, "Panic") && !strings.Contains(c.source, "Deref") && !strings.Contains(c.source, "Fails") && !strings.Contains(c.source, "-1") && !strings.Contains(c.source, "1 0") && !strings.Contains(c.source, "{{.P}}") && !strings.Contains(c.source, "zz") && !strings.Contains(c.source, "define") {
			t.Errorf("%s: then: %v", c.source, err)
		}
	}
}
