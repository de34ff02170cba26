package form_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/form"
)

func TestSeals(t *testing.T) {
	shown := string((&form.Render{Sealer: sealer}).AppendField(nil, form.New(sealed{Ref: 42}), "Ref"))
	value := shown[strings.Index(shown, `value="`)+7 : strings.LastIndex(shown, `"`)]
	if !strings.HasPrefix(shown, `<input type="hidden" name="Ref" value="`) || strings.Contains(shown, "42\"") {
		t.Fatalf("got %s", shown)
	}
	f, bound := bind[sealed](t, "Text=a&Ref="+value)
	if v, ok := f.Value(); !ok || v.Ref != 42 {
		t.Fatalf("the own value: got %v, %v, %v", v, ok, bound.Refusal)
	}
	failed, _ := bind[sealed](t, "Text=&Ref="+value)
	if again := string(form.AppendFields(nil, failed)); !strings.Contains(again, value) {
		t.Errorf("the form shown again has lost its sealed value: %s", again)
	}
	type other struct {
		Text string `form:"required,max=10"`
		Ref  int64  `form:"sealed"`
	}
	type words struct {
		Ref string `form:"sealed"`
	}
	for name, refusal := range map[string]*form.Refusal{
		"absent":        func() *form.Refusal { _, b := bind[sealed](t, "Text=a"); return b.Refusal }(),
		"empty":         func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref="); return b.Refusal }(),
		"plain":         func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref=42"); return b.Refusal }(),
		"changed":       func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref="+flip(value)); return b.Refusal }(),
		"cut":           func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref="+value[:len(value)-4]); return b.Refusal }(),
		"with a break":  func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref="+value+"%0A"); return b.Refusal }(),
		"twice":         func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref="+value+"&Ref="+value); return b.Refusal }(),
		"of other form": func() *form.Refusal { _, b := bind[other](t, "Text=a&Ref="+value); return b.Refusal }(),
		"without sealer": func() *form.Refusal {
			p, _ := form.Parse(post("Text=a&Ref="+value), form.Limits{})
			_, b := form.Bind[sealed](p, nil)
			return b.Refusal
		}(),
		"other session": func() *form.Refusal {
			p, _ := form.Parse(post("Text=a&Ref="+value), form.Limits{})
			p.Sealer = form.NewSealer(make([]byte, 32), []byte("b session"))
			_, b := form.Bind[sealed](p, nil)
			return b.Refusal
		}(),
	} {
		if refusal == nil || refusal.Status != 400 {
			t.Errorf("%s: got %v, want 400", name, refusal)
		}
	}
	for _, sent := range []string{"Ref=guessed", "Ref=", "Ref=" + flip(value)} { // a text has no shape that would tell
		if _, bound := bind[words](t, sent); bound.Refusal == nil || bound.Refusal.Status != 400 {
			t.Errorf("a sealed text of %q: got %v, want 400", sent, bound.Refusal)
		}
	}
	type two struct {
		A, B int64 `form:"sealed"`
	}
	both := string((&form.Render{Sealer: sealer}).AppendAgain(nil, form.New(two{1, 2})))
	query := strings.NewReplacer(`<input type="hidden" name="`, "&", `" value="`, "=", "\">\n", "").Replace(both)
	fb, bound := bind[two](t, query)
	if v, ok := fb.Value(); !ok || v != (two{1, 2}) {
		t.Errorf("two sealed fields: got %v, %v, %v", v, ok, bound.Refusal)
	}
	if _, bound := bind[two](t, strings.NewReplacer("A=", "B=", "B=", "A=").Replace(query)); bound.Refusal == nil {
		t.Error("two sealed values were exchanged")
	}
	type narrow struct {
		Ref int8 `form:"sealed"`
	}
	for _, value := range []string{"300", "", "x", "-129", "1.0"} {
		p, _ := form.Parse(post("Ref="+value), form.Limits{})
		p.Sealer = always{}
		if _, b := form.Bind[narrow](p, nil); b.Refusal == nil {
			t.Errorf("sealed %q in an int8: got bound", value)
		}
	}
	if html := string(form.AppendFields(nil, form.New(sealed{Ref: 42}))); strings.Contains(html, "Ref") || strings.Contains(html, "42") {
		t.Errorf("without a sealer the value is shown: %s", html)
	}
	quoted := string((&form.Render{Sealer: sealer}).AppendFields(nil, form.New(words{`"><script>`})))
	if strings.Contains(quoted, "script") {
		t.Errorf("got %s", quoted)
	}
	defer func() {
		if recover() == nil {
			t.Error("a short key: want a panic")
		}
	}()
	form.NewSealer(make([]byte, 16), nil)
}

// flip changes the first character, whatever it is.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}
