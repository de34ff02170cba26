package page_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/page"
)

// attacks are places that data must not reach, and markup that readers understand differently, each with the rule that
// refuses it. They stand in the body unless they are whole pages.
var attacks = []struct {
	source string
	rule   check.Rule
}{
	// foreign content
	{`<svg><style>{{.S}}</style></svg>`, page.RuleSVG}, {`<svg><script>{{.S}}</script></svg>`, page.RuleSVG}, {`<svg><title><a href="{{.S}}"></title></svg>`, page.RuleSVG},
	{`<svg><foreignObject><p>{{.S}}</p></foreignObject></svg>`, page.RuleSVG}, {`<svg><p>{{.S}}</p></svg>`, page.RuleSVG}, {`<svg><a href="{{.S}}"><text>x</text></a></svg>`, page.RuleSVG},
	{`<svg><set attributeName="href" to="javascript:alert(1)"/></svg>`, page.RuleSVG}, {`<svg><animate attributeName="xlink:href" values="{{.S}}"/></svg>`, page.RuleSVG},
	{`<svg><path fill="url({{.S}})"/></svg>`, page.RuleSVG}, {`<svg><image href="{{.S}}"/></svg>`, page.RuleSVG}, {`<svg width="{{.S}}"></svg>`, page.RuleAttribute}, {`<svg>{{.S}}</svg>`, page.RuleSVG},
	{`<svg><path d="M0 0{{.S}}"/></svg>`, page.RuleAttribute}, {`<svg viewBox="0 0 {{.S}} 1"></svg>`, page.RuleAttribute}, {`<svg><g d="{{len .S}}"/></svg>`, page.RuleSVG}, {`<svg><animate path="{{len .S}}"/></svg>`, page.RuleSVG},
	{`<math><annotation-xml encoding="text/html">{{.S}}</annotation-xml></math>`, page.RuleSVG}, {`<math><mi><b>{{.S}}</b></mi></math>`, page.RuleSVG}, {`<math href="{{.S}}"></math>`, page.RuleSVG},
	{`<math><mtext><table><mglyph><style>{{.S}}</style></mglyph></table></mtext></math>`, page.RuleSVG}, {`<svg><![CDATA[{{.S}}]]></svg>`, page.RuleMarkup}, {`<svg><g></svg>`, page.RuleNesting}, {`<svg><b></b></svg>`, page.RuleSVG},
	{`<svg></p></svg>`, page.RuleNesting}, {`<svg><desc><svg/></desc></svg>`, page.RuleSVG}, {`<svg><a xlink:href="javascript:x"/></svg>`, page.RuleAddress},
	// elements that hold text, or nothing
	{`<noscript><p title="{{.S}}">x</p></noscript>`, page.RuleElement}, {`<noscript><p title="</noscript><script>">x</p></noscript>`, page.RuleElement}, {`<noscript><form method="post" action="/x"></form></noscript>`, page.RuleElement},
	{`<plaintext>{{.S}}`, page.RuleElement}, {`<xmp>x</xmp>`, page.RuleElement}, {`<noembed>{{.S}}</noembed>`, page.RuleElement}, {`<noframes>{{.S}}</noframes>`, page.RuleElement}, {`<listing>{{.S}}</listing>`, page.RuleElement},
	{`<iframe>{{.S}}</iframe>`, page.RuleElement}, {`<iframe><p>x</p></iframe>`, page.RuleElement}, {`<image src="{{.S}}">`, page.RuleAttribute}, {`<isindex>`, page.RuleElement}, {`<frameset></frameset>`, page.RuleElement},
	{`<object data="/x"></object>`, page.RuleElement}, {`<embed src="/x">`, page.RuleElement}, {`<embed src="{{.S}}">`, page.RuleAttribute}, {`<applet></applet>`, page.RuleElement}, {`<param name="x" value="{{.S}}">`, page.RuleElement},
	{`<title>{{.S}}</title>`, page.RuleNesting}, {`<textarea>{{.S}}`, page.RuleEnd}, {`<style>{{.S}}</style>`, page.RuleStyle}, {`<style>{{if .On}}p{}{{end}}</style>`, page.RuleStyle}, {`<script>{{if .On}}a(){{end}}</script>`, page.RuleScript},
	{`<script>let s = "<!--"; </script>`, page.RuleScript}, {`<script>"<script>"</script>`, page.RuleScript}, {`<script src="/x.js">a()</script>`, page.RuleScript}, {`<script type="text/html">{{.S}}</script>`, page.RuleScript},
	{`<script type="speculationrules">{}</script>`, page.RuleScript}, {`<script type="importmap">{{data .S}}</script>`, page.RuleScript}, {`<script type="application/json">"{{data .S}}"</script>`, page.RuleData},
	{`<script type="application/json">{{data .S}}{{data .S}}</script>`, page.RuleData}, {`<script type="application/json">{{if .On}}1{{end}}</script>`, page.RuleData}, {`<script type="application/json">{"a": "<script>"}</script>`, page.RuleScript},
	{`<base href="/x">`, page.RuleBase}, {`<select><svg></svg></select>`, page.RuleNesting}, {`<select><option><b>{{.S}}</b></option></select>`, page.RuleNesting}, {`<select>{{.S}}</select>`, page.RuleNesting},
	{`<foo>{{.S}}</foo>`, page.RuleElement}, {`<h7>x</h7>`, page.RuleElement}, {`<a><template><a>{{.S}}</template></a>`, page.RuleNesting},
	// tags, attributes, comments
	{`<p/title="{{.S}}">x</p>`, page.RuleMarkup}, {`<p title="a"class="{{.S}}">x</p>`, page.RuleMarkup}, {`<p "{{.S}}">x</p>`, page.RuleMarkup}, {`<p title="a" title="{{.S}}">x</p>`, page.RuleDuplicate},
	{`<p{{if .On}} title="a"{{end}}{{if .S}} title="b"{{end}}>x</p>`, page.RuleDuplicate}, {`<p{{if .On}} title="a" {{end}}id="b">x</p>`, page.RuleMarkup}, {`<p{{if .On}}x{{end}}>x</p>`, page.RuleMarkup}, {`<in{{if .On}}put{{end}}>`, page.RuleMarkup},
	{"<p title=`{{.S}}`>x</p>", page.RuleMarkup}, {`<p title=a{{.S}}>x</p>`, page.RuleUnquoted}, {`<p title= {{.S}}>x</p>`, page.RuleUnquoted}, {`<p title=>{{.S}}</p>`, page.RuleMarkup}, {`<p title={{if .On}}"a"{{end}}>x</p>`, page.RuleBranches},
	{`<p title{{if .On}}="{{.S}}"{{end}}>x</p>`, page.RuleMarkup}, {`<p title{{.S}}>x</p>`, page.RuleAttributeName}, {`<p title="a"{{.S}}>x</p>`, page.RuleAttributeName}, {`<{{if .On}}p{{end}}>`, page.RuleTagName}, {`</{{.S}}>`, page.RuleTagName},
	{`<p title="{{if .On}}"{{end}}>x</p>`, page.RuleBranches}, {`<p title="{{if .On}}a{{else}}b" class="c{{end}}">x</p>`, page.RuleBranches}, {`<p {{range .L}}title="{{.}}"{{end}}>x</p>`, page.RuleMarkup}, {`<p{{range .L}} title="{{.}}"{{end}} title="b">x</p>`, page.RuleDuplicate},
	{`<!-- {{if .On}}a{{end}} -->`, page.RuleComment}, {`<!--> {{.S}} -->`, page.RuleMarkup}, {`<!---> {{.S}} -->`, page.RuleMarkup}, {`<!-- a --!> {{.S}} -->`, page.RuleComment}, {`<!-- a --!> b -->`, page.RuleMarkup}, {`<? {{.S}} ?>`, page.RuleMarkup}, {`<!x {{.S}}>`, page.RuleMarkup},
	{`</p {{.S}}>`, page.RuleAttributeName}, {`<p></p title="{{.S}}">`, page.RuleMarkup}, {`<div/>{{.S}}`, page.RuleMarkup}, {`<script/>{{.S}}`, page.RuleMarkup}, {`</br>`, page.RuleMarkup}, {`<p <b>>`, page.RuleMarkup},
	{"<p title=\"a\x00b\">x</p>", page.RuleSource}, {"<p>\xff</p>", page.RuleSource}, {`<!doctype html>`, page.RuleDoctype}, {`<p style>x</p>`, page.RuleStyle}, {`<p onclick>x</p>`, page.RuleHandler}, {`<p data-hx-on:click="x()">x</p>`, page.RuleHandler}, {`<p x-on:click="{{.S}}">x</p>`, page.RuleHandler},
	// attributes that no data may reach
	{`<img src="/a" alt="" srcset="{{.S}}">`, page.RuleAttribute}, {`<a href="/x" rel="{{.S}}">x</a>`, page.RuleAttribute}, {`<a href="/x" download="{{.S}}">x</a>`, page.RuleAttribute}, {`<a href="/x" referrerpolicy="{{.S}}">x</a>`, page.RuleAttribute},
	{`<img src="/a" alt="" usemap="{{.S}}">`, page.RuleAttribute}, {`<a name="{{.S}}">x</a>`, page.RuleAttribute}, {`<input type="{{.S}}">`, page.RuleAttribute}, {`<input name="q" pattern="{{.S}}">`, page.RuleAttribute}, {`<input name="q" form="{{.S}}">`, page.RuleAttribute},
	{`<p contenteditable="{{.S}}">x</p>`, page.RuleAttribute}, {`<p itemid="{{.S}}">x</p>`, page.RuleAttribute}, {`<p is="{{.S}}">x</p>`, page.RuleAttribute}, {`<p slot="{{.S}}">x</p>`, page.RuleAttribute}, {`<button command="{{.S}}">x</button>`, page.RuleAttribute},
	{`<p data-x="{{.S}}">x</p>`, page.RuleVendor}, {`<p x-text="{{.S}}">x</p>`, page.RuleVendor}, {`<p :class="{{.S}}">x</p>`, page.RuleVendor}, {`<p v-html="{{.S}}">x</p>`, page.RuleVendor}, {`<p hx-vals="{{.S}}">x</p>`, page.RuleVendor}, {`<my-el value="{{.S}}">x</my-el>`, page.RuleAttribute},
	{`<template shadowrootmode="{{.S}}"></template>`, page.RuleAttribute}, {`<link rel="canonical" href="{{.S}}">`, page.RuleAttribute}, {`<p id="doc{{.S}}">x</p>`, page.RuleAttribute}, {`<p id="{{if .On}}x{{end}}{{.S2}}">x</p>`, page.RuleAttribute},
	{`<script type="application/json" id="{{.S}}">1</script>`, page.RuleAttribute}, {`<p title="{{.Who}}">x</p>`, page.RulePrint}, {`<p>{{.M}}</p>`, page.RulePrint}, {`<p>{{.People}}</p>`, page.RulePrint},
	// addresses
	{`<a href="{{.S}}/x">x</a>`, page.RuleAddress}, {`<a href="/x{{.S}}">x</a>`, page.RuleAddress}, {`<a href="/x/{{.S}}y">x</a>`, page.RuleAddress}, {`<a href="/x/{{.S}}{{.S2}}">x</a>`, page.RuleAddress}, {`<a href="//{{.S}}/">x</a>`, page.RuleAddress},
	{`<a href="https://{{.S}}/">x</a>`, page.RuleAddress}, {`<a href="https://a.test{{.S}}">x</a>`, page.RuleAddress}, {`<a href="https://{{.S}}.a.test/">x</a>`, page.RuleAddress}, {`<a href="https://{{.S}}@a.test/">x</a>`, page.RuleAddress}, {`<a href="{{.S}}://a.test/">x</a>`, page.RuleAddress},
	{`<a href="mailto:{{.S}}">x</a>`, page.RuleAddress}, {`<a href="java{{.S}}">x</a>`, page.RuleAddress}, {`<a href="/x?{{.S}}">x</a>`, page.RuleAddress}, {`<a href="/x?{{.S}}=a">x</a>`, page.RuleAddress}, {`<a href="/x?a=b&{{.S}}">x</a>`, page.RuleAddress},
	{`<a href="/x/&#{{.S}}">x</a>`, page.RuleAddress}, {`<a href="/x/&sol{{.S}}">x</a>`, page.RuleAddress}, {`<a href="/&#47;{{.S}}">x</a>`, page.RuleAddress}, {`<a href="&#104;ttps://{{.S}}">x</a>`, page.RuleAddress}, {`<a href="{{if .On}}/a/{{end}}{{.S}}">x</a>`, page.RuleAddress},
	{`<a href="{{range .L}}/{{.}}{{end}}">x</a>`, page.RuleBranches}, {`<a href="/\{{.S}}">x</a>`, page.RuleAddress}, {`<a href=" javascript:x">x</a>`, page.RuleAddress}, {"<a href=\"java\nscript:x\">x</a>", page.RuleAddress}, {`<a href="vbscript:x">x</a>`, page.RuleAddress}, {`<a href="data:text/html,x">x</a>`, page.RuleAddress},
	{`<a href="JAVASCRIPT&colon;x">x</a>`, page.RuleAddress}, {`<img src="data:image/png,x" alt="">`, page.RuleAddress}, {`<iframe src="javascript:x"></iframe>`, page.RuleAddress}, {`<img src="http://a.test/x.png" alt="">`, page.RuleAddress}, {`<img alt="" srcset="javascript:x 1x">`, page.RuleAddress},
	{`<a href="/x?a={{.S}}" ping="/p">x</a>`, page.RuleAttribute}, {`<p background="javascript:x">x</p>`, page.RuleAddress}, {`<iframe src="/own"></iframe>`, page.RuleElement}, {`<iframe src="https://a.test/{{.S}}"></iframe>`, page.RuleAttribute},
	// forms
	{`<form method="post" action="/a"><form action="/b"></form></form>`, page.RuleForm}, {`<form method="{{.S}}" action="/a"></form>`, page.RuleAttribute}, {`<form method="put" action="/a"></form>`, page.RuleForm}, {`<form{{if .On}} method="post"{{end}} action="/a"></form>`, page.RuleAttribute},
	{`<form action="{{if .On}}/a{{else}}/b{{end}}"></form>`, page.RuleForm}, {`<form method="post" action="/a"><button formaction="/b">x</button></form>`, page.RuleForm}, {`<form method="post" action="/a"><button formmethod="get">x</button></form>`, page.RuleForm},
	{`<form action="/a"><button formaction="https://evil.test/">x</button></form>`, page.RuleFormOrigin}, {`<form method="post" enctype="text/plain" action="/a"></form>`, page.RuleForm}, {`<form action="//evil.test/"></form>`, page.RuleFormOrigin}, {`<form action="/&#47;evil.test/"></form>`, page.RuleFormOrigin},
	{`<form action="/a"><input type="PASSWORD" name="p"></form>`, page.RulePassword}, {`<form method="post" action="/a"><input type="password" name="p" value="{{.S}}"></form>`, page.RulePassword}, {`<form action="/a" id="f"></form><input type="password" name="p" form="f">`, page.RulePassword},
	{`<input name="p" form="nope">`, page.RuleForm}, {`<form method="dialog"><input type="password" name="p"></form>`, page.RulePassword}, {`<form method="post" action="/a">`, page.RuleNesting}, {`<table><form method="post" action="/a"></form></table>`, page.RuleNesting},
	{`<form method="post" action="{{.S}}"></form>`, page.RuleAttribute}, {`<form method="post" action="https://{{.S}}/"></form>`, page.RuleAddress}, {`<form method="post" action="/x/{{.S}}" target="{{.S}}"></form>`, page.RuleAttribute},
	// nesting
	{`<b><p>{{.S}}</b></p>`, page.RuleNesting}, {`<p><b>{{.S}}</p>`, page.RuleNesting}, {`<p><b><div>{{.S}}</div></b></p>`, page.RuleNesting}, {`<table>{{.S}}</table>`, page.RuleNesting}, {`<table><tr>{{.S}}</tr></table>`, page.RuleNesting}, {`<table><b>{{.S}}</b></table>`, page.RuleNesting},
	{`<td>{{.S}}</td>`, page.RuleNesting}, {`<table><tr><td><b>{{.S}}<tr></table>`, page.RuleNesting}, {`<a href="/x"><a href="/y">{{.S}}</a></a>`, page.RuleNesting}, {`<button><div><button>x</button></div></button>`, page.RuleNesting}, {`<h1><h2>{{.S}}</h2></h1>`, page.RuleNesting},
	{`{{if .On}}<div>{{end}}{{.S}}{{if .On}}</div>{{end}}`, page.RuleBranches}, {`{{range .L}}<li>{{.}}{{end}}`, page.RuleBranches}, {`{{range .L}}<b>{{.}}{{end}}`, page.RuleBranches}, {`{{range .L}}<p>{{if .}}{{break}}{{end}}</p>{{end}}`, page.RuleBranches}, {`</div>`, page.RuleNesting}, {`<div>`, page.RuleNesting},
	{`<ul><li><b>x<li>{{.S}}</b></ul>`, page.RuleNesting}, {`<body>`, page.RuleNesting}, {`<html lang="de">`, page.RuleNesting}, {`<head></head>`, page.RuleNesting}, {`</body>{{.S}}`, page.RuleNesting}, {`<span><p>x</span>`, page.RuleNesting}, {`<colgroup>{{.S}}</colgroup>`, page.RuleNesting}, {`<option><b>x</b></option>`, page.RuleNesting},
}

