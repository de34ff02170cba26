package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/page"
)

// fragment compiles a fragment, and returns its facts and how to show it.
func fragment[D any](t testing.TB, o page.Options, source string, opts ...page.Option) (*page.Facts, func(D, *page.Render) string) {
	t.Helper()
	files := page.FilesOf(map[string]string{"t.html": source}, opts...)
	p := page.NewFragmentNamed[D](files, "t.html")
	set := mustCompile(t, o, files)
	return set.Facts(p), func(d D, r *page.Render) string { return show(t, set, p, d, r) }
}

func TestFormFacts(t *testing.T) {
	facts, out := fragment[Data](t, page.Options{}, `<form action="/search?a={{.S}}"><input name="q"></form>
<form method="POST" action="/notes/{{.I}}/delete"><textarea name="why"></textarea><select name="k"></select><button name="b">x</button><input type="submit"></form>
{{range .L}}<form method="post" action="/x" id="two" enctype="multipart/form-data"><input name="n" type="checkbox"></form>{{end}}
<form method="post"></form><input name="far" type="email" form="two"><form method="dialog"></form>`)
	type form struct {
		method, action, enctype string
		token                   int
		controls                string
	}
	var got []form
	for _, f := range facts.Forms {
		var c []string
		for _, one := range f.Controls {
			c = append(c, one.Name+":"+one.Type)
		}
		got = append(got, form{f.Method, f.Action, f.Enctype, f.Token, strings.Join(c, " ")})
	}
	want := []form{{"get", "/search?a={}", "", -1, "q:text"}, {"post", "/notes/{}/delete", "", 0, "why:textarea k:select b:button"},
		{"post", "/x", "multipart/form-data", 1, "n:checkbox far:email"}, {"post", "", "", 2, ""}, {"dialog", "", "", -1, ""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if !facts.HasForm || facts.Forms[1].Where != "pages/t.html:2:1" || facts.Forms[1].Controls[0].Where != "pages/t.html:2:51" {
		t.Errorf("%+v", facts.Forms[1])
	}
	html := out(Data{S: "a&b", I: 7, L: []string{"1", "2"}}, &page.Render{})
	if strings.Count(html, "token-0") != 1 || strings.Count(html, "token-1") != 2 || strings.Count(html, "token-2") != 1 || strings.Count(html, "merlon_token") != 4 {
		t.Errorf("the fields of the forms: %s", html)
	}
	contains(t, html, `<form action="/search?a=a%26b"><input name="q">`, `<form method="POST" action="/notes/7/delete"><input type="hidden" name="merlon_token" value="token-0"><textarea`)
}

func TestPrintedFields(t *testing.T) {
	facts, out := fragment[withForm](t, page.Options{}, `<form method="post" action="/in">{{field .F "Name"}}<hr>{{field .F "Password"}}<p>{{.F.Problem "Name"}}</p></form>`)
	f := facts.Forms[0]
	if f.Spec == nil || f.Spec.Type() != reflect.TypeFor[signInForm]() || len(f.Controls) != 2 || f.Controls[1].Type != "password" || !facts.Password {
		t.Errorf("%+v", f)
	}
	contains(t, out(withForm{}, &page.Render{}), `name="Name"`, `<hr>`, `type="password"`)
	for source, rule := range map[string]check.Rule{
		`{{fields .F}}`: page.RuleFields, `<form method="post" action="/x"><p>{{fields .F}}</p></form>`: page.RuleFields, `<form action="/x">{{fields .F}}</form>`: page.RulePassword,
		`<form method="post" action="/x">{{field .F "Nmae"}}</form>`: page.RuleFields, `<form method="post" action="/x"><p title="{{fields .F}}"></p></form>`: page.RuleFields, `<form method="post" action="/x">{{fields .}}</form>`: page.RuleFields,
		`<p>{{.F.Raw "Nmae"}}</p>`: page.RuleFields, `<form method="post" action="/x"><textarea>{{fields .F}}</textarea></form>`: page.RuleFields, `<script>{{fields .F}}</script>`: page.RuleScript,
	} {
		if f := compileFaults[withForm](source); !hasRule(f, rule) {
			t.Errorf("%s: %v", source, f)
		}
	}
	if f := compileFaults[withForm](`<form method="post" action="/x">{{field .F "Nmae"}}</form>`); f[0].Do != "did you mean Name?" {
		t.Errorf("%v", f)
	}
}

func TestLinkFacts(t *testing.T) {
	facts, out := fragment[Data](t, page.Options{}, `<a href="/notes/{{.I}}?x={{.S}}#t">1</a><a href="{{.S}}">2</a><a href="https://a.test/">3</a><a href="{{if .On}}/a{{else}}/b{{end}}" rel="nofollow">4</a><a href="//b.test/{{.S}}" rel="nofollow NOOPENER">5</a><map><area href="/c" alt=""></map><a href="mailto:a@a.test">6</a>`)
	var got []string
	for _, l := range facts.Links {
		got = append(got, fmt.Sprintf("%s %v", l.Address, l.Foreign))
	}
	want := []string{"/notes/{}?x={}#t false", "{} false", "https://a.test/ true", "/a false", "/b false", "//b.test/{} true", "/c false", "mailto:a@a.test true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	const rel = ` rel="noopener noreferrer">`
	html := out(Data{S: "https://c.test/", On: true}, &page.Render{})
	contains(t, html, `<a href="https://c.test/"`+rel+`2`, `<a href="https://a.test/"`+rel+`3`, `<a href="/a" rel="nofollow">4`, `rel="nofollow NOOPENER noreferrer">5`, `<a href="mailto:a@a.test">6`)
	contains(t, out(Data{S: "/own"}, &page.Render{}), `<a href="/own">2`)
}

func TestPolicy(t *testing.T) {
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
	}
	integrity := "sha384-" + base64.StdEncoding.EncodeToString(make([]byte, 48))
	facts, out := fragment[Data](t, page.Options{}, "<script>let a = '1';\r\nb()</script><style>p{background:url(/a.png)}</style><script src=\"/own.js\"></script><script src=\"https://cdn.test/a.js\" integrity=\""+integrity+`"></script><script type="application/json">{}</script><img src="https://img.test/x/y.png" alt=""><iframe src="https://player.test/1"></iframe><audio src="/a.ogg"></audio><link rel="manifest" href="/m.json"><script type="module">c()</script>`)
	want := `default-src 'none'; script-src 'self' '` + sum("let a = '1';\nb()") + `' '` + integrity + `' '` + sum("c()") + `'; style-src '` + sum("p{background:url(/a.png)}") + `'; img-src 'self' https://img.test; media-src 'self'; manifest-src 'self'; frame-src https://player.test; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`
	if got := facts.Policy.String(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	contains(t, out(Data{}, &page.Render{}), integrity+`" crossorigin="anonymous"></script>`, "<script>let a = '1';\r\nb()</script>")
	facts, _ = fragment[Data](t, page.Options{}, `<p>{{.S}}</p>`)
	if got := facts.Policy.String(); strings.Contains(got, "'self'; ") && strings.Contains(got, "img-src") || strings.Contains(got, "script-src") {
		t.Errorf("a page with nothing opens %s", got)
	}
	for _, source := range []string{`<script src="https://cdn.test/a.js"></script>`, `<script src="https://cdn.test/a.js" integrity="sha384-x"></script>`, `<script src="http://cdn.test/a.js" integrity="` + integrity + `"></script>`, `<script src="//cdn.test/a.js"></script>`,
		`<link rel="stylesheet" href="https://cdn.test/a.css" integrity="` + integrity + `">`, `<link rel="preload" as="script" href="https://cdn.test/a.js">`, `<link rel="modulepreload" href="https://cdn.test/a.js">`} {
		if f := compileFaults[Data](source); !hasRule(f, page.RuleForeign) {
			t.Errorf("%s: %v", source, f)
		}
	}
	many := strings.Builder{}
	for i := range 25 {
		fmt.Fprintf(&many, "<script>f(%d)</script>", i)
	}
	if f := compileFaults[Data](many.String()); len(f) != 1 || f[0].ID != "MRL-HDR-"+f[0].ID[len("MRL-HDR-"):] {
		t.Errorf("25 hashes: %v", f)
	}
}

func TestMeta(t *testing.T) {
	doc := func(head string) string {
		return `<!doctype html><html lang="en"><head><title>t</title>` + head + `</head><body></body></html>`
	}
	for head, ok := range map[string]bool{
		`<meta charset="utf-8">`: true, `<meta charset="iso-2022-jp">`: false, `<meta http-equiv="refresh" content="5">`: true, `<meta http-equiv="refresh" content="0;url=/x">`: true,
		`<meta http-equiv="refresh" content="0;url=//evil.test">`: false, `<meta http-equiv="refresh" content="0;url='javascript:x'">`: false, `<meta http-equiv="refresh" content="0,url=https://x.test">`: false, `<meta http-equiv="content-security-policy" content="x">`: false,
		`<meta http-equiv="set-cookie" content="x">`: false, `<meta content="{{.S}}" name="description">`: true, `<meta content="{{.S}}" http-equiv="refresh">`: false, `<meta name="referrer" content="{{.S}}">`: false, `<meta name="viewport" content="{{.S}}">`: false,
		`<meta property="og:title" content="{{.S}}">`: true, `<meta{{if .On}} name="description"{{end}} content="{{.S}}">`: false, `<meta name="description{{.S}}" content="x">`: false, `<link rel="icon" href="/f.svg">`: true, `<link rel="stylesheeet" href="/x">`: false, `<link href="/x">`: false,
		`<noscript><link rel="stylesheet" href="/x"></noscript>`: true, `<meta http-equiv="content-type" content="text/html; charset=utf-8">`: true, `<meta http-equiv="content-type" content="text/html; charset=utf-7">`: false,
	} {
		files := page.FilesOf(map[string]string{"t.html": doc(head)})
		page.NewNamed[Data](files, "t.html")
		if _, faults := page.Compile(page.Options{}, files); (len(faults) == 0) != ok {
			t.Errorf("%s: %v", head, faults)
		}
	}
}

func TestDocuments(t *testing.T) {
	for source, ok := range map[string]bool{
		`<!doctype html><html lang="en"><title>t</title><p>{{.S}}`: true, `<!DOCTYPE HTML><html lang="en"><head><title>{{.S}}</title></head><body>{{.S}}</body></html>` + "\n": true, "\n<!-- c --><!doctype html>\n<html lang=de><head><title>t</title><body><p>{{.S}}": true,
		`<html lang="en"><head><title>t</title></head><body></body></html>`: false, `<!doctype html><html lang=""><head><title>t</title></head><body></body></html>`: false, `<!doctype html><html lang="en"><head><title> </title></head><body></body></html>`: false,
		`<!doctype html><html lang="{{$site.Lang}}"><head><title>t</title></head><body></body></html>`: true, `<!doctype html><html{{if .On}} lang="en"{{end}}><head><title>t</title></head><body></body></html>`: false, `<!doctype html><html lang="en"><head>{{if .On}}<title>t</title>{{end}}</head><body></body></html>`: false, `<!doctype html><html lang="en"><head>{{if .On}}<title>t</title>{{else}}<title>u</title>{{end}}</head><body></body></html>`: true,
		`<!doctype html><html lang="en"><head><title>t</title>{{.S}}</head><body></body></html>`: false, `{{.S}}<!doctype html><html lang="en"><head><title>t</title></head><body></body></html>`: false, `<!doctype html><html lang="en"><head><title>t</title></head>{{.S}}<body></body></html>`: false,
		`<!doctype html PUBLIC "x"><html lang="en"><head><title>t</title></head><body></body></html>`: false, `<!doctype html><html lang="en"><head><title>t</title></head><body></body></html><p>`: false, `<!doctype html><html lang="en"><head><div></div><title>t</title></head><body></body></html>`: false,
		`<!doctype html><html lang="en" class="{{.S}}"><head><title>t</title><template><p>{{.S}}</p></template></head><body class="{{.S}}">x</body></html>`: true, `<!doctype html><html lang="en"><head><title>a</title></head><body><title>b</title></body></html>`: false,
		`<!doctype html><html lang="en"><body><header></header></body></html>`: false, `<!doctype html><!doctype html><html lang="en"><head><title>t</title></head><body></body></html>`: false,
	} {
		files := page.FilesOf(map[string]string{"t.html": source})
		page.NewNamed[Data](files, "t.html")
		if _, faults := page.Compile(page.Options{}, files); (len(faults) == 0) != ok {
			t.Errorf("%s: %v", source, faults)
		}
	}
}

func TestDeclaredAttributes(t *testing.T) {
	opts := []page.Option{page.Attr("hx-get", page.Address), page.Attr("data-name", page.Text), page.Attr("data-n", page.Number), page.Attr("data-kind", page.Enum("small", "large")), page.Attr("hx-target", page.ID), page.Attr("data-web", page.Link)}
	_, out := fragment[Data](t, page.Options{}, `<my-el hx-get="{{.S}}" data-name="{{.S2}}" data-n="{{.I}}" data-kind="{{.K}}" hx-target="{{.S2}}" data-web="{{.S3}}"></my-el><p hx-get="/x/{{.S2}}"></p>`, opts...)
	got := out(Data{S: "https://evil.test/", S2: `a"b`, S3: "https://ok.test/", I: -4, K: "huge"}, &page.Render{})
	if want := `<my-el hx-get="#refused" data-name="a&#34;b" data-n="-4" data-kind="small" hx-target="u-a&#34;b" data-web="https://ok.test/"></my-el><p hx-get="/x/a%22b"></p>`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	contains(t, out(Data{S: "/next?a=1", S2: "x", K: "large"}, &page.Render{}), `hx-get="/next?a=1"`, `data-kind="large"`)
	for _, source := range []string{`<p data-n="{{.S}}"></p>`, `<p data-n="1{{.I}}"></p>`, `<p hx-post="{{.S}}"></p>`, `<p hx-get="javascript:x"></p>`, `<p hx-get="{{.S}}x"></p>`, `<p data-n="{{.Lv}}"></p>`} {
		files := page.FilesOf(map[string]string{"t.html": source}, opts...)
		page.NewFragmentNamed[Data](files, "t.html")
		if _, faults := page.Compile(page.Options{}, files); len(faults) == 0 {
			t.Errorf("%s starts", source)
		}
	}
	for _, o := range []page.Option{page.Attr("onclick", page.Text), page.Attr("style", page.Text), page.Attr("SRCDOC", page.Text), page.Attr("href", page.Text), page.Attr("hx-on:click", page.Text), page.Attr("title", page.Text), page.Attr("a b", page.Text), page.Attr("id", page.Text)} {
		files := page.FilesOf(map[string]string{"t.html": `x`}, o)
		if _, faults := page.Compile(page.Options{}, files); !hasRule(faults, page.RuleAttr) {
			t.Errorf("%v", faults)
		}
	}
}

// TestReach: where a value leads as a browser reads it. What names a host without a scheme is of this site for nobody.
func TestReach(t *testing.T) {
	for value, leads := range map[string]bool{"/x": true, "x": true, "?a=b": true, "#a": true, "": true, "//evil.test/x": false, `/\evil.test`: false, `\\evil.test`: false, `x\y`: false} {
		if got := page.ReachOf(value) == page.Local; got != leads {
			t.Errorf("%q: of this site %v, want %v", value, got, leads)
		}
	}
	for _, value := range []string{"javascript:x", "data:text/html,x", "https:/x", "https:x", "https:///x", "vbscript:x", "JaVaScRiPt:x"} {
		if page.ReachOf(value) != page.Nowhere {
			t.Errorf("%q leads somewhere", value)
		}
	}
}

func TestRefusedAddressesAreTold(t *testing.T) {
	_, out := fragment[Data](t, page.Options{}, `<a href="{{.S}}">1</a>
<a href="/x/{{.S2}}">2</a><a href="/x/{{.S2}}/y?q={{.S}}">3</a><a href="/{{.S3}}/z">4</a><img src="{{.S}}" alt=""><a href="/a/{{.K}}">5</a>`)
	var told []string
	r := &page.Render{Refused: func(rule check.Rule, where string) { told = append(told, rule.ID+" "+where) }}
	got := out(Data{S: "javascript:x", S2: "%2e.", S3: "", K: ".."}, r)
	if want := "<a href=\"#refused\">1</a>\n<a href=\"#refused\">2</a><a href=\"#refused\">3</a><a href=\"#refused\">4</a><img src=\"#refused\" alt=\"\"><a href=\"#refused\">5</a>"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	want := []string{"pages/t.html:1:12", "pages/t.html:2:15", "pages/t.html:2:41", "pages/t.html:2:76", "pages/t.html:2:102", "pages/t.html:2:129"}
	for i := range want {
		if i >= len(told) || told[i] != page.RuleRefused.ID+" "+want[i] {
			t.Errorf("told %q, want places %q", told, want)
			break
		}
	}
	if got := out(Data{S: "/own", S2: "a/b", S3: "x", K: "k"}, &page.Render{}); !strings.Contains(got, `<a href="/x/a%2fb">2</a><a href="/x/a%2fb/y?q=%2fown">3</a><a href="/x/z">4`) {
		t.Errorf("honest values: %s", got)
	}
}

type rawPage struct {
	Text page.HTML
	M    map[string]page.HTML
}

var ownSanitiser = page.InsecureHTML("the test is its own sanitiser")

func TestInsecureHTML(t *testing.T) {
	facts, out := fragment[rawPage](t, page.Options{}, `<div>{{.Text}}</div>{{if .Text}}y{{else}}n{{end}}{{with .M.a}}{{.}}{{end}}`)
	if len(facts.Raw) != 2 || facts.Raw[0] != (page.RawFact{Where: "pages/t.html:1:8", Value: ".Text"}) {
		t.Errorf("%+v", facts.Raw)
	}
	h := ownSanitiser.HTML("<b>x</b>")
	if got := out(rawPage{Text: h, M: map[string]page.HTML{"a": h}}, &page.Render{}); got != "<div><b>x</b></div>y<b>x</b>" || h.Reason() != "the test is its own sanitiser" {
		t.Errorf("got %s", got)
	}
	if got := out(rawPage{}, &page.Render{}); got != "<div></div>n" {
		t.Errorf("got %s", got)
	}
	if all := page.Sanitisers(); !slices.Contains(all, ownSanitiser) || !strings.HasPrefix(ownSanitiser.Where(), "facts_test.go:") || ownSanitiser.Reason() != h.Reason() {
		t.Errorf("the declaration is not listed with its place and reason: %v", all)
	}
	func() {
		defer func() {
			if p, _ := recover().(string); !strings.Contains(p, "declare it as a package variable") {
				t.Errorf("declared while the program runs: %q", p)
			}
		}()
		page.InsecureHTML("check never sees this one")
	}()
	for _, source := range []string{`<p title="{{.Text}}">x</p>`, `<textarea>{{.Text}}</textarea>`, `<table>{{.Text}}</table>`, `<svg><text>{{.Text}}</text></svg>`, `<a href="{{.Text}}">x</a>`, `{{print .Text}}`, `{{.Text.text}}`, `<script>{{.Text}}</script>`, `<script type="application/json">{{data .}}</script>`, `{{printf "%s" .Text}}`, `<select><option>{{.Text}}</option></select>`} {
		if f := compileFaults[rawPage](source); len(f) == 0 {
			t.Errorf("%s starts", source)
		}
	}
}

func TestCatalogue(t *testing.T) {
	catalogue := map[string]map[string]string{
		"en": {"hello": "Hello {0}, you have {1} notes <now>", "plain": "It's {fine} & {0", "swap": "{1} {0}"},
		"de": {"hello": "{1} Notizen, {0}!", "plain": "Schön", "swap": "{0} {1}"},
	}
	o := page.Options{Langs: []string{"en", "de"}, Text: func(lang, id string) (string, bool) { s, ok := catalogue[lang][id]; return s, ok },
		TextIDs: func() []string { return []string{"hello", "plain", "swap"} }}
	facts, out := fragment[Data](t, o, `<p title="{{text "plain"}}">{{text "hello" .S .I}}</p>{{.S2 | text "swap" .S}}<a href="/x?q={{text "plain"}}">x</a>`)
	d := Data{S: "<Ann>", S2: "b", I: 3}
	contains(t, out(d, &page.Render{Frame: page.Frame{Lang: "en"}}), `<p title="It&#39;s {fine} &amp; {0">Hello &lt;Ann&gt;, you have 3 notes &lt;now&gt;</p>b &lt;Ann&gt;`, `?q=It%27s%20`)
	contains(t, out(d, &page.Render{Frame: page.Frame{Lang: "de"}}), `<p title="Schön">3 Notizen, &lt;Ann&gt;!</p>&lt;Ann&gt; b`)
	contains(t, out(d, &page.Render{Frame: page.Frame{Lang: "fr"}}), `Hello`)
	if !reflect.DeepEqual(facts.Texts, []string{"plain", "hello", "swap", "plain"}) {
		t.Errorf("%q", facts.Texts)
	}
	for source, want := range map[string]string{`{{text "helo"}}`: "did you mean hello?", `{{text .S}}`: "constant", `{{text "hello" .S}}`: "place {1}", `{{text}}`: "at least 1"} {
		files := page.FilesOf(map[string]string{"t.html": source})
		page.NewFragmentNamed[Data](files, "t.html")
		if _, faults := page.Compile(o, files); len(faults) == 0 || !strings.Contains(faults.Error(), want) {
			t.Errorf("%s: %v", source, faults)
		}
	}
}

// Prefixes keep names of data's own apart from the browser's, and referring attributes in step.
func TestNamesFromData(t *testing.T) {
	_, out := fragment[Data](t, page.Options{}, `<p id="{{.S}}">x</p><label for="{{.S}}" aria-describedby="n-{{.S}} {{.S}} k">x</label><p id="n-{{.S}}-{{.I}}">x</p><p id="{{if .On}}a{{else}}{{.S}}{{end}}">x</p>`)
	if got, want := out(Data{S: "document", I: 2}, &page.Render{}), `<p id="u-document">x</p><label for="u-document" aria-describedby="n-document u-document k">x</label><p id="n-document-2">x</p><p id="u-document">x</p>`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestHideSite(t *testing.T) {
	for in, want := range map[string]string{
		`{{$site.User}}`: "{{ſite.User}}", `$site {{"$site"}} {{/* $site */}} {{$sites}} {{$site}}`: `$site {{"$site"}} {{/* $site */}} {{$sites}} {{ſite}}`,
		"{{`$site`}}{{'$'}}{{- $site -}}": "{{`$site`}}{{'$'}}{{- ſite -}}", `{{"a\"$site"}}{{eq $site.Path "}}$site"}}`: `{{"a\"$site"}}{{eq ſite.Path "}}$site"}}`, `{{$site`: "{{ſite", `{{"`: `{{"`,
	} {
		if got := page.HideSite(in); got != want || len(got) != len(in) {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestTokens(t *testing.T) {
	facts, out := fragment[Data](t, page.Options{}, `<div data-merlon-token="{{token "/votes"}}"></div>{{range .L}}<p data-merlon-token='{{token "/other"}}'>x</p>{{end}}`)
	if !facts.HasForm || len(facts.Tokens) != 2 || facts.Tokens[0].Path != "/votes" || facts.Tokens[1].Path != "/other" || facts.Tokens[0].Where != "pages/t.html:1:27" {
		t.Errorf("%+v", facts.Tokens)
	}
	if without, _ := fragment[Data](t, page.Options{}, `<form method="post" action="/x"></form>`); without.Policy.Connect.Self || !facts.Policy.Connect.Self || len(facts.Policy.Connect.Origins) != 0 {
		t.Errorf("connect-src %+v, and %+v without a token", facts.Policy.Connect, without.Policy.Connect)
	}
	contains(t, out(Data{L: []string{"1"}}, &page.Render{}), `<div data-merlon-token="script-0"></div><p data-merlon-token='script-1'>x</p>`)
	for _, source := range []string{
		`<p>{{token "/votes"}}</p>`,
		`<a href="/x?t={{token "/votes"}}">x</a>`,
		`<a href="{{token "/votes"}}">x</a>`,
		`<form action="/search"><input name="t" value="{{token "/votes"}}"></form>`,
		`<p title="{{token "/votes"}}">x</p>`,
		`<p data-other="{{token "/votes"}}">x</p>`,
		`<p data-merlon-token="x{{token "/votes"}}">x</p>`,
		`<p data-merlon-token="{{token "/votes"}}{{token "/votes"}}">x</p>`,
		`<p data-merlon-token="{{token .S}}">x</p>`,
		`<p data-merlon-token="{{token "//evil.example/"}}">x</p>`,
		`<p data-merlon-token="{{token "https://evil.example/"}}">x</p>`,
		`<p data-merlon-token={{token "/votes"}}>x</p>`,
		`<script type="application/json">{{token "/votes"}}</script>`,
		`{{if token "/votes"}}x{{end}}`,
		`<p data-merlon-token="{{.S}}">x</p>`,
	} {
		files := page.FilesOf(map[string]string{"t.html": source})
		page.NewFragmentNamed[Data](files, "t.html")
		if _, faults := page.Compile(page.Options{}, files); len(faults) == 0 {
			t.Errorf("%s: it compiles", source)
		}
	}
}

// TestRolesAsked: the roles that a page asks for are told where they are constants, in each way in which they can be written.
func TestRolesAsked(t *testing.T) {
	facts, _ := fragment[struct{ R string }](t, page.Options{}, `{{if $site.Has "editor"}}a{{end}}{{if and true ("board" | $site.Has)}}b{{end}}{{if $site.Has .R}}c{{end}}`)
	want := []page.RoleFact{{Where: "pages/t.html:1:11", Role: "editor"}, {Where: "pages/t.html:1:61", Role: "board"}}
	if len(facts.Roles) != 2 || facts.Roles[0].Role != want[0].Role || facts.Roles[1].Role != want[1].Role || !strings.HasPrefix(facts.Roles[0].Where, "pages/t.html:1:") {
		t.Errorf("got %+v, want the roles of %+v", facts.Roles, want)
	}
}

// TestVisitorAsked: a page that asks who is signed in says where it does first, and no other page does.
func TestVisitorAsked(t *testing.T) {
	for source, want := range map[string]string{
		`{{$site.Site}} {{if $site.User}}a{{end}}{{$site.User}}`: "pages/t.html:1:25",
		`{{range $site.Roles}}{{.}}{{end}}`:                      "pages/t.html:1:13",
		`{{if $site.Has "board"}}a{{end}}`:                       "pages/t.html:1:11",
		`{{with $site}}{{.User}}{{end}}`:                         "pages/t.html:1:17",
		`{{$site.Site}}{{$site.Lang}}{{.User}}`:                  "",
	} {
		facts, _ := fragment[struct{ User string }](t, page.Options{}, source)
		if got := facts.Visitor; (got == "") != (want == "") || !strings.HasPrefix(got, strings.TrimRight(want, "0123456789")) {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}
