package page_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/page"
)

// vector is one case of testdata/page-contexts.json; its fields are described there in README.md.
type vector struct {
	ID, Title, Why, Where, Type, Template string
	Set                                   json.RawMessage
	Expect                                struct {
		Start, Reason, Suggest, Execute, Skeleton string
		Output                                    *string
		Attrs                                     []struct{ El, Attr, Value string }
		NotValue                                  []struct {
			El, Attr string
			Values   []string
		} `json:"not_value"`
		Inert  []struct{ El, Attr string }
		Prefix []struct{ El, Attr, Value, Or string }
		JSON   []struct {
			El    string
			Value any
		}
		NotContains []string `json:"not_contains"`
	}
}

// reasons are the rules of the reasons that the vectors name.
var reasons = map[string]check.Rule{
	"tag-name": page.RuleTagName, "script": page.RuleScript, "attribute": page.RuleAttribute, "style": page.RuleStyle,
	"element": page.RuleElement, "comment": page.RuleComment, "doctype": page.RuleDoctype, "unquoted": page.RuleUnquoted,
	"attribute-name": page.RuleAttributeName, "event-handler": page.RuleHandler, "srcdoc": page.RuleSrcdoc, "base": page.RuleBase,
	"meta": page.RuleMeta, "svg": page.RuleSVG, "vendor-attribute": page.RuleVendor, "form-origin": page.RuleFormOrigin,
	"password-get": page.RulePassword, "address": page.RuleAddress, "data-block": page.RuleData, "branches": page.RuleBranches,
	"end-context": page.RuleEnd, "escaper": page.RuleEscaper, "safe-type": page.RuleSafeType, "type": page.RuleType,
	"unknown-field": page.RuleField, "unexported": page.RuleUnexported, "range-type": page.RuleRange, "comparison": page.RuleComparison,
	"missing-template": page.RuleTemplate, "parse": page.RuleParse, "unknown-function": page.RuleFunction, "arguments": page.RuleArguments,
	"lang": page.RuleLang, "title": page.RuleTitle, "integrity": page.RuleForeign, "redefined": page.RuleRedefined,
}

// around returns what stands before and behind the snippet of a case.
func around(where string) (before, behind string) {
	switch where {
	case "body":
		return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title></head><body>`, `</body></html>`
	case "head":
		return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>`, `</head><body></body></html>`
	case "head-title":
		return `<!doctype html><html lang="en"><head><meta charset="utf-8">`, `</head><body></body></html>`
	}
	return "", ""
}

// started is a page that was compiled, with its data.
type started struct {
	faults check.Faults
	run    func(set []byte) (string, error) // renders with the JSON unmarshalled into fresh data
}

func start[D any](t testing.TB, source string) started {
	files := page.FilesOf(map[string]string{"t.html": source})
	p := page.NewNamed[D](files, "t.html")
	set, faults := page.Compile(page.Options{}, files)
	return started{faults, func(js []byte) (string, error) {
		var d D
		if len(js) > 0 {
			if err := json.Unmarshal(js, &d); err != nil {
				t.Fatal(err)
			}
		}
		b, err := page.Append(nil, set, p, d, &page.Render{Tokens: noTokens{}})
		return string(b), err
	}}
}

type noTokens struct{}

func (noTokens) AppendField(dst []byte, form int) []byte {
	return fmt.Appendf(dst, `<input type="hidden" name="merlon_token" value="token-%d">`, form)
}

func (noTokens) AppendToken(dst []byte, token int) []byte {
	return fmt.Appendf(dst, "script-%d", token)
}

var starters = map[string]func(testing.TB, string) started{
	"": start[Data], "Data": start[Data], "DataHTML": start[DataHTML], "DataJS": start[DataJS], "DataURL": start[DataURL],
	"DataAttr": start[DataAttr], "DataNested": start[DataNested], "DataAny": start[DataAny], "DataFunc": start[DataFunc], "DataChan": start[DataChan],
}