func TestAttacksDoNotStart(t *testing.T) {
	before, behind := around("body")
	for _, a := range attacks {
		s := start[Data](t, before+a.source+behind)
		if len(s.faults) == 0 {
			t.Errorf("%s starts", a.source)
			continue
		}
		if !hasRule(s.faults, a.rule) {
			t.Errorf("%s: want %s (%s), got\n%s", a.source, a.rule.ID, a.rule.Title, s.faults.Error())
		}
		for _, f := range s.faults {
			if !strings.HasPrefix(f.Where, "pages/t.html:") || f.What == "" || f.Do == "" {
				t.Errorf("%s: finding without place or way out: %+v", a.source, f)
			}
		}
	}
}

func hasRule(faults check.Faults, r check.Rule) bool {
	for _, f := range faults {
		if f.ID == r.ID {
			return true
		}
	}
	return false
}

// honest are the nearest uses that start: a guard that refuses them too would be no guard but a wall.
var honest = []string{
	`<svg viewBox="-4 -4 {{.I}} {{.I}}"><path d="M0 {{.I}}.5{{range .LI}}m{{.}} 0h{{len $.S}}{{end}}z"/><polygon points="{{.F}},1 2,{{.I8}}"/></svg>`,
	`<svg viewBox="0 0 9 9" class="{{.S}}"><title>{{.S}}</title><g><circle cx="{{.I}}" cy="1" r="{{.F}}"/><text x="1">{{.S}}</text></g><use href="#a"/></svg>`, `<math><mrow><mi>{{.S}}</mi></mrow></math>`,
	`<noscript><p>Switch scripts on.</p></noscript>`, `<iframe src="https://player.test/v"></iframe>`, `<script>let a = 1 < 2;</script>`, `<script type="application/json" id="d">{{data .People}}</script>`, `<style>p > a { color: red }</style>`,
	`<script type="text/x-template">constant</script>`, `<select name="k"><optgroup label="{{.S}}"><option>{{.S}}<option value="{{.S2}}">x</optgroup></select>`, `<template><tr><td>{{.S}}</td></tr></template>`, `<my-el title="{{.S}}">{{.S}}</my-el>`,
	`<p  title = "{{.S}}"   class='{{.S}}' hidden>x</p>`, `<p{{if .On}} title="a"{{else}} title="b"{{end}}>x</p>`, `<p {{if .On}}title="a" {{end}}>x</p>`, `<input type=checkbox name=a{{if .On}} checked{{end}}>`, `<p{{range .L}} hidden{{end}}>x</p>`, `<!-- a > b <p> --><p>x</p>`,
	`<button hx-get="/x" hx-target="#y" @click="go" x-data="{}" data-id="7">x</button>`, `<img src="{{.S}}" alt="{{.S}}" width="{{.I}}">`, `<p id="{{.S}}" aria-labelledby="{{.S}} n-{{.S2}}">x</p><label for="{{.S}}">x</label>`,
	`<a href="{{.S}}" target="_blank" rel="me">x</a>`, `<a href="/x/{{.S}}/y/{{.S2}}?q={{.S}}&r=a{{.S2}}#{{.S}}">x</a>`, `<a href="https://a.test/{{.S}}">x</a>`, `<a href="{{if .On}}{{.S}}{{else}}/none{{end}}">x</a>`, `<a href="/{{.S}}">x</a>`, `<a href="notes/{{.S}}">x</a>`, `<a href="?page={{.I}}">x</a>`, `<a href="tel:+49">x</a>`, `<a href="">x</a>`,
	`<img src="https://img.test/a.png" alt=""><picture><source srcset="/a 1x, /b 2x"><img src="/c" alt=""></picture>`, `<video src="{{.S}}" poster="/p.png" controls></video>`, `<form method="post" action="/n/{{.I}}/delete?x={{.S}}"><input name="a" value="{{.S}}"><button name="b" value="{{.S}}">x</button></form>`,
	`<form action="/search"><input type="search" name="q" value="{{.S}}"><button formaction="/other">x</button></form>`, `<form method="post" action="/in" id="f"><input type="password" name="p"></form><button form="f">x</button>`, `<form method="dialog"><button>x</button></form>`,
	`<table><caption>{{.S}}</caption><thead><tr><th>{{.S}}<tbody>{{range .L}}<tr><td>{{.}}</td></tr>{{end}}</table>`, `<ul>{{range .L}}<li>{{.}}</li>{{end}}</ul>`, `<p>a<p>{{.S}}<ul><li>x</ul>`, `{{range .L}}{{if .}}<p>{{.}}</p>{{continue}}{{end}}<b>none</b>{{end}}`, `<a href="/x"><div>{{.S}}</div></a>`,
	`<dl><dt>a<dd>{{.S}}<dt>b<dd>c</dl>`, `<details><summary>{{.S}}</summary><p>x</details>`, `<ruby>{{.S}}<rt>x</ruby>`, `<fieldset><legend>{{.S}}</legend><label><input type="radio" name="r" value="{{.S}}"> x</label></fieldset>`, `a < b & c > d`, `<h2>{{.S}}</h2><h3>x</h3>`, `<meter value="{{.F}}" min="0" max="{{.I}}">{{.F}}</meter>`,
}

func TestHonestPagesStart(t *testing.T) {
	for _, source := range honest {
		for _, s := range hostile {
			if !checkPage(t, source, s, "b") {
				before, behind := around("body")
				t.Errorf("%s does not start:\n%s", source, start[Data](t, before+source+behind).faults.Error())
				break
			}
		}
	}
}
