package page_test

import (
	"bytes"
	"html/template"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/page"
)

// Wide is the data of the differential tests: every kind of value that pages take.
type Wide struct {
	Data
	Embedded
	*Deep
	PS        *Person
	PPI       **int
	Seq       iter.Seq[string]
	Seq2      iter.Seq2[int, Person]
	MK        map[Kind]Person
	MB        map[bool]string
	MF        map[float64]int
	MU        map[uint8]string
	MPtr      map[string]*Person
	Nums      []int8
	U8, U16   uint16
	C         Counter
	PC        *Counter
	PStr      *Level
	Times     []time.Time
	NilSlice  []string
	NilMap    map[string]int
	Matrix    [2][2]int
	Shapes    []Shape
	ErrP      *Problem
	DeepSlice [][]Person
	Tree      Node
}

type Embedded struct{ Inner string }

func (Embedded) Promoted(n int, s string) string { return strings.Repeat(s, n) }

type Deep struct{ Bottom, S3 string }

type Counter struct{ N int }

func (c Counter) Get() int               { return c.N }
func (c *Counter) Add(n int) int         { return c.N + n }
func (c Counter) Next() Counter          { return Counter{c.N + 1} }
func (c Counter) Both(a, b int64) int64  { return a + b }
func (c Counter) Sum(ns ...int) int      { return len(ns) + c.N }
func (c Counter) Of(p *Person) string    { return p.Name }
func (c Counter) Val(p Person) string    { return p.Name }
func (c Counter) List() []string         { return []string{"x", "<y>"} }
func (c Counter) Even() bool             { return c.N%2 == 0 }
func (c Counter) Half() float64          { return float64(c.N) / 2 }
func (c Counter) Who() *Person           { return &Person{Name: "who"} }
func (c Counter) Kinds() map[string]Kind { return map[string]Kind{"a": "<k>"} }
func (c Counter) K() Kind                { return "<kind>" }
func (c Counter) Lv() Level              { return Level(c.N) }
func (c Counter) When() time.Time        { return time.Unix(0, 0).UTC() }
func (c Counter) Fallible(ok bool) (string, error) {
	if !ok {
		return "", Problem{"no"}
	}
	return "<fine>", nil
}

type Shape struct {
	Name string
	Size float32
	Sub  []Shape
}

type Node struct {
	Label string
	Kids  []Node
	Next  *Node
}

func wide() Wide {
	n := 5
	pn := &n
	lv := Level(4)
	sp := "<sp>"
	ann := Person{Name: "Ann <a>", Age: 30, Home: &Person{Name: "Home & co", Age: 1}}
	return Wide{
		Data: Data{S: `<s> "q" 'a' & +`, S2: "plain", S3: "three", On: true, I: 3, I8: -8, U: 7, F: 2.5, F32: 0.1,
			T: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), D: 90 * time.Second, P: &ann, Who: Person{Name: "Who", Age: 2},
			L: []string{"a", "<b>", ""}, LI: []int{1, 2, 3, 4}, LB: []byte("hi"), People: []Person{ann, {Name: "Bob", Age: 4}},
			PP: []*Person{&ann}, Grid: [][]string{{"x", "<y>"}, {}}, A: [3]int{1, 2, 3}, M: map[string]string{"b": "2", "a": "<1>"},
			MI: map[string]int{"z": 1, "y": 2}, MP: map[string]Person{"x": ann}, IM: map[int]string{2: "two", 1: "one"}, K: "<kind>", Lv: 3,
			Mo: Money{1999}, Pr: Problem{"bad"}, R: 'ä', SP: &sp},
		Embedded: Embedded{"in"}, Deep: &Deep{"bottom", "deep"}, PS: &ann, PPI: &pn,
		Seq:  func(yield func(string) bool) { _ = yield("s1") && yield("<s2>") && yield("s3") },
		Seq2: func(yield func(int, Person) bool) { _ = yield(1, ann) && yield(2, Person{Name: "Two"}) },
		MK:   map[Kind]Person{"k": ann}, MB: map[bool]string{true: "t", false: "f"}, MF: map[float64]int{1.5: 1, -2: 2}, MU: map[uint8]string{9: "nine"},
		MPtr: map[string]*Person{"p": &ann}, Nums: []int8{-1, 2}, U8: 200, U16: 60000, C: Counter{4}, PC: &Counter{9}, PStr: &lv,
		Times: []time.Time{time.Unix(1e9, 0).UTC()}, Matrix: [2][2]int{{1, 2}, {3, 4}},
		Shapes: []Shape{{"sq", 1.5, []Shape{{"in", 2, nil}}}}, DeepSlice: [][]Person{{ann}},
		Tree: Node{"root", []Node{{"kid<1>", []Node{{"grand", nil, nil}}, nil}, {"kid2", nil, nil}}, &Node{"n2", nil, &Node{"n3", nil, nil}}},
	}
}

