package page_test

import (
	"bytes"
	"encoding/json"
	"html/template"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/merlon-web/merlon/page"
)

// hostile are texts that have broken out of templates before.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onclick='alert(1)`, `--><script>alert(1)</script>`, `]]><script>`,
	`</title><script>`, `</textarea><script>`, `</style><script>`, `</script><script>`, `javascript:alert(1)`, "java\tscript:alert(1)",
	"\x01javascript:alert(1)", `data:text/html,<script>`, `//evil.test/x`, `/\evil.test`, `https:evil`, `../..`, `..`, `.`, `%2e%2e`, `%2E.`,
	`&lt;script&gt;`, `&#x3c;`, `&`, `&amp`, "\x00", "a\x00<b", "\u2028", "\ufeff<", `{{.S}}`, "`${alert(1)}`", `*/`, `<!--`, `<![CDATA[`, `<svg onload=alert(1)>`,
	`x y=z`, ` `, "\n", "\r\n<", `=`, `/`, `>`, `<`, `"`, `'`, `+ADw-script+AD4-`, "\xff\xfe<", strings.Repeat(`<b>`, 20), `document`, `a"b'c<d>e&f`, `#x`, `?a=b`, `:`, `javascript&colon;alert(1)`,
}

// FuzzPage gives a page any source and any data. It never panics, and a page that starts keeps its promise: its tree of
// elements and attribute names is the one that harmless data gives, and no address that data chose runs.
func FuzzPage(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.Template, `<"'&>`, "javascript:x")
	}
	for i, s := range sharedLanguage {
		f.Add(s, hostile[i%len(hostile)], hostile[(i*7)%len(hostile)])
	}
	for i, s := range attacks {
		f.Add(s.source, hostile[i%len(hostile)], hostile[(i*5)%len(hostile)])
	}
	f.Fuzz(func(t *testing.T, snippet, a, b string) {
		checkPage(t, snippet, a, b)
		checkFragment(t, snippet, a, b)
	})
}

func checkPage(t *testing.T, snippet, a, b string) bool {
	t.Helper()
	before, behind := around("body")
	files := page.FilesOf(map[string]string{"t.html": before + snippet + behind})
	return keepsPromise(t, files, page.NewNamed[Data](files, "t.html"), snippet, a, b)
}

func checkFragment(t *testing.T, snippet, a, b string) bool {
	t.Helper()
	files := page.FilesOf(map[string]string{"t.html": snippet})
	return keepsPromise(t, files, page.NewFragmentNamed[Data](files, "t.html"), snippet, a, b)
}

func keepsPromise(t *testing.T, files *page.Files, p *page.Page[Data], snippet, a, b string) bool {
	t.Helper()
	set, faults := page.Compile(page.Options{}, files)
	if len(faults) > 0 {
		return false
	}
	show := func(a, b string) (string, bool) {
		d := Data{S: a, S2: b, L: []string{a, b}, M: map[string]string{"a": a, "b": b}, On: true, I: 3, K: Kind(a), P: &Person{Name: a, Age: 1, Home: &Person{Name: b}},
			Who: Person{Name: b}, People: []Person{{Name: a}, {Name: b}}, LI: []int{1, 2}, Pr: Problem{a}, MP: map[string]Person{"x": {Name: b}}}
		out, err := page.Append(nil, set, p, d, &page.Render{Tokens: noTokens{}, Frame: page.Frame{User: a, Notice: b}})
		return string(out), err == nil
	}
	got, ok := show(a, b)
	want, ok2 := show(harmless(a), harmless(b))
	if !ok || !ok2 {
		return true
	}
	if asks.MatchString(snippet) {
		return true // the page asks what the data is, and chooses by it
	}
	d1, err := parseAs(p, got)
	if err != nil {
		return true // too deep for the parser
	}
	d2, err := parseAs(p, want)
	if err != nil {
		return true
	}
	if s1, s2 := skeleton(d1), skeleton(d2); s1 != s2 {
		t.Fatalf("the data changed the tree\nsource %q\n  data %q, %q\n   got %s\n  want %s\n   got %q\n  want %q", snippet, a, b, s1, s2, got, want)
	}
	if !chooses.MatchString(snippet) { // then not even whether there is a text may matter
		for _, v := range []string{"", " "} {
			out, ok := show(v, v)
			if d3, err := parseAs(p, out); ok && err == nil && skeleton(d3) != skeleton(d2) {
				t.Fatalf("the tree depends on whether there is a text\nsource %q\n   got %s\n  want %s\n   got %q\n  want %q", snippet, skeleton(d3), skeleton(d2), out, want)
			}
		}
	}
	walkAddresses(d1, func(v string) {
		if !inert(v) && (strings.Contains(v, "script") || strings.Contains(v, "data:")) {
			t.Fatalf("an address that runs: %q\nsource %q", v, snippet)
		}
	})
	return true
}

