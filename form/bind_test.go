package form_test

import (
	"fmt"
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
	}
	g := form.New(list{[]uint16{0, 5}, "s", 0, 0, 0, 1.5, true, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), secret.New("hunter2")})
	for field, want := range map[string]string{"L": "0", "S": "s", "N": "", "R": "0", "O": "", "F": "1.5", "B": "on", "D": "2026-02-03", "A": "2026-02-03T04:05:06", "P": ""} {
		if got := g.Raw(field); got != want {
			t.Errorf("New: %s: got %q, want %q", field, got, want)
		}
	}
}

// TestPasswordIsNotKept: after binding only the value itself has the password.
func TestPasswordIsNotKept(t *testing.T) {
	f, _ := bind[pass](t, "Pass=hunter2")
	if v, ok := f.Value(); !ok || v.Pass.Reveal() != "hunter2" || f.Raw("Pass") != "" || f.Has("Pass", "hunter2") {
		t.Errorf("got %v, raw %q", ok, f.Raw("Pass"))
	}
}

// TestReveal: a password is shown when its visitor asks, by that copy of the form alone, and is text there.
func TestReveal(t *testing.T) {
	f, _ := bind[pass](t, "Pass=%22%3Ehunter2")
	shown := f.Reject("Pass", "Too short.").Reveal("Pass")
	if html := string(form.AppendFields(nil, shown)); !strings.Contains(html, `type="text"`) || !strings.Contains(html, `value="&#34;&gt;hunter2"`) || strings.Contains(html, "Too short.") {
		t.Errorf("revealed: %s", html)
	}
	if html := string(form.AppendFields(nil, f)); !strings.Contains(html, `type="password"`) || strings.Contains(html, "hunter2") {
		t.Errorf("not revealed: %s", html)
	}
	if shown.Raw("Pass") != "" || strings.Contains(fmt.Sprintf("%v %+v %#v", shown, shown, shown), "hunter2") {
		t.Error("a revealed form tells its password elsewhere")
	}
	if html := string(form.AppendFields(nil, form.Form[pass]{}.Reveal("Pass"))); !strings.Contains(html, `value=""`) {
		t.Errorf("revealed, empty: %s", html)
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
	if f, _ := bind[signUp](t, "A=99"); f.Problem("") != "" {
		t.Errorf("own rules judged a form that breaks the field's: %q", f.Problem(""))
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

// TestWrongVerbsPrintNothing: a form, or a body, in a field that is not exported is followed by fmt when the verb is a wrong
// one.
func TestWrongVerbsPrintNothing(t *testing.T) {
	type signIn struct {
		Password secret.String `form:"password,required,max=20"`
	}
	body, err := form.Parse(post("Password=hunter2canary"), form.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := form.Bind[signIn](body, nil)
	holder := struct {
		f form.Form[signIn]
		b *form.Body
		v form.Body
	}{f, body, *body}
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%d", "%x", "%q", "%t", "%p", "%!"} {
		for _, v := range []any{holder, &holder, f, body, []any{holder}} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "hunter2canary") || strings.Contains(got, fmt.Sprintf("%x", "hunter2canary")) || strings.Contains(got, fmt.Sprintf("%d", []byte("hunter2canary"))) {
				t.Errorf("%s of %T prints what was typed: %s", verb, v, got)
			}
		}
	}
}

func TestRoom(t *testing.T) {
	type button struct{}
	type note struct {
		Text  string   `form:"lines,required,max=5000"`
		Tags  []string `form:"max=30,max_items=10"`
		Count int      `form:""`
	}
	small, _ := form.SpecOf(reflect.TypeFor[button]())
	large, faults := form.SpecOf(reflect.TypeFor[note]())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if small.Room() != 64<<10 {
		t.Errorf("a button: %d bytes", small.Room())
	}
	longest := strings.Repeat("%F0%9F%98%80", 5000)
	tags := strings.Repeat("&Tags="+strings.Repeat("%F0%9F%98%80", 30), 10)
	for _, c := range []struct {
		room int64
		ok   bool
	}{{large.Room(), true}, {small.Room() - 10<<10, false}} {
		_, err := form.Parse(post("Text="+longest+tags+"&Count=-9223372036854775808"), form.Limits{Body: c.room})
		if (err == nil) != c.ok {
			t.Errorf("the longest form in %d bytes: %v", c.room, err)
		}
	}
}