// shared are snippets of the language that both understand: they print the same bytes.
var sharedLanguage = []string{
	// fields
	`{{.S}}{{.S2}}{{.Data.S3}}{{.Inner}}{{.Bottom}}{{.Deep.S3}}{{.Embedded.Inner}}`, `{{$.S}}{{with .P}}{{$.S2}}{{.Home.Name}}{{end}}`,
	`{{.P.Home.Name}}|{{.P.Home.Age}}|{{.PS.Name}}|{{.PPI}}|{{.U8}}|{{.U16}}|{{.R}}|{{.D}}|{{.T}}|{{.K}}|{{.Lv}}|{{.PStr}}|{{.SP}}`,
	`{{.I}}{{.I8}}{{.U}}{{.F}}{{.F32}}{{.On}}{{.Off}}{{.Mo}}{{.Pr}}{{.Nil}}`, `{{.L}}{{.LI}}{{.LB}}{{.A}}{{.Nums}}{{.NilSlice}}`,
	// methods
	`{{.C.Get}} {{.PC.Get}} {{.PC.Add 4}} {{.C.Next.Get}} {{.C.Next.Next.N}} {{.C.Both 1 2}} {{.C.Sum}} {{.C.Sum 1 2 3}} {{.C.K}} {{.C.Lv}} {{.C.Half}} {{.C.Even}} {{.C.When.Year}}`,
	`{{.C.Of .P}} {{.C.Of .PS}} {{.C.Val .P}} {{.C.Val .Who}} {{range .C.List}}{{.}},{{end}}{{.C.Who.Name}} {{.C.Kinds.a}} {{.C.Fallible true}} {{.Promoted 2 "ab<"}} {{.Embedded.Promoted 1 .S2}}`,
	`{{.P.Greeting}} {{.P.Shout "x"}} {{.P.Shout .S}} {{"piped" | .P.Shout}} {{.S | .P.Shout | printf "%s%s" .S2}}`, `{{range .People}}{{.Greeting}}{{.Shout "!"}}{{end}}`,
	`{{.T.Format "2006-01-02"}} {{.T.Year}} {{.T.Month}} {{.T.Unix}} {{.D.Seconds}} {{.D.String}} {{(.T.Add .D).Minute}} {{.T.Weekday}} {{range .Times}}{{.Year}}{{end}}`,
	`{{.PStr.String}} {{.Mo.String}} {{.Pr.Error}}`, `{{.Who.Checked}}`, `{{(.C.Next).Get}}`, `{{with $c := .C.Next}}{{$c.Get}}{{$c.N}}{{end}}`,
	// maps
	`{{.M.a}}{{.M.b}}{{.M.zz}}|{{.MI.z}}{{.MI.nope}}|{{.MP.x.Name}}{{.MP.nope.Name}}{{.MP.nope.Home.Name}}|{{.MPtr.p.Name}}|{{.NilMap.x}}`,
	`{{index .M "a"}}{{index .MI "nope"}}{{index .IM 2}}{{index .IM 9}}{{index .MU 9}}{{(index .MP "x").Age}}{{index .NilMap "q"}}`,
	`{{range $k, $v := .M}}{{$k}}={{$v}};{{end}}{{range .MI}}{{.}}{{end}}{{range $k, $v := .IM}}{{$k}}{{$v}}{{end}}{{range $k, $v := .MB}}{{$k}}{{$v}}{{end}}{{range $k, $v := .MF}}{{$k}}{{$v}}{{end}}{{range $k, $v := .MU}}{{$k}}{{$v}}{{end}}{{range $k, $v := .MK}}{{$k}}{{$v.Name}}{{end}}{{range .NilMap}}x{{else}}none{{end}}`,
	`{{if .M.zz}}y{{else}}n{{end}}{{with .M.a}}{{.}}{{end}}{{with .M.zz}}y{{else}}n{{end}}{{eq .M.zz ""}}{{eq .M.a "<1>"}}{{ne .M.zz "x"}}{{eq .MI.nope 0}}{{not .M.zz}}{{or .M.zz "dflt"}}{{and .M.a "x"}}`,
	`{{print .M.zz}}|{{printf "%v" .MI.nope}}|{{printf "%v" .MI.z}}|{{len .M}}{{len .NilMap}}`, `{{$x := .M.zz}}{{$x}}|{{if $x}}y{{else}}n{{end}}{{$x = "v"}}{{$x}}`,
	// index, slice, len
	`{{index .L 1}}{{index .LI 0}}{{index .A 2}}{{index .Grid 0 1}}{{index .S2 0}}{{index .Matrix 1 0}}{{(index .People 1).Name}}{{(index .DeepSlice 0 0).Name}}`,
	`{{len .S}}{{len .L}}{{len .A}}{{len .M}}{{len .LB}}{{len .NilSlice}}`, `{{slice .S2 1}}{{slice .S2 1 3}}{{slice .S2}}{{range slice .LI 1 3}}{{.}}{{end}}{{len (slice .LI 1 2 3)}}`,
	`{{index .L 0 | printf "%q"}}`, `{{(index .PP 0).Name}}`,
	// range
	`{{range .L}}[{{.}}]{{end}}{{range $s := .L}}{{$s}}{{end}}{{range $i, $s := .L}}{{$i}}{{$s}}{{else}}e{{end}}{{range .NilSlice}}x{{else}}empty{{end}}`,
	`{{range .A}}{{.}}{{end}}{{range $i, $e := .A}}{{$i}}{{$e}}{{end}}{{range $i, $r := .Matrix}}{{$i}}{{range $r}}{{.}}{{end}}{{end}}`,
	`{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}{{range .I}}{{.}}{{end}}{{range .I8}}x{{else}}neg{{end}}{{range .U}}{{.}}{{end}}{{range 0}}x{{else}}zero{{end}}`,
	`{{range .Seq}}{{.}},{{end}}{{range $s := .Seq}}{{$s}}{{end}}{{range .Seq}}{{if eq . "s3"}}{{break}}{{end}}{{.}}{{end}}`,
	`{{range $i, $p := .Seq2}}{{$i}}{{$p.Name}}{{.Age}}{{end}}{{range .Seq2}}{{.}}{{end}}{{range $k := .Seq2}}{{$k}}{{end}}`,
	`{{range .LI}}{{if eq . 2}}{{continue}}{{end}}{{if gt . 3}}{{break}}{{end}}{{.}}{{end}}`, `{{range $i, $p := .People}}{{range $.L}}{{$i}}{{.}}{{if eq . "a"}}{{continue}}{{end}}{{break}}{{end}}{{end}}`,
	`{{range .LI}}{{range $.NilSlice}}{{else}}{{break}}{{end}}{{.}}{{end}}`, `{{range .People}}{{with .Home}}{{.Name}}{{else}}homeless{{end}}{{end}}`,
	`{{range $i, $e := .LI}}{{$e = 7}}{{$e}}{{$i}}{{end}}{{.LI}}`, `{{$n := 0}}{{range .LI}}{{$n = .}}{{end}}{{$n}}`, `{{$s := "x"}}{{range $s = .L}}{{$s}}{{end}}{{$s}}`, `{{$i := 0}}{{$s := ""}}{{range $i, $s = .L}}{{$i}}{{$s}}{{end}}{{$i}}{{$s}}`,
	`{{range .Shapes}}{{.Name}}{{.Size}}{{range .Sub}}{{.Name}}{{end}}{{end}}`, `{{range .PP}}{{.Name}}{{.Home.Name}}{{end}}`, `{{range (.C.List)}}{{.}}{{end}}`,
	// if, with, variables
	`{{if .On}}a{{else if .Off}}b{{else}}c{{end}}{{if .Off}}a{{else if .On}}b{{end}}{{with .Off}}x{{else with .On}}{{.}}{{else}}z{{end}}`,
	`<p title="a{{$x := .S}}b" class='{{$y := "c"}}{{$y}}'>{{$x}}</p><p {{$z := .S2}} hidden{{$w := .C.Next}}>{{$z}}{{$w.N}}</p><!-- {{$c := .S}} -->{{$c}}`,
	`{{$a := .S}}{{$b := $a}}{{$a = "new"}}{{$a}}{{$b}}`, `{{$a := 1}}{{if .On}}{{$a = 2}}{{$a := 3}}{{$a}}{{end}}{{$a}}`, `{{with $x := .S2}}{{$x}}{{.}}{{end}}`, `{{if $x := .I}}{{$x}}{{end}}`,
	`{{$p := .P}}{{$p.Name}}{{$q := .Who}}{{$q.Name}}{{$q.Greeting}}{{$f := .F}}{{$f}}{{$t := true}}{{$t}}`, `{{$x := .C.Next}}{{range .LI}}{{$x = $x.Next}}{{end}}{{$x.N}}`,
	`{{$x := ""}}{{range .L}}{{if eq . "<b>"}}{{$x = .}}{{end}}{{end}}[{{$x}}]`, `{{$m := .M.a}}{{range .LI}}{{$m}}{{$m = "z"}}{{end}}`,
	// and, or, not, comparisons
	`{{and .On .S}}|{{and .Off .S}}|{{or .S .S2}}|{{or .Off .I}}|{{and .I .F}}|{{not .I}}{{not .NilSlice}}|{{and .Nil .Nil.Name}}|{{or .Nil "none"}}|{{and 1 2 3}}|{{or 0 "" 3}}|{{.On | and .S}}`,
	`{{eq .I 3}}{{eq .I .U}}{{eq .U 7}}{{eq .K "<kind>"}}{{eq .S .S2}}{{eq .F 2.5}}{{eq .On true}}{{eq .I8 -8}}{{eq .S2 "a" "plain"}}{{ne .I 4}}{{eq .P .P}}{{eq .P nil}}{{eq .Nil nil}}{{ne .Nil nil}}{{eq .NilSlice nil}}{{eq .C .C}}{{eq .T .T}}`,
	`{{lt .I 4}}{{le .I 3}}{{gt .I 3}}{{ge .I 3}}{{lt .I .U}}{{lt .I8 .U}}{{lt .U .I8}}{{gt .U .I8}}{{lt .S .S2}}{{gt .F 1.0}}{{le .K "a"}}{{ge .U 7}}{{lt 1 2}}`,
	`{{if and (gt .I 1) (or .Off (lt .I 9))}}in{{end}}{{if not (and .On .Off)}}x{{end}}{{if or (eq .S "q") (len .L)}}len{{end}}`, `{{len .L | eq 3}}`, `{{.I | lt 2}}`,
	// print, printf
	`{{print .S .I .F .On .S2 .K .Lv}}|{{print .I .I8}}|{{print 1 "a" 2 3}}|{{println .S .I}}|{{print}}|{{println}}|{{print nil}}|{{print .T}}|{{print .L}}`,
	`{{printf "%s|%d|%v|%q|%x|%05d|%-5d|%+d|%5.1f|%g|%t|%%|%c|%U|%o|%b|%e" .S .I .F .S2 .S2 .I .I .I .F .F .On .R .R .I .I .F}}`,
	`{{printf "%s %v %q %x %d" .Lv .Lv .Mo .Pr .Lv}}|{{printf "%v %s" .T .D}}|{{printf "%5s|%-8s|%.2s" .S2 .K .S}}|{{printf "%v" .L}}|{{printf "%6.2f|%08.3f|%+.1e" .F .F .F32}}|{{printf "%v %v" .U8 .LB}}`,
	`{{printf "no verbs"}}|{{printf "%d%%" .I}}|{{.I | printf "%d-%d" 1}}|{{printf "%x" .U8}}|{{printf "%v" true}}`,
	// constants
	`{{1}} {{-5}} {{1_000}} {{0x1F}} {{0b101}} {{0o17}} {{1e3}} {{1.0}} {{.5}} {{'a'}} {{'\n'}} {{"q\"<>"}} {{` + "`raw <`" + `}} {{true}} {{false}} {{"a" | printf "%s"}} {{("x")}}`,
	// templates
	`{{define "r"}}<b>{{.Name}}</b>{{end}}{{template "r" .P}}{{range .People}}{{template "r" .}}{{end}}{{template "r" .MP.x}}`,
	`{{define "t"}}{{.Label}}<ul>{{range .Kids}}<li>{{template "t" .}}</li>{{end}}</ul>{{end}}<div>{{template "t" .Tree}}</div>`,
	`{{define "n"}}{{.Label}}{{with .Next}}, {{template "n" .}}{{end}}{{end}}{{template "n" .Tree}}`, `{{define "c"}}const{{end}}{{template "c"}}{{template "c" .S}}`,
	`{{block "bl" .P}}{{.Name}}{{end}}{{block "b2" .}}{{block "b3" .Who}}{{.Name}}{{end}}{{end}}`, `{{define "v"}}{{$x := .}}{{$x}}{{$}}{{end}}{{$x := "outer"}}{{template "v" "inner"}}{{$x}}`,
	`{{define "ev"}}{{if gt . 0}}{{.}}{{template "od" .}}{{end}}{{end}}{{define "od"}}-{{end}}{{template "ev" 3}}`,
	// attributes
	`<p title="{{.S}}" class='{{.S}}{{.K}}' lang="{{.S2}}">x</p>`, `<p class="a{{if .On}} b{{end}}{{range .L}} {{.}}{{end}}">x</p>`, `<input value="{{.S}}"{{if .On}} checked{{end}}{{if .Off}} disabled{{else}} required{{end}}>`,
	`<p{{with .S}} title="{{.}}"{{end}}{{if .Off}} class="{{.S}}"{{else}} class="none"{{end}} >x</p>`, `<p aria-label="{{.S}}" id="n-{{.I}}-{{.S2}}">x</p>`, `<my-el class=plain title="{{.F}}">{{.S}}</my-el>`,
	`<textarea>{{.S}}
</textarea><select name="s">{{range .L}}<option value="{{.}}"{{if eq . "a"}} selected{{end}}>{{.}}</option>{{end}}</select>`,
	`<a href="/n/{{.I}}">a</a><a href="/n?a={{.S2}}&amp;b={{.I}}">b</a><a href="/x#{{.S2}}">c</a><a href="{{.S2}}">d</a><a href="/n/{{.S2}}/e?x={{.S}}#{{.S}}">e</a>`,
	`<img src="/a/{{.I}}" alt="{{.S}}" width="{{.I}}">`, `<time datetime="{{.T.Format "2006-01-02"}}">{{.T}}</time>`,
	// texts
	`a < b <3 &amp; &{{.S2}}; <!-- gone --> x > "q" 'a'`, "  {{- .S -}}  \n x {{- /* c */ -}}  y", `{{/* only */}}`, `<!-- a --><p>b</p><!-- c -->`, `<table><tr><td>{{.S}}<td>{{.I}}<tr><th>x</table>`,
	`<ul><li>a<li>{{.S}}</ul><dl><dt>a<dd>{{.S}}</dl><p>one<p>{{.S}}<div>x</div>`, `<svg viewBox="0 0 1 1"><title>{{.S}}</title><path d="M0 0"/><text x="{{.I}}">{{.S}}</text></svg>`, `<math><mi>{{.S}}</mi><mo>+</mo></math>`,
	`{{if .On}}<div class="x">{{.S}}</div>{{else}}<p>no</p>{{end}}`, `<br/><hr /><img src="/a.png" alt=""/>`, `<P TITLE="{{.S}}">X</P>`, `<template><p>{{.S}}</p></template>`, `<details open><summary>{{.S}}</summary>x</details>`,
	`<script type="application/json">{"a": 1}</script>`, `<style>p { color: red }</style>`, `<script>let a = 1;</script>`,
}

func TestSharedLanguage(t *testing.T) {
	before, behind := around("body")
	data := wide()
	for _, snippet := range sharedLanguage {
		if snippet == "" {
			continue
		}
		t.Run("", func(t *testing.T) { sameAsTemplate(t, before+snippet+behind, data) })
	}
}

// sameAsTemplate compares a page with html/template's.
func sameAsTemplate[D any](t *testing.T, source string, data D) {
	t.Helper()
	tm, err := template.New("t.html").Parse(source)
	if err != nil {
		t.Fatalf("%s\nhtml/template: %v", source, err)
	}
	var want bytes.Buffer
	if err := tm.Execute(&want, data); err != nil {
		t.Fatalf("%s\nhtml/template: %v", source, err)
	}
	var got bytes.Buffer
	p := page.NewNamed[D](page.FilesOf(map[string]string{"t.html": source}), "t.html")
	if err := p.Execute(&got, data); err != nil {
		t.Fatalf("%s\n%v", source, err)
	}
	if got.String() != want.String() {
		t.Errorf("%s\n got %q\nwant %q", source, got.String(), want.String())
	}
}
