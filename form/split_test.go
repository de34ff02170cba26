package form_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/form"
)

type splitForm struct {
	A string    `form:"max=100"`
	B string    `form:"max=100"`
	F form.File `form:"max_bytes=100,types=text/plain"`
}

// TestBothSplittersAgree: a body in memory and one that goes by are split by the same rules, written twice.
func TestBothSplittersAgree(t *testing.T) {
	const a, b = "Content-Disposition: form-data; name=\"A\"\r\n\r\n", "Content-Disposition: form-data; name=\"B\"\r\n\r\n"
	for name, c := range map[string]struct{ body, want string }{
		"two":                    {"--XX\r\n" + a + "1\r\n--XX\r\n" + b + "2\r\n--XX--\r\n", "A=1 B=2"},
		"no break at the end":    {"--XX\r\n" + a + "1\r\n--XX--", "A=1 B="},
		"a preamble":             {"before\r\n--XX\r\n" + a + "1\r\n--XX--\r\n", "A=1 B="},
		"no part":                {"--XX--\r\n", "A= B="},
		"an empty value":         {"--XX\r\n" + a + "\r\n--XX--\r\n", "A= B="},
		"nearly a boundary":      {"--XX\r\n" + a + "1--X\r\n--XX--\r\n", "A=1--X B="},
		"a preamble with a feed": {"before\n--XX\r\n" + a + "1\r\n--XX--\r\n", ""},
		"nothing":                {"", ""},
		"no boundary":            {"A=1", ""},
		"no end":                 {"--XX\r\n" + a + "1\r\n", ""},
		"more behind the end":    {"--XX\r\n" + a + "1\r\n--XX--\r\nmore", ""},
		"feed before boundary":   {"--XX\r\n" + a + "1\n--XX\r\n" + b + "2\r\n--XX--\r\n", ""},
		"feed behind boundary":   {"--XX\n" + a + "1\r\n--XX--\r\n", ""},
		"longer boundary":        {"--XX\r\n" + a + "1\r\n--XXY\r\n--XX--\r\n", ""},
		"feeds in the header":    {"--XX\r\n" + strings.ReplaceAll(a, "\r", "") + "1\r\n--XX--\r\n", ""},
		"no header":              {"--XX\r\n\r\n1\r\n--XX--\r\n", ""},
		"folded header":          {"--XX\r\nContent-Disposition: form-data;\r\n name=\"A\"\r\n\r\n1\r\n--XX--\r\n", ""},
		"encoded":                {"--XX\r\nContent-Transfer-Encoding: base64\r\n" + a + "1\r\n--XX--\r\n", ""},
		"two names":              {"--XX\r\nContent-Disposition: form-data; name=\"A\"; name=\"B\"\r\n\r\n1\r\n--XX--\r\n", ""},
		"a long header":          {"--XX\r\nX: " + strings.Repeat("x", 5000) + "\r\n" + a + "1\r\n--XX--\r\n", ""},
		"many fields":            {strings.Repeat("--XX\r\n"+a+"1\r\n", 201) + "--XX--\r\n", ""},
		"a long field":           {"--XX\r\n" + a + strings.Repeat("x", 65<<10) + "\r\n--XX--\r\n", ""},
	} {
		split := func(stream bool) (string, *form.Refusal, [32]byte) {
			r := postAs("multipart/form-data; boundary=XX", c.body)
			var body *form.Body
			var err error
			if stream {
				body, err = form.ParseUploads(r, form.Limits{}, form.Uploads{Spec: form.Form[splitForm]{}.FormSpec(), Spool: &spool{dir: t.TempDir()}})
			} else {
				body, err = form.Parse(r, form.Limits{})
			}
			var refusal *form.Refusal
			if err != nil {
				errors.As(err, &refusal)
				return "", refusal, [32]byte{}
			}
			sum := body.Sum()
			f, bound := form.Bind[splitForm](body, nil)
			return "A=" + f.Raw("A") + " B=" + f.Raw("B"), bound.Refusal, sum
		}
		got, refusal, sum := split(false)
		got2, refusal2, sum2 := split(true)
		if got != c.want || (refusal == nil) != (c.want != "") {
			t.Errorf("%s, in memory: %q, %v; want %q", name, got, refusal, c.want)
		}
		if got2 != got || sum2 != sum || (refusal == nil) != (refusal2 == nil) || refusal != nil && (refusal.Status != refusal2.Status || refusal.Rule.ID != refusal2.Rule.ID) {
			t.Errorf("%s: going by %q, %v; in memory %q, %v", name, got2, refusal2, got, refusal)
		}
	}
}