// parseAs parses a page as a document, and a fragment as what a script puts into a template element.
func parseAs(p *page.Page[Data], s string) (*html.Node, error) {
	if !page.IsFragment(p) {
		return html.Parse(strings.NewReader(s))
	}
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "template", DataAtom: atom.Template})
	root := &html.Node{Type: html.DocumentNode}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root, err
}

var asks = regexp.MustCompile(`\b(eq|ne|lt|le|gt|ge|len|index|slice|range \.S|range slice)\b`)

// chooses finds conditions that may ask for a text.
var chooses = regexp.MustCompile(`\b(if|with|and|or|not)\b[^}]*(\.S|\.K|\.Name|\.Pr|\.Who|\.M|\$|\s\.\s*[})]|\(|text|data)`)

// harmless is a text of letters that is empty when s is.
func harmless(s string) string {
	if s == "" {
		return ""
	}
	return "letters"
}

func walkAddresses(n *html.Node, visit func(string)) {
	for _, a := range n.Attr {
		switch a.Key {
		case "href", "src", "action", "formaction", "poster", "cite":
			visit(a.Val)
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walkAddresses(c, visit)
	}
}

// pieces are what random pages are put together from.
var pieces = strings.Split(`<p>|</p>|<div>|</div>|<b>|</b>|<a href="/x">|</a>|<a href="{{.S}}">|<ul>|</ul>|<li>|</li>|<table>|</table>|<tr>|</tr>|<td>|</td>|<tbody>|</tbody>|<select>|</select>|<option>|</option>|<svg>|</svg>|<g>|</g>|<path/>|<text>|</text>|<title>|</title>|<math>|</math>|<mi>|</mi>|<textarea>|</textarea>|<script>|</script>|<style>|</style>|<template>|</template>|<noscript>|</noscript>|<form method="post">|<form>|</form>|<button>|</button>|<input>|<br>|<img src="/i" alt="">|<h1>|</h1>|<dl>|<dt>|<dd>|</dl>|<iframe>|</iframe>|<p title="{{.S}}">|<p class='{{.S2}}'>|<p id="{{.S}}">|<input value="{{.S}}">|<a href="/x/{{.S}}">|<a href="/x/{{.S}}/{{.S2}}">|<a href="/{{.S}}/x">|<a href="/x?q={{.S}}&r={{.S2}}#{{.S}}">|<img src="{{.S}}" alt="{{.S2}}">|{{.S}}|{{.S2}}|{{.K}}|{{.Pr}}|{{.Who.Name}}|{{print .S .S2}}|{{range .L}}|{{range .People}}|{{.}}|{{if .On}}|{{if .Off}}|{{with .P}}|{{.Name}}|{{else}}|{{end}}|{{end}}|{{break}}|{{continue}}|{{$x := .S}}|{{$x}}|{{$x = .S2}}|{{template "t" .}}|{{define "t"}}|{{block "u" .}}|<|>|"|'|/| |=|<!--|-->|<!|&|&#|;|text|
|<p|<a|</|title="|href="|title='|class=x|checked|{{.S|}}|<caption>|</caption>|<colgroup>|<col>|<optgroup>|<details>|<summary>|</summary>|</details>|<video src="{{.S}}">|</video>|<blockquote cite="{{.S}}">|</blockquote>|<span>|</span>|<em>|</em>|<label for="{{.S}}">|</label>|<section>|</section>|<ruby>|<rt>|</ruby>|<body>|</body>|<html>|</html>|<head>|<foreignObject>|<desc>|</desc>|<annotation-xml>|<mtext>|</mtext>|<my-el>|</my-el>|<p hidden>|<q>|</q>|<address>|</address>|<pre>|</pre>`, "|")

// nesting are those that parsers close, move and repeat.
var nesting = strings.Split(`<p>|</p>|<div>|</div>|<b>|</b>|<a href="/x">|</a>|<ul>|</ul>|<li>|<table>|</table>|<tr>|<td>|</td>|<h1>|</h1>|<button>|</button>|<dd>|<dl>|{{.S}}|{{.S}}|<i>|</i>|{{if .On}}|{{end}}|<template>|</template>|<select>|<option>`, "|")

// TestRandomPages puts pages together at random. Most are refused; those that start keep their promise.
func TestRandomPages(t *testing.T) {
	rounds := 6000
	if testing.Short() {
		rounds = 500
	}
	r := rand.New(rand.NewPCG(1, 2))
	started := 0
	for range rounds {
		if randomPage(t, r) {
			started++
		}
	}
	if started < rounds/200 {
		t.Errorf("only %d of %d random pages start: the test tests nothing", started, rounds)
	}
}

func randomPage(t *testing.T, r *rand.Rand) bool {
	var b strings.Builder
	var open []string
	from := pieces
	if r.IntN(2) == 0 {
		from = nesting
	}
	for range 1 + r.IntN(12) {
		p := from[r.IntN(len(from))]
		if r.IntN(3) > 0 && len(open) > 0 && r.IntN(2) == 0 {
			p = open[len(open)-1] // more pages start if elements are closed now and then
		}
		b.WriteString(p)
		switch {
		case len(open) > 0 && p == open[len(open)-1]:
			open = open[:len(open)-1]
		case strings.HasPrefix(p, "{{range"), strings.HasPrefix(p, "{{if"), strings.HasPrefix(p, "{{with"), strings.HasPrefix(p, "{{define"), strings.HasPrefix(p, "{{block"):
			open = append(open, "{{end}}")
		case len(p) > 2 && p[0] == '<' && p[1] != '/' && p[len(p)-1] == '>' && p[len(p)-2] != '/':
			name := strings.FieldsFunc(p[1:], func(r rune) bool { return r == ' ' || r == '>' })[0]
			switch name {
			case "br", "img", "input", "col", "!--":
			default:
				open = append(open, "</"+name+">")
			}
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		b.WriteString(open[i])
	}
	src := b.String()
	one, two := hostile[r.IntN(len(hostile))], hostile[r.IntN(len(hostile))]
	if r.IntN(10) == 0 {
		one = ""
	}
	return checkPage(t, src, one, two) || checkFragment(t, src, one, two)
}

// FuzzSameAsTemplate compares with html/template what both take.
func FuzzSameAsTemplate(f *testing.F) {
	for i, s := range sharedLanguage {
		f.Add(s, hostile[i%len(hostile)])
	}
	f.Fuzz(func(t *testing.T, snippet, a string) { comparePage(t, snippet, a) })
}

func comparePage(t *testing.T, snippet, a string) {
	t.Helper()
	if strings.Contains(strings.ToLower(snippet), "<script") || strings.Contains(strings.ToLower(snippet), "<style") || strings.Contains(snippet, "<form") {
		return // printed as written, or with a field of Merlon's
	}
	before, behind := around("body")
	source := before + snippet + behind
	d := wide()
	d.S, d.S2, d.L = a, strings.ToUpper(a), []string{a, "<b>"}
	files := page.FilesOf(map[string]string{"t.html": source})
	p := page.NewNamed[Wide](files, "t.html")
	var got bytes.Buffer
	if err := p.Execute(&got, d); err != nil {
		return
	}
	tm, err := template.New("t.html").Parse(source)
	if err != nil {
		return // a name of Merlon's own
	}
	var want bytes.Buffer
	if err := tm.Execute(&want, d); err != nil {
		return
	}
	g, w := got.String(), want.String()
	if strings.Contains(g, "#refused") || strings.Contains(w, "#ZgotmplZ") || strings.Contains(g, ` rel="noopener noreferrer"`) || strings.Contains(g, `="u-`) {
		return // where the two mean to differ
	}
	if strings.Contains(snippet, "href") || strings.Contains(snippet, "src") || strings.Contains(snippet, "action") || strings.Contains(snippet, "cite") || strings.Contains(snippet, "poster") {
		return // a segment is encoded whole
	}
	if g != w {
		t.Fatalf("source %q\n  data %q\n   got %q\n  want %q", source, a, g, w)
	}
}

// FuzzJSON compares the encoder of data blocks with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, 1.5, int64(7))
	}
	f.Add("\u2028\u2029\\\"\b\f\n\r\t\x7f\x1f", 1e21, int64(-1))
	f.Add("é", 1e-7, int64(1)<<60)
	f.Fuzz(func(t *testing.T, s string, n float64, i int64) { compareJSON(t, s, n, i) })
}

