package page

import "github.com/merlon-web/merlon/check"

// rule declares a rule of integrity and of severity high, as nearly all of this room are.
func rule(id, title, why, attack, wrong, right, source string) check.Rule {
	return check.Rule{ID: id, Property: check.Integrity, Severity: check.High, Title: title, Why: why, Attack: attack,
		Wrong: wrong, Right: right, Source: source}
}

// confidential is [rule] for confidentiality.
func confidential(id, title, why, attack, wrong, right, source string) check.Rule {
	r := rule(id, title, why, attack, wrong, right, source)
	r.Property = check.Confidentiality
	return r
}

// available is [rule] for availability.
func available(id, title, why, attack, wrong, right, source string) check.Rule {
	r := rule(id, title, why, attack, wrong, right, source)
	r.Property = check.Availability
	return r
}

const halfPage = "none; but a page that fails while it is shown is a page that is down, and a visitor can make it fail"

// The rules about the language and the data of a page.
var (
	RuleParse = available("MRL-PAGE-001", "page does not parse",
		"a page is compiled when the site starts, so that no visitor meets its mistakes", halfPage,
		`<p>{{if .On}}yes</p>`, `<p>{{if .On}}yes{{end}}</p>`, "package text/template; CWE-755")
	RuleFile = available("MRL-PAGE-002", "page file missing or unreadable",
		"a declared page without its file could never be shown", halfPage,
		`page.New[Notes](pages, "note.html")  // the file is notes.html`, `page.New[Notes](pages, "notes.html")`, "package embed; CWE-755")
	RuleField = available("MRL-PAGE-003", "page names a field or method that its data lacks",
		"names are resolved against the data's type when the site starts", halfPage,
		`{{.Titel}}`, `{{.Title}}`, "package text/template: can't evaluate field; CWE-755")
	RuleUnexported = available("MRL-PAGE-004", "page names an unexported field",
		"a page may only read exported fields and methods", halfPage,
		`{{.name}}`, `{{.Name}}`, "text/template: unexported field")
	RuleType = rule("MRL-PAGE-005", "page data of a type that cannot be checked",
		"an interface, a function or a channel can hold anything, so nothing about it can be proven at start",
		"A value that arrives as any may turn out to be a map of the request, a row with a password hash, or a type\nwhose String method prints markup for another context.",
		`type NotesPage struct{ Item any }`, `type NotesPage struct{ Item Note }`, "OWASP ASVS 5.0 1.2.1; CWE-79")
	RuleSafeType = rule("MRL-PAGE-006", "page data marked as safe markup",
		"a type that says \"do not escape me\" can be made from any string, anywhere in the program",
		"template.HTML(note.Text) prints <script> as written, and no review of the page shows it.",
		`type NotesPage struct{ Text template.HTML }`,
		"type NotesPage struct{ Text string }      // printed escaped\ntype NotesPage struct{ Text page.HTML }   // from a sanitiser that page.InsecureHTML(reason) declares",
		"CWE-79; OWASP ASVS 5.0 1.2.1, 1.3.1")
	RuleSecret = confidential("MRL-PAGE-007", "page data that holds a secret",
		"a page takes a struct of what it shows, and a secret is never shown",
		"A row handed to a page as it is brings password hash and tokens with it; one {{.}} or one JSON data block\nprints them.",
		`type AccountPage struct{ User db.User }  // User.Hash is a secret.String`, `type AccountPage struct{ Name, Email string }`,
		"OWASP ASVS 5.0 15.3.1; CWE-200")
	RuleArguments = available("MRL-PAGE-008", "arguments that do not fit",
		"number and types of arguments are checked when the site starts", halfPage,
		`{{.Created.Format}}`, `{{.Created.Format "2 January 2006"}}`, "text/template: wrong number of args, wrong type")
	RuleComparison = available("MRL-PAGE-009", "comparison of types that do not compare",
		"text/template would fail here while the page is shown", halfPage,
		`{{if eq .Name 1}}`, `{{if eq .Name "1"}}`, "text/template: incompatible types for comparison")
	RuleRange = available("MRL-PAGE-010", "range over something that has no elements",
		"text/template would fail here while the page is shown", halfPage,
		`{{range .Name}}`, `{{range .Names}}`, "text/template: range can't iterate over")
	RuleTemplate = available("MRL-PAGE-011", "template that is not defined",
		"text/template would fail here while the page is shown", halfPage,
		`{{template "layuot.html" .}}`, `{{template "layout.html" .}}`, "html/template: ErrNoSuchTemplate")
	RuleRedefined = available("MRL-PAGE-012", "template defined twice",
		"which one is meant would depend on the order of the files", halfPage,
		`{{define "a"}}1{{end}}{{define "a"}}2{{end}}`, `{{define "a"}}1{{end}}{{define "b"}}2{{end}}`, "text/template/parse: multiple definition of template")
	RuleFunction = available("MRL-PAGE-013", "function that pages do not have",
		"the functions of a page are a closed list", halfPage,
		`{{upper .Name}}`, "func (n Note) Upper() string { … }   // then {{.Upper}}", "text/template: function not defined")
	RuleEscaper = rule("MRL-PAGE-014", "escaping by hand",
		"every value is escaped for its place already; by hand it is escaped twice or for the wrong place",
		"A value escaped for HTML and printed into an address is a javascript: address all the same.",
		`<p title="{{.Name | html}}">`, `<p title="{{.Name}}">`, "html/template: ErrPredefinedEscaper")
	RulePrint = confidential("MRL-PAGE-015", "a whole struct, map or pointer printed",
		"printing a value whole prints fields that nobody meant to show, unexported ones included",
		"{{.User}} prints every field of the row, tomorrow's too.",
		`<p>{{.User}}</p>`, "<p>{{.User.Name}}</p>   or give the type a String method", "OWASP ASVS 5.0 15.3.1")
	RuleNode = rule("MRL-PAGE-016", "construct that pages do not have",
		"each construct of text/template is either compiled with its type or refused by name",
		"none known: what is not compiled cannot be proven", `{{1i}}`, `{{1}}`, "text/template/parse")
	RuleText = available("MRL-PAGE-017", "text that the catalogue lacks",
		"texts are looked up in every language when the site starts", halfPage,
		`{{text "notse.empty"}}`, `{{text "notes.empty"}}`, "CWE-755")
	RuleFields = rule("MRL-PAGE-018", "form fields that do not fit their place",
		"the fields of a form stand in one form element, and all of one struct",
		"A field that belongs to no form, or to the wrong one, sends what was typed somewhere else or nowhere.",
		`<p>{{fields .Form}}</p>`, `<form method="post" action="/notes">{{fields .Form}}<button>Add</button></form>`, "WHATWG HTML 4.10.17.3")
	RuleData = rule("MRL-PAGE-019", "data block that is not one {{data}}",
		"only {{data .X}} writes JSON that cannot end its block, and only in <script type=\"application/json\">",
		"A string with </script> in it ends the block and starts markup of the visitor's own.",
		`<script type="application/json">{"name": "{{.Name}}"}</script>`, `<script type="application/json" id="user">{{data .User}}</script>`,
		"WHATWG HTML 13.2.5.4; CWE-79")
	RuleSealed = rule("MRL-PAGE-020", "page declared after the site started",
		"declarations are closed when the site starts, so that no request can bring one",
		"A template made from a request is code of the visitor's.",
		"func handler() { page.New[Notes](pages, name) }", "var notesPage = page.New[Notes](pages, \"notes.html\")", "OWASP ASVS 5.0 1.3.7; CWE-1336")
	RuleTokens = rule("MRL-PAGE-021", "form without its hidden field",
		"a form that posts to this site carries a token, and this page was given none",
		"Without a token another site can post the form in the visitor's name.",
		"notesPage.Execute(w, data)  // the page has a POST form", "page.Append(dst, set, notesPage, data, &page.Render{Tokens: tokens})", "OWASP CSRF Prevention Cheat Sheet; OWASP ASVS 5.0 3.5.1; CWE-352")
	RuleToken = confidential("MRL-PAGE-025", "token in a place from which it is sent",
		"a token is good for posts in the visitor's name; in an address or a field it travels to logs, histories and other sites",
		"A token in a link or in a form that asks by GET stands in the address, and in the Referer of the next site.",
		`<a href="/votes?t={{token "/votes"}}">`, `<div data-merlon-token="{{token "/votes"}}">   // script: element.dataset.merlonToken`,
		"OWASP CSRF Prevention Cheat Sheet; OWASP ASVS 5.0 14.2.1")
	RuleLarge = available("MRL-PAGE-022", "page that grows without end",
		"templates are compiled into the page at each call, and these call each other too often",
		halfPage, "a template that calls two, each of which calls two, twenty deep", "{{range}} over data, or a template that calls itself once", "none: a bound of this package")
	RuleSource = rule("MRL-PAGE-023", "page file that is not plain UTF-8",
		"NUL bytes, broken UTF-8 and byte order marks are read differently by different programs",
		"Browsers drop or replace such bytes after this package has judged the text around them.",
		"a file saved as UTF-16 or with a byte order mark", "save it as UTF-8 without BOM", "WHATWG HTML 13.2.3.5")
	RuleUnshown = available("MRL-PAGE-024", "page of which nothing is shown",
		"what a page defines is shown where its layout calls it, by that name", "none; but a page that is empty is a page that is not there",
		"{{template \"layout.html\" .}}{{define \"mian\"}}…{{end}}", "{{template \"layout.html\" .}}{{define \"main\"}}…{{end}}", "package text/template: block; CWE-755")
)