func readVectors(t testing.TB) []vector {
	b, err := os.ReadFile("testdata/page-contexts.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

var column = regexp.MustCompile(`^pages/t\.html:\d+:\d+$`)

func TestVectors(t *testing.T) {
	all := readVectors(t)
	if len(all) != 189 {
		t.Fatalf("got %d cases, want 189", len(all))
	}
	for _, v := range all {
		t.Run(v.ID, func(t *testing.T) { v.run(t) })
	}
}

func (v vector) run(t *testing.T) {
	before, behind := around(v.Where)
	s := starters[v.Type](t, before+v.Template+behind)
	switch v.Expect.Start {
	case "refused":
		v.refused(t, s.faults)
		return
	case "ok":
		if len(s.faults) > 0 {
			t.Fatalf("%s: %s\n%s", v.ID, v.Title, s.faults.Error())
		}
	case "either":
		if len(s.faults) > 0 {
			return
		}
	}
	out, err := s.run(v.Set)
	if v.Expect.Execute == "error" {
		if err == nil {
			t.Fatalf("%s: %s: executed: %s", v.ID, v.Title, out)
		}
		if out != "" {
			t.Fatalf("%s: an error left %q", v.ID, out)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s: %s: %v", v.ID, v.Title, err)
	}
	snippet := strings.TrimSuffix(strings.TrimPrefix(out, before), behind)
	if want := v.Expect.Output; want != nil && snippet != *want {
		t.Errorf("%s: %s\n got %q\nwant %q", v.ID, v.Title, snippet, *want)
	}
	doc, perr := html.Parse(strings.NewReader(out))
	if perr != nil {
		t.Fatal(perr)
	}
	v.properties(t, doc, snippet)
	if v.Expect.Skeleton == "same" {
		harmless, err := s.run(lettersOnly(v.Set))
		if err != nil {
			t.Fatal(err)
		}
		h, _ := html.Parse(strings.NewReader(harmless))
		if got, want := skeleton(doc), skeleton(h); got != want {
			t.Errorf("%s: %s: the data changed the tree\n got %s\nwant %s", v.ID, v.Title, got, want)
		}
	}
}

func (v vector) refused(t *testing.T, faults check.Faults) {
	if len(faults) == 0 {
		t.Fatalf("%s: %s: starts", v.ID, v.Title)
	}
	rule, ok := reasons[v.Expect.Reason]
	if !ok {
		t.Fatalf("%s: reason %q", v.ID, v.Expect.Reason)
	}
	if faults[0].ID != rule.ID {
		t.Errorf("%s: %s: want first the rule of %s\n%s", v.ID, v.Title, v.Expect.Reason, faults.Error())
	}
	for _, f := range faults {
		if !column.MatchString(f.Where) || f.What == "" || f.Why == "" || f.Do == "" {
			t.Errorf("%s: finding without place, reason or way out: %+v", v.ID, f)
		}
	}
	if s := v.Expect.Suggest; s != "" && !strings.Contains(faults[0].Do, "did you mean "+s+"?") {
		t.Errorf("%s: want %q suggested, got %q", v.ID, s, faults[0].Do)
	}
}

func (v vector) properties(t *testing.T, doc *html.Node, snippet string) {
	for _, a := range v.Expect.Attrs {
		if got, ok := attrOf(doc, a.El, a.Attr); !ok || got != a.Value {
			t.Errorf("%s: %s %s = %q, want %q", v.ID, a.El, a.Attr, got, a.Value)
		}
	}
	for _, a := range v.Expect.NotValue {
		got, _ := attrOf(doc, a.El, a.Attr)
		for _, bad := range a.Values {
			if got == bad {
				t.Errorf("%s: %s %s = %q", v.ID, a.El, a.Attr, got)
			}
		}
	}
	for _, a := range v.Expect.Inert {
		if got, ok := attrOf(doc, a.El, a.Attr); ok && !inert(got) {
			t.Errorf("%s: %s %s = %q is not inert", v.ID, a.El, a.Attr, got)
		}
	}
	for _, a := range v.Expect.Prefix {
		got, _ := attrOf(doc, a.El, a.Attr)
		if got == a.Or && a.Or != "" || got == "#refused" {
			continue
		}
		if u := resolve(got); u == nil || !strings.HasPrefix(u.EscapedPath(), a.Value) {
			t.Errorf("%s: %s %s = %q does not lead below %q", v.ID, a.El, a.Attr, got, a.Value)
		}
	}
	for _, j := range v.Expect.JSON {
		var got any
		text := textOf(find(doc, j.El))
		if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, j.Value) {
			t.Errorf("%s: %s holds %q: %v, %v; want %v", v.ID, j.El, text, got, err, j.Value)
		}
	}
	for _, s := range v.Expect.NotContains {
		if strings.Contains(snippet, s) {
			t.Errorf("%s: %q contains %q", v.ID, snippet, s)
		}
	}
}

// resolve reads an address as a browser does on https://site.test/: it drops spaces and controls around it, and tabs and
// line breaks in it, and takes a backslash for a slash.
func resolve(s string) *url.URL {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(s)
	base, _ := url.Parse("https://site.test/")
	u, err := base.Parse(s)
	if err != nil {
		return nil
	}
	return u
}

func inert(s string) bool {
	u := resolve(s)
	return u != nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto")
}

func find(n *html.Node, name string) *html.Node {
	if n.Type == html.ElementNode && n.Data == name {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if f := find(c, name); f != nil {
			return f
		}
	}
	return nil
}

func attrOf(doc *html.Node, el, name string) (string, bool) {
	n := find(doc, el)
	if n == nil {
		return "", false
	}
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b bytes.Buffer
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(c.Data)
	}
	return b.String()
}

// skeleton is the tree of elements and attribute names, without what Merlon adds by itself to a link.
func skeleton(n *html.Node) string {
	var b strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			b.WriteString("<" + n.Namespace + ":" + n.Data)
			for _, a := range n.Attr {
				if a.Key == "rel" && n.Data == "a" {
					continue
				}
				b.WriteString(" " + a.Namespace + ":" + a.Key)
			}
			b.WriteString(">")
		}
		if n.Type == html.CommentNode || n.Type == html.DoctypeNode {
			fmt.Fprintf(&b, "<!%d>", n.Type)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode {
			b.WriteString("</>")
		}
	}
	walk(n)
	return b.String()
}

// lettersOnly replaces each text of the data by letters.
func lettersOnly(set json.RawMessage) []byte {
	var v any
	_ = json.Unmarshal(set, &v)
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			if v == "" {
				return v
			}
			return "letters"
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		}
		return v
	}
	b, _ := json.Marshal(walk(v))
	return b
}