type jsonData struct {
	S      string `json:"s"`
	N      float64
	F      float32           `json:"f,omitempty"`
	I      int64             `json:",omitempty"`
	L      []string          `json:"l"`
	P      *jsonData         `json:"p,omitempty"`
	M      map[string]string `json:"m,omitempty"`
	IM     map[int]string
	Skip   string `json:"-"`
	B      []byte
	T      jsonTime
	Arr    [2]bool
	hidden string
	//lint:ignore SA5008 encoding/json takes this name to be "-"
	Dash    string `json:"-,"`
	Odd     int    `json:"o,string"`
	Kind    Kind
	PtrKind *Kind
}

type jsonTime struct{ X int }

func (jsonTime) MarshalJSON() ([]byte, error) { return []byte(`{"t": "<b>"}`), nil }

func compareJSON(t *testing.T, s string, n float64, i int64) {
	t.Helper()
	k := Kind(s)
	d := jsonData{S: s, N: n, F: float32(n), I: i, L: []string{s, "x"}, M: map[string]string{s: s, "k": "v"}, IM: map[int]string{int(i): s, 2: "b"},
		B: []byte(s), hidden: s, Dash: s, Odd: 3, Kind: k, PtrKind: &k, P: &jsonData{S: "in", L: nil}}
	want, err := json.Marshal(&d)
	files := page.FilesOf(map[string]string{"j.html": `<script type="application/json">{{data .}}</script>`})
	p := page.NewFragmentNamed[jsonData](files, "j.html")
	var got bytes.Buffer
	if gerr := p.Execute(&got, d); (gerr == nil) != (err == nil) {
		t.Fatalf("got %v, encoding/json %v", gerr, err)
	} else if err != nil {
		return
	}
	body := strings.TrimSuffix(strings.TrimPrefix(got.String(), `<script type="application/json">`), `</script>`)
	if body != string(want) {
		t.Fatalf("data %q\n got %s\nwant %s", s, body, want)
	}
	if strings.ContainsAny(body, "<>&") || strings.Contains(body, "\u2028") {
		t.Fatalf("%s could end its element", body)
	}
}

