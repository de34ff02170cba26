package form_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

func bind[T any](t testing.TB, body string) (form.Form[T], form.Bound) {
	t.Helper()
	b, err := form.Parse(post(body), form.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b.Sealer = sealer
	return form.Bind[T](b, func(name string) string { return map[string]string{"id": "7", "bad": "1e3"}[name] })
}

func TestTexts(t *testing.T) {
	type texts struct {
		One   string `form:"max=10,min=2"`
		Lines string `form:"lines,max=10"`
		Pass  string `form:"password,max=10"`
	}
	for _, c := range []struct{ name, body, field, want, problem string }{
		{"tab", "One=a%09b", "One", "a\tb", ""},
		{"DEL", "One=a%7Fb", "One", "", form.MsgControl},
		{"C1", "One=a%C2%9Bb", "One", "", form.MsgControl},
		{"NEL", "One=a%C2%85b", "One", "", form.MsgControl},
		{"line separator in one line", "One=a%E2%80%A8b", "One", "", form.MsgLineBreak},
		{"paragraph separator in lines", "Lines=a%E2%80%A9b", "Lines", "a\u2029b", ""},
		{"no-break space inside", "One=a%C2%A0b", "One", "a\u00a0b", ""},
		{"no-break space outside", "One=%C2%A0ab%C2%A0", "One", "ab", ""},
		{"line break outside", "One=ab%0D%0A", "One", "ab", ""},
		{"too short", "One=a", "One", "", form.MsgTooShort},
		{"empty is not too short", "One=", "One", "", ""},
		{"overlong UTF-8", "One=%C0%AE%C0%AE", "One", "", form.MsgEncoding},
		{"cut UTF-8", "One=aa%E2%82", "One", "", form.MsgEncoding},
		{"beyond Unicode", "One=%F4%90%80%80", "One", "", form.MsgEncoding},
		{"encoding before length", "One=%FFaaaaaaaaaaaaaaaaaaaaa", "One", "", form.MsgEncoding},
		{"trimmed before it is measured", "One=" + strings.Repeat("+", 50) + "ab", "One", "ab", ""},
		{"ESC in lines", "Lines=a%1Bb", "Lines", "", form.MsgControl},
		{"CR and LF apart", "Lines=a%0D%0D%0Ab%0Ac", "Lines", "a\n\nb\nc", ""},
		{"ten with line breaks", "Lines=12%0D%0A4%0D%0A6%0D%0A890", "Lines", "12\n4\n6\n890", ""},
		{"eleven with line breaks", "Lines=12%0D%0A4%0D%0A6%0D%0A8901", "Lines", "", form.MsgTooLong},
		{"password verbatim", "Pass=%09x%0D%0A+", "Pass", "\tx\r\n ", ""},
		{"password with NUL", "Pass=a%00", "Pass", "", form.MsgControl},
		{"password not text", "Pass=%FF", "Pass", "", form.MsgEncoding},
		{"password too long", "Pass=12345678901", "Pass", "", form.MsgTooLong},
	} {
		f, _ := bind[texts](t, c.body)
		v, ok := f.Value()
		got := reflect.ValueOf(v).FieldByName(c.field).String()
		if got != c.want || f.ProblemID(c.field) != c.problem || ok != (c.problem == "") {
			t.Errorf("%s: got %q, %q, want %q, %q", c.name, got, f.ProblemID(c.field), c.want, c.problem)
		}
	}
}

func TestAddresses(t *testing.T) {
	type addresses struct {
		Mail string `form:"email"`
		Site string `form:"url,max=100"`
	}
	for _, c := range []struct {
		field, value string
		ok           bool
	}{
		{"Mail", "a@b", true}, {"Mail", "o'brien@x-y.example", true}, {"Mail", "a.b.@x.test", true},
		{"Mail", "@b", false}, {"Mail", "a@", false}, {"Mail", "a b@c.test", false}, {"Mail", "a@-b.test", false}, {"Mail", "a@b-.test", false}, {"Mail", "a@b..test", false},
		{"Mail", "a@b.test.", false}, {"Mail", "a@[127.0.0.1]", false}, {"Mail", "Ann <a@b.test>", false}, {"Mail", `"a b"@c.test`, false}, {"Mail", "a@b.test>", false}, {"Mail", "ä@b.test", false},
		{"Mail", "a@bü.test", false}, {"Mail", "a%b@c.test", true}, {"Mail", strings.Repeat("a", 65) + "@b.test", false}, {"Mail", "a@" + strings.Repeat("b", 64) + ".test", false}, {"Mail", "a@b_c.test", false},
		{"Site", "http://x.test", true}, {"Site", "HTTPS://X.test/A?b#c", true}, {"Site", "https://[::1]:80/", true}, {"Site", "https://bücher.test/ä", true}, {"Site", "https://x.test:8443", true},
		{"Site", "https://u@x.test", false}, {"Site", "https://u:p@x.test", false}, {"Site", `https://x.test\@evil.test`, false}, {"Site", `https:\\x.test`, false}, {"Site", "https:x.test", false},
		{"Site", "https:///x.test", false}, {"Site", "https:/x.test", false}, {"Site", "https://", false}, {"Site", "//x.test", false}, {"Site", "x.test", false}, {"Site", "https://x.test:99999", false},
		{"Site", "https://x.test:8o", false}, {"Site", "https://x%2etest/", false}, {"Site", "https://x.test y", false}, {"Site", "vbscript:x", false}, {"Site", "ftp://x.test", false}, {"Site", "https://%00", false},
		{"Site", "https://x<y.test", false}, {"Site", "https://?x", false}, {"Site", "https://:80", false}, {"Site", "view-source:https://x.test", false}, {"Site", "https://x.test;y", false},
	} {
		b, err := form.Parse(postAs("multipart/form-data; boundary=X", parts("--X", `Content-Disposition: form-data; name="`+c.field+`"`, "", c.value, "--X--")), form.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		f, _ := form.Bind[addresses](b, nil)
		if _, ok := f.Value(); ok != c.ok {
			t.Errorf("%s %q: got %v (%s), want %v", c.field, c.value, ok, f.ProblemID(c.field), c.ok)
		}
	}
}

func TestNumbers(t *testing.T) {
	type numbers struct {
		I   int      `form:""`
		I8  int8     `form:"min=-5"`
		U   uint     `form:"max=9"`
		U64 uint64   `form:""`
		F   float64  `form:""`
		F32 float32  `form:"max=2.5"`
		L   []uint16 `form:"max_items=3,max=500"`
	}
	for _, c := range []struct {
		field, value string
		want         any
		problem      string
	}{
		{"I", "9223372036854775807", 9223372036854775807, ""}, {"I", "-9223372036854775808", -9223372036854775808, ""}, {"I", "9223372036854775808", 0, form.MsgNumber},
		{"I", "007", 7, ""}, {"I", "-0", 0, ""}, {"I", "-", 0, form.MsgNumber}, {"I", "--1", 0, form.MsgNumber}, {"I", "1_000", 0, form.MsgNumber}, {"I", "0b1", 0, form.MsgNumber},
		{"I8", "-5", int8(-5), ""}, {"I8", "-6", int8(0), form.MsgTooSmall}, {"I8", "127", int8(127), ""}, {"I8", "128", int8(0), form.MsgTooLarge},
		{"U", "9", uint(9), ""}, {"U", "10", uint(0), form.MsgTooLarge}, {"U", "-1", uint(0), form.MsgTooSmall}, {"U", "-0", uint(0), ""}, {"U", "-x", uint(0), form.MsgNumber},
		{"U64", "18446744073709551615", uint64(18446744073709551615), ""}, {"U64", "18446744073709551616", uint64(0), form.MsgNumber},
		{"F", "-0.25", -0.25, ""}, {"F", ".5", 0.5, ""}, {"F", "5.", 0.0, form.MsgNumber}, {"F", ".", 0.0, form.MsgNumber}, {"F", "1.2.3", 0.0, form.MsgNumber}, {"F", "1e3", 0.0, form.MsgNumber},
		{"F", "0x1p-2", 0.0, form.MsgNumber}, {"F", strings.Repeat("9", 400), 0.0, form.MsgTooLarge}, {"F", "-" + strings.Repeat("9", 400), 0.0, form.MsgTooSmall}, {"F", "infinity", 0.0, form.MsgNumber},
		{"F32", "2.5", float32(2.5), ""}, {"F32", "2.500001", float32(0), form.MsgTooLarge}, {"F32", "-" + strings.Repeat("9", 50), float32(0), form.MsgTooSmall},
		{"L", "500", []uint16{500}, ""}, {"L", "501", []uint16(nil), form.MsgTooLarge}, {"L", "x", []uint16(nil), form.MsgNumber}, {"L", "", []uint16(nil), ""},
	} {
		f, _ := bind[numbers](t, c.field+"="+c.value)
		v, ok := f.Value()
		got := reflect.ValueOf(v).FieldByName(c.field).Interface()
		if !reflect.DeepEqual(got, c.want) || f.ProblemID(c.field) != c.problem || ok != (c.problem == "") {
			t.Errorf("%s=%.30s: got %v, %q, want %v, %q", c.field, c.value, got, f.ProblemID(c.field), c.want, c.problem)
		}
	}
}

func TestDates(t *testing.T) {
	type dates struct {
		Day time.Time `form:"date,min=2026-01-01,max=2026-12-31"`
		At  time.Time `form:"datetime"`
		Txt string    `form:"datetime,min=2026-01-01T10:00"`
	}
	f, _ := bind[dates](t, "Day=2026-02-28&At=2026-02-28T12:30:15&Txt=2026-01-01T10:00")
	v, ok := f.Value()
	if !ok || !v.Day.Equal(time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)) || !v.At.Equal(time.Date(2026, 2, 28, 12, 30, 15, 0, time.UTC)) || v.Txt != "2026-01-01T10:00" {
		t.Errorf("got %v, %v", v, ok)
	}
	if f, _ := bind[dates](t, ""); !f.Sent() || f.Failed() {
		t.Error("absent dates are a problem")
	}
	for _, c := range []struct{ field, value, problem string }{
		{"Day", "2025-12-31", form.MsgTooEarly}, {"Day", "2027-01-01", form.MsgTooLate}, {"Day", "0000-01-01", form.MsgDate}, {"Day", " 2026-01-01", form.MsgDate}, {"Day", "2026-01-01T00:00", form.MsgDate}, {"Day", "２026-01-01", form.MsgDate},
		{"At", "2026-02-28 12:30", form.MsgDateTime}, {"At", "2026-02-28T24:00", form.MsgDateTime}, {"At", "2026-02-28T12:30Z", form.MsgDateTime}, {"At", "2026-02-28T12:30:61", form.MsgDateTime}, {"At", "2026-02-28T1:30", form.MsgDateTime}, {"At", "2026-02-28T12:30:15.5", form.MsgDateTime},
		{"Txt", "2026-01-01T09:59", form.MsgTooEarly},
	} {
		f, _ := bind[dates](t, c.field+"="+strings.ReplaceAll(c.value, " ", "+"))
		if got := f.ProblemID(c.field); got != c.problem {
			t.Errorf("%s=%s: got %q, want %q", c.field, c.value, got, c.problem)
		}
	}
}

func TestLists(t *testing.T) {
	type lists struct {
		Tags   []string `form:"required,max=5,max_items=2"`
		Colors []string `form:"choices=red|green,max_items=2"`
	}
	f, _ := bind[lists](t, "Tags=&Tags=+a+&Tags=&Tags=b&Colors=green&Colors=red")
	if v, ok := f.Value(); !ok || !reflect.DeepEqual(v, lists{[]string{"a", "b"}, []string{"green", "red"}}) {
		t.Errorf("got %q, %v: empty boxes are not values", v, ok)
	}
	if !f.Has("Colors", "red") || f.Has("Colors", "blue") || f.Has("Nothing", "") || f.Raw("Colors") != "green" {
		t.Error("Has or Raw of a list is wrong")
	}
	for body, want := range map[string]string{"Tags=a&Tags=b&Tags=c": form.MsgTooMany, "Tags=+": form.MsgRequired, "": form.MsgRequired, "Tags=a&Tags=%00": form.MsgControl} {
		if f, _ := bind[lists](t, body); f.ProblemID("Tags") != want {
			t.Errorf("%s: got %q, want %q", body, f.ProblemID("Tags"), want)
		}
	}
	if f, _ := bind[lists](t, "Tags=a&Colors=blue"); f.ProblemID("Colors") != form.MsgChoice {
		t.Error("a list of choices takes any value")
	}
}

type edit struct {
	ID   int64  `path:"id"`
	Text string `form:"required,max=10"`
}

func TestPathFields(t *testing.T) {
	f, bound := bind[edit](t, "Text=a")
	if v, ok := f.Value(); !ok || v != (edit{7, "a"}) || bound.Refusal != nil {
		t.Errorf("got %v, %v", v, ok)
	}
	f, bound = bind[edit](t, "Text=a&id=8&ID=9")
	if v, ok := f.Value(); !ok || v.ID != 7 || len(bound.Undeclared) != 2 {
		t.Errorf("a path field from the body: got %v, undeclared %q, want 7 and both undeclared", v, bound.Undeclared)
	}
	f, _ = bind[edit](t, "Text=")
	if v, ok := f.Value(); ok || v != (edit{ID: 7}) {
		t.Errorf("a failed form: got %v, %v, want the path field only", v, ok)
	}
	f = f.Reject("", "no")
	if v, ok := f.Value(); ok || v != (edit{ID: 7}) {
		t.Errorf("a rejected form: got %v, %v, want the path field only", v, ok)
	}
	type badPath struct {
		ID int `path:"bad"`
	}
	fb, bound := bind[badPath](t, "")
	if _, ok := fb.Value(); ok || bound.Refusal == nil || bound.Refusal.Status != 404 || bound.Refusal.Rule.ID != form.RulePath.ID {
		t.Errorf("a bad path value: got %v, want 404", bound.Refusal)
	}
	b, _ := form.Parse(post("Text=a"), form.Limits{})
	if _, bound := form.Bind[edit](b, nil); bound.Refusal == nil || bound.Refusal.Status != 404 {
		t.Errorf("no path function: got %v, want 404", bound.Refusal)
	}
}

func TestZeroAndNew(t *testing.T) {
	var zero form.Form[edit]
	if v, ok := zero.Value(); ok || v != (edit{}) || zero.Failed() || zero.Sent() || zero.Raw("Text") != "" || zero.Problem("Text") != "" {
		t.Errorf("the zero form: got %v, %v", v, ok)
	}
	f := form.New(edit{3, "old"})
	if v, ok := f.Value(); ok || v != (edit{ID: 3}) || f.Sent() || f.Raw("Text") != "old" {
		t.Errorf("New: got %v, %v, raw %q: values that nobody sent must not be used", v, ok, f.Raw("Text"))
	}
	type all struct {
		S    string        `form:"max=5"`
		N    int           `form:""`
		Req  int           `form:"required"`
		Req1 int           `form:"required,min=1"`
		F    float32       `form:""`
		B    bool          `form:""`
		D    time.Time     `form:"date"`
		At   time.Time     `form:"datetime"`
		P    secret.String `form:"password,max=9"`
		Q    string        `form:"password,max=9"`
		L    []uint8       `form:"max_items=3"`
	}
	_, faults := form.SpecOf(reflect.TypeFor[all]())
	if len(faults) != 1 { // []uint8 is []byte: an upload
		t.Fatalf("got %v", faults)
	}
	type list struct {
		L []uint16      `form:"max_items=3"`
		S string        `form:"max=5"`
		N int           `form:""`
		R int           `form:"required"`
		O int           `form:"required,min=1"`
		F float32       `form:""`
		B bool          `form:""`
		D time.Time     `form:"date"`
		A time.Time     `form:"datetime"`
		P secret.String `form:"password,max=9"`
		Q string        `form:"password,max=9"`
	}
	g := form.New(list{[]uint16{0, 5}, "s", 0, 0, 0, 1.5, true, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), secret.New("hunter2"), "hunter3"})
	for field, want := range map[string]string{"L": "0", "S": "s", "N": "", "R": "0", "O": "", "F": "1.5", "B": "on", "D": "2026-02-03", "A": "2026-02-03T04:05:06", "P": "", "Q": ""} {
		if got := g.Raw(field); got != want {
			t.Errorf("New: %s: got %q, want %q", field, got, want)
		}
	}
}

