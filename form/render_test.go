package form_test

import (
	"html"
	"strings"
	"testing"
	"time"

	xhtml "golang.org/x/net/html"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

type shown struct {
	ID       int64         `path:"id"`
	Text     string        `form:"required,max=10,min=2" label:"Your <text>" help:"Two & more" autocomplete:"nickname"`
	Code     string        `form:"max=6,inputmode=numeric"`
	Body     string        `form:"lines,max=100,rows=4"`
	Mail     string        `form:"email"`
	Site     string        `form:"url,max=50"`
	Color    string        `form:"required,choices=red:Dark red|green"`
	Club     string        `form:"choices"`
	Tags     []string      `form:"max=5,max_items=5"`
	Colors   []string      `form:"choices=red|green,max_items=2"`
	N        int           `form:"required,min=-3,max=100"`
	U        uint8         `form:""`
	F        float64       `form:"max=2.5"`
	Agree    bool          `form:"required" label:"I agree"`
	Day      time.Time     `form:"date,min=2026-01-01"`
	At       time.Time     `form:"datetime"`
	Password secret.String `form:"password,min=8,max=1024" autocomplete:"current-password"`
	Ref      string        `form:"sealed"`
}

// nodes parses a fragment and returns its elements in order, and the text of all text nodes.
func nodes(t *testing.T, fragment string) (elements []*xhtml.Node, text string) {
	t.Helper()
	root, err := xhtml.Parse(strings.NewReader("<!doctype html><html lang=en><title>t</title><body>" + fragment + "</body>"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch {
		case n.Type == xhtml.ElementNode:
			elements = append(elements, n)
		case n.Type == xhtml.TextNode:
			text += n.Data
		}
	}
	return elements, text
}

func attr(n *xhtml.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *xhtml.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func byID(elements []*xhtml.Node, id string) *xhtml.Node {
	for _, n := range elements {
		if attr(n, "id") == id {
			return n
		}
	}
	return nil
}

func TestEmptyFormIsExact(t *testing.T) {
	var f form.Form[shown]
	for field, want := range map[string]string{
		"Text":     `<div class="field"><label for="f-Text">Your &lt;text&gt;</label><p class="help" id="f-Text-help">Two &amp; more</p><input type="text" id="f-Text" name="Text" required autocomplete="nickname" aria-describedby="f-Text-help" maxlength="10" minlength="2"></div>`,
		"Code":     `<div class="field"><label for="f-Code">Code</label><input type="text" id="f-Code" name="Code" maxlength="6" inputmode="numeric"></div>`,
		"Body":     `<div class="field"><label for="f-Body">Body</label><textarea id="f-Body" name="Body" maxlength="100" rows="4">` + "\n" + `</textarea></div>`,
		"Mail":     `<div class="field"><label for="f-Mail">Mail</label><input type="email" id="f-Mail" name="Mail" maxlength="254"></div>`,
		"Site":     `<div class="field"><label for="f-Site">Site</label><input type="url" id="f-Site" name="Site" maxlength="50"></div>`,
		"Color":    `<div class="field"><label for="f-Color">Color</label><select id="f-Color" name="Color" required><option value="">Choose</option><option value="red">Dark red</option><option value="green">green</option></select></div>`,
		"Club":     `<div class="field"><label for="f-Club">Club</label><select id="f-Club" name="Club"><option value=""></option></select></div>`,
		"Tags":     `<fieldset class="field"><legend>Tags</legend><input type="text" id="f-Tags" name="Tags" aria-label="Tags 1" maxlength="5"><input type="text" id="f-Tags-2" name="Tags" aria-label="Tags 2" maxlength="5"><input type="text" id="f-Tags-3" name="Tags" aria-label="Tags 3" maxlength="5"></fieldset>`,
		"Colors":   `<fieldset class="field"><legend>Colors</legend><div><input type="checkbox" id="f-Colors" name="Colors" value="red"> <label for="f-Colors">red</label></div><div><input type="checkbox" id="f-Colors-2" name="Colors" value="green"> <label for="f-Colors-2">green</label></div></fieldset>`,
		"N":        `<div class="field"><label for="f-N">N</label><input type="number" id="f-N" name="N" required min="-3" max="100" step="1" inputmode="numeric"></div>`,
		"U":        `<div class="field"><label for="f-U">U</label><input type="number" id="f-U" name="U" min="0" step="1" inputmode="numeric"></div>`,
		"F":        `<div class="field"><label for="f-F">F</label><input type="number" id="f-F" name="F" max="2.5" step="any" inputmode="decimal"></div>`,
		"Agree":    `<div class="field"><input type="checkbox" id="f-Agree" name="Agree" required value="on"> <label for="f-Agree">I agree</label></div>`,
		"Day":      `<div class="field"><label for="f-Day">Day</label><input type="date" id="f-Day" name="Day" min="2026-01-01"></div>`,
		"At":       `<div class="field"><label for="f-At">At</label><input type="datetime-local" id="f-At" name="At"></div>`,
		"Password": `<div class="field"><label for="f-Password">Password</label><input type="password" id="f-Password" name="Password" autocomplete="current-password" minlength="8"></div>`,
		"Ref":      "", "ID": "", "id": "", "Nothing": "",
	} {
		if got := strings.TrimSuffix(string(form.AppendField(nil, f, field)), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", field, got, want)
		}
	}
	if got := form.AppendProblems(nil, f); len(got) > 0 {
		t.Errorf("problems of an empty form: %s", got)
	}
}

// always seals nothing: it stands for a sealer whose values are known to the test.
type always struct{}

func (always) Seal(dst []byte, _ string, value []byte) []byte { return append(dst, value...) }
func (always) Open(_, sealed string) ([]byte, bool)           { return []byte(sealed), true }

func TestFailedForm(t *testing.T) {
	b, err := form.Parse(post("Ref=SEALED&Text=%3Cb%3E&Code=1%0D%0A2&Body=%0D%0A%3C%2Ftextarea%3E%3Cscript%3E&Mail=no%22mail&Site=javascript:1&Color=red&Tags=toolong&Tags=a&Colors=green&N=x%22y&F=1%2C5&Agree=off&Day=31.12.2026&At=now&Password=hunter2"), form.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b.Sealer = always{}
	f, bound := form.Bind[shown](b, func(string) string { return "7" })
	if bound.Refusal != nil {
		t.Fatal(bound.Refusal)
	}
	f = f.Reject("", "Whole <form>.").Reject("Body", "Too <rude>.").Reject("ID", "Gone.").Reject("Ref", "Old.")
	out := string(form.AppendFields(form.AppendProblems(nil, f), f))
	elements, text := nodes(t, out)

	// What was typed is there again, as data.
	for id, want := range map[string]string{
		"f-Text": "<b>", "f-Code": "1\r\n2", "f-Mail": `no"mail`, "f-Site": "javascript:1", "f-Tags": "toolong", "f-Tags-2": "a", "f-N": `x"y`, "f-F": "1,5", "f-Day": "31.12.2026", "f-At": "now",
	} {
		if n := byID(elements, id); n == nil || attr(n, "value") != want {
			t.Errorf("%s: not shown again as %q: %v", id, want, n)
		}
	}
	if n := byID(elements, "f-Body"); n == nil || n.FirstChild == nil || n.FirstChild.Data != "\n</textarea><script>" {
		t.Errorf("f-Body: got %q", n.FirstChild.Data)
	}
	if n := byID(elements, "f-Password"); n == nil || has(n, "value") || strings.Contains(out, "hunter2") {
		t.Error("the password is shown again")
	}
	if n := byID(elements, "f-Colors-2"); n == nil || !has(n, "checked") || has(byID(elements, "f-Colors"), "checked") {
		t.Error("the ticked choice is lost")
	}
	if n := byID(elements, "f-Agree"); n == nil || has(n, "checked") {
		t.Error("a wrong value ticks the box")
	}
	// What a browser could not show in its own control is shown as text.
	for _, id := range []string{"f-N", "f-F", "f-Day", "f-At"} {
		if n := byID(elements, id); attr(n, "type") != "text" {
			t.Errorf("%s: type %q would lose %q", id, attr(n, "type"), attr(n, "value"))
		}
	}
	ids := map[string]int{}
	for _, n := range elements {
		if id := attr(n, "id"); id != "" {
			if ids[id]++; ids[id] > 1 {
				t.Errorf("the id %s is given twice", id)
			}
		}
		if n.Data == "b" || n.Data == "script" || n.Data == "form" || n.Data == "rude" || n.Data == "text" {
			t.Errorf("what was typed became the element %s", n.Data)
		}
	}
	links := 0
	for _, n := range elements {
		for _, ref := range strings.Fields(attr(n, "aria-describedby")) {
			if ids[ref] != 1 {
				t.Errorf("aria-describedby names %s, which is not there", ref)
			}
		}
		if ref := attr(n, "for"); n.Data == "label" && ids[ref] != 1 {
			t.Errorf("a label is for %s, which is not there", ref)
		}
		if n.Data == "a" {
			links++
			if ref := strings.TrimPrefix(attr(n, "href"), "#"); ids[ref] != 1 {
				t.Errorf("the summary links to %s, which is not there", ref)
			}
		}
		if invalid := attr(n, "aria-invalid") == "true"; invalid && !strings.Contains(attr(n, "aria-describedby"), "-error") && n.Parent.Parent.Data != "fieldset" && n.Parent.Data != "fieldset" {
			t.Errorf("%s is invalid and not described", attr(n, "id"))
		}
	}
	if summary := elements[4]; attr(summary, "role") != "alert" || ids[attr(summary, "aria-labelledby")] != 1 {
		t.Errorf("the first element is no summary: %v", summary)
	}
	if links != 11 { // Code Body Mail Site Tags N F Agree Day At Password
		t.Errorf("got %d links in the summary, want 11: %s", links, out)
	}
	for _, want := range []string{"Whole <form>.", "Too <rude>.", "ID: Gone.", "Ref: Old.", "There is a problem", "Enter a whole number", "Write this in one line."} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	if strings.Count(out, `name="Ref" value="SEALED"`) != 1 {
		t.Error("the sealed value is lost")
	}
}

func TestSelectedAndChecked(t *testing.T) {
	f := form.New(shown{Color: "green", Agree: true, N: -3, U: 7, F: 0.5, Body: "\nfirst\nsecond", Day: time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)})
	elements, _ := nodes(t, string(form.AppendFields(nil, &f)))
	for _, n := range elements {
		if n.Data == "option" && has(n, "selected") != (attr(n, "value") == "green") {
			t.Errorf("option %q: selected %v", attr(n, "value"), has(n, "selected"))
		}
	}
	for id, want := range map[string]string{"f-N": "-3", "f-U": "7", "f-F": "0.5", "f-Day": "2026-05-06"} {
		if got := attr(byID(elements, id), "value"); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	if !has(byID(elements, "f-Agree"), "checked") {
		t.Error("the box is not ticked")
	}
	if got := byID(elements, "f-Body").FirstChild.Data; got != "\nfirst\nsecond" {
		t.Errorf("the first line break of a text is lost: %q", got)
	}
}

func TestTranslation(t *testing.T) {
	f, _ := bind[edit](t, "Text=01234567890")
	f = f.Reject("", "Nope.")
	r := &form.Render{
		Prefix: "g-",
		Text: func(id string, args ...any) string {
			if id == form.MsgTooLong {
				return "Höchstens " + strings.Repeat("I", args[0].(int)) + " <Zeichen>"
			}
			return "[" + id + "]"
		},
		Author: func(words string) string { return strings.ToUpper(words) },
	}
	out := string(r.AppendField(r.AppendProblems(nil, f), f, "Text"))
	for _, want := range []string{"Höchstens IIIIIIIIII &lt;Zeichen&gt;", "[form.summary]", "NOPE.", `<label for="g-Text">TEXT</label>`, `id="g-Text-error"`, `href="#g-Text"`, `id="g-problems"`} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q: %s", want, out)
		}
	}
	if got := r.Problem(f, "Text"); got != "Höchstens IIIIIIIIII <Zeichen>" {
		t.Errorf("got %q", got)
	}
}

// FuzzEscape: whatever was typed, the parsed form has the elements and attribute names of the empty one, and the value comes
// out as it went in, less what HTML cannot hold.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a", `"><script>`, "'", "&lt;", "\r\n\r", "\x00\x01\x7f", "\xff\xfe", "\u0085\u2028", "</textarea>", "\ufffd"} {
		f.Add(s)
	}
	skeleton := func(t *testing.T, elements []*xhtml.Node) string {
		var b strings.Builder
		for _, n := range elements {
			b.WriteString(n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteString(";")
		}
		return b.String()
	}
	type typed struct {
		Text string `form:"max=1000000"`
		Body string `form:"lines,max=1000000"`
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" {
			return
		}
		got, _ := nodes(t, string(form.AppendFields(nil, form.New(typed{s, s}))))
		want, _ := nodes(t, string(form.AppendFields(nil, form.New(typed{"x", "x"}))))
		if skeleton(t, got) != skeleton(t, want) {
			t.Fatalf("%q changes the page", s)
		}
		holdable := strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 {
				return '\ufffd'
			}
			return r
		}, strings.ToValidUTF8(s, "\ufffd"))
		if v := attr(byID(got, "f-Text"), "value"); strings.ReplaceAll(v, "\ufffd", "") != strings.ReplaceAll(holdable, "\ufffd", "") {
			t.Fatalf("got value %q, want %q", v, holdable)
		}
		if plain := strings.ToValidUTF8(s, ""); plain == s && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
			if !strings.Contains(string(form.AppendFields(nil, form.New(typed{Text: s}))), `value="`+html.EscapeString(s)+`"`) {
				t.Fatalf("%q is not escaped as html.EscapeString does", s)
			}
		}
	})
}