// FuzzSinks holds what data becomes in each kind of place.
func FuzzSinks(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := string(page.AppendHTML(nil, s))
		if strings.ContainsAny(text, "<>\"'\x00") || html.UnescapeString(text) != strings.ReplaceAll(s, "\x00", "\ufffd") {
			t.Errorf("text %q became %q", s, text)
		}
		if want := template.HTMLEscaper(s); strings.ReplaceAll(text, "&#43;", "+") != strings.ReplaceAll(want, "&#43;", "+") {
			t.Errorf("text %q became %q, want %q", s, text, want)
		}
		part := string(page.AppendComponent(nil, s))
		if strings.ContainsAny(part, "/?#&=:;\\\"'<>+@ \t\r\n\x00") {
			t.Errorf("component %q became %q", s, part)
		}
		whole := string(page.AppendAddress(nil, s))
		if strings.ContainsAny(whole, "\\\"'<> \t\r\n\x00") {
			t.Errorf("address %q became %q", s, whole)
		}
		value := html.UnescapeString(whole)
		switch u := resolve(value); page.ReachOf(s) {
		case page.Local:
			if u != nil && (u.Scheme != "https" || u.Host != "site.test") {
				t.Errorf("address %q, which is to be local, leads to %s", s, u)
			}
		case page.Foreign:
			if u != nil && u.Scheme != "http" && u.Scheme != "https" {
				t.Errorf("address %q leads to %s", s, u)
			}
		case page.Mail:
			if u != nil && u.Scheme != "mailto" {
				t.Errorf("address %q leads to %s", s, u)
			}
		}
	})
}