func TestRejectIsACopy(t *testing.T) {
	f, _ := bind[edit](t, "Text=a")
	g := f.Reject("Text", "Taken already.").Reject("", "Not now.").Reject("Nowhere", "Lost.").Reject("Text", "")
	if _, ok := f.Value(); !ok || f.Failed() {
		t.Error("Reject changed the original")
	}
	if _, ok := g.Value(); ok || g.Problem("Text") != "Taken already." || g.Problem("") != "Not now." || g.ProblemID("Text") != form.MsgInvalid || g.Problem("Nowhere") != "" {
		t.Errorf("got %q, %q", g.Problem("Text"), g.Problem(""))
	}
	if html := string(form.AppendProblems(nil, g)); !strings.Contains(html, "Lost.") {
		t.Error("a rejection of an unknown field is not shown")
	}
	a, b := g.Reject("", "A"), g.Reject("", "B")
	if strings.Contains(string(form.AppendProblems(nil, a)), "<li>B") || strings.Contains(string(form.AppendProblems(nil, b)), "<li>A") {
		t.Error("two copies share their problems")
	}
	var zero form.Form[edit]
	if z := zero.Reject("", "no"); !z.Failed() {
		t.Error("a rejected zero form has not failed")
	}
}

type signUp struct {
	A, B int `form:"required"`
}

func (s signUp) Validate() map[string]string {
	switch {
	case s.A == 99:
		return map[string]string{"B": "b", "A": "a", "": "whole", "Typo": "lost"}
	case s.A > s.B:
		return map[string]string{"B": "B must not be below A.", "A": ""}
	}
	return nil
}

func TestValidate(t *testing.T) {
	if f, _ := bind[signUp](t, "A=1&B=2"); f.Failed() {
		t.Errorf("got %q", f.Problem("B"))
	}
	f, _ := bind[signUp](t, "A=3&B=2")
	if v, ok := f.Value(); ok || v != (signUp{}) || f.Problem("B") != "B must not be below A." || f.Problem("A") != "" {
		t.Errorf("got %v, %v, %q", v, ok, f.Problem("B"))
	}
	if f, _ := bind[signUp](t, "A=3"); f.ProblemID("B") != form.MsgRequired {
		t.Errorf("own rules judged a form that breaks the field's: %q", f.Problem("B"))
	}
	f, _ = bind[signUp](t, "A=99&B=2")
	html := string(form.AppendProblems(nil, f))
	for range 20 {
		again, _ := bind[signUp](t, "A=99&B=2")
		if string(form.AppendProblems(nil, again)) != html {
			t.Fatal("the order of the problems is not fixed")
		}
	}
	if !strings.Contains(html, "lost") || strings.Index(html, "A: a") > strings.Index(html, "B: b") {
		t.Errorf("got %s", html)
	}
}

type joining struct {
	Club  string   `form:"required,choices"`
	Teams []string `form:"choices,max_items=2"`
}

func TestOffer(t *testing.T) {
	clubs := []form.Option{{Value: "1", Label: "Chess"}, {Value: "2"}}
	f, _ := bind[joining](t, "Club=2&Teams=1")
	if v, ok := f.Value(); ok || !reflect.ValueOf(v).IsZero() {
		t.Errorf("a choice that was never offered is taken: %v", v)
	}
	g := f.Offer("Club", clubs...)
	if _, ok := g.Value(); ok {
		t.Error("one of two fields was never offered")
	}
	g = g.Offer("Teams", clubs...)
	if v, ok := g.Value(); !ok || v.Club != "2" || v.Teams[0] != "1" {
		t.Errorf("got %v, %v (%q)", v, ok, g.Problem("Club"))
	}
	if h := g.Offer("Club", clubs[0]); h.ProblemID("Club") != form.MsgChoice {
		t.Errorf("a choice that is not offered: got %q", h.ProblemID("Club"))
	}
	if h := g.Offer("Teams"); h.ProblemID("Teams") != form.MsgChoice {
		t.Errorf("nothing offered: got %q", h.ProblemID("Teams"))
	}
	f, _ = bind[joining](t, "Club=")
	if f = f.Offer("Club", clubs...).Offer("Teams", clubs...); f.ProblemID("Club") != form.MsgRequired {
		t.Errorf("nothing chosen: got %q", f.ProblemID("Club"))
	}
	clubs[1].Value = "changed"
	if v, ok := g.Value(); !ok || v.Club != "2" || !strings.Contains(string(form.AppendField(nil, g, "Club")), `value="2" selected`) {
		t.Error("the caller's slice is shared")
	}
	var zero form.Form[joining]
	if html := string(form.AppendField(nil, zero.Offer("Club", form.Option{Value: "<x>"}), "Club")); !strings.Contains(html, `value="&lt;x&gt;"`) {
		t.Errorf("got %s", html)
	}
	defer func() {
		if p, ok := recover().(string); !ok || !strings.Contains(p, "no such field") {
			t.Errorf("got panic %v", p)
		}
	}()
	zero.Offer("Nothing")
}

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
		"changed":       func() *form.Refusal { _, b := bind[sealed](t, "Text=a&Ref=A"+value[1:]); return b.Refusal }(),
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
			p.Sealer = form.NewSealer(make([]byte, 32), []byte("another session"))
			_, b := form.Bind[sealed](p, nil)
			return b.Refusal
		}(),
	} {
		if refusal == nil || refusal.Status != 400 {
			t.Errorf("%s: got %v, want 400", name, refusal)
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

func TestQuery(t *testing.T) {
	type sort string
	type input struct {
		ID    int64     `path:"id"`
		Slug  string    `path:"slug,max=10"`
		Q     string    `query:"q,max=5"`
		Page  int       `query:"page,min=1,max=100"`
		Sort  sort      `query:"sort,choices=name|date"`
		All   bool      `query:"all"`
		Tags  []string  `query:"tag,max=3,max_items=2"`
		Since time.Time `query:"since,date"`
	}
	at := func(id, slug string) func(string) string {
		return func(name string) string { return map[string]string{"id": id, "slug": slug}[name] }
	}
	for _, c := range []struct {
		name, raw, id, slug string
		want                input
		status              int
	}{
		{"nothing", "", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"all", "q=+ab+&page=2&sort=date&all=on&tag=a&tag=&tag=b&since=2026-02-03", "7", "x", input{7, "x", "ab", 2, "date", true, []string{"a", "b"}, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)}, 0},
		{"empty values", "q=&page=&sort=&all=&tag=&since=", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"unknown names", "utm_source=a&utm_source=b&Q=x&ID=9&id=8&slug=y", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"true", "all=true", "7", "x", input{ID: 7, Slug: "x", All: true}, 0},
		{"false", "all=false", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"scalar twice", "q=a&q=b", "7", "x", input{}, 400},
		{"bool twice", "all=0&all=1", "7", "x", input{}, 400},
		{"too long", "q=abcdef", "7", "x", input{}, 400},
		{"control character", "q=a%00", "7", "x", input{}, 400},
		{"line break", "q=a%0Ab", "7", "x", input{}, 400},
		{"not UTF-8", "q=%FF", "7", "x", input{}, 400},
		{"bad escape in an unknown name", "x=%zz", "7", "x", input{}, 400},
		{"semicolon", "q=a;page=2", "7", "x", input{}, 400},
		{"number", "page=x", "7", "x", input{}, 400},
		{"zero page", "page=0", "7", "x", input{}, 400},
		{"unknown choice", "sort=password", "7", "x", input{}, 400},
		{"choice in another case", "sort=Name", "7", "x", input{}, 400},
		{"odd bool", "all=yes", "7", "x", input{}, 400},
		{"too many", "tag=a&tag=b&tag=c", "7", "x", input{}, 400},
		{"201 pairs", strings.Repeat("x&", 201), "7", "x", input{}, 400},
		{"date", "since=3.2.2026", "7", "x", input{}, 400},
		{"path: no number", "", "abc", "x", input{}, 404},
		{"path: empty", "", "", "x", input{}, 404},
		{"path: zeros in front", "", "007", "x", input{}, 404},
		{"path: minus zero", "", "-0", "x", input{}, 404},
		{"path: negative", "", "-7", "x", input{ID: -7, Slug: "x"}, 0},
		{"path: plus", "", "+7", "x", input{}, 404},
		{"path: space", "", " 7", "x", input{}, 404},
		{"path: overflow", "", "9223372036854775808", "x", input{}, 404},
		{"path: text too long", "", "7", strings.Repeat("x", 11), input{}, 404},
		{"path: spaces around", "", "7", " x", input{}, 404},
		{"path: control character", "", "7", "x\x00", input{}, 404},
		{"path before query", "page=x", "abc", "x", input{}, 404},
	} {
		got, err := form.BindQuery[input](c.raw, at(c.id, c.slug))
		status := 0
		if err != nil {
			status = err.(*form.Refusal).Status
		}
		if !reflect.DeepEqual(got, c.want) || status != c.status {
			t.Errorf("%s: got %+v, %v, want %+v, status %d", c.name, got, err, c.want, c.status)
		}
	}
	if _, err := form.BindQuery[struct{}]("x=%zz", nil); err == nil {
		t.Error("a bad escape for a GET without input: got nil")
	}
	if _, err := form.BindQuery[struct{}]("utm=1", nil); err != nil {
		t.Errorf("a GET without input: got %v", err)
	}
	for name, typ := range map[string]reflect.Type{
		"password": reflect.TypeFor[struct {
			P secret.String `query:"p,password,max=9"`
		}](),
		"password text": reflect.TypeFor[struct {
			P string `query:"p,password,max=9"`
		}](),
		"sealed number": reflect.TypeFor[struct {
			P int `query:"p,sealed"`
		}](),
		"sealed": reflect.TypeFor[struct {
			P string `query:"p,sealed"`
		}](),
		"lines": reflect.TypeFor[struct {
			P string `query:"p,lines,max=9"`
		}](),
		"offered": reflect.TypeFor[struct {
			P string `query:"p,choices"`
		}](),
		"form tag": reflect.TypeFor[struct {
			P string `form:"max=9"`
		}](),
		"no max": reflect.TypeFor[struct {
			P string `query:"p"`
		}](),
		"no name": reflect.TypeFor[struct {
			P string `query:",max=9"`
		}](),
		"excluded": reflect.TypeFor[struct {
			P string `query:"-"`
		}](),
		"untagged": reflect.TypeFor[struct{ P string }](),
	} {
		if spec, faults := form.QuerySpecOf(typ); spec != nil || len(faults) != 1 {
			t.Errorf("%s: got %v, want one fault", name, faults)
		} else if name == "password" && faults[0].ID != form.RulePasswordQuery.ID {
			t.Errorf("%s: got %v", name, faults)
		}
		if _, err := form.BindQuery[struct {
			P string `query:"p"`
		}]("p=x", nil); err == nil || err.(*form.Refusal).Status != 500 {
			t.Errorf("a struct with faults: got %v, want 500", err)
		}
	}
}
